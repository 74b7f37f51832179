"""How far the rows of a table are from orthogonal."""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.lax import Precision
from jaxtyping import Float

from jaxemb.functional import similarity


class Coherence(NamedTuple):
    """Cosines over every pair of different rows."""

    mean: float  # mean |cosine|
    largest: float  # max |cosine|
    pair: tuple[int, int]  # where it is
    rows: int
    welch: float  # no rows x dim table has a smaller largest |cosine|


def coherence(table: Float[Any, "rows dim"], *, entries: int = 1 << 24) -> Coherence:
    """Mean and largest |cosine| over all pairs of rows, in blocks.

    Args:
        table: at least two rows; a zero row has cosine 0 with all.
        entries: the most cosines to hold at a time.

    Source:
        The lower bound: Welch 1974.
    """
    unit = similarity.normalize(jnp.asarray(table, jnp.float32))
    rows, dim = unit.shape
    size = max(min(entries // rows, rows), 1)
    total, best = 0.0, (-1.0, (0, 0))
    for start in range(0, rows, size):
        start = min(start, rows - size)  # the last block overlaps: one shape, one compilation
        skipped = max(len(range(0, start, size)) * size - start, 0)
        sums, largest, at = jax.device_get(_block(unit, start, skipped, size=size))
        total += float(sums.astype(np.float64).sum())
        if largest > best[0]:
            best = (float(largest), divmod(int(at), rows))
            best = (best[0], (best[1][0] + start, best[1][1]))
    pairs = rows * (rows - 1)
    welch = np.sqrt(max((rows - dim) / (dim * (rows - 1)), 0.0))
    return Coherence(total / pairs, best[0], best[1], rows, float(welch))


@functools.partial(jax.jit, static_argnames="size")
def _block(unit, start, skipped, *, size):
    """|cosine| of some rows with all: sums by row, the largest, and its place."""
    some = jax.lax.dynamic_slice_in_dim(unit, start, size)
    cosines = jnp.abs(jnp.matmul(some, unit.T, precision=Precision.HIGHEST))
    row = jnp.arange(size)
    other = jnp.arange(unit.shape[0])[None, :] != (row + start)[:, None]
    cosines = jnp.where(other & (row >= skipped)[:, None], cosines, 0.0)
    return cosines.sum(axis=1), cosines.max(), jnp.argmax(cosines)
