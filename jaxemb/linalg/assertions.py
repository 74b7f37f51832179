"""Assertions about matrices, for this and other test suites.

On concrete values they raise AssertionError and show what was measured. Under a trace they are
checks of `jax.experimental.checkify`: wrap the jitted (or vmapped, or differentiated) function in
`checkify.checkify` or `chex.chexify`. Under a plain jit they refuse to be compiled: no check is
lost. Numbers that are not finite fail. (`chex.assert_rank` is about the number of axes.)
"""

from typing import Any, NamedTuple

from jax import custom_batching

from jaxemb.functional.meshes import on_any_mesh
from jaxemb.linalg import arrays
from jaxemb.linalg.angles import orthogonality
from jaxemb.linalg.checks import Measured, finite, require, still
from jaxemb.linalg.ranks import at_rank, rank
from jaxemb.linalg.spectra import Spectrum, spectrum
from jaxemb.linalg.subspaces import dependence, membership, principal_angles
from jaxemb.structs import Number, TableLike, VectorsLike


@on_any_mesh
def assert_matrix_rank(table: TableLike, r: int) -> None:
    """Assert that the rank is r, certified. An undecided rank fails, with its margins.

    Args:
        table: real numbers [rows, dim], or their `Spectrum`, as in all assertions about ranks.
        r: the rank.
    """
    report = rank(_spectrum(table))
    require((report.rank == r) & report.certified, f"rank {r}", report)


@on_any_mesh
def assert_full_column_rank(table: TableLike) -> None:
    """Assert that the columns are independent: the rank is dim, certified."""
    of = _spectrum(table)
    dim = len(of.values)
    report = rank(of)
    require((report.rank == dim) & report.certified, f"full column rank {dim}", report)


@on_any_mesh
def assert_rank_at_most(table: TableLike, r: int) -> None:
    """Assert that the rank is at most r: s_{r+1} is below the tolerance, whatever rounding did.

    For whole numbers, which are exact, s_{r+1} must be proven to be zero.
    """
    of = _spectrum(table)
    xp = arrays.namespace(of.values, r)
    report = at_rank(of, xp.minimum(r, xp.minimum(of.rows, len(of.values))), of.values)
    negligible = report.below + of.backward_error / of.tolerance <= 1.0
    stays = xp.where(of.proven < 0, negligible, of.proven <= r)
    require((stays | (report.rank == report.most)) & of.finite, f"rank at most {r}", report)


@on_any_mesh
def assert_rows_dependent(table: TableLike) -> None:
    """Assert that a combination of the rows, with coefficients of length 1, is zero."""
    table = finite(still(table))
    report = dependence(table)
    require(report.dependent, "dependent rows", report)


@on_any_mesh
def assert_orthonormal(
    table: TableLike, *, rows: bool = False, tolerance: Number | None = None
) -> None:
    """Assert that the columns (or rows) are orthogonal to each other and of length 1."""
    table = finite(still(table))
    report = orthogonality(table, rows=rows, tolerance=tolerance)
    require(report.orthogonal & report.unit, "orthonormal " + ("rows" * rows or "columns"), report)


@on_any_mesh
def assert_orthogonal_rows(table: TableLike, *, tolerance: Number | None = None) -> None:
    """Assert that the rows, of any length, are orthogonal to each other."""
    table = finite(still(table))
    report = orthogonality(table, rows=True, tolerance=tolerance)
    require(report.orthogonal, "orthogonal rows", report)


@on_any_mesh
def assert_one_hot(table: TableLike, *, distinct: bool = False) -> None:
    """Assert that every row is exactly 0 but for a single 1.

    Args:
        distinct: whether no column may hold two ones, as in rows of a permutation matrix.
    """
    table = arrays.table(still(table))
    xp = arrays.namespace(table)
    good = ((table == 0) | (table == 1)).all(axis=1) & ((table == 1).sum(axis=1) == 1)
    most = xp.max((table == 1).sum(axis=0))
    ok = good.all() & ((most <= 1) | (not distinct))
    report = _OneHot(xp.where(good.all(), -1, xp.argmin(good)), most)
    require(ok, "one-hot rows" + " of distinct words" * distinct, report)


class _OneHot(NamedTuple):
    bad_row: Any
    column_count: Any

    def __str__(self) -> str:
        if self.bad_row >= 0:
            return f"row {int(self.bad_row)} is not one-hot"
        return f"a column with {int(self.column_count)} ones"


@on_any_mesh
def assert_in_span(
    vector: VectorsLike, basis: TableLike, *, tolerance: Number | None = None
) -> None:
    """Assert that a vector [dim] lies in the span of independent columns [dim, k]."""
    report = membership(still(vector), finite(still(basis)), tolerance=tolerance)
    require(report.inside, "a vector of the span", report)


@on_any_mesh
def assert_same_span(left: TableLike, right: TableLike, *, tolerance: Number = 1e-5) -> None:
    """Assert that two sets of independent columns [dim, k] span the same space.

    Args:
        left, right: the columns.
        tolerance: largest principal angle accepted, in radians.
    """
    tolerance = arrays.tolerance(tolerance)
    left, right = (finite(still(columns)) for columns in (left, right))
    if left.shape != right.shape:
        raise AssertionError(f"columns {left.shape} and {right.shape}; wanted as many, as long")
    measured = Measured(principal_angles(left, right)[-1], tolerance)
    require(measured.largest <= tolerance, "the same span (largest angle in radians)", measured)


def _spectrum(table: Any) -> Spectrum:
    table = still(table)
    if isinstance(table, Spectrum):
        return table
    if not arrays.is_traced(table):
        return spectrum(table)
    # checkify takes no while loop over a batch: the tables of a batch go one after the other
    return custom_batching.sequential_vmap(spectrum)(table)
