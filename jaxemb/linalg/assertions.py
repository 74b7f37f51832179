"""Assertions about matrices and losses, for test suites: yours too.

With values at hand they raise AssertionError and show what was measured. Under a trace they are
checks of `jax.experimental.checkify`: wrap the jitted (or vmapped, or differentiated) function in
`checkify.checkify` or `chex.chexify`. In a plain jit they refuse to be compiled; nothing passes
unseen. Numbers that are not finite fail. (`chex.assert_rank` is about the number of axes.)
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


@on_any_mesh
def assert_matrix_rank(table: Any, r: int) -> None:
    """The rank of the table is r, certified. Undecided is a failure, and says how close it was.

    Args:
        table: real numbers [rows, dim], or their `Spectrum`, as in all assertions about ranks.
    """
    found = rank(_spectrum(table))
    require((found.rank == r) & found.certified, f"rank {r}", found)


@on_any_mesh
def assert_full_column_rank(table: Any) -> None:
    """The columns are independent: the rank is dim, certified."""
    of = _spectrum(table)
    dim = len(of.values)
    found = rank(of)
    require((found.rank == dim) & found.certified, f"full column rank {dim}", found)


@on_any_mesh
def assert_rank_at_most(table: Any, r: int) -> None:
    """s_{r+1} is not told from zero, by more than rounding could have changed.

    Of whole numbers, which are exact: it is proven to be zero.
    """
    of = _spectrum(table)
    xp = arrays.namespace(of.values, r)
    found = at_rank(of, xp.minimum(r, xp.minimum(of.rows, len(of.values))), of.values)
    told = found.below + of.backward_error / of.tolerance <= 1.0
    stays = xp.where(of.proven < 0, told, of.proven <= r)
    require((stays | (found.rank == found.most)) & of.finite, f"rank at most {r}", found)


@on_any_mesh
def assert_rows_dependent(table: Any) -> None:
    """Some combination of the rows, with coefficients of length 1, is zero."""
    table = finite(still(table))
    found = dependence(table)
    require(found.dependent, "dependent rows", found)


@on_any_mesh
def assert_orthonormal(table: Any, *, rows: bool = False, tolerance: Any = None) -> None:
    """The columns (or rows) are orthogonal to each other and of length 1."""
    table = finite(still(table))
    found = orthogonality(table, rows=rows, tolerance=tolerance)
    require(found.orthogonal & found.unit, "orthonormal " + ("rows" * rows or "columns"), found)


@on_any_mesh
def assert_orthogonal_rows(table: Any, *, tolerance: Any = None) -> None:
    """The rows are orthogonal to each other, of any length."""
    table = finite(still(table))
    found = orthogonality(table, rows=True, tolerance=tolerance)
    require(found.orthogonal, "orthogonal rows", found)


@on_any_mesh
def assert_one_hot(table: Any, *, distinct: bool = False) -> None:
    """Every row is 0 but for a single 1, exactly.

    Args:
        distinct: whether no column may hold two ones: a part of a permutation of the identity.
    """
    table = arrays.table(still(table))
    xp = arrays.namespace(table)
    good = ((table == 0) | (table == 1)).all(axis=1) & ((table == 1).sum(axis=1) == 1)
    most = xp.max((table == 1).sum(axis=0))
    ok = good.all() & ((most <= 1) | (not distinct))
    found = _OneHot(xp.where(good.all(), -1, xp.argmin(good)), most)
    require(ok, "one-hot rows" + " of distinct words" * distinct, found)


class _OneHot(NamedTuple):
    bad_row: Any
    column_count: Any

    def __str__(self) -> str:
        if self.bad_row >= 0:
            return f"row {int(self.bad_row)} is not one-hot"
        return f"a column with {int(self.column_count)} ones"


@on_any_mesh
def assert_in_span(vector: Any, basis: Any, *, tolerance: Any = None) -> None:
    """The vector [dim] lies in the span of the columns [dim, k], which are independent."""
    found = membership(still(vector), finite(still(basis)), tolerance=tolerance)
    require(found.inside, "a vector of the span", found)


@on_any_mesh
def assert_same_span(left: Any, right: Any, *, tolerance: Any = 1e-5) -> None:
    """Two sets of independent columns [dim, k] span the same space.

    Args:
        tolerance: of the largest principal angle, in radians.
    """
    tolerance = arrays.tolerance(tolerance)
    left, right = (finite(still(each)) for each in (left, right))
    if left.shape != right.shape:
        raise AssertionError(f"columns {left.shape} and {right.shape}; wanted as many, as long")
    found = Measured(principal_angles(left, right)[-1], tolerance)
    require(found.largest <= tolerance, "the same span (largest angle in radians)", found)


def _spectrum(table: Any) -> Spectrum:
    table = still(table)
    if isinstance(table, Spectrum):
        return table
    if not arrays.is_traced(table):
        return spectrum(table)
    # checkify takes no while loop over a batch: there, one table after the other
    return custom_batching.sequential_vmap(spectrum)(table)
