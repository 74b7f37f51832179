"""Embedding tables: how they start, how rows are read from them and added to them."""

from typing import cast

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key

from jaxemb.structs import InOut, TableOps


def init(key: Key[Array, ""], rows: InOut, dim: int) -> InOut:
    """Tables as word2vec starts them: input uniform on (-1/2, 1/2) / dim, output zero.

    Args:
        key: a `jax.random.key`.
        rows: the row count of each table.
        dim: n, the dimension of the vectors.
    """
    uniform = jax.random.uniform(key, (rows.input, dim), jnp.float32, -0.5, 0.5)
    return InOut(uniform / dim, jnp.zeros((rows.output, dim), jnp.float32))


def gather(tables: InOut, ids: InOut) -> InOut:
    """The rows that `ids` name, shaped ids.shape + [dim]. Ids must be inside the table."""
    return cast(InOut, jax.tree.map(_read, tables, ids))


def scatter_add(tables: InOut, ids: InOut, rows: InOut) -> InOut:
    """Adds rows to the tables where `ids` name them; the transpose of `gather`: repeats add up."""
    return cast(InOut, jax.tree.map(_add, tables, ids, rows))


OPS = TableOps(gather, scatter_add)


def _read(table, ids):
    return table.at[ids].get(mode="promise_in_bounds")


def _add(table, ids, rows):
    return table.at[ids].add(rows, mode="promise_in_bounds")


def sum_repeats(
    ids: Int[Array, " rows"], gradient: Float[Array, "rows dim"], scratch: Int[Array, " vocab"]
) -> tuple[Float[Array, "rows dim"], Array, Int[Array, " vocab"]]:
    """Adds up the gradients of rows that were read more than once, in place of one of them.

    Args:
        ids: which row each gradient belongs to.
        gradient: one gradient for every reading.
        scratch: one int32 for every row of the table, of any content: it is written before it is
            read, and passed on so that no step allocates it.

    Returns:
        The sums, at one representative reading of each row and 0 elsewhere; which readings are
        representatives, bool [rows]; the scratch.
    """
    position = jnp.arange(ids.shape[0], dtype=jnp.int32)
    scratch = scratch.at[ids].set(position, mode="promise_in_bounds")  # one of the repeats wins
    representative = scratch.at[ids].get(mode="promise_in_bounds")
    summed = jnp.zeros_like(gradient).at[representative].add(gradient, mode="promise_in_bounds")
    return summed, representative == position, scratch
