"""Static tables from contextual vectors: one row a word, from the vectors of its occurrences.

`vectors` [occurrences, dim] are the vectors that an embedder gives for tokens; `types` are the
words of these tokens. A type below 0 is padding, and is ignored.
"""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import ArrayLike, Float, Int

from jaxemb.errors import InputError
from jaxemb.linalg import arrays, segment_sums
from jaxemb.structs import AnyArray


class FromMean(NamedTuple):
    """A table of means."""

    table: Float[AnyArray, "types dim"]
    counts: Int[AnyArray, " types"]  # occurrences of each word


class FromComponent(NamedTuple):
    """A table of first components, and the share of squares that each one holds."""

    table: Float[AnyArray, "types dim"]
    counts: Int[AnyArray, " types"]
    share: Float[AnyArray, " types"]  # sigma_1^2 / sum sigma^2; NaN for a word without vectors


def static_from_mean(
    vectors: Float[AnyArray, "occurrences dim"],
    types: Int[AnyArray, " occurrences"],
    num_types: int,
    static: Float[AnyArray, "types dim"] | None = None,
) -> FromMean:
    """The mean of each word's vectors: the static table with the least squared error to them.

    Args:
        static: rows for words that do not occur. By default these rows are NaN, which every
            measure refuses with an error.

    Returns:
        NumPy in, NumPy out in float64; jax in, jax out, under jit with static `num_types`.

    Raises:
        InputError: `static` is not [num_types, dim].

    Source:
        Bommasani et al. 2020, ACL, "aggregated" (their best aggregate is the mean).
    """
    xp, vectors = arrays.raised(vectors)
    counts = segment_sums.counts(types, num_types)
    means = segment_sums.sums(vectors, types, num_types) / xp.maximum(counts, 1)[:, None]
    return FromMean(_filled(xp, means, counts, static), counts)


def static_from_component(
    vectors: Float[AnyArray, "occurrences dim"],
    types: Int[AnyArray, " occurrences"],
    num_types: int,
    static: Float[AnyArray, "types dim"] | None = None,
) -> FromComponent:
    """The first right singular vector of each word's vectors, uncentred, and its share.

    The direction d whose multiples are nearest to all vectors of the word: least is
    sum_i ||x_i - (x_i . d) d||^2. The row has the length sigma_1 / sqrt(n), the root mean square
    of the x_i . d, and the sign of their sum: a word whose vectors are all equal gets that vector,
    with share 1.

    Args:
        static: as in `static_from_mean`.

    Returns:
        NumPy, float64: one exact decomposition for each word, on the host.

    Raises:
        InputError: `static` is not [num_types, dim].

    Source:
        Ethayarajh 2019, arXiv:1909.00512, section 4.3, which leaves sign and length open.
    """
    vectors, types = np.asarray(vectors, np.float64), np.asarray(types)
    counts = segment_sums.sums(np.ones(len(vectors)), types, num_types).astype(int)  # checks them
    order = np.argsort(types, kind="stable")
    cuts = np.searchsorted(types[order], np.arange(num_types + 1))
    table, share = np.zeros((num_types, vectors.shape[1])), np.full(num_types, np.nan)
    for word in np.flatnonzero(np.diff(cuts)):
        table[word], share[word] = _component(vectors[order[cuts[word] : cuts[word + 1]]])
    return FromComponent(_filled(np, table, counts, static), counts, share)


def faded(
    table: Float[AnyArray, "types dim"],
    vectors: Float[AnyArray, "occurrences dim"],
    types: Int[AnyArray, " occurrences"],
    eta: ArrayLike,
) -> Float[AnyArray, "types dim"]:
    """Moving average of a table and its contextual means: a_w <- (1 - eta) a_w + eta mean h_w.

    Args:
        eta: from 0, the table itself, to 1, the means. The order of occurrences does not matter.

    Returns:
        A new table of the same type; rows of words that do not occur are bit-identical.

    Source:
        Akbik et al. 2019, NAACL, "Pooled contextualized embeddings", as a mean over a batch.
    """
    xp = arrays.namespace(table, vectors)
    means, counts = static_from_mean(vectors, types, table.shape[0], static=table)
    moved = (1.0 - eta) * table + eta * means
    return xp.where((counts > 0)[:, None], moved, table).astype(table.dtype)


def _component(x: Float[AnyArray, "n dim"]) -> tuple[Float[AnyArray, " dim"], Any]:
    n, dim = x.shape
    total = x.sum(axis=0)
    _, values, turned = np.linalg.svd(x if n <= dim else arrays.triangle(x), full_matrices=False)
    row = turned[0] * values[0] / np.sqrt(n)
    squares = values**2
    share = squares[0] / squares.sum() if squares[0] > 0 else np.nan
    return (-row if row @ total < 0 else row), share


def _filled(xp: Any, table: Any, counts: Any, static: Any) -> Any:
    if static is not None and static.shape != table.shape:
        raise InputError(f"static rows {static.shape}; wanted {table.shape}, a row for each word")
    return xp.where((counts > 0)[:, None], table, xp.nan if static is None else static)
