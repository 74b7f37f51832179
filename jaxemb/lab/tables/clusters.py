"""Clusters of the rows of a table, for the colours of a map."""

import warnings
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from scipy.cluster import vq

from jaxemb import linalg


def clusters(
    rows: Float[np.ndarray, "rows dim"], most: int, of: linalg.Spectrum | None = None
) -> Int[np.ndarray, " rows"]:
    """At most `most` clusters of rows, by k-means; 0 is the largest, and none is empty.

    It begins at the rows farthest out on either side of the first axes, so that the same table has
    the same clusters.

    Args:
        rows: finite numbers; without their mean the axes are the principal ones.
        most: an even number.
        of: the spectrum of the rows, where it is known.

    Source:
        Lloyd 1982, "Least squares quantization in PCM".
    """
    axes: Any = (linalg.spectrum(rows) if of is None else of).basis
    along = rows @ np.asarray(axes)[:, : most // 2]
    ends = np.unique([*along.argmax(axis=0), *along.argmin(axis=0)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of a cluster that became empty
        _, group = vq.kmeans2(rows, rows[ends], iter=30, minit="matrix")
    _, group, sizes = np.unique(group, return_inverse=True, return_counts=True)
    return np.argsort(np.argsort(-sizes, kind="stable"))[group]
