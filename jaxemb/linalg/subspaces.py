"""Spans: the basis of a row space, projections, principal angles, linear dependence.

A span is given by independent columns [dim, k]; a dependence is a vector of the left null space.
"""

from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float

from jaxemb.errors import InputError
from jaxemb.functional.meshes import on_any_mesh
from jaxemb.functional.ratios import length, ratio
from jaxemb.linalg import arrays, derivatives
from jaxemb.linalg.arrays import matmul
from jaxemb.linalg.measures import unit_rows
from jaxemb.linalg.ranks import rank
from jaxemb.linalg.row_blocks import of_unit_size
from jaxemb.linalg.spectra import Spectrum, spectrum
from jaxemb.structs import AnyArray, Number, TableLike, VectorsLike, displayed


@displayed
class Membership(NamedTuple):
    """Whether a vector lies in a span. True when it does."""

    coefficients: Float[AnyArray, "*batch k"]  # of the columns
    residual: Float[AnyArray, "*batch"]  # the part outside, as a share of the vector's length
    tolerance: Float[AnyArray, "*batch"]

    @property
    def inside(self) -> Any:
        """Whether the vector lies in the span."""
        return self.residual <= self.tolerance

    def __bool__(self) -> bool:
        return bool(self.inside)

    def __str__(self) -> str:
        return arrays.sentence(self, _sentence, self.residual)


def _sentence(report: Membership) -> str:
    if np.isnan(report.residual):
        return "unknown: numbers that are not finite, or columns that are dependent"
    return (
        f"{'inside' if report else 'outside'} the span of {report.coefficients.shape[-1]} vectors: "
        f"{float(report.residual):.1e} of its length lies outside, "
        f"tolerance {float(report.tolerance):.1e}"
    )


@on_any_mesh
def basis(of: TableLike | Spectrum, r: int | None = None) -> Float[AnyArray, "dim r"]:
    """Orthonormal columns that span the row space of a table.

    Args:
        of: a table or its spectrum.
        r: number of columns; by default the rank, but under jit it must be given.

    Raises:
        InputError: no `r` under jit, or one that exceeds the number of columns.
    """
    of = of if isinstance(of, Spectrum) else spectrum(of)
    if r is None:
        if arrays.is_traced(of.values):
            raise InputError("under jit the rank is not known: say basis(table, r)")
        r = int(rank(of).rank)
    if not 0 <= r <= of.basis.shape[1]:
        raise InputError(f"r is {r}; wanted 0 to {of.basis.shape[1]}, the number of columns")
    return of.basis[:, :r]


class _Span(NamedTuple):
    """The span of some columns."""

    q: AnyArray  # [dim, k], orthonormal
    r: AnyArray  # [k, k]: columns = q r sizes
    sizes: AnyArray  # [k]
    condition: AnyArray  # of the columns, scaled to length 1
    unit: float  # roundoff of the columns


def _span(columns: Any, name: str) -> _Span:
    """The span of independent columns; dependent ones raise InputError, or give NaN when traced."""
    arrays.refuse_others(columns, name)
    columns = columns if isinstance(columns, jax.Array) else np.asarray(columns)
    if columns.ndim == 2 and columns.shape[0] and not columns.shape[1]:  # the span of 0 alone
        xp, columns = arrays.raised(columns)
        return _Span(columns, columns[:0], columns[0], xp.asarray(1.0, columns.dtype), 0.0)
    stored = arrays.table(columns, name, finite=True).dtype
    xp, columns = arrays.raised(columns)
    dim, k = columns.shape
    if k > dim:
        raise InputError(
            f"{name} has {k:,} columns of length {dim:,}, which are dependent; wanted [dim, k] "
            "(the rows of a table are spanned by the columns linalg.basis(table))"
        )
    unit = max(map(arrays.unit_roundoff, (stored, columns.dtype)))
    # LAPACK's SVD may never return from infinity, which a trace cannot refuse
    columns = xp.where(xp.isfinite(columns), columns, xp.nan)
    long = unit_rows(columns.T)
    q, r = xp.linalg.qr(long.T)
    values = xp.linalg.svd(r if xp is np else jax.lax.stop_gradient(r))[1]
    independent = values[-1] > 4 * unit * k**0.5
    if not arrays.is_traced(independent) and not independent:
        raise InputError(
            f"the {k:,} columns of {name} are dependent; wanted independent ones, such as those of "
            "linalg.basis(columns.T), which span the same"
        )
    sizes = xp.sum(columns * long.T, axis=0)
    return _Span(xp.where(independent, q, xp.nan), r, sizes, values[0] / values[-1], unit)


