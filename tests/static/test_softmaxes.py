"""Full softmax and NCE. Oracles: their papers' sums in float64; the softmax of language models."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxemb.errors import InputError
from jaxemb.functional import losses, softmax
from jaxemb.static import batches, objectives, softmaxes, tables
from jaxemb.structs import InOut
from tests.references import word2vec

TEXTS = jnp.array([[0, 3, 1, 4, 2, -1, 5, 6], [7, 1, 1, 8, -1, 2, 9, -5]])
SMALL = {"window": 2, "block_length": 4}
NOISE = {"negatives": 3, "shared_negatives": 4}
OBJECTIVES = {
    "skipgram softmax": softmaxes.skipgram_softmax(**SMALL),
    "cbow softmax": softmaxes.cbow_softmax(**SMALL),
    "skipgram nce": softmaxes.skipgram_nce(**SMALL, **NOISE),
    "cbow nce": softmaxes.cbow_nce(**SMALL, **NOISE),
    "skipgram": objectives.skipgram(**SMALL, **NOISE),
    "cbow": objectives.cbow(**SMALL, **NOISE),
}


@functools.partial(jax.jit, static_argnums=0)
def parts(objective, whole, resources, seed):
    """The loss of two blocks; hidden vectors and blocks."""
    random = jax.random.bits(jax.random.key(seed), (2, objective.reads.bits))
    batch = jax.vmap(objective.draw, in_axes=(0, 0, None))(random, TEXTS, resources)
    rows = tables.gather(whole, batch.ids)
    hidden = jax.vmap(objective.pool)(rows.input, batch)
    return batches.total(objective, rows, batch), hidden, batch


def made(name, vocab, seed=0):
    resources, rows = OBJECTIVES[name].prepare(vocab)
    keys = jax.random.split(jax.random.key(seed), 2)
    return resources, InOut(*map(jax.random.normal, keys, ((n, 6) for n in rows)))


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("kind", ["skipgram", "cbow"])
def test_a_block_of_softmax_costs_the_sum_of_its_observed_words(kind, seed, vocab):
    resources, whole = made(f"{kind} softmax", vocab, seed)
    loss, hidden, batch = parts(OBJECTIVES[f"{kind} softmax"], whole, resources, seed)
    scores = np.float64(hidden) @ np.float64(whole.output).T
    logs = scores - np.log(np.exp(scores).sum(axis=-1, keepdims=True))
    weight = np.float64(batch.weight)
    np.testing.assert_allclose(loss, -np.sum(weight * logs), rtol=1e-5)
    assert weight.sum() == np.sum(batch.pairs) > 0
    centers = np.maximum(np.asarray(TEXTS)[:, 2:6], 0)
    if kind == "cbow":  # each center predicts itself or, without a window, nothing
        own = np.take_along_axis(weight, centers[..., None], axis=2)
        assert set(own.ravel()) <= {0.0, 1.0}
        assert own.sum() == weight.sum()
    else:  # the pairs of skip-gram itself
        words = jnp.maximum(jnp.where(TEXTS < -1, -2 - TEXTS, TEXTS), 0)
        random = jax.random.bits(
            jax.random.key(seed), (2, OBJECTIVES["skipgram softmax"].reads.bits)
        )
        draw = OBJECTIVES["skipgram"].draw
        noise = OBJECTIVES["skipgram"].prepare(vocab)[0]
        for b in range(2):
            more = jnp.concatenate([random[b], jnp.zeros(8, jnp.uint32)])
            near = draw(more, TEXTS[b], noise).weight[:, :8]
            expected = np.zeros((4, 12))
            np.add.at(expected.T, np.asarray(words[b]), np.asarray(near).T)
            np.testing.assert_array_equal(weight[b], expected)


def test_the_loss_of_a_block_is_that_of_language_models():
    keys = jax.random.split(jax.random.key(0), 2)
    hidden, outputs = jax.random.normal(keys[0], (5, 8)), jax.random.normal(keys[1], (9, 8))
    target = jnp.array([0, 3, 3, 8, 1])
    theirs = jnp.sum(softmax.full(hidden, outputs, jnp.zeros(9), target))
    ours = losses.softmax(hidden, outputs, jnp.ones(9), jax.nn.one_hot(target, 9))
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_softmax_does_not_notice_one_vector_added_to_all_outputs_and_the_others_do(name, vocab):
    resources, whole = made(name, vocab)
    shifted = whole._replace(output=whole.output + jnp.arange(6.0)[None, :] / 6)
    before, after = (parts(OBJECTIVES[name], pair, resources, 0)[0] for pair in (whole, shifted))
    if name.endswith("softmax"):
        np.testing.assert_allclose(after, before, rtol=1e-5)
    else:
        assert abs(after - before) > 1e-3 * before


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("kind", ["skipgram", "cbow"])
def test_nce_lowers_every_score_by_the_log_of_the_expected_noise(kind, seed, vocab):
    """Mnih and Teh's sum, word by word, over the block that negative sampling draws."""
    resources, whole = made(f"{kind} nce", vocab, seed)
    loss, hidden, batch = parts(OBJECTIVES[f"{kind} nce"], whole, resources, seed)
    plain = parts(OBJECTIVES[kind], whole, resources, seed)[2]
    np.testing.assert_array_equal(batch.ids.output, plain.ids.output)
    np.testing.assert_array_equal(batch.weight[..., -4:], plain.weight[..., -4:])
    mass = vocab.counts**0.75 / np.sum(vocab.counts**0.75)
    expected = 0.0
    for b in range(2):
        out = np.asarray(batch.ids.output[b])
        u = np.float64(whole.output)[out]
        ratio = np.float64(hidden[b]) @ u.T - np.log(3 * mass[out])[None, :]
        sign = np.where(np.arange(len(out)) < len(out) - 4, 1.0, -1.0)
        own = np.asarray(plain.weight[b])[:, :-4]
        observed = np.diag(own[:, 0]) if kind == "cbow" else own
        weight = np.concatenate([observed, np.asarray(plain.weight[b])[:, -4:]], axis=1)
        expected += np.sum(weight * word2vec.minus_log_sigma(sign[None, :] * ratio))
    np.testing.assert_allclose(loss, expected, rtol=1e-5)


