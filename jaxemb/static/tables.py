"""Embedding tables: initial values, and how rows are read from tables and added to them."""

import functools
from typing import Any, cast

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key

from jaxemb.static import bags
from jaxemb.structs import Bag, InOut, TableOps


def init(key: Key[Array, ""], rows: InOut[int], dim: int) -> InOut[Array]:
    """word2vec's initial tables: input uniform on (-1/2, 1/2) / dim, output zero.

    Args:
        key: a `jax.random.key`.
        rows: the row count of each table.
        dim: n, the dimension of the vectors.
    """
    return _uniform(key, rows, dim, 0.5)


def init_wide(key: Key[Array, ""], rows: InOut[int], dim: int) -> InOut[Array]:
    """The initial tables of gensim and fastText: input uniform on (-1, 1) / dim, output zero.

    Arguments: see `init`.
    """
    return _uniform(key, rows, dim, 1.0)


@functools.partial(jax.jit, static_argnums=(1, 2, 3))  # one pass, without copies on the way
def _uniform(key, rows: InOut[int], dim: int, reach: float) -> InOut[Array]:
    uniform = jax.random.uniform(key, (rows.input, dim), jnp.float32, -reach, reach)
    return InOut(uniform / dim, jnp.zeros((rows.output, dim), jnp.float32))


def gather(tables: InOut[Array], ids: InOut[Any]) -> InOut[Array]:
    """Read the rows of `ids`, shaped ids.shape + [dim]; for a `Bag`, the mean of its rows.

    Ids must be inside the table: JAX does not check.
    """
    return cast(InOut, jax.tree.map(_read, tables, ids))


def scatter_add(tables: InOut[Array], ids: InOut[Any], rows: InOut[Array]) -> InOut[Array]:
    """Add rows to the tables at `ids`; repeated ids add up. The transpose of `gather`."""
    return cast(InOut, jax.tree.map(_add, tables, ids, rows))


def scatter_add_sorted(tables: InOut[Array], ids: InOut[Any], rows: InOut[Array]) -> InOut[Array]:
    """`scatter_add`, with repeated ids summed before any row is written.

    It sorts the ids, sums runs of equal ids, and writes each row once. It is reported to be up to
    450 times faster on GPUs that add by compare-and-swap, where the most frequent words collide. On
    a CPU it is slower. `scripts/benchmark.py device` measures both.
    """
    return cast(InOut, jax.tree.map(_add_sorted, tables, ids, rows))


OPS = TableOps(gather, scatter_add)
SORTED = TableOps(gather, scatter_add_sorted)


def spread(ids: InOut[Any], rows: InOut[Array]) -> tuple[InOut[Array], InOut[Array]]:
    """Ids and the rows to be added to them, with each `Bag` replaced by its single rows."""
    both = [
        bags.spread(i, r) if isinstance(i, Bag) else (i, r) for i, r in zip(ids, rows, strict=True)
    ]
    return InOut(*(i for i, _ in both)), InOut(*(r for _, r in both))


def _read(table, ids):
    if isinstance(ids, Bag):
        return bags.read(table, ids)
    return cast_up(table.at[ids].get(mode="promise_in_bounds"))


def cast_up(rows: Any) -> Any:
    """Rows in float32 at least: those of a table in bfloat16 are computed with in float32."""
    return rows.astype(jnp.promote_types(rows.dtype, jnp.float32))


def _add(table, ids, rows):
    if isinstance(ids, Bag):
        return bags.add(table, ids, rows)
    return table.at[ids].add(rows, mode="promise_in_bounds")


def _add_sorted(table, ids, rows):
    if isinstance(ids, Bag):
        ids, rows = bags.spread(ids, rows)
    flat = ids.reshape(-1)
    order = jnp.argsort(flat)
    by_id = flat[order]
    begins = jnp.concatenate([jnp.ones(1, bool), by_id[1:] != by_id[:-1]])
    run = jnp.cumsum(begins, dtype=jnp.int32) - 1
    sums = jax.ops.segment_sum(
        rows.reshape(flat.shape[0], -1)[order], run, flat.shape[0], indices_are_sorted=True
    )
    # the id of each run; unused entries name rows beyond the table, which are dropped
    beyond = table.shape[0] + jnp.arange(flat.shape[0], dtype=by_id.dtype)
    names = beyond.at[run].set(by_id)
    return table.at[names].add(sums, mode="drop", indices_are_sorted=True, unique_indices=True)


def sum_repeats(
    ids: Int[Array, " rows"], gradient: Float[Array, "rows dim"], scratch: Int[Array, " vocab"]
) -> tuple[Float[Array, "rows dim"], Array, Int[Array, " vocab"]]:
    """Sum the gradients of rows that were read more than once.

    Args:
        ids: the row to which each gradient belongs.
        gradient: one gradient for each time that a row was read.
        scratch: one int32 for each row of the table, of any content: it is written before it is
            read, and passed on so that no step allocates it.

    Returns:
        The sums, at one representative position of each row and 0 elsewhere; which positions are
        representatives, bool [rows]; the scratch.
    """
    position = jnp.arange(ids.shape[0], dtype=jnp.int32)
    scratch = scratch.at[ids].set(position, mode="promise_in_bounds")  # one of the repeats wins
    representative = scratch.at[ids].get(mode="promise_in_bounds")
    summed = jnp.zeros_like(gradient).at[representative].add(gradient, mode="promise_in_bounds")
    return summed, representative == position, scratch
