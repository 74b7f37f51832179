"""Measures of contextuality. Oracles: definitions in float64; planted Gaussians; identities."""

import functools
import inspect
import itertools
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxemb import embedders, linalg
from jaxemb.errors import InputError
from jaxemb.evaluation import contextuality
from jaxemb.lab.studies.context import report
from jaxemb.linalg import segment_sums

SEEDS = pytest.mark.parametrize("seed", range(3))
TYPES, SENTENCES = 7, 9


def _on_host(function):
    """With NumPy arrays: in float64."""
    return lambda *arrays: function(*map(np.asarray, arrays))


HOST_AND_JIT = pytest.mark.parametrize("transform", [_on_host, jax.jit], ids=["host", "jit"])
SHARE = jax.jit(lambda v, t: contextuality.context_share(v, t, TYPES))


def _running_words(seed: int, occurrences: int = 60, dim: int = 8):
    """Vectors around a mean of their own word, off the origin; type 5 never, type 6 once."""
    random = np.random.default_rng(seed)
    types = np.append(random.integers(0, 5, occurrences - 1), 6).astype(np.int32)
    sentences = np.sort(random.integers(0, SENTENCES - 1, occurrences)).astype(np.int32)
    means = random.normal(size=(TYPES, dim)) + 2.0
    return means[types] + random.normal(size=(occurrences, dim)), types, sentences


def _cosine(a, b):
    return a @ b / np.linalg.norm(a) / np.linalg.norm(b)


def _pairwise(vectors):
    """The mean over all pairs, one by one."""
    cosines = [_cosine(a, b) for a, b in itertools.permutations(vectors, 2)]
    return np.mean(cosines) if cosines else np.nan


def _padded(vectors, *segments):
    """The rows with rows of padding inserted, whose segment is -1."""
    places = [0, 20, len(vectors)]
    rows = np.insert(vectors, places, 0.0, axis=0)
    return jnp.asarray(rows, jnp.float32), *(
        jnp.asarray(np.insert(s, places, -1)) for s in segments
    )


@HOST_AND_JIT
@SEEDS
def test_self_similarity_is_the_mean_over_pairs_of_one_word(transform, seed):
    vectors, types, _ = _running_words(seed)
    expected = [_pairwise(vectors[types == w]) for w in range(TYPES)]
    assert np.isnan(expected[5:]).all()
    measure = transform(lambda v, t: contextuality.self_similarity(v, t, TYPES))
    np.testing.assert_allclose(measure(*_padded(vectors, types)), expected, rtol=1e-5)


@HOST_AND_JIT
@SEEDS
@pytest.mark.parametrize("unbiased", [True, False])
def test_a_word_meets_its_sentence_with_or_without_itself(transform, seed, unbiased):
    vectors, _, sentences = _running_words(seed)
    expected = np.full(SENTENCES, np.nan)
    for s in range(SENTENCES):
        mine = vectors[sentences == s]
        if len(mine) > unbiased:
            around = [np.delete(mine, i, 0) if unbiased else mine for i in range(len(mine))]
            cosines = [_cosine(x, rest.sum(axis=0)) for x, rest in zip(mine, around, strict=True)]
            expected[s] = np.mean(cosines)
    measure = transform(
        lambda v, s: contextuality.intra_sentence_similarity(v, s, SENTENCES, unbiased=unbiased)
    )
    np.testing.assert_allclose(measure(*_padded(vectors, sentences)), expected, rtol=1e-5)


def test_orthogonal_words_are_a_sentence_only_by_the_bias():
    words, of_one = np.eye(16), np.zeros(16, np.int32)
    biased = contextuality.intra_sentence_similarity(words, of_one, 1, unbiased=False)
    np.testing.assert_allclose(biased, 1 / np.sqrt(16), rtol=1e-12)
    np.testing.assert_array_equal(contextuality.intra_sentence_similarity(words, of_one, 1), 0.0)


