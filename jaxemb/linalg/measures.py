"""Scalar measures of a table: condition, effective number of directions, isotropy.

Each is differentiable, by a table or through its spectrum: minus an effective rank is a penalty on
collapse (RankMe). `derivatives` defines the derivatives at zero and at repeated values.
"""

from typing import Any

import numpy as np
from jaxtyping import Float

from jaxemb.errors import InputError, not_negative
from jaxemb.functional import ratios
from jaxemb.functional.meshes import on_any_mesh
from jaxemb.linalg import arrays
from jaxemb.linalg.arrays import matmul
from jaxemb.linalg.known import known
from jaxemb.linalg.row_blocks import Rows, fold, scaled, total
from jaxemb.linalg.spectra import Spectrum, spectrum
from jaxemb.structs import AnyArray, TableLike, VectorsLike


@on_any_mesh
def condition(of: TableLike | Spectrum) -> Float[AnyArray, ""]:
    """Condition number s_1 / s_min(rows, dim); infinite where s_min is within rounding of zero.

    Args:
        of: a table or its spectrum, as everywhere in this module.
    """
    of = _spectrum(of)
    xp = arrays.namespace(of.values)
    last = of.values[xp.minimum(of.rows - of.centered, len(of.values)) - 1]
    nonzero = last > of.tolerance
    quotient = xp.where(nonzero, of.values[0] / xp.where(nonzero, last, 1.0), xp.inf)
    return xp.where(of.finite, quotient, xp.nan)


@on_any_mesh
def stable_rank(of: TableLike | Spectrum) -> Float[AnyArray, ""]:
    """Stable rank sum s^2 / s_1^2: at most the rank; 0 for a zero table."""
    values = _spectrum(of).values
    return arrays.namespace(values).sum((values / _or_one(values[0])) ** 2)


@on_any_mesh
def participation_ratio(of: TableLike | Spectrum) -> Float[AnyArray, ""]:
    """Participation ratio (sum l)^2 / sum l^2 with l = s^2; n equal singular values give n.

    For a table it needs one Gram matrix and no eigenvalues.
    """
    if isinstance(of, Spectrum):
        squares = (of.values / _or_one(of.values[0])) ** 2
        xp = arrays.namespace(squares)
        return xp.sum(squares) ** 2 / _or_one(xp.sum(squares**2))
    # scale first: the squares of 1e25 and 1e-25 are infinite and 0 in float32
    rows, _ = scaled(Rows(arrays.table(of)))
    matrix = total(rows, lambda block: matmul(block.T, block))
    xp = arrays.namespace(matrix)
    matrix = matrix / _or_one(xp.trace(matrix))
    return xp.trace(matrix) ** 2 / _or_one(xp.sum(matrix**2))


@on_any_mesh
def isoscore(of: TableLike | Spectrum) -> Float[AnyArray, ""]:
    """IsoScore, between 0 and 1: how evenly the variance fills all directions.

    The six steps of its authors, through PCA, equal (PR - 1) / (n - 1), where PR is the
    participation ratio of the centred table and n its number of columns. Their definition is 0 / 0
    where all rows are equal up to rounding, and for one column; there this function returns 0.

    Raises:
        InputError: the argument is the spectrum of a table that was not centred.

    Source:
        Rudman et al. 2022, arXiv:2108.07344.
    """
    if isinstance(of, Spectrum):
        if not arrays.is_traced(of.centered) and not of.centered:
            raise InputError("isoscore is of a centred table: spectrum(table, center=True)")
        ratio, dim = participation_ratio(of), len(of.values)
        varies = of.values[0] > of.tolerance
    else:
        centered = center(of)
        ratio, dim = participation_ratio(centered), centered.shape[1]
        varies = _varies(of, centered)
    # PR is at least 1, but for rounding
    xp = arrays.namespace(ratio)
    return xp.where(varies & (ratio > 1), (ratio - 1.0) / max(dim - 1, 1), 0.0 * ratio)


def _varies(table: Any, centered: Any):
    """Whether the centred table exceeds its own rounding error."""
    table = arrays.table(table)
    unit = max(map(arrays.unit_roundoff, (table.dtype, centered.dtype)))
    return abs(centered).max() > 4 * unit * abs(arrays.cast_up(table)).max()


@on_any_mesh
def effective_rank(of: TableLike | Spectrum, *, epsilon: float = 0.0) -> Float[AnyArray, ""]:
    """Effective rank: exp of the entropy of s / sum s (singular values, not their squares).

    Args:
        epsilon: added to every share; 1e-7 makes it RankMe (Garrido et al. 2023).

    Raises:
        InputError: not a table of real numbers; an epsilon that is negative or not finite.

    Source:
        Roy and Vetterli 2007.
    """
    if not arrays.is_traced(epsilon):
        not_negative(epsilon=epsilon)
    values = _spectrum(of).values
    xp = arrays.namespace(values)
    share = values / _or_one(values.sum()) + epsilon
    entropy = -xp.sum(xp.where(share > 0, share * xp.log(xp.where(share > 0, share, 1.0)), 0.0))
    return xp.where(values[0] == 0, 0.0, xp.exp(entropy))


