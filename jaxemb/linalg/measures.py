"""One number about a spectrum: how many directions there really are, and how alike they weigh.

Each can be differentiated, of a table or through its spectrum: minus an effective rank is a penalty
on collapse (RankMe). `derivatives` says what the derivatives are at zero and at repeated values.
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


@on_any_mesh
def condition(of: Any) -> Float[Any, ""]:
    """s_1 / s_min(rows, dim); infinite when that is not told from zero.

    Args:
        of: a table or its spectrum, as everywhere in this module.
    """
    of = _spectrum(of)
    xp = arrays.namespace(of.values)
    last = of.values[xp.minimum(of.rows - of.centered, len(of.values)) - 1]
    told = last > of.tolerance
    found = xp.where(told, of.values[0] / xp.where(told, last, 1.0), xp.inf)
    return xp.where(of.finite, found, xp.nan)


@on_any_mesh
def stable_rank(of: Any) -> Float[Any, ""]:
    """sum s^2 / s_1^2, at most the rank; 0 for a zero table."""
    values = _spectrum(of).values
    return arrays.namespace(values).sum((values / _or_one(values[0])) ** 2)


@on_any_mesh
def participation_ratio(of: Any) -> Float[Any, ""]:
    """(sum l)^2 / sum l^2 with l = s^2: the number of equal directions that would spread as much.

    Of a table it takes one Gram matrix and no eigenvalues.
    """
    if isinstance(of, Spectrum):
        squares = (of.values / _or_one(of.values[0])) ** 2
        xp = arrays.namespace(squares)
        return xp.sum(squares) ** 2 / _or_one(xp.sum(squares**2))
    # scaled first: the squares of 1e25 and 1e-25 are infinite and 0 in float32
    rows, _ = scaled(Rows(arrays.table(of)))
    matrix = total(rows, lambda block: matmul(block.T, block))
    xp = arrays.namespace(matrix)
    matrix = matrix / _or_one(xp.trace(matrix))
    return xp.trace(matrix) ** 2 / _or_one(xp.sum(matrix**2))


@on_any_mesh
def isoscore(of: Any) -> Float[Any, ""]:
    """IsoScore, between 0 and 1: how evenly the variance fills all directions.

    Its authors define it in six steps by way of PCA; they come to (PR - 1) / (n - 1) with the
    participation ratio PR of the centred table in n dimensions. They leave it open (0 / 0) where
    no row differs from another, up to rounding, and of one column: there it is 0, as PR is.

    Raises:
        InputError: the spectrum of a table that was not centred.

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
    """Whether more is left of a table without its mean than its rounding."""
    table = arrays.table(table)
    unit = max(map(arrays.unit_roundoff, (table.dtype, centered.dtype)))
    return abs(centered).max() > 4 * unit * abs(arrays.cast_up(table)).max()


@on_any_mesh
def effective_rank(of: Any, *, epsilon: float = 0.0) -> Float[Any, ""]:
    """exp of the entropy of the singular values (not their squares) as shares of their sum.

    Args:
        epsilon: added to every share; 1e-7 makes it RankMe (Garrido et al. 2023).

    Raises:
        InputError: no table of real numbers; an epsilon that is negative or not finite.

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
def explained_variance(of: Any) -> Float[Any, " dim"]:
    """The share of each direction in sum s^2, largest first; of the variance, if centred."""
    values = _spectrum(of).values
    squares = (values / _or_one(values[0])) ** 2
    return squares / _or_one(squares.sum())


@on_any_mesh
def gram(table: Any) -> Float[Any, "dim dim"]:
    """A^T A, a block of rows at a time, every product in full precision."""
    table = arrays.table(table)
    return total(Rows(table), lambda block: matmul(block.T, block))


@on_any_mesh
def mean_cosine(table: Any) -> Float[Any, ""]:
    """The mean cosine over all pairs of different rows, in one pass: anisotropy.

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
def partition_isotropy(table: Any, of: Spectrum | None = None) -> Float[Any, ""]:
    """min Z(c) / max Z(c) over the right singular vectors and their negatives; 1 is isotropic.

    Z(c) = sum_w exp(c . w). A singular vector's sign is arbitrary and Z is not even, so both signs
    are asked; codes that take one have a number that depends on their LAPACK.

    Source:
        Arora et al. 2016, arXiv:1502.03520; Mu and Viswanath 2018, arXiv:1702.01417, eq. 1.
    """
    table = arrays.table(table)
    of = known(table, of, center=False)
    xp = arrays.namespace(table, of.basis)
    rows = Rows(table if xp is np else arrays.on_device(table))
    # of a jax table in its own type, whatever that of its spectrum is
    basis = xp.asarray(of.basis, arrays.cast_up(rows.table[:0]).dtype)
    both = xp.concatenate([basis, -basis], axis=1)

    def step(so_far, block, i):
        del i
        scores = matmul(block, both)
        most = scores.max(axis=0)
        here = most + xp.log(xp.sum(xp.exp(scores - most[None, :]), axis=0))
        return xp.logaddexp(so_far, here)

    nothing = xp.finfo(both.dtype).min / 2  # of a sum of no rows; infinity is for errors alone
    found = fold(rows, step, xp.full(both.shape[1], nothing, both.dtype))
    return xp.where(of.finite, xp.exp(found.min() - found.max()), xp.nan)


@on_any_mesh
def center(table: Any) -> Float[Any, "rows dim"]:
    """The table less its mean row."""
    xp, table = arrays.raised(arrays.table(table))
    return table - xp.mean(table, axis=0, keepdims=True)


@on_any_mesh
def unit_rows(rows: Any) -> Float[Any, "rows dim"]:
    """Rows of length 1 in the same directions; a zero row stays zero, and has no gradient."""
    arrays.refuse_sparse(rows)
    return ratios.unit(arrays.namespace(rows).asarray(rows))


def at_least_two(table: Any) -> Any:
    table = arrays.table(table)
    if table.shape[0] < 2:
        raise InputError(f"the table has {table.shape[0]} row; pairs want at least two")
    return table


def _spectrum(of: Any) -> Spectrum:
    return of if isinstance(of, Spectrum) else spectrum(of)


def _or_one(x: Any):
    """x, and 1 where it is 0: a divisor that leaves zeros zero."""
    return arrays.namespace(x).where(x == 0, 1.0, x)
