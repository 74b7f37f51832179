"""Stochastic rounding of float32 to bfloat16: a sum of many small updates is right in expectation.

bfloat16 keeps 8 bits: rounding to nearest would drop every update below a 512th of an entry.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, UInt32

_DROPPED = 0xFFFF  # the 16 bits of a float32 that bfloat16 lacks


def stochastic(
    values: Float[Array, "*shape"], random: UInt32[Array, "*shape"]
) -> Float[Array, "*shape"]:
    """Round float32 to one of the two neighbouring bfloat16 numbers, to either in expectation.

    The upper one is taken with a probability that equals the share of the way to it, to 2^-16; a
    number of bfloat16 stays what it is, and so do NaN and infinity. Beyond bfloat16's largest,
    3.39e38, the upper neighbour is infinity.

    Args:
        values: float32.
        random: of which the lower 16 bits are used.

    Source:
        Gupta et al. 2015, "Deep learning with limited numerical precision", arXiv:1502.02551,
        section 3.
    """
    raw = jax.lax.bitcast_convert_type(values, jnp.uint32)
    carried = (raw + (random & _DROPPED)) & ~jnp.uint32(_DROPPED)
    raw = jnp.where(jnp.isfinite(values), carried, raw)
    return jax.lax.bitcast_convert_type((raw >> 16).astype(jnp.uint16), jnp.bfloat16)


def written(
    table: Float[Array, "rows dim"], ids: Int[Array, " ids"], rows: Float[Array, "ids dim"]
) -> Float[Array, "rows dim"]:
    """A table of bfloat16 with some rows replaced.

    Args:
        ids: all different; those beyond the table are left out.
    """
    return jax.lax.platform_dependent(table, ids, rows, cpu=_written_on_cpu, default=_written)


def _written(table, ids, rows):
    # a GPU would write every second entry in a loop if two rows might be the same
    return table.at[ids].set(rows, mode="drop", unique_indices=True)


def _written_on_cpu(table, ids, rows):
    """The same of whole numbers: XLA's CPU has no scatter of bfloat16, and converts the table."""
    raw, new = (jax.lax.bitcast_convert_type(x, jnp.uint16) for x in (table, rows))
    return jax.lax.bitcast_convert_type(_written(raw, ids, new), jnp.bfloat16)


def bits(
    turn: UInt32[Array, ""], rows: Int[Array, " rows"], columns: int
) -> UInt32[Array, "rows columns"]:
    """Random bits for the entries of some rows in one turn: a hash of (turn, row, column).

    A counter and a mixing function in place of threefry, which would cost as much as a step.

    Source:
        The mixing function: Wellons, "Prospecting for hash functions", 2018 (nullprogram.com).
    """
    column = jnp.arange(columns, dtype=jnp.uint32)
    return _mixed(_mixed(_mixed(turn) + rows.astype(jnp.uint32))[:, None] + column[None, :])


def _mixed(x):
    x = (x ^ (x >> 16)) * jnp.uint32(0x7FEB352D)
    x = (x ^ (x >> 15)) * jnp.uint32(0x846CA68B)
    return x ^ (x >> 16)
