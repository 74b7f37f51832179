"""Bags of rows read as their means. Oracles: NumPy in float64; the adjoint identity."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxemb.static import bags, tables
from jaxemb.structs import Bag, InOut
from tests.rounding import SUM, close
from tests.transforms import PLAIN_AND_JIT


def _bag(seed: int, shape=(5, 7), width: int = 19, rows: int = 11) -> Bag:
    """Bags of every length from none to all of the width, repeats within."""
    draw = np.random.default_rng(seed)
    count = draw.integers(0, width + 1, shape)
    ids = draw.integers(0, rows, (*shape, width))
    return Bag(*map(jnp.asarray, (ids, count, draw.random(shape).astype(np.float32))))


def _normal(seed: int, *shapes):
    draw = np.random.default_rng(seed)
    return [jnp.asarray(draw.normal(size=shape), jnp.float32) for shape in shapes]


def _each(bag: Bag):
    return zip(
        np.ndindex(bag.length.shape), np.asarray(bag.length).ravel(), bag.share.ravel(), strict=True
    )


@PLAIN_AND_JIT
@pytest.mark.parametrize("shape", [(3,), (5, 30)])
def test_a_bag_is_read_as_the_mean_of_its_rows(transform, shape):
    bag, (table,) = _bag(0, shape), _normal(1, (11, 4))
    expected = np.zeros((*shape, 4))
    for index, count, _ in _each(bag):
        if count:
            expected[index] = np.asarray(table, np.float64)[
                np.asarray(bag.rows)[index][:count]
            ].mean(axis=0)
    close(transform(bags.read)(table, bag), expected, ulps=SUM)


@PLAIN_AND_JIT
@pytest.mark.parametrize("way", [tables.scatter_add, tables.scatter_add_sorted])
def test_every_row_of_a_bag_receives_its_share_and_repeats_add_up(transform, way):
    bag, (table, vectors) = _bag(2), _normal(3, (11, 4), (5, 7, 4))
    expected = np.asarray(table, np.float64)
    for index, count, share in _each(bag):
        ids = np.asarray(bag.rows)[index][:count]
        np.add.at(expected, ids, np.float64(share) * np.float64(vectors[index]))
    whole = InOut(table, jnp.zeros((2, 4)))
    ids = InOut(bag, jnp.zeros(1, jnp.int32))
    added = transform(way)(whole, ids, InOut(vectors, jnp.zeros((1, 4))))
    np.testing.assert_allclose(added.input, expected, rtol=1e-5, atol=1e-5)


def test_with_exact_shares_adding_is_the_adjoint_of_reading():
    bag, (table, vectors) = _bag(4), _normal(5, (11, 4), (5, 7, 4))
    bag = bag._replace(share=1 / jnp.maximum(bag.length, 1))
    added = bags.add(jnp.zeros((11, 4)), bag, vectors)
    left, right = np.vdot(bags.read(table, bag), vectors), np.vdot(table, added)
    np.testing.assert_allclose(left, right, rtol=1e-4)


def test_the_derivative_of_reading_is_adding():
    bag, (table, vectors) = _bag(6), _normal(7, (11, 4), (5, 7, 4))
    gradient = jax.grad(lambda t: jnp.vdot(bags.read(t, bag), vectors))(table)
    close(gradient, bags.add(jnp.zeros((11, 4)), bag, vectors), ulps=SUM)


@pytest.mark.parametrize("shape", [(5,), (3, 4)])
def test_all_slots_at_once_are_what_tiles_are(shape):
    """An accelerator reads and adds flat, a CPU in tiles: sums in another order."""
    random = np.random.default_rng(len(shape))
    table = jnp.asarray(random.normal(size=(30, 7)), jnp.float32)
    length = jnp.asarray(random.integers(0, 6, shape), jnp.int32)
    share = jnp.asarray(random.random(shape), jnp.float32)
    bag = Bag(jnp.asarray(random.integers(0, 30, (*shape, 5)), jnp.int32), length, share)
    vectors = jnp.asarray(random.normal(size=(*shape, 7)), jnp.float32)
    ours = jax.jit(bags._tiled_read)(table, bag), jax.jit(bags._tiled_add)(table, bag, vectors)
    flat = jax.jit(bags._flat_read)(table, bag), jax.jit(bags._flat_add)(table, bag, vectors)
    for one, other in zip(ours, flat, strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-6, atol=2e-6)
