"""Bags of rows, each read as the mean of its rows, as a word is read that has subword rows.

Bags differ in length by a factor of twenty, so that most of a padded array of bags is padding. They
are therefore sorted by falling length and read in tiles, each as far as its longest bag goes.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from jaxemb.structs import Bag

TILE, SLOTS = 64, 4  # bags in a tile, and rows of each bag that are read at once


def read(table: Float[Array, "rows dim"], bag: Bag) -> Float[Array, "*bags dim"]:
    """The mean of each bag's rows, summed in their order; 0 for an empty bag.

    Its derivative is `add`: a row's gradient is `share` times the bag's gradient. A CPU reads tiles
    of bags, an accelerator all slots at once.
    """
    return _read(table, bag)


def _flat_read(table: Array, bag: Bag) -> Array:
    ids, live = _every_slot(bag)
    vectors = table.at[ids].get(mode="promise_in_bounds") * live[..., None]
    size = jnp.maximum(bag.length, 1)[..., None].astype(table.dtype)
    return jnp.sum(vectors, axis=-2) / size


def _flat_add(table: Array, bag: Bag, vectors: Array) -> Array:
    ids, rows = spread(bag, vectors)
    return table.at[ids].add(rows, mode="promise_in_bounds")


def _every_slot(bag: Bag) -> tuple[Array, Array]:
    """The ids of all slots, and 1 for those before their bag's end, else 0."""
    slots = jax.lax.broadcasted_iota(jnp.int32, bag.rows.shape, bag.rows.ndim - 1)
    return bag.rows, (slots < bag.length[..., None]).astype(jnp.float32)


@jax.custom_vjp
def _read(table: Float[Array, "rows dim"], bag: Bag) -> Float[Array, "*bags dim"]:
    return jax.lax.platform_dependent(table, bag, cpu=_tiled_read, default=_flat_read)


def _tiled_read(table: Float[Array, "rows dim"], bag: Bag) -> Float[Array, "*bags dim"]:
    order, rows, count = _by_length(bag)
    dim = table.shape[1]

    def tile(i, means):
        begin = i * TILE
        own = jax.lax.dynamic_slice(count, (begin,), (TILE,))

        def part(j, sums):
            ids, live = _slots(rows, own, begin, j)
            for slot in range(SLOTS):  # one loop over dim, without a copy of the rows read
                vectors = table.at[ids[:, slot]].get(mode="promise_in_bounds")
                sums = sums + vectors * live[:, slot, None]
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
    """Add `share` times each bag's vector to every row of the bag; repeated rows add up."""
    return jax.lax.platform_dependent(table, bag, vectors, cpu=_tiled_add, default=_flat_add)


def _tiled_add(table: Array, bag: Bag, vectors: Array) -> Array:
    order, rows, count = _by_length(bag)
    shares = (vectors * bag.share[..., None]).reshape(-1, table.shape[1])
    shares = jnp.pad(shares, ((0, len(order) - len(shares)), (0, 0)))[order]

    def tile(i, table):
        begin = i * TILE
        own = jax.lax.dynamic_slice(count, (begin,), (TILE,))
        gradients = jax.lax.dynamic_slice(shares, (begin, np.int32(0)), (TILE, table.shape[1]))

        def part(j, table):
            ids, live = _slots(rows, own, begin, j)
            return table.at[ids].add(
                gradients[:, None, :] * live[..., None], mode="promise_in_bounds"
            )

        return _repeat(_parts(own), part, table)

    return _repeat(len(order) // TILE, tile, table)


def spread(
    bag: Bag, vectors: Float[Array, "*bags dim"]
) -> tuple[Int[Array, "*bags bag"], Float[Array, "*bags bag dim"]]:
    """The ids and addends of every single row of the bags, whose sum `add` adds.

    Slots beyond a bag's end name some row, and add 0 to it.

    Returns:
        ids [*bags, bag] and rows [*bags, bag, dim].
    """
    ids, live = _every_slot(bag)
    return ids, (live * bag.share[..., None])[..., None] * vectors[..., None, :]


def _transposed(kept, gradient):
    nothing, bag = kept
    return add(nothing, bag, gradient), None


_read.defvjp(lambda table, bag: (_read(table, bag), (jnp.zeros_like(table), bag)), _transposed)


def _by_length(bag: Bag):
    """The order of bags by falling length; rows and lengths in that order, in whole tiles."""
    bags, width = bag.length.size, bag.rows.shape[-1]
    short = -bags % TILE
    count = jnp.pad(bag.length.reshape(-1), (0, short))
    rows = jnp.pad(bag.rows.reshape(bags, width), ((0, short), (0, -width % SLOTS)))
    # length and place in one number: XLA sorts a pair of arrays five times more slowly
    shorter = (width - count).astype(jnp.uint32) * len(count)
    order = jnp.sort(shorter + jnp.arange(len(count), dtype=jnp.uint32)) % len(count)
    order = order.astype(jnp.int32)
    return order, rows[order], count[order]


def _repeat(times, step, carry):
    """`jax.lax.fori_loop` from 0 to `times`, with an int32 counter whatever JAX's default type."""

    def numbered(i, carry):
        return step(jax.lax.convert_element_type(i, jnp.int32), carry)

    return jax.lax.fori_loop(0, times, numbered, carry)


def _parts(count):
    """How many times SLOTS rows reach the end of a tile's longest bag, which is its first."""
    return (count[0] + SLOTS - 1) // SLOTS


def _slots(rows, count, begin, part):
    """Ids of SLOTS rows of each bag of a tile; 1 for those before the bag's end, else 0."""
    ids = jax.lax.dynamic_slice(rows, (begin, part * SLOTS), (TILE, SLOTS))
    live = part * SLOTS + jnp.arange(SLOTS, dtype=jnp.int32)[None, :] < count[:, None]
    return ids, live.astype(jnp.float32)
