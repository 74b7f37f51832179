"""Bags of rows, each read as one row: their mean. So is a word read that has rows for subwords.

Bags differ in length by a factor of twenty. Read as they are padded, most of what is read would be
padding: they are taken by falling length in tiles, each as far as its longest bag goes.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxemb.structs import Bag

TILE, SLOTS = 64, 4  # bags taken together, and how many rows of each at once


@jax.custom_vjp
def read(table: Float[Array, "rows dim"], bag: Bag) -> Float[Array, "*bags dim"]:
    """The mean of each bag's rows, added in their order; 0 for an empty one.

    Its derivative is `add`: a row receives `share` of what its bag receives.
    """
    order, rows, count = _by_length(bag)
    dim = table.shape[1]

    def tile(i, means):
        begin = i * TILE
        own = jax.lax.dynamic_slice(count, (begin,), (TILE,))

        def part(j, sums):
            at, live = _slots(rows, own, begin, j)
            for slot in range(SLOTS):  # one loop over dim, with no copy of what is read
                found = table.at[at[:, slot]].get(mode="promise_in_bounds")
                sums = sums + found * live[:, slot, None]
            return sums

        sums = _repeat(_parts(own), part, jnp.zeros((TILE, dim), table.dtype))
        mean = sums / jnp.maximum(own, 1)[:, None].astype(table.dtype)
        return jax.lax.dynamic_update_slice(means, mean, (begin, np.int32(0)))

    means = jnp.zeros((len(order), dim), table.dtype)
    means = _repeat(len(order) // TILE, tile, means)
    back = jnp.zeros_like(means).at[order].set(means, unique_indices=True)
    return back[: bag.length.size].reshape(*bag.length.shape, dim)


def add(
    table: Float[Array, "rows dim"], bag: Bag, vectors: Float[Array, "*bags dim"]
) -> Float[Array, "rows dim"]:
    """Adds `share` of each bag's vector to every one of its rows; repeats add up."""
    order, rows, count = _by_length(bag)
    shares = (vectors * bag.share[..., None]).reshape(-1, table.shape[1])
    shares = jnp.pad(shares, ((0, len(order) - len(shares)), (0, 0)))[order]

    def tile(i, table):
        begin = i * TILE
        own = jax.lax.dynamic_slice(count, (begin,), (TILE,))
        each = jax.lax.dynamic_slice(shares, (begin, np.int32(0)), (TILE, table.shape[1]))

        def part(j, table):
            at, live = _slots(rows, own, begin, j)
            return table.at[at].add(each[:, None, :] * live[..., None], mode="promise_in_bounds")

        return _repeat(_parts(own), part, table)

    return _repeat(len(order) // TILE, tile, table)


def spread(bag: Bag, vectors: Float[Array, "*bags dim"]):
    """Every row of the bags with its share by itself: what `add` adds; ids, and rows for them.

    What is beyond a bag's end names a row too, and adds 0 to it.
    """
    slots = jax.lax.broadcasted_iota(jnp.int32, bag.rows.shape, bag.rows.ndim - 1)
    live = slots < bag.length[..., None]
    return bag.rows, (live * bag.share[..., None])[..., None] * vectors[..., None, :]


def _transposed(kept, gradient):
    nothing, bag = kept
    return add(nothing, bag, gradient), None


read.defvjp(lambda table, bag: (read(table, bag), (jnp.zeros_like(table), bag)), _transposed)


def _by_length(bag: Bag):
    """Which bag stands where by falling length; rows and counts in that order, in whole tiles."""
    bags, width = bag.length.size, bag.rows.shape[-1]
    short = -bags % TILE
    count = jnp.pad(bag.length.reshape(-1), (0, short))
    rows = jnp.pad(bag.rows.reshape(bags, width), ((0, short), (0, -width % SLOTS)))
    # one number for length and place: XLA sorts a pair of arrays five times slower
    shorter = (width - count).astype(jnp.uint32) * len(count)
    order = jnp.sort(shorter + jnp.arange(len(count), dtype=jnp.uint32)) % len(count)
    order = order.astype(jnp.int32)
    return order, rows[order], count[order]


def _repeat(times, step, carry):
    """step(0, carry), step(1, of that), and so on; numbers are int32 whatever JAX's default."""

    def numbered(i, carry):
        return step(jax.lax.convert_element_type(i, jnp.int32), carry)

    return jax.lax.fori_loop(0, times, numbered, carry)


def _parts(count):
    """How often SLOTS rows are taken until the longest bag of a tile ends: the first one does."""
    return (count[0] + SLOTS - 1) // SLOTS


def _slots(rows, count, begin, part):
    """Some rows of each bag of a tile, and 1 for those before its end, else 0."""
    at = jax.lax.dynamic_slice(rows, (begin, part * SLOTS), (TILE, SLOTS))
    live = part * SLOTS + jnp.arange(SLOTS, dtype=jnp.int32)[None, :] < count[:, None]
    return at, live.astype(jnp.float32)
