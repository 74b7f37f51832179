"""Tables from contextual vectors. Oracles: each word alone in float64 NumPy; planted directions."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxemb import embedders, evaluation, linalg
from jaxemb.errors import InputError
from jaxemb.structs import Vocab
from tests.transforms import PLAIN_AND_JIT

NUM, DIM = 6, 5
SEEDS = pytest.mark.parametrize("seed", range(3))


def _running_words(seed: int = 0, occurrences: int = 50):
    """Vectors of words 0 to 4, more than DIM of some and one of word 4, and padding; none of 5."""
    random = np.random.default_rng(seed)
    types = np.r_[random.integers(0, 4, occurrences - 3), 4, -1, -1].astype(np.int32)
    random.shuffle(types)
    means = 2 * random.normal(size=(NUM, DIM))
    return means[types] + random.normal(size=(occurrences, DIM)), types


def test_words_that_are_not_there_have_no_component():
    with pytest.raises(InputError, match="segment 7, but there are 6"):
        embedders.static_from_component(np.eye(4), np.array([0, 1, 7, 2]), 6)


@PLAIN_AND_JIT
@SEEDS
def test_the_mean_is_over_each_words_own_vectors(transform, seed):
    vectors, types = _running_words(seed)
    expected = np.stack([vectors[types == w].mean(axis=0) for w in range(5)])
    means_of = transform(functools.partial(embedders.static_from_mean, num_types=NUM))
    for given, rtol in (((vectors, types), 1e-12), ((jnp.asarray(vectors), types), 1e-5)):
        if transform is jax.jit:
            given, rtol = tuple(map(jnp.asarray, given)), 1e-5
        means = means_of(*given)
        np.testing.assert_allclose(means.table[:5], expected, rtol=rtol)
        assert np.isnan(means.table[5]).all()
        np.testing.assert_array_equal(means.counts, [*np.bincount(types[types >= 0]), 0])


@SEEDS
def test_the_mean_is_the_static_table_of_least_squared_error(seed):
    vectors, types = _running_words(seed)
    real, means = types >= 0, embedders.static_from_mean(vectors, types, NUM).table

    def error(table):
        return ((vectors - table[types])[real] ** 2).sum()

    for other in np.random.default_rng(seed).normal(size=(4, NUM, DIM)):
        assert error(means + 1e-3 * other) > error(means)


@SEEDS
def test_the_component_is_the_direction_nearest_to_all_of_a_words_vectors(seed):
    vectors, types = _running_words(seed)
    components = embedders.static_from_component(vectors, types, NUM)
    for w in range(5):
        mine = vectors[types == w]
        values, directions = np.linalg.eigh(mine.T @ mine)
        row = components.table[w]
        assert abs(row @ directions[:, -1]) == pytest.approx(np.linalg.norm(row), rel=1e-10)
        assert row @ row == pytest.approx(values[-1] / len(mine), rel=1e-10)
        assert row @ mine.mean(axis=0) > 0
        assert components.share[w] == pytest.approx(values[-1] / values.sum(), rel=1e-10)
    assert np.isnan(components.share[5])
    assert np.isnan(components.table[5]).all()
    np.testing.assert_array_equal(components.counts, [*np.bincount(types[types >= 0]), 0])


def test_the_component_of_opposed_vectors_is_what_they_share_where_the_mean_is_nothing():
    axis = np.eye(DIM)[2]
    vectors = np.stack([3 * axis, -3 * axis, axis, 0 * axis])
    components = embedders.static_from_component(vectors, np.zeros(4, int), 1)
    np.testing.assert_allclose(components.table[0], np.sqrt(19 / 4) * axis, atol=1e-12)
    assert components.share[0] == pytest.approx(1.0)


@pytest.mark.parametrize("method", [embedders.static_from_mean, embedders.static_from_component])
def test_from_a_static_embedder_comes_its_own_table(method):
    table = jax.random.normal(jax.random.key(0), (NUM, DIM))
    types = jnp.array([0, 1, 2, 0, 3, 0, 4, 1, 5, 5, 0, 0, 0, 0])
    vectors = embedders.lookup(NUM, DIM).apply(table, types, jnp.ones(14))
    result = method(vectors, types, NUM)
    np.testing.assert_allclose(result.table, table, rtol=1e-6, atol=1e-6)
    if method is embedders.static_from_component:
        np.testing.assert_allclose(result.share, 1.0, atol=1e-12)


@pytest.mark.parametrize("method", [embedders.static_from_mean, embedders.static_from_component])
def test_a_word_that_does_not_occur_keeps_the_row_it_is_given(method):
    vectors, types = _running_words()
    static = np.random.default_rng(9).normal(size=(NUM, DIM))
    result = method(vectors, types, NUM, static)
    np.testing.assert_array_equal(result.table[5], static[5])
    np.testing.assert_array_equal(result.table[:5], method(vectors, types, NUM).table[:5])
    with pytest.raises(InputError, match=r"static rows \(5, 5\); wanted \(6, 5\)"):
        method(vectors, types, NUM, static[:5])


@pytest.mark.parametrize("method", [embedders.static_from_mean, embedders.static_from_component])
def test_what_comes_back_is_a_table_like_any_other(method):
    vectors, types = _running_words()
    table, vocab = method(vectors, types, NUM).table[:5], Vocab(tuple("abcde"), np.arange(5, 0, -1))
    assert len(evaluation.nearest(vocab, table, "a", k=4).words) == 4
    assert linalg.rank(table).rank == 5


@PLAIN_AND_JIT
@pytest.mark.parametrize("eta", [0.0, 0.3, 1.0])
def test_a_faded_row_is_between_what_it_was_and_its_mean(transform, eta):
    vectors, types = _running_words()
    table = jax.random.normal(jax.random.key(2), (50, DIM))  # rows 5 to 49 are not read
    moved = transform(embedders.faded)(table, jnp.asarray(vectors), jnp.asarray(types), eta)
    means = np.stack([vectors[types == w].mean(axis=0) for w in range(5)])
    np.testing.assert_allclose(moved[:5], (1 - eta) * table[:5] + eta * means, atol=1e-5)
    np.testing.assert_array_equal(moved[5:], table[5:])
    if eta == 0:
        np.testing.assert_array_equal(moved, table)


@SEEDS
def test_the_order_of_occurrences_changes_no_faded_table(seed):
    vectors, types = _running_words(seed)
    table = np.random.default_rng(seed).normal(size=(NUM, DIM))
    order = np.random.default_rng(seed + 9).permutation(len(types))
    moved = embedders.faded(table, vectors, types, 0.3)
    np.testing.assert_allclose(
        embedders.faded(table, vectors[order], types[order], 0.3), moved, rtol=1e-12
    )
    assert moved.dtype == np.float64