@HOST_AND_JIT
@SEEDS
def test_anisotropy_is_the_mean_over_pairs_as_they_are_drawn(transform, seed):
    vectors, _, sentences = _running_words(seed, occurrences=30)
    single = jnp.asarray(vectors, jnp.float32)
    uniform = transform(contextuality.anisotropy)(single)
    np.testing.assert_allclose(uniform, _pairwise(vectors), rtol=1e-5)
    sizes = np.bincount(sentences)
    p = 1 / sizes[sentences] / (sizes > 0).sum()
    pairs = list(itertools.permutations(range(30), 2))
    weight = np.array([p[i] * p[j] for i, j in pairs])
    cosines = [_cosine(vectors[i], vectors[j]) for i, j in pairs]
    rows, padded = _padded(vectors, sentences)
    weights = contextuality.sentence_weights(padded, SENTENCES)
    drawn = transform(contextuality.anisotropy)(rows, weights)
    np.testing.assert_allclose(drawn, weight @ cosines / weight.sum(), rtol=1e-5)


@HOST_AND_JIT
@pytest.mark.parametrize("shape", [(5, 40), (40, 5), (1, 3), (6, 6)])
def test_explainable_variance_is_the_first_singular_values_share(transform, shape):
    x = np.random.default_rng(0).normal(size=shape) + 0.5
    squares = np.linalg.svd(x, compute_uv=False) ** 2
    share = transform(contextuality.explainable_variance)(jnp.asarray(x, jnp.float32))
    np.testing.assert_allclose(share, squares[0] / squares.sum(), rtol=1e-5)
    tiny = transform(contextuality.explainable_variance)(jnp.asarray(x * 1e-25, jnp.float32))
    np.testing.assert_allclose(tiny, share, rtol=1e-5)


def test_noise_has_no_more_than_the_baseline_of_the_same_n():
    """In 1,024 dimensions noise has 0.22 at n = 5 and 0.01 at n = 200: n must be equal."""
    gaussians = np.random.default_rng(1).normal(size=(20, 5, 1024))
    squares = np.linalg.svd(gaussians, compute_uv=False) ** 2
    expected = np.mean(squares[:, 0] / squares.sum(axis=1))
    noise = np.random.default_rng(0).normal(size=(2000, 1024)).astype(np.float32)
    groups = contextuality.explainable_variance(noise[:500].reshape(100, 5, 1024))
    baseline = contextuality.explainable_variance_baseline(jax.random.key(0), noise, 5, 200)
    assert len(baseline) == 200
    np.testing.assert_allclose(groups.mean(), expected, atol=0.003)
    assert abs(groups.mean() - baseline.mean()) < 0.001
    many = contextuality.explainable_variance_baseline(jax.random.key(0), noise, 200, 5)
    marchenko_pastur = (1 + np.sqrt(200 / 1024)) ** 2 / 200
    np.testing.assert_allclose(many, marchenko_pastur, rtol=0.05)


@pytest.mark.parametrize("xp", [np, jnp])
def test_a_draw_has_n_different_occurrences(xp):
    """Of basis vectors, n different ones have the share 1 / n; one twice would have more."""
    key = jax.random.key(1)
    shares = contextuality.explainable_variance_baseline(key, xp.eye(7), 3, 50)
    np.testing.assert_allclose(shares, np.full(50, 1 / 3), rtol=1e-5)
    with pytest.raises(InputError, match="8 occurrences to be drawn of 7"):
        contextuality.explainable_variance_baseline(key, xp.eye(7), 8)


@HOST_AND_JIT
@SEEDS
def test_total_variance_is_that_between_words_and_that_within(transform, seed):
    vectors, types, _ = _running_words(seed)
    means = np.array([vectors[types == w].mean(axis=0) for w in types])
    total = np.trace(np.cov(vectors.T, bias=True))
    between = np.trace(np.cov(means.T, bias=True))
    within = np.mean(np.sum((vectors - means) ** 2, axis=1))
    np.testing.assert_allclose(between + within, total, rtol=1e-12)
    measured = transform(lambda v, t: contextuality.context_share(v, t, TYPES))(
        *_padded(vectors, types)
    )
    np.testing.assert_allclose(measured[:4], [total, between, within, within / total], rtol=1e-5)
    n = np.bincount(types, minlength=TYPES)
    np.testing.assert_allclose(np.nansum(n * measured.by_type) / n.sum(), measured.share, rtol=1e-5)
    spread = [np.trace(np.cov(vectors[types == w].T, bias=True)) / total for w in range(5)]
    np.testing.assert_allclose(measured.by_type[:5], spread, rtol=1e-5)
    assert np.isnan(measured.by_type[5])
    assert measured.by_type[6] == 0.0


