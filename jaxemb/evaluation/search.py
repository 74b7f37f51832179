"""Exact search for the rows of a table with the best scores, in blocks, for any table size."""

import functools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from jaxemb.functional import similarity
from jaxemb.functional.meshes import on_any_mesh
from jaxemb.structs import AnyArray

QUERIES = 512  # scored on one block at a time
ENTRIES = 2**23  # of a block and its scores, 32 MB: twice as fast on CPU as twice as many
SMALLEST = 1024  # rows of a block, whatever their number of entries
NOTHING = np.finfo(np.float32).min  # the score of no answer; infinity is for errors alone

# (positive [p, dim], negative [n, dim], rows [rows, dim]) -> scores [rows], the best the largest
Answer = Callable[..., Float[Array, " rows"]]


class Best(NamedTuple):
    """Rows by falling score; -inf where the table has fewer than k rows to give."""

    values: Float[AnyArray, "queries k"]
    ids: Int[AnyArray, "queries k"]


@on_any_mesh
def best(
    table: Float[AnyArray, "rows dim"],
    positive: Float[AnyArray, "queries positive dim"],
    negative: Float[AnyArray, "queries negative dim"],
    excluded: Int[AnyArray, "queries excluded"],
    k: int,
    answer: Answer = similarity.cos_add,
) -> Best:
    """The k best rows for each query; of equal scores, the lower row.

    Every row is scored, in float32. The table is read once, in blocks: it may be memory-mapped and
    larger than memory, or on a device.

    Args:
        table: NumPy or jax.
        positive: the vectors that the answers to each query should be near to.
        negative: the vectors that the answers should be far from.
        excluded: rows that are no answer; -1 for none.
        k: at least 1.
        answer: how a row is scored for ONE query.
    """
    queries, k = len(positive), min(k, len(table))
    if not queries:
        return Best(np.zeros((0, k), np.float32), np.zeros((0, k), np.int32))
    parts = -(-queries // QUERIES)
    batch = -(-queries // parts)
    batches = [
        tuple(_padded(np.asarray(member[i : i + batch]), batch) for member in (positive, negative))
        for i in range(0, queries, batch)
    ]
    left_out = [_padded(excluded[i : i + batch], batch) for i in range(0, queries, batch)]
    nothing = Best(jnp.full((batch, k), NOTHING, jnp.float32), jnp.zeros((batch, k), jnp.int32))
    running = [nothing] * len(batches)
    for start, count, rows in _blocks(table, batch):
        for i, (near, far) in enumerate(batches):
            running[i] = _step(running[i], rows, start, count, near, far, left_out[i], answer, k)
    values, ids = (np.concatenate(member)[:queries] for member in zip(*running, strict=True))
    return Best(np.where(values > NOTHING, values, -np.inf), ids)


@on_any_mesh
def taken(table: Float[AnyArray, "rows dim"], at: Any) -> Float[AnyArray, "taken dim"]:
    """Rows of a table, by their numbers or a slice, wherever the table is stored."""
    return table[at]


def _padded(array: Any, length: int) -> np.ndarray:
    """The array with rows of zeros appended, so that one compiled program serves all blocks."""
    if len(array) == length:
        return array
    return np.concatenate([array, np.zeros((length - len(array), *array.shape[1:]), array.dtype)])


def _blocks(table, batch: int) -> Iterator[tuple[int, int, Float[Array, "block dim"]]]:
    """The start of each block, the number of its rows that are no padding, and its rows."""
    most = max(ENTRIES // (table.shape[1] + 2 * batch), SMALLEST)
    length = min(
        2 ** (most.bit_length() - 1), -(-len(table) // similarity.GROUP) * similarity.GROUP
    )
    for start in range(0, len(table), length):
        rows = table[start : start + length]
        count = len(rows)
        if isinstance(rows, jax.Array):
            rows = jnp.pad(rows.astype(jnp.float32), ((0, length - count), (0, 0)))
        else:
            rows = jnp.asarray(_padded(np.asarray(rows, np.float32), length))
        yield start, count, rows


@functools.partial(jax.jit, static_argnames=("answer", "k"))
def _step(earlier: Best, rows, start, count, positive, negative, excluded, answer, k) -> Best:
    """The best rows of earlier blocks and of one more block."""
    length = rows.shape[0]
    scores = jax.vmap(answer, (0, 0, None))(positive, negative, rows)
    scores = jnp.where(jnp.arange(length, dtype=jnp.int32)[None, :] < count, scores, NOTHING)
    # as many more as may be excluded: masking these few is cheaper than writing to `scores`
    values, ids = similarity.largest(scores, min(k + excluded.shape[1], length))
    ids = ids + start
    left_out = jnp.any(ids[:, :, None] == excluded[:, None, :], axis=2)
    values = jnp.where(left_out, NOTHING, values)
    # rows of earlier blocks come first: of equal scores they are the lower ones
    values = jnp.concatenate([earlier.values, values], axis=1)
    ids = jnp.concatenate([earlier.ids, ids], axis=1)
    values, order = jax.lax.top_k(values, k)
    return Best(values, jnp.take_along_axis(ids, order, axis=1))
