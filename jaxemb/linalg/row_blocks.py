"""Tables read a block of rows at a time, so that no method needs a copy of one."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxemb.linalg import arrays
from jaxemb.structs import AnyArray

_ENTRIES = 1 << 20  # of a block: 4 MB in float32, which stay in a CPU's cache for the next product


class Rows(NamedTuple):
    """The rows of a table, with a scaling and a shift that are applied to each block."""

    table: Any
    scale: Any = 1.0  # a power of two, so that nothing is rounded
    shift: Any = None  # subtracted after scaling; a column of ones is then prepended
    axis_name: Any = None  # inside `jax.shard_map`: the mesh axes that shard the rows

    @property
    def width(self) -> int:
        """Number of columns of a block."""
        return self.table.shape[1] + (self.shift is not None)

    @property
    def everywhere(self) -> Any:
        """Number of rows on all devices together."""
        return self.table.shape[0] * (lax.axis_size(self.axis_name) if self.axis_name else 1)

    @property
    def on_host(self) -> bool:
        """Whether the table is a NumPy array."""
        return arrays.namespace(self.table) is np

    def block_length(self) -> int:
        """Number of rows of a block."""
        return min(max(_ENTRIES // self.width, 256), self.table.shape[0])

    def across(self, values: Any) -> Any:
        """The sum over devices of values that each computed from its rows."""
        return lax.psum(values, self.axis_name) if self.axis_name else values


def fold(rows: Rows, step: Callable[..., Any], carry: Any, length: int | None = None) -> Any:
    """Iterate carry = step(carry, block, i) over the blocks of rows of this device.

    Args:
        step: takes the carry, a block [length, width], cast up (the last one may be shorter), and
            the number i of the block.
        length: rows of a block; by default `rows.block_length()`.
    """
    length = length or rows.block_length()
    whole, rest = divmod(rows.table.shape[0], length)
    read = _host_block if rows.on_host else block

    def advance(i, carry, size):
        return step(carry, read(rows, i * length, size), i)

    if rows.on_host or whole < 2:  # a loop of one turn would only be compiled
        for i in range(whole):
            carry = advance(i, carry, length)
    else:
        carry = lax.fori_loop(0, whole, lambda i, carry: advance(i, carry, length), carry)
    return advance(whole, carry, rest) if rest else carry


def _host_block(rows: Rows, first: int, size: int):
    block = np.empty((size, rows.width))
    block[:, 0] = 1.0  # overwritten where no mean is subtracted
    kept = block[:, rows.width - rows.table.shape[1] :]
    kept[...] = rows.table[first : first + size]
    kept *= rows.scale
    if rows.shift is not None:
        kept -= rows.shift
    return block


def block(rows: Rows, first: Any, size: int) -> jax.Array:
    """A block of rows on the device, cast up, scaled and shifted."""
    values = arrays.cast_up(lax.dynamic_slice_in_dim(rows.table, first, size)) * rows.scale
    if rows.shift is None:
        return values
    return jnp.pad(values - rows.shift[None, :], ((0, 0), (1, 0)), constant_values=1.0)


def total(rows: Rows, of: Callable[..., Any]) -> Any:
    """The sum of `of(block)` over all blocks and devices."""

    def step(carry, block, i):
        del i
        value = of(block)
        return value if carry is None else jax.tree.map(lambda a, b: a + b, carry, value)

    if rows.on_host:
        return fold(rows, step, None)
    kind = arrays.computed(rows.table.dtype)
    block = jax.ShapeDtypeStruct((rows.block_length(), rows.width), kind)
    zeros = jax.tree.map(lambda s: jnp.zeros(s.shape, s.dtype), jax.eval_shape(of, block))
    return rows.across(fold(rows, step, zeros))


def scaled(rows: Rows) -> tuple[Rows, Any]:
    """(the rows scaled to a largest entry between 1/2 and 1, the first that is not finite or -1)"""
    most, bad_row = largest(rows)
    xp = arrays.namespace(rows.table)
    exponent = xp.where(most > 0, xp.frexp(xp.where(most > 0, most, 1.0))[1], 0)
    # the inverse of 2^128 would be subnormal
    scale = xp.ldexp(xp.ones_like(most), -xp.clip(exponent, -126, 126))
    # LAPACK's SVD may never return from infinity (Reference-LAPACK issue 1409); from NaN it does
    scale = xp.where(bad_row < 0, scale, xp.nan)
    return rows._replace(scale=scale), bad_row


def of_unit_size(*tables: Any) -> tuple[AnyArray, ...]:
    """The tables, cast up and times one power of two, and that power.

    The largest entry of all is then between 1/2 and 1, so no square that matters over- or
    underflows.
    """
    most = scaled(Rows(arrays.still(tables[0])))[0].scale
    for table in tables[1:]:
        most = arrays.namespace(most).minimum(most, scaled(Rows(arrays.still(table)))[0].scale)
    return (*(arrays.cast_up(table) * most for table in tables), most)


def largest(rows: Rows) -> tuple[Any, Any]:
    """(the largest |entry|, the first row that is not finite or -1)."""
    if rows.on_host:
        peak, length = 0.0, rows.block_length()
        for first in range(0, len(rows.table), length):
            block = arrays.widened(rows.table[first : first + length])
            ends = float(np.max(block)), float(np.min(block))  # NaN if there is one
            if not np.isfinite(ends).all():
                bad = np.argmin(np.isfinite(block).all(axis=1))
                return np.float64(np.nan), np.int64(first + bad)
            peak = max(peak, *np.abs(ends))
        return np.float64(peak), np.int64(-1)
    table = rows.table
    # as integers, where NaN and infinity are the largest: a maximum of floats may lose NaN
    kind = arrays.computed(table.dtype)
    bits = jnp.int64 if kind == jnp.float64 else jnp.int32

    def step(most, block, i):
        del i
        return jnp.maximum(most, lax.bitcast_convert_type(jnp.abs(block), bits).max(axis=0))

    most = fold(rows, step, jnp.zeros(table.shape[1], bits))
    mine = lax.bitcast_convert_type(most.max(), kind)
    nothing = jnp.int32(jnp.iinfo(jnp.int32).max)

    def search(first, block, i):
        good = jnp.isfinite(block).all(axis=1)
        here = i * rows.block_length() + jnp.argmin(good)
        return jnp.minimum(first, jnp.where(good.all(), nothing, here).astype(jnp.int32))

    bad = lax.cond(jnp.isfinite(mine), lambda: nothing, lambda: fold(rows, search, nothing))
    if rows.axis_name:
        before = lax.axis_index(rows.axis_name) * table.shape[0]
        bad = lax.pmin(jnp.where(bad == nothing, bad, bad + before), rows.axis_name)
        mine = lax.pmax(jnp.where(jnp.isfinite(mine), mine, 0.0), rows.axis_name)
    return jnp.where(bad == nothing, mine, jnp.nan), jnp.where(bad == nothing, -1, bad)
