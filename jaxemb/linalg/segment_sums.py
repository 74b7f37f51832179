"""Sums over the rows of each segment; rows of a segment below 0 are padding and are ignored.

NumPy in, NumPy out; jax in, jax out, under jit with a static number of segments.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int
from scipy import sparse

from jaxemb.errors import InputError
from jaxemb.linalg import arrays
from jaxemb.structs import AnyArray


def sums(
    values: Float[AnyArray, "rows *dim"], segments: Int[AnyArray, " rows"], num: int
) -> Float[AnyArray, "segments *dim"]:
    """The sum of the rows of each segment; 0 for a segment without rows.

    Args:
        values: the rows.
        segments: the segment of each row; below 0 for padding.
        num: number of segments.

    Raises:
        InputError: `segments` and `values` differ in length; on the host, a segment that is not
            below `num`.
    """
    if len(values) != len(segments):
        raise InputError(
            f"{len(segments):,} segments for {len(values):,} rows; wanted one for each"
        )
    if arrays.namespace(values) is not np:
        return jax.ops.segment_sum(values, _dropped(segments, num), num_segments=num)
    segments = _inside(segments, num)
    kept = np.flatnonzero(segments >= 0)
    selection = sparse.csr_array((np.ones(len(kept)), (segments[kept], kept)), (num, len(values)))
    return np.asarray(selection @ values)


def counts(segments: Int[AnyArray, " rows"], num: int) -> Int[AnyArray, " segments"]:
    """The number of rows of each segment.

    Raises:
        InputError: on the host, a segment that is not below `num`.
    """
    if arrays.namespace(segments) is not np:
        ones = jnp.ones(segments.shape, jnp.int32)
        return jax.ops.segment_sum(ones, _dropped(segments, num), num_segments=num)
    segments = _inside(segments, num)
    return np.bincount(segments[segments >= 0], minlength=num)


def first_rows(segments: Int[AnyArray, " rows"], num: int) -> Int[AnyArray, " segments"]:
    """The first row of each segment; any row for a segment without rows."""
    last = len(segments) - 1
    if arrays.namespace(segments) is not np:
        places = jnp.arange(last + 1, dtype=jnp.int32)
        lowest = jax.ops.segment_min(places, _dropped(segments, num), num_segments=num)
        return jnp.clip(lowest, 0, last)
    first = np.full(num, last)
    np.minimum.at(first, segments[segments >= 0], np.flatnonzero(segments >= 0))
    return first


def _inside(segments: Any, num: int) -> Any:
    segments = np.asarray(segments)
    if (most := segments.max(initial=-1)) >= num:
        raise InputError(f"segment {most:,}, but there are {num:,}, counted from 0")
    return segments


def _dropped(segments: Any, num: int) -> Any:
    """Move padding beyond the last segment, where jax drops it; below 0 it would wrap around."""
    return jnp.where(segments >= 0, segments, num)