@on_any_mesh
def explained_variance(of: TableLike | Spectrum) -> Float[AnyArray, " dim"]:
    """Share of each direction in sum s^2 (for a centred table: in the variance), largest first."""
    values = _spectrum(of).values
    squares = (values / _or_one(values[0])) ** 2
    return squares / _or_one(squares.sum())


@on_any_mesh
def gram(table: TableLike) -> Float[AnyArray, "dim dim"]:
    """Gram matrix A^T A, summed over blocks of rows in full precision."""
    table = arrays.table(table)
    return total(Rows(table), lambda block: matmul(block.T, block))


@on_any_mesh
def mean_cosine(table: TableLike) -> Float[AnyArray, ""]:
    """Mean cosine over all pairs of different rows (anisotropy), in one pass.

    With unit rows u_i it is (||sum u_i||^2 - sum ||u_i||^2) / (m (m - 1)): no pair is formed.

    Raises:
        InputError: fewer than two rows.

    Source:
        As a measure of embeddings: Ethayarajh 2019, arXiv:1909.00512.
    """
    table = at_least_two(table)
    m = table.shape[0]
    rows, bad_row = scaled(Rows(table))
    xp = arrays.namespace(table)

    def sums(block):
        unit = unit_rows(block)
        return unit.sum(axis=0), xp.sum(unit * unit)

    together, alone = total(rows, sums)
    mean = (xp.sum(together * together) - alone) / (float(m) * (m - 1))
    return xp.where(bad_row < 0, mean, xp.nan)


@on_any_mesh
def partition_isotropy(table: TableLike, of: Spectrum | None = None) -> Float[AnyArray, ""]:
    """Isotropy min Z(c) / max Z(c) over the right singular vectors c and -c; 1 is isotropic.

    Z(c) = sum_w exp(c . w). A singular vector's sign is arbitrary and Z is not even, so both signs
    are evaluated; with one sign alone the result would depend on the LAPACK in use.

    Args:
        table: real numbers [rows, dim].
        of: the spectrum of the table, not centred, if it is already known.

    Source:
        Arora et al. 2016, arXiv:1502.03520; Mu and Viswanath 2018, arXiv:1702.01417, eq. 1.
    """
    table = arrays.table(table)
    of = known(table, of, center=False)
    xp = arrays.namespace(table, of.basis)
    rows = Rows(table if xp is np else arrays.on_device(table))
    # a jax table is computed in its own type, whatever the type of its spectrum
    basis = xp.asarray(of.basis, arrays.cast_up(rows.table[:0]).dtype)

    def log_of_sum(scores):
        most = scores.max(axis=0)
        return most + xp.log(xp.sum(xp.exp(scores - most[None, :]), axis=0))

    def step(so_far, block, i):
        del i
        scores = matmul(block, basis)
        here = xp.stack([log_of_sum(scores), log_of_sum(-scores)])
        return xp.logaddexp(so_far, here)

    nothing = xp.finfo(basis.dtype).min / 2  # log of an empty sum; infinity is kept for errors
    log_partition = fold(rows, step, xp.full((2, basis.shape[1]), nothing, basis.dtype))
    return xp.where(of.finite, xp.exp(log_partition.min() - log_partition.max()), xp.nan)


@on_any_mesh
def center(table: TableLike) -> Float[AnyArray, "rows dim"]:
    """Subtract the mean row from every row."""
    xp, table = arrays.raised(arrays.table(table))
    return table - xp.mean(table, axis=0, keepdims=True)


@on_any_mesh
def unit_rows(rows: VectorsLike) -> Float[AnyArray, "rows dim"]:
    """Scale every row to length 1; a zero row stays zero and has gradient zero."""
    arrays.refuse_others(rows)
    return ratios.unit(arrays.namespace(rows).asarray(rows))


def at_least_two(table: TableLike) -> AnyArray:
    """Return the table; raise InputError if it has fewer than two rows."""
    table = arrays.table(table)
    if table.shape[0] < 2:
        raise InputError(f"the table has {table.shape[0]} row; pairs want at least two")
    return table


def _spectrum(of: Any) -> Spectrum:
    return of if isinstance(of, Spectrum) else spectrum(of)


def _or_one(x: Any):
    """x with 1 in place of 0, as a divisor under which zeros stay zero."""
    return arrays.namespace(x).where(x == 0, 1.0, x)
