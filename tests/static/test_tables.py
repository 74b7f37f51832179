"""Reading rows and adding to them. Oracles: the adjoint identity; NumPy's add.at."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxemb.static import tables
from jaxemb.structs import InOut
from tests.transforms import PLAIN_AND_JIT


@PLAIN_AND_JIT
@pytest.mark.parametrize("ops", [tables.OPS, tables.SORTED], ids=["plain", "sorted"])
@pytest.mark.parametrize("shape", [(6,), (2, 3, 4)])
def test_gather_and_scatter_add_are_adjoint(transform, shape, ops):
    keys = jax.random.split(jax.random.key(0), 4)
    table = InOut(jax.random.normal(keys[0], (5, 3)), jax.random.normal(keys[1], (7, 3)))
    ids = InOut(jax.random.randint(keys[2], shape, 0, 5), jax.random.randint(keys[2], shape, 0, 7))
    rows = jax.tree.map(lambda i: jax.random.normal(keys[3], (*i.shape, 3)), ids)
    read = transform(ops.gather)(table, ids)
    added = transform(ops.scatter_add)(jax.tree.map(jnp.zeros_like, table), ids, rows)
    for side in range(2):
        left, right = np.vdot(read[side], rows[side]), np.vdot(table[side], added[side])
        np.testing.assert_allclose(left, right, rtol=1e-4, atol=1e-5)  # sums of 18 products


@pytest.mark.parametrize("words", [1, 3, 1000])
def test_sorted_and_plain_scatter_add_the_same(words):
    plain, ordered = (jax.jit(ops.scatter_add) for ops in (tables.OPS, tables.SORTED))
    for seed in range(3):
        random = np.random.default_rng(seed)
        table, rows = (
            InOut(*random.normal(size=(2, *shape, 3)).astype(np.float32))
            for shape in ((words,), (4, 9))
        )
        ids = InOut(*random.integers(0, words, (2, 4, 9)).astype(np.int32))
        given = jax.tree.map(jnp.asarray, (table, ids, rows))
        for one, other in zip(plain(*given), ordered(*given), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)  # sums in another order


@pytest.mark.parametrize("seed", range(3))
def test_repeats_are_summed_at_one_representative_whatever_the_scratch(seed):
    keys = jax.random.split(jax.random.key(seed), 3)
    ids = jax.random.randint(keys[0], (20,), 0, 6)
    gradient = jax.random.normal(keys[1], (20, 3))
    scratch = jax.random.randint(keys[2], (6,), -99, 99)
    summed, first, _ = tables.sum_repeats(ids, gradient, scratch)
    expected = np.zeros((6, 3), np.float32)
    np.add.at(expected, np.asarray(ids), np.asarray(gradient))
    assert sorted(np.asarray(ids)[np.asarray(first)]) == sorted(set(np.asarray(ids).tolist()))
    np.testing.assert_allclose(summed[first], expected[ids[first]], rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(summed[~first], 0.0)


def test_tables_start_as_word2vecs():
    start = tables.init(jax.random.key(0), InOut(300, 200), 20)
    assert start.output.shape == (200, 20)
    np.testing.assert_array_equal(start.output, 0.0)
    assert float(jnp.abs(start.input).max()) <= 0.5 / 20
    np.testing.assert_allclose(jnp.std(start.input), 1 / (20 * np.sqrt(12)), rtol=0.02)
    assert len(np.unique(np.asarray(start.input), axis=0)) == 300  # word2vec.c repeats rows


@pytest.mark.parametrize("ops", [tables.OPS, tables.SORTED], ids=["plain", "sorted"])
def test_rows_that_are_not_named_keep_their_bits(ops):
    """Rows of -0.0, to which an addition of 0.0 would change a bit."""
    table = jnp.full((9, 3), -0.0)
    ids = jnp.array([4, 2, 4, 4, 2, 4, 4])
    added = ops.scatter_add(InOut(table, table), InOut(ids, ids), InOut(*[jnp.ones((7, 3))] * 2))
    for side in added:
        named = np.isin(np.arange(9), [2, 4])
        np.testing.assert_array_equal(np.signbit(side)[~named], True)
        np.testing.assert_array_equal(np.asarray(side)[named], [[2.0] * 3, [5.0] * 3])
