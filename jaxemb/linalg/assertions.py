"""Assertions about matrices and losses, for test suites: yours too.

With values at hand they raise AssertionError and show what was measured. Under a trace they are
checks of `jax.experimental.checkify`: wrap the jitted (or vmapped, or differentiated) function in
`checkify.checkify` or `chex.chexify`. In a plain jit they refuse to be compiled; nothing passes
unseen. Numbers that are not finite fail. (`chex.assert_rank` is about the number of axes.)
"""

import functools
import sys
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import custom_batching, lax
from jax.experimental import checkify
from jax.extend.core import Primitive

from jaxemb.errors import InputError
from jaxemb.functional.meshes import on_any_mesh
from jaxemb.linalg import arrays
from jaxemb.linalg.angles import orthogonality
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


class Measured(NamedTuple):
    """What an assertion compared."""

    largest: Any
    tolerance: Any

    def __str__(self) -> str:
        return f"{float(self.largest):.3g}, tolerance {float(self.tolerance):.3g}"


def still(tree: Any) -> Any:
    """No gradient flows through a check."""
    return jax.tree.map(
        lambda leaf: lax.stop_gradient(leaf) if isinstance(leaf, jax.Array) else leaf, tree
    )


def finite(table: Any) -> Any:
    """The table, checked to be finite.

    What goes on under a trace holds NaN for infinity, or LAPACK's SVD might never return
    (Reference-LAPACK/lapack issue 1409).
    """
    table = arrays.table(table)
    xp = arrays.namespace(table)
    good = xp.isfinite(table)
    require(good.all(), "finite numbers", Bad(xp.argmin(good.all(axis=1))))
    return xp.where(good, table, xp.nan) if arrays.is_traced(table) else table


class Bad(NamedTuple):
    row: Any

    def __str__(self) -> str:
        return f"NaN or infinity in row {int(self.row)}"


def require(ok: Any, wanted: str, found: Any) -> None:
    """Raises now where `ok` is known; else leaves a check that must be functionalized.

    Raises:
        AssertionError: not ok.
        InputError: under a trace that nothing functionalizes, where the check would be lost.
    """
    found = still(found)
    if not arrays.is_traced(ok):
        if not bool(np.all(ok)):
            raise AssertionError(f"wanted {wanted}; got: {found}")
        return
    ok = _reported.bind(jnp.asarray(ok)) if _is_taken_out() else ok
    # the report itself is formatted, by its __str__, once its numbers are known
    wanted = wanted.replace("{", "{{").replace("}", "}}")
    found = jax.tree.map(jnp.asarray, found)
    checkify.check(ok, f"wanted {wanted}; got: {{found}}", found=found)


class _Reported(Primitive):
    """The identity, of what a check asks; compiled, it refuses.

    JAX compiles a function long after it traced it, and tells of a check that nobody functionalized
    without saying whose it is. Who functionalizes a program calls every operation of it anew, and
    this one leaves no trace then.
    """

    def bind(self, ok: Any, **params: Any) -> Any:
        return ok if _caller().endswith("checkify") else super().bind(ok, **params)


def _caller() -> str:
    """The module that called this one; checkers of types may stand between."""
    frame = sys._getframe(1)
    while frame.f_back and frame.f_globals.get("__name__", "").startswith(_PASSED):
        frame = frame.f_back
    return frame.f_globals.get("__name__", "")


_PASSED = (__name__, "jaxtyping", "beartype")


def _refuse(context: Any, ok: Any) -> Any:
    del context, ok
    raise InputError(
        "an assertion is not functionalized, and under jax.jit nothing would raise it: call "
        "error, out = jax.experimental.checkify.checkify(jax.jit(f))(x), then error.throw(); "
        "or chex.chexify(jax.jit(f))(x); or assert outside jit"
    )


_reported = _Reported("reported")


@functools.cache
def _is_taken_out() -> bool:
    """Whether this JAX functionalizes as `_Reported` expects; if not, JAX's own error is left."""
    program = jax.make_jaxpr(checkify.checkify(lambda ok: _reported.bind(ok)))(True)
    return _reported.name not in str(program)