@jax.jit
def expected_gradient(scores, observed, noise, k):
    """The gradient of NCE by its scores, over all words, if noise occurs as often as expected."""
    eye, pairs = jnp.eye(len(noise)), jnp.sum(observed, axis=1, keepdims=True)
    log_expected = jnp.tile(jnp.log(k * noise), 2)
    target = losses.Contrast(jnp.repeat(jnp.array([1.0, -1.0]), len(noise)), log_expected)
    weight = jnp.concatenate([observed, k * pairs * noise[None, :]], axis=1)
    outputs = jnp.concatenate([eye, eye])
    return jax.grad(losses.noise_contrastive)(scores, outputs, target, weight)


def test_nce_rests_where_scores_are_log_probabilities_whatever_the_noise():
    observed = np.random.default_rng(0).dirichlet(np.ones(7), 3).astype(np.float32)
    for noise in (np.full(7, 1 / 7, np.float32), observed[1, ::-1]):
        gradient = expected_gradient(jnp.log(observed), observed, noise, k=3.0)
        np.testing.assert_allclose(gradient, 0.0, atol=1e-6)
        elsewhere = expected_gradient(jnp.log(observed) + 0.1, observed, noise, k=3.0)
        assert np.abs(elsewhere).max() > 1e-3


def test_with_ever_more_noise_nces_gradient_becomes_that_of_softmax():
    """Gutmann and Hyvarinen: if scores are normalised, up to terms of 1 / k."""
    observed, other = np.random.default_rng(0).dirichlet(np.ones(7), (2, 3)).astype(np.float32)
    scores = np.log(other)
    exact = jax.jit(jax.grad(losses.softmax))(scores, jnp.eye(7), jnp.ones(7), observed)
    errors = [
        float(np.abs(expected_gradient(scores, observed, jnp.full(7, 1 / 7), k) - exact).max())
        for k in (10.0, 100.0, 1000.0)
    ]
    assert errors[0] > 1e-2
    assert errors[1] < errors[0] / 5
    assert errors[2] < 2e-3


@pytest.mark.parametrize("setting", ["window", "block_length"])
@pytest.mark.parametrize("make", [softmaxes.skipgram_softmax, softmaxes.cbow_nce])
def test_a_setting_below_one_is_refused(make, setting):
    with pytest.raises(InputError, match=f"{setting} is 0; it must be at least 1"):
        make(**{setting: 0})
