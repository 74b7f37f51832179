"""Singular values of tall tables, and the rank they amount to.

The usual tolerance, max(m, n) eps s_1, grows with the number of rows: at a million float32 rows it
is 12 % of s_1, and numpy gives a plainly full-rank table rank 1. Rounding the entries to float32
moves no singular value by more than u ||A||_F (Weyl), however many rows there are; so that is what
the tolerance here is made of.
"""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

_BLOCK = 1 << 14  # rows cast to float64 at a time
_GRAM = float(np.finfo(np.float64).eps) ** 0.5  # what a Gram matrix in float64 cannot see below


class Spectrum(NamedTuple):
    """The one expensive object; the verdicts below are functions of it."""

    values: Float[Any, " dim"]  # singular values, descending, float64
    basis: Float[Any, "dim dim"]  # right singular vectors, as columns
    frobenius: float  # ||A||_F
    backward_error: float  # bound on how far rounding may have moved any singular value
    tolerance: float  # a singular value up to this is not told from zero
    rows: int
    finite: bool


class RankReport(NamedTuple):
    """A rank with the margin of its verdict. True when it is certified."""

    rank: int
    dim: int
    tolerance: float
    above: float  # s_r / tolerance: how far the last kept value clears
    below: float  # s_{r+1} / tolerance: how far the first dropped value stays under; 0 if none is
    certified: bool  # no rounding of the entries could have changed the verdict
    finite: bool

    def __bool__(self) -> bool:
        return self.certified

    def __str__(self) -> str:
        if not self.finite:
            return "no rank: the table holds NaN or infinity"
        verdict = "certified" if self.certified else "undecided"
        kept = f"s_{self.rank} is {self.above:.0e}".replace("e+0", "e").replace("e+", "e")
        dropped = f", s_{self.rank + 1} is {self.below:.1e}" if self.rank < self.dim else ""
        if not self.rank:
            return f"rank 0 of {self.dim}, {verdict}: s_1 is {self.below:.1e} times the tolerance"
        return f"rank {self.rank} of {self.dim}, {verdict}: {kept}{dropped} times the tolerance"


def spectrum(table: Float[Any, "rows dim"]) -> Spectrum:
    """Singular values and right singular vectors, by way of the Gram matrix in float64.

    Blocks of rows are cast to float64 on the host, so the table may be a memory map and memory
    beyond it stays small. For float32 data nothing is lost: the floor, about 1e-8 s_1, is that of
    the data; of float64 data, what lies below 1.5e-8 ||A||_F is not told from zero. Entries are
    scaled by a power of two first, so that no square over- or underflows.

    Args:
        table: any m x n array with m rows.

    Returns:
        With m < n, min(m, n) of the values are those of the table and the others about 0. A table
        with NaN or infinity gives NaN values and `finite` False.
    """
    rows, dim = table.shape
    blocks = range(0, rows, _BLOCK)
    # np.max hands NaN on, which max() may lose
    largest = float(np.max([np.max(np.abs(table[i : i + _BLOCK])) for i in blocks] or [0.0]))
    unit = max(_unit_roundoff(table.dtype), _GRAM)
    if not np.isfinite(largest):
        nan = np.full(dim, np.nan)
        return Spectrum(nan, np.full((dim, dim), np.nan), np.nan, np.nan, np.nan, rows, False)
    scale = 2.0 ** -np.frexp(largest)[1] if largest else 1.0
    gram = np.zeros((dim, dim))
    for i in blocks:
        block = np.asarray(table[i : i + _BLOCK], np.float64) * scale
        gram += block.T @ block
    eigenvalues, vectors = np.linalg.eigh(gram)
    values = np.sqrt(np.maximum(eigenvalues[::-1], 0.0)) / scale
    frobenius = float(np.sqrt(np.trace(gram))) / scale
    return Spectrum(
        values=values,
        basis=vectors[:, ::-1],
        frobenius=frobenius,
        backward_error=unit * frobenius,
        tolerance=4 * unit * frobenius,
        rows=rows,
        finite=True,
    )


def rank(table: Any) -> RankReport:
    """The rank of a table or of its `Spectrum`: how many singular values exceed 2 eps ||A||_F.

    Certified when neither the last value kept nor the first one dropped is within the backward
    error u ||A||_F of that tolerance (eps = 2u is the table's own precision).
    """
    of = table if isinstance(table, Spectrum) else spectrum(table)
    dim = len(of.values)
    if not of.finite:
        return RankReport(0, dim, np.nan, np.nan, np.nan, False, False)
    values, tolerance, error = of.values, of.tolerance, of.backward_error
    r = int(np.count_nonzero(values > tolerance))
    kept = values[r - 1] if r else np.inf
    dropped = values[r] if r < dim else 0.0
    certified = bool(kept - error > tolerance >= dropped + error) if of.frobenius else True
    scale = tolerance or 1.0
    above, below = float(kept / scale), float(dropped / scale)
    return RankReport(r, dim, tolerance, above, below, certified, True)


def condition(of: Spectrum) -> float:
    """s_1 / s_n; infinite when s_n is not told from zero."""
    return float(of.values[0] / of.values[-1]) if of.values[-1] > of.tolerance else float("inf")


def effective_rank(of: Spectrum) -> float:
    """exp of the entropy of the singular values as shares of their sum (Roy and Vetterli 2007)."""
    if not of.frobenius > 0:
        return 0.0 if of.finite else float("nan")
    share = of.values[of.values > 0] / of.values.sum()
    return float(np.exp(-np.sum(share * np.log(share))))


def _unit_roundoff(dtype) -> float:
    import ml_dtypes  # numpy alone does not know bfloat16

    kind = np.dtype(dtype)
    is_float = np.issubdtype(kind, np.floating) or kind.name.startswith(("bfloat", "float8"))
    return float(ml_dtypes.finfo(kind).eps) / 2 if is_float else float(np.finfo(np.float32).eps) / 2