def _vectors_of(vectors: Any, basis: Any) -> tuple[Any, AnyArray, _Span]:
    """(namespace, the vectors [..., dim], the span of the columns [dim, k])."""
    arrays.refuse_others(vectors, "vectors")
    xp = arrays.namespace(vectors, basis)
    span = _span(basis if xp is np else arrays.on_device(basis), "the basis")
    _, vectors, _ = arrays.raised(vectors, span.q)
    if not vectors.ndim or vectors.shape[-1] != len(span.q):
        raise InputError(
            f"vectors {vectors.shape} and a basis {span.q.shape}; wanted [..., dim] and [dim, k] "
            "(the rows of a table are spanned by the columns linalg.basis(table))"
        )
    return xp, vectors, span


@on_any_mesh
def reject(vectors: VectorsLike, basis: TableLike) -> Float[AnyArray, "*batch dim"]:
    """Vectors [..., dim] without their part in the span of columns [dim, k].

    Raises:
        InputError: dependent columns (under a trace: NaN); vectors of another length.
    """
    _, vectors, span = _vectors_of(vectors, basis)
    return rejected(vectors, span.q)


def rejected(vectors: AnyArray, q: AnyArray) -> AnyArray:
    """`reject` for orthonormal columns q.

    The projection is subtracted twice: once would leave in the span what rounding puts there.
    """
    for _ in range(2):
        vectors = vectors - matmul(matmul(vectors, q), q.T)
    return vectors


@on_any_mesh
def project(vectors: VectorsLike, basis: TableLike) -> Float[AnyArray, "*batch dim"]:
    """The part of vectors [..., dim] that lies in the span of columns [dim, k].

    Errors: see `reject`.
    """
    _, vectors, span = _vectors_of(vectors, basis)
    return matmul(matmul(vectors, span.q), span.q.T)


@on_any_mesh
def membership(
    vector: VectorsLike, basis: TableLike, *, tolerance: Number | None = None
) -> Membership:
    """Whether a vector [dim] lies in the span of columns [dim, k].

    Args:
        basis: independent columns, orthonormal or not.
        tolerance: largest part outside, as a share of the vector's length; by default
            8 sqrt(k) eps of the coarser of the two arrays' types, times the condition of the
            columns when scaled to length 1 (1 for a `basis`). The zero vector is always inside.

    Raises:
        InputError: dependent columns (under a trace: outside); a vector of another length; a
            tolerance that is negative or not finite.
    """
    own = vector if isinstance(vector, jax.Array) else np.asarray(vector)
    xp, x, span = _vectors_of(vector, basis)
    if x.ndim != 1:
        raise InputError(f"vectors {x.shape}; wanted one, [dim] (of more: jax.vmap)")
    unit = max(span.unit, *map(arrays.unit_roundoff, (own.dtype, x.dtype)))
    k = len(span.sizes)
    if tolerance is None:
        tolerance = 16 * max(k, 1) ** 0.5 * unit * span.condition
    most = arrays.still(xp.max(xp.abs(x)))
    scale = xp.where(most > 0, most, 1.0)  # of both: so no square over- or underflows
    x = x / scale
    residual = ratio(length(rejected(x, span.q)), length(x))
    along = matmul(x, span.q)
    solve = np.linalg.solve if xp is np else jax.scipy.linalg.solve_triangular
    along = solve(span.r, along) if k else along
    bound = arrays.namespace(x, tolerance).asarray(arrays.tolerance(tolerance), x.dtype)
    return Membership(scale * along / span.sizes, residual, bound)


