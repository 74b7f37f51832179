"""The rows of a table that answer questions best: exact, in blocks, for tables of any size."""

import functools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from jaxemb.functional import similarity
from jaxemb.functional.meshes import on_any_mesh

QUERIES = 512  # asked of one block at a time
ENTRIES = 2**23  # of a block and its scores, 32 MB: twice as fast on CPU as twice as many
SMALLEST = 1024  # rows of a block, whatever their number of entries
NOTHING = np.finfo(np.float32).min  # the score of no answer; infinity is for errors alone

# (positive [p, dim], negative [n, dim], rows [rows, dim]) -> scores [rows], the best the largest
Answer = Callable[..., Float[Array, " rows"]]


class Best(NamedTuple):
    """Rows by falling score; -inf where a table had not so many."""

    values: Float[Any, "queries k"]
    ids: Int[Any, "queries k"]


@on_any_mesh
def best(
    table: Float[Any, "rows dim"],
    positive: Float[Any, "queries positive dim"],
    negative: Float[Any, "queries negative dim"],
    excluded: Int[Any, "queries excluded"],
    k: int,
    answer: Answer = similarity.cos_add,
) -> Best:
    """The k best rows for each query; of equal scores, the lower row.

    Every row is scored, in float32. The table streams by once: it may be memory-mapped and larger
    than memory, or lie on a device.

    Args:
        table: NumPy or jax.
        positive: what each query asks to be near to.
        negative: what each query asks to be far from.
        excluded: rows that are no answer; -1 is none.
        k: at least 1.
        answer: how a row is scored for ONE query.
    """
    queries, k = len(positive), min(k, len(table))
    if not queries:
        return Best(np.zeros((0, k), np.float32), np.zeros((0, k), np.int32))
    parts = -(-queries // QUERIES)
    batch = -(-queries // parts)
    asked = [
        tuple(_padded(np.asarray(each[i : i + batch]), batch) for each in (positive, negative))
        for i in range(0, queries, batch)
    ]
    left_out = [_padded(excluded[i : i + batch], batch) for i in range(0, queries, batch)]
    nothing = Best(jnp.full((batch, k), NOTHING, jnp.float32), jnp.zeros((batch, k), jnp.int32))
    found = [nothing] * len(asked)
    for start, count, rows in _blocks(table, batch):
        for i, (near, far) in enumerate(asked):
            found[i] = _step(found[i], rows, start, count, near, far, left_out[i], answer, k)
    values, ids = (np.concatenate(each)[:queries] for each in zip(*found, strict=True))
    return Best(np.where(values > NOTHING, values, -np.inf), ids)


@on_any_mesh
def taken(table: Float[Any, "rows dim"], at: Any) -> Float[Any, "taken dim"]:
    """Some rows of a table, by their numbers or a slice, wherever it lies."""
    return table[at]


def _padded(array: np.ndarray, length: int) -> np.ndarray:
    """With rows of zeros, so that every block is a call of one program."""
    if len(array) == length:
        return array
    return np.concatenate([array, np.zeros((length - len(array), *array.shape[1:]), array.dtype)])


def _blocks(table, batch: int) -> Iterator[tuple[int, int, Float[Array, "block dim"]]]:
    """Where each block starts, how many rows of it are rows, and the block on the device."""
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
def _step(found: Best, rows, start, count, positive, negative, excluded, answer, k) -> Best:
    """The best of what was found before and of one more block."""
    length = rows.shape[0]
    scores = jax.vmap(answer, (0, 0, None))(positive, negative, rows)
    scores = jnp.where(jnp.arange(length, dtype=jnp.int32)[None, :] < count, scores, NOTHING)
    # so many more as may be excluded: to look at those few is cheaper than to write to `scores`
    values, ids = similarity.largest(scores, min(k + excluded.shape[1], length))
    ids = ids + start
    left_out = jnp.any(ids[:, :, None] == excluded[:, None, :], axis=2)
    values = jnp.where(left_out, NOTHING, values)
    # what was found before stands first: of equal scores it has the lower row
    values = jnp.concatenate([found.values, values], axis=1)
    ids = jnp.concatenate([found.ids, ids], axis=1)
    values, at = jax.lax.top_k(values, k)
    return Best(values, jnp.take_along_axis(ids, at, axis=1))