@SEEDS
def test_noise_is_all_context_once_degrees_of_freedom_are_counted(seed):
    """Words of 5 occurrences each, whose vectors know nothing of the word."""
    noise = np.random.default_rng(seed).normal(size=(500, 64)) + 3.0
    measured = contextuality.context_share(noise, np.arange(500) // 5, 100)
    np.testing.assert_allclose(measured.share, 0.8, atol=0.01)
    np.testing.assert_allclose(measured.corrected, 1.0, atol=0.01)


@SEEDS
def test_static_vectors_have_no_context(seed):
    table = np.random.default_rng(seed).normal(size=(TYPES, 8)).astype(np.float32) + 5
    _, types, _ = _running_words(seed)
    vectors, types = jnp.asarray(table[types]), jnp.asarray(types)
    share = SHARE(vectors, types)
    assert share.share == 0.0
    assert share.corrected == 0.0
    similar = contextuality.self_similarity(table[types], np.asarray(types), TYPES)
    np.testing.assert_allclose(similar[:5], 1.0, rtol=1e-10)
    alike = contextuality.explainable_variance(np.asarray(vectors)[types == 3])
    np.testing.assert_allclose(alike, 1.0, rtol=1e-5)


def test_vectors_that_do_not_differ_have_no_shares():
    same = np.ones((6, 3))
    assert np.isnan(contextuality.context_share(same, np.arange(6) // 2, 3).share)
    assert np.isnan(contextuality.procrustes_similarity(same, np.eye(6)))


def test_where_no_word_occurs_twice_nothing_is_known_of_context():
    share = contextuality.context_share(
        np.random.default_rng(0).normal(size=(3, 2)), np.arange(3), 3
    )
    assert share.share == 0.0
    assert np.isnan(share.corrected)


def test_segments_that_do_not_fit_their_rows_are_refused():
    unchecked = inspect.unwrap(segment_sums.sums)  # shapes are not checked for users
    with pytest.raises(InputError, match="3 segments for 4 rows"):
        unchecked(np.eye(4), np.zeros(3, int), 2)


@pytest.mark.parametrize("measure", [contextuality.self_similarity, embedders.static_from_mean])
def test_words_that_are_not_there_are_refused(measure):
    vectors = np.eye(4)
    with pytest.raises(InputError, match="segment 7, but there are 6"):
        measure(vectors, np.array([0, 1, 7, 2]), 6)


@SEEDS
def test_measures_keep_under_rotation_and_scale(seed):
    vectors, types, sentences = _running_words(seed)
    turned = 7.0 * vectors @ np.asarray(linalg.random_orthogonal(jax.random.key(seed), 8), float)
    before, after = (
        (
            contextuality.self_similarity(x, types, TYPES)[:5],
            contextuality.intra_sentence_similarity(x, sentences, SENTENCES),
            contextuality.anisotropy(x),
            contextuality.explainable_variance(x),
            contextuality.context_share(x, types, TYPES)[3:5],
        )
        for x in (vectors, turned)
    )
    for one, other in zip(before, after, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)
    np.testing.assert_allclose(linalg.cka(vectors, turned), 1.0, rtol=1e-5)
    np.testing.assert_allclose(contextuality.procrustes_similarity(vectors, turned), 1.0, rtol=1e-5)


@HOST_AND_JIT
@SEEDS
def test_procrustes_similarity_is_what_the_best_rotation_reaches(transform, seed):
    random = np.random.default_rng(seed)
    left, right = random.normal(size=(30, 4)) + 1.0, random.normal(size=(30, 6))
    a, b = left - left.mean(axis=0), right - right.mean(axis=0)
    a, b = np.pad(a / np.linalg.norm(a), ((0, 0), (0, 2))), b / np.linalg.norm(b)
    expected = np.sum((a @ linalg.procrustes(a, b).rotation) * b)
    measure = transform(contextuality.procrustes_similarity)
    similarity = measure(jnp.asarray(left, jnp.float32), jnp.asarray(right, jnp.float32))
    np.testing.assert_allclose(similarity, expected, rtol=1e-5)


def test_alignment_of_noise_is_all_bias():
    """Independent Gaussians of more dimensions than rows: 0.83, and nothing without the bias."""
    random = np.random.default_rng(0)
    left, right = random.normal(size=(2, 100, 512))
    k, m = ((x - x.mean(axis=0)) @ (x - x.mean(axis=0)).T for x in (left, right))
    biased = np.sum(k * m) / np.linalg.norm(k) / np.linalg.norm(m)
    np.testing.assert_allclose(linalg.cka(left, right, unbiased=False), biased, rtol=1e-10)
    assert 0.8 < biased < 0.86
    assert abs(linalg.cka(left, right)) < 0.06
    static = np.repeat(np.arange(20), 5)
    layer = contextuality.describe(jax.random.key(0), [left], right, static, static)[0]
    assert layer.cka == linalg.cka(right, left)


def _layers(seed: int):
    """Layer 0 is static; layer 1 adds noise to it; layer 2 is noise."""
    random = np.random.default_rng(seed)
    types, sentences = np.arange(600) % 60, np.arange(600) // 20
    static = random.normal(size=(60, 32)).astype(np.float32)[types]
    noise = random.normal(size=(600, 32)).astype(np.float32)
    return np.stack([static, static + noise, noise]), static, types, sentences


def test_layers_are_described_from_static_to_noise():
    layers, static, types, sentences = _layers(0)
    described = contextuality.describe(jax.random.key(0), layers, static, types, sentences)
    assert [layer.layer for layer in described] == [0, 1, 2]
    assert described[0].context_share == 0.0
    assert described[0].explainable_variance > 1 - 1e-9
    np.testing.assert_allclose(described[0].cka, 1.0, rtol=1e-9)
    np.testing.assert_allclose(
        [layer.context_share_corrected for layer in described], [0, 0.5, 1], atol=0.03
    )
    assert abs(described[2].self_similarity_beyond) < 0.01
    assert abs(described[2].explainable_variance_beyond) < 0.01
    assert abs(described[2].cka or 1.0) < 0.05  # the biased one is far above
    for layer in described[2:]:
        assert layer.procrustes is not None
        assert layer.procrustes_baseline is not None
        assert abs(layer.procrustes - layer.procrustes_baseline) < 0.05 < layer.procrustes
    assert all(layer.rank.rank == 32 and len(layer.spectrum) == 32 for layer in described)
    assert "context carries 0.0% of the variance" in str(described[0])
    table = report.by_layer(described).splitlines()
    assert len(table) == 5
    assert {line.count("|") for line in table} == {10}
    json.dumps([layer.effective_rank for layer in described])


def test_padding_and_rare_words_change_nothing_that_is_by_word():
    layers, _, types, sentences = _layers(1)
    key = jax.random.key(0)
    plain = contextuality.describe(key, layers[1:2], None, types, sentences)[0]
    rows = np.concatenate([layers[1], np.full((3, 32), np.nan), layers[1][:1]])
    padded = contextuality.describe(
        key,
        [rows],
        None,
        np.append(types, [-1, -1, -1, 99]),
        np.append(sentences, [0, 0, 0, 99]),
    )[0]
    assert padded.occurrences == plain.occurrences + 1
    assert padded.types == plain.types
    np.testing.assert_allclose(padded.context_share, plain.context_share, rtol=1e-12)
    np.testing.assert_allclose(padded.self_similarity, plain.self_similarity, rtol=1e-12)
    assert plain.cka is None
    assert "nan" not in report.by_layer([plain])


def test_what_cannot_be_described_is_refused():
    layers, static, types, sentences = _layers(0)
    key = jax.random.key(0)
    with pytest.raises(InputError, match=r"no word occurs 11 times .* \(the most is 10\)"):
        contextuality.describe(key, layers, None, types, sentences, min_occurrences=11)
    with pytest.raises(InputError, match="static vectors: 5 vectors for 600 occurrences"):
        contextuality.describe(key, layers, static[:5], types, sentences)
    layers[1, 7, 3] = np.nan
    with pytest.raises(InputError, match="layer 1: NaN or infinity in occurrence 7"):
        contextuality.describe(key, layers, None, types, sentences)


def _linear(blocks, vectors):
    """output_t = sum_s A_ts input_s, whose Jacobian is A."""
    return jnp.einsum("tsod,sd->to", blocks, vectors)


def _blocks(seed: int, time: int = 5, dim: int = 4, wide: int = 3):
    random = np.random.default_rng(seed)
    blocks, vectors = random.normal(size=(time, time, wide, dim)), random.normal(size=(time, dim))
    norms = np.linalg.norm(blocks, axis=(2, 3))
    return jnp.asarray(blocks, jnp.float32), jnp.asarray(vectors, jnp.float32), norms


@jax.jit
def _both(blocks, vectors):
    apply = functools.partial(_linear, blocks)
    exact = contextuality.jacobian_norms(apply, vectors)
    return exact, contextuality.jacobian_share(apply, vectors)


@SEEDS
def test_a_linear_maps_jacobian_is_the_map(seed):
    blocks, vectors, expected = _blocks(seed)
    norms, share = _both(blocks, vectors)
    np.testing.assert_allclose(norms, expected, rtol=1e-5)
    others = expected.sum(axis=1) - np.diag(expected)
    np.testing.assert_allclose(share, others / expected.sum(axis=1), rtol=1e-5)


def test_the_jacobian_of_any_function_is_jacrevs():
    weight = jnp.asarray(np.random.default_rng(0).normal(size=(4, 4)), jnp.float32)
    vectors = jnp.linspace(-1.0, 1.0, 24).reshape(6, 4)

    def causal(x):
        return jnp.tanh(jnp.cumsum(x, axis=0) @ weight)

    norms, jacobian = jax.jit(
        lambda x: (contextuality.jacobian_norms(causal, x), jax.jacrev(causal)(x))
    )(vectors)
    expected = np.linalg.norm(np.asarray(jacobian, float), axis=(1, 3))
    np.testing.assert_allclose(norms, expected, rtol=1e-5)
    assert (np.asarray(norms)[np.triu_indices(6, 1)] == 0.0).all()  # exactly


def test_probes_come_to_the_norms():
    """The relative variance of a square is at most 2 / probes."""
    blocks, vectors, expected = _blocks(0)
    apply = functools.partial(_linear, blocks)
    norms, share = jax.jit(
        lambda key: (
            contextuality.sampled_jacobian_norms(key, apply, vectors, probes=4000),
            contextuality.jacobian_share(apply, vectors, key=key, probes=4000),
        )
    )(jax.random.key(0))
    np.testing.assert_allclose(norms, expected, rtol=4 * np.sqrt(2 / 4000) / 2)
    np.testing.assert_allclose(share, _both(blocks, vectors)[1], rtol=0.02)


@pytest.mark.parametrize("probes", [None, 2])
def test_a_static_map_has_no_share_of_context(probes):
    vectors = jnp.linspace(-1.0, 1.0, 12).reshape(4, 3)
    share = jax.jit(
        lambda apply, x: contextuality.jacobian_share(apply, x, probes=probes), static_argnums=0
    )
    np.testing.assert_array_equal(share(jnp.tanh, vectors), 0.0)
    assert np.isnan(share(jnp.zeros_like, vectors)).all()