@on_any_mesh
def principal_angles(left: TableLike, right: TableLike) -> Float[AnyArray, " angles"]:
    """The angles between the spans of two sets of columns, ascending, in radians.

    They are `scipy.linalg.subspace_angles` in the reverse order. For the row spaces of two tables
    use `principal_angles(basis(a), basis(b))`.

    Args:
        left, right: independent columns, [dim, k] and [dim, l].

    Returns:
        min(k, l) angles; 0 for what the spans share. Small ones are computed from their sine: the
        cosine of 1e-5 is 1 in float32.

    Raises:
        InputError: dependent columns (under a trace: NaN); columns of different lengths.

    Source:
        Bjorck and Golub 1973.
    """
    left, right = _span(left, "left").q, _span(right, "right").q
    if len(left) != len(right):
        raise InputError(f"columns {left.shape} and {right.shape}; wanted them of one length")
    xp, left, right = arrays.raised(left, right)
    if left.shape[1] < right.shape[1]:
        left, right = right, left
    if not right.shape[1]:
        return right[0]
    along = matmul(left.T, right)
    cosines = xp.clip(derivatives.singular_values(along), 0.0, 1.0)
    outside = right - matmul(left, along)
    sines = xp.clip(derivatives.singular_values(outside), 0.0, 1.0)[::-1]
    small = cosines**2 > 0.5  # each inverse function is taken only where it has a derivative
    angles = xp.arcsin(xp.where(small, sines, 0.0)), xp.arccos(xp.where(small, 0.0, cosines))
    return xp.where(small, *angles)


@displayed
class Dependence(NamedTuple):
    """Coefficients of length 1, and the combination of rows they give. True when it is zero."""

    coefficients: Float[AnyArray, "*batch rows"]
    residual: Float[AnyArray, "*batch"]  # || sum_i c_i a_i || / s_1, of the rows
    tolerance: Float[AnyArray, "*batch"]

    @property
    def dependent(self) -> Any:
        """Whether the rows are linearly dependent."""
        return self.residual <= self.tolerance

    def __bool__(self) -> bool:
        return bool(self.dependent)

    def __str__(self) -> str:
        return arrays.sentence(self, _dependence_sentence, self.residual)


def _dependence_sentence(report: Dependence) -> str:
    verb = "are dependent" if report else "show no dependence"
    return (
        f"{report.coefficients.shape[-1]} rows {verb}: residual {float(report.residual):.1e} of s_1"
    )


@on_any_mesh
def dependence(table: TableLike) -> Dependence:
    """The combination of rows, with coefficients of length 1, that is nearest to zero.

    It is the left singular vector of the smallest singular value, which is 0 if there are more rows
    than columns. The first n + 1 rows of dimension n suffice: further rows have coefficient 0.

    Args:
        table: k vectors of dimension n; NumPy in float64, jax in its own type.

    Returns:
        A report: for k > n the rows are always dependent. The tolerance is 2 eps ||A||_F / s_1 with
        the eps of the table's own type; for whole numbers, that of the computation.

    Raises:
        InputError: not a table of finite real numbers.
    """
    table = arrays.table(table, finite=True)
    k, n = table.shape
    xp, rows = arrays.raised(table[: n + 1])
    rows, _ = of_unit_size(rows)
    kinds = [rows.dtype] if k > n else [rows.dtype, table.dtype]
    unit = max(map(arrays.unit_roundoff, kinds))
    if xp is np:
        left, values, _ = np.linalg.svd(rows, full_matrices=k > n)
    else:
        values, left = derivatives.right_svd(rows.T)
    coefficients = left[:, -1]
    largest = xp.where(values[0] > 0, values[0], 1.0)
    residual = length(matmul(coefficients, rows)) / largest
    return Dependence(
        xp.pad(coefficients, (0, max(k - n - 1, 0))),
        residual,
        xp.asarray(4 * unit * length(rows) / largest, rows.dtype),
    )
