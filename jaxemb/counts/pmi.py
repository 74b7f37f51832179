"""Pointwise mutual information of co-occurrence cells: from cells to cells, on the host.

Values are computed in float64, a piece of the cells at a time, and stored in float32. A pair that
was never counted has no cell: its PMI is -inf, and its positive PMI is 0.
"""

from collections.abc import Callable

import numpy as np
import scipy.special
from jaxtyping import Bool, Float, Float64

from jaxemb.errors import InputError, above_zero
from jaxemb.structs import Sparse

_PIECE = 1 << 20  # cells at a time


def marginals(
    cells: Sparse, vocab: int
) -> tuple[Float64[np.ndarray, " vocab"], Float64[np.ndarray, " vocab"]]:
    """The sums of rows, #w, and of columns, #c; both add up to the same total.

    Args:
        cells: of a matrix [vocab, vocab].
    """
    rows, columns = np.zeros(vocab), np.zeros(vocab)
    for piece in _pieces(cells):
        rows += np.bincount(piece.rows, piece.values, vocab)
        columns += np.bincount(piece.columns, piece.values, vocab)
    return rows, columns


def pmi(
    cells: Sparse,
    vocab: int,
    *,
    contexts: Float[np.ndarray, " masses"] | None = None,
    power: float = 1.0,
) -> Sparse:
    """log(P(w, c) / (P(w) P_a(c))) of every counted cell, in nats.

    P(w, c) = #(w, c) / S and P(w) = #w / S with S the sum of all cells, so S cancels but for one
    factor; P_a(c) = #c^a / sum_c' #c'^a has its own sum, smoothed as #c is:

    log #(w, c) - log #w - log P_a(c)

    Args:
        cells: counts, > 0.
        vocab: words: rows and columns.
        contexts: the mass of each context, on any scale; by default the column sums #c. With a
            vocabulary's `counts` and the power of a learner's noise, P_a is that learner's noise.
        power: a: 1 for PMI, 0.75 for context distribution smoothing, which corrects PMI's bias
            towards rare contexts.

    Raises:
        InputError: a count, or the mass of a counted context, that is not above 0.

    Source:
        Levy, Goldberg and Dagan 2015, section 3.1 (`cds`); Church and Hanks 1990.
    """
    rows, columns = marginals(cells, vocab)
    mass = columns if contexts is None else np.asarray(contexts, np.float64)
    if mass.shape != (vocab,):
        raise InputError(f"contexts has shape {mass.shape}; wanted one mass a word, ({vocab},)")
    if not (np.isfinite(mass).all() and (mass[columns > 0] > 0).all() and (mass >= 0).all()):
        raise InputError("the mass of a counted context is not above 0, or not finite")
    if not 0 <= power < np.inf:
        raise InputError(f"power is {power}; it must be at least 0 (1: as counted), and finite")
    log_row, smoothed = _log(rows), power * _log(mass)  # in logarithms, which no power overflows
    log_context = smoothed - scipy.special.logsumexp(smoothed, b=mass > 0)

    def log_ratio(piece: Sparse) -> Float64[np.ndarray, " cells"]:
        values = np.asarray(piece.values, np.float64)
        if not (values > 0).all():
            raise InputError("a count is not above 0: PMI is of cells that were counted")
        return np.log(values) - log_row[piece.rows] - log_context[piece.columns]

    return _mapped(cells, log_ratio)


def shifted(cells: Sparse, negatives: float) -> Sparse:
    """PMI - log k: what skip-gram with k noise words a pair factorises.

    Source:
        Levy and Goldberg 2014, "Neural word embedding as implicit matrix factorization", eq. 11.

    Raises:
        InputError: k is not above 0.
    """
    above_zero(negatives=negatives)
    return _mapped(cells, lambda piece: np.asarray(piece.values, np.float64) - np.log(negatives))


def positive(cells: Sparse) -> Sparse:
    """max(value, 0): cells that are not above 0 are left out, like pairs that were not counted."""
    kept = [_kept(piece, np.asarray(piece.values) > 0) for piece in _pieces(cells)]
    return Sparse(*map(np.concatenate, zip(*kept, strict=True))) if kept else cells


def ppmi(
    cells: Sparse,
    vocab: int,
    *,
    negatives: float = 1.0,
    power: float = 1.0,
    contexts: Float[np.ndarray, " masses"] | None = None,
) -> Sparse:
    """max(PMI_a - log k, 0), of k = `negatives` and a = `power`: hyperwords' matrix.

    Args, Raises: see `pmi` and `shifted`.
    """
    return positive(shifted(pmi(cells, vocab, contexts=contexts, power=power), negatives))


def _log(x: Float64[np.ndarray, " vocab"]) -> Float64[np.ndarray, " vocab"]:
    """The logarithm; 0 for a word without any cell, whose entry is never read."""
    return np.log(np.where(x > 0, x, 1.0))


def _pieces(cells: Sparse):
    for start in range(0, len(cells.rows), _PIECE):
        yield Sparse(*(np.asarray(side[start : start + _PIECE]) for side in cells))


def _kept(piece: Sparse, where: Bool[np.ndarray, " cells"]) -> Sparse:
    return Sparse(*(side[where] for side in piece))


def _mapped(cells: Sparse, function: Callable[[Sparse], Float64[np.ndarray, " cells"]]) -> Sparse:
    """The cells with the values that `function` gives, piece by piece."""
    values = np.empty(len(cells.rows), np.float32)
    start = 0
    for piece in _pieces(cells):
        values[start : start + len(piece.rows)] = function(piece)
        start += len(piece.rows)
    return cells._replace(values=values)
