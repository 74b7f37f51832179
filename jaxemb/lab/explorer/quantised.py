"""A table in 12 bits a number: U S of its singular value decomposition, column by column.

U S differs from the table by a rotation, so that all lengths, angles and distances are the table's,
and the best approximation of rank k is its first k columns.
"""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, UInt8, UInt16

from jaxemb import linalg
from jaxemb.errors import InputError

BITS = 12
_MOST = 2**BITS - 1
SAMPLE = 100  # words whose neighbours are compared with those of the full table
NEAR = 10


class Quantised(NamedTuple):
    """Codes from 0 to 4095; a number is low + step * code, with low and step of its column."""

    codes: UInt16[np.ndarray, "rows dim"]
    low: Float[np.ndarray, " dim"]
    step: Float[np.ndarray, " dim"]


class Fidelity(NamedTuple):
    """How far a quantised table is from the full one, up to the rotation."""

    error: float  # ||difference||_F / ||table||_F
    moved: float  # ||difference||_F, which bounds the change of every singular value (Weyl)
    cosine: float  # largest change of a cosine between a sampled word and any other
    usual: float  # the change that 99 % of these cosines do not exceed
    kept: float  # share of the 10 nearest words of the sampled ones that are still among them


def scores(
    table: Float[np.ndarray, "rows full"], of: linalg.Spectrum, most: int
) -> Float[np.ndarray, "rows dim"]:
    """U S of a table: its rows in the coordinates of its right singular vectors, in float64.

    Args:
        table: finite numbers.
        of: its spectrum, not centred.
        most: number of columns to keep, the first; the others are those of small singular values.

    Raises:
        InputError: `most` is below 1.
    """
    if most < 1:
        raise InputError(f"{most} columns of U S; wanted 1 or more")
    return np.asarray(table, np.float64) @ np.asarray(of.basis)[:, :most]


def quantise(numbers: Float[np.ndarray, "rows dim"]) -> Quantised:
    """Round each column to 4096 evenly spaced numbers, from its least to its largest.

    The error is at most half a step of the column; a column of equal numbers is exact. Where a
    column has both signs, 0 is one of the 4096, so that a row of zeros stays one: the grid moves by
    at most half a step, which leaves the codes and the error within their bounds.
    """
    low, high = numbers.min(axis=0), numbers.max(axis=0)
    step = (high - low) / _MOST
    size = np.where(step > 0, step, 1.0)
    low = np.where((low <= 0) & (high >= 0), step * np.rint(low / size), low)
    codes = np.rint((numbers - low[None, :]) / size[None, :])
    return Quantised(np.clip(codes, 0, _MOST).astype(np.uint16), low, step)


def restore(of: Quantised) -> Float[np.ndarray, "rows dim"]:
    """The numbers that the codes stand for, in float64."""
    return of.low[None, :] + of.step[None, :] * of.codes


def pack(codes: UInt16[np.ndarray, "rows dim"]) -> UInt8[np.ndarray, " bytes"]:
    """Codes of 12 bits, row by row, two in three bytes, the high bits first.

    An odd number of codes is followed by a zero.
    """
    flat = codes.reshape(-1).astype(np.uint16)
    pairs = np.pad(flat, (0, len(flat) % 2)).reshape(-1, 2)
    first, second = pairs[:, 0], pairs[:, 1]
    packed = np.stack([first >> 4, (first & 15) << 4 | second >> 8, second & 255], axis=1)
    return packed.astype(np.uint8).reshape(-1)


def fidelity(table: Float[np.ndarray, "rows full"], of: Quantised, basis: Any) -> Fidelity:
    """Compare a quantised table with the full one.

    Args:
        table: the full table.
        of: the codes of its U S.
        basis: the right singular vectors, as columns; those beyond the codes' columns count as
            lost.
    """
    exact = np.asarray(table, np.float64) @ np.asarray(basis)
    near = np.zeros_like(exact)
    near[:, : of.codes.shape[1]] = restore(of)
    moved, norm = (float(np.linalg.norm(array)) for array in (exact - near, exact))
    sample = np.unique(np.linspace(0, len(exact) - 1, min(SAMPLE, len(exact))).astype(int))
    before, after = (_cosines(array, sample) for array in (exact, near))
    k = min(NEAR, len(exact) - 1)
    both = [
        len(np.intersect1d(*pair)) for pair in zip(_top(before, k), _top(after, k), strict=True)
    ]
    kept = sum(both) / (k * len(sample)) if k else 1.0
    change = np.abs(before - after)
    largest, usual = float(change.max()), float(np.quantile(change, 0.99))
    return Fidelity(moved / norm if norm else 0.0, moved, largest, usual, kept)


def _cosines(rows: Any, sample: Any) -> Float[np.ndarray, "sample rows"]:
    """The cosines of sampled rows with all; that of a row with itself is -1, the least."""
    unit = np.asarray(linalg.unit_rows(rows))
    cosines = unit[sample] @ unit.T
    cosines[np.arange(len(sample)), sample] = -1.0
    return cosines


def _top(cosines: Any, k: int) -> Any:
    return np.argpartition(-cosines, k, axis=1)[:, :k] if k else cosines[:, :0]
