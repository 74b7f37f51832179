"""Assertions about matrices and losses, for test suites: yours too.

With values at hand they raise AssertionError and show what was measured. Under a trace they are
checks of `jax.experimental.checkify`: wrap the jitted (or vmapped, or differentiated) function in
`checkify.checkify` or `chex.chexify`. In a plain jit they refuse to be traced; nothing passes
unseen. Numbers that are not finite fail. (`chex.assert_rank` is about the number of axes.)
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import custom_batching, lax
from jax.experimental import checkify

from jaxemb.linalg import arrays
from jaxemb.linalg.arrays import matmul
from jaxemb.linalg.dependence import dependence
from jaxemb.linalg.onehot import one_hot
from jaxemb.linalg.orthogonality import orthogonality
from jaxemb.linalg.planted import random_orthogonal
from jaxemb.linalg.ranks import at_rank, rank
from jaxemb.linalg.spectrum import Spectrum, spectrum
from jaxemb.linalg.subspaces import membership, principal_angles


class Measured(NamedTuple):
    """What an assertion compared."""

    largest: Any
    tolerance: Any

    def __str__(self) -> str:
        return f"{float(self.largest):.3g}, tolerance {float(self.tolerance):.3g}"


def assert_matrix_rank(table: Any, r: int) -> None:
    """The rank of the table is r, certified. Undecided is a failure, and says how close it was.

    Args:
        table: real numbers [rows, dim], or their `Spectrum`, as in all assertions about ranks.
    """
    found = rank(_spectrum(table))
    _require((found.rank == r) & found.certified, f"rank {r}", found)


def assert_full_column_rank(table: Any) -> None:
    """The columns are independent: the rank is dim, certified."""
    of = _spectrum(table)
    dim = len(of.values)
    found = rank(of)
    _require((found.rank == dim) & found.certified, f"full column rank {dim}", found)


def assert_rank_at_most(table: Any, r: int) -> None:
    """s_{r+1} is not told from zero, by more than rounding could have changed."""
    of = _spectrum(table)
    xp = arrays.namespace(of.values, r)
    found = at_rank(of, xp.minimum(r, xp.minimum(of.rows, len(of.values))), of.values)
    stays = found.below + of.backward_error / of.tolerance <= 1.0
    _require((stays | (found.rank == found.most)) & of.finite, f"rank at most {r}", found)


def assert_rows_dependent(table: Any) -> None:
    """Some combination of the rows, with coefficients of length 1, is zero."""
    table = _finite(_still(table))
    found = dependence(table)
    _require(found.dependent, "dependent rows", found)


def assert_orthonormal(table: Any, *, rows: bool = False, tolerance: Any = None) -> None:
    """The columns (or rows) are orthogonal to each other and of length 1."""
    table = _finite(_still(table))
    found = orthogonality(table, rows=rows, tolerance=tolerance)
    _require(found.orthogonal & found.unit, "orthonormal " + ("rows" * rows or "columns"), found)


def assert_orthogonal_rows(table: Any, *, tolerance: Any = None) -> None:
    """The rows are orthogonal to each other, of any length."""
    table = _finite(_still(table))
    found = orthogonality(table, rows=True, tolerance=tolerance)
    _require(found.orthogonal, "orthogonal rows", found)


def assert_one_hot(table: Any, *, distinct: bool = False) -> None:
    """Every row is 0 but for a single 1, exactly.

    Args:
        distinct: whether no column may hold two ones: a part of a permutation of the identity.
    """
    table = arrays.table(_still(table))
    xp = arrays.namespace(table)
    good = ((table == 0) | (table == 1)).all(axis=1) & ((table == 1).sum(axis=1) == 1)
    most = xp.max((table == 1).sum(axis=0))
    ok = good.all() & ((most <= 1) | (not distinct))
    found = _OneHot(xp.where(good.all(), -1, xp.argmin(good)), most)
    _require(ok, "one-hot rows" + " of distinct words" * distinct, found)


class _OneHot(NamedTuple):
    bad_row: Any
    column_count: Any

    def __str__(self) -> str:
        if self.bad_row >= 0:
            return f"row {int(self.bad_row)} is not one-hot"
        return f"a column with {int(self.column_count)} ones"


def assert_in_span(vector: Any, basis: Any, *, tolerance: Any = None) -> None:
    """The vector [dim] lies in the span of the orthonormal columns [dim, k]."""
    found = membership(_still(vector), _still(basis), tolerance=tolerance)
    _require(found.inside, "a vector of the span", found)


def assert_same_span(left: Any, right: Any, *, tolerance: float = 1e-5) -> None:
    """Two sets of orthonormal columns [dim, k] span the same space.

    Args:
        tolerance: of the largest principal angle, in radians.
    """
    left, right = (_finite(_still(each)) for each in (left, right))
    for each in (left, right):
        assert_orthonormal(each)
    if left.shape != right.shape:
        raise AssertionError(f"columns {left.shape} and {right.shape}; wanted as many, as long")
    found = Measured(principal_angles(left, right)[-1], tolerance)
    _require(found.largest <= tolerance, "the same span (largest angle in radians)", found)


def assert_invariant(f: Callable, g: Callable, *args: Any, tolerance: float = 1e-5) -> None:
    """f(*g(*args)) is f(*args): f does not notice g.

    Args:
        f: any function to arrays.
        g: from the arguments of f to new ones: a tuple, or the only one.
        tolerance: of the largest difference, as a share of the largest value.
    """
    assert_equivariant(f, g, lambda value: value, *args, tolerance=tolerance)


def assert_equivariant(
    f: Callable, g: Callable, h: Callable, *args: Any, tolerance: float = 1e-5
) -> None:
    """f(*g(*args)) is h(f(*args)): what g does before f, h does after it."""
    args = _still(args)
    changed = g(*args)
    # a NamedTuple is one argument
    moved = f(*changed) if type(changed) is tuple else f(changed)
    found = Measured(_difference(moved, h(f(*args))), tolerance)
    _require(found.largest <= tolerance, "equal values (relative difference)", found)


def assert_row_sparse(gradient: Any, ids: Any) -> None:
    """Rows of the gradient whose ids were not read are exactly zero.

    Args:
        gradient: of a table [vocab, dim].
        ids: the rows that were read, of any shape; those that are no rows (padding) read none.
    """
    gradient = _finite(_still(gradient))
    xp = arrays.namespace(gradient, ids)
    read = one_hot(xp.ravel(xp.asarray(ids)), gradient.shape[0]).counts > 0
    stray = ~read & (gradient != 0).any(axis=1)
    largest = xp.max(xp.where(stray[:, None], abs(gradient), 0))
    found = _Stray(stray.sum(), xp.argmax(stray), largest)
    _require(~stray.any(), "a gradient of the rows that were read", found)


class _Stray(NamedTuple):
    rows: Any
    first: Any
    largest: Any

    def __str__(self) -> str:
        return (
            f"{int(self.rows)} other rows with entries up to {float(self.largest):.3g}, "
            f"the first is {int(self.first)}"
        )


class _Gauge(NamedTuple):
    rotated: Any
    stretched: Any
    identity: Any
    tolerance: Any

    def __str__(self) -> str:
        return (
            f"relative difference after a rotation {float(self.rotated):.3g}, after a stretch "
            f"{float(self.stretched):.3g}, of U^T dL/dU and (C^T dL/dC)^T "
            f"{float(self.identity):.3g}, tolerance {float(self.tolerance):.3g}"
        )


def assert_gauge_invariant(
    loss: Callable, u: Any, c: Any, *, key: Any = None, tolerance: float = 1e-4
) -> None:
    """The loss of two tables depends on their product U C^T alone.

    So it is the same of (U G, C G^-T) for any invertible G, here a rotation and a stretch by 1/2
    to 2; and U^T dL/dU = (C^T dL/dC)^T, which a gradient written by hand with one sign wrong
    fails. (A penalty on the tables' norms is invariant to rotations only: `assert_invariant`.)

    Args:
        loss: loss(U [vocab, dim], C [vocab, dim]) -> scalar.
        u: the input table.
        c: the output table.
        key: of the rotations; `jax.random.key(0)` by default.
    """
    u, c = (arrays.cast_up(jnp.asarray(_still(each))) for each in (u, c))
    keys = jax.random.split(jax.random.key(0) if key is None else key)
    left, right = (random_orthogonal(each, u.shape[1]) for each in keys)
    stretch = jnp.geomspace(0.5, 2.0, u.shape[1])[None, :]
    before = loss(u, c)
    rotated = loss(matmul(u, left), matmul(c, left))
    stretched = loss(
        matmul(matmul(u, left) * stretch, right), matmul(matmul(c, left) / stretch, right)
    )
    to_u, to_c = jax.grad(loss, argnums=(0, 1))(u, c)
    found = _Gauge(
        _difference(rotated, before),
        _difference(stretched, before),
        _difference(matmul(u.T, to_u), matmul(c.T, to_c).T),
        tolerance,
    )
    worst = jnp.maximum(jnp.maximum(found.rotated, found.stretched), found.identity)
    # a maximum may lose NaN, a sum does not
    ok = (worst <= tolerance) & jnp.isfinite(found.rotated + found.stretched + found.identity)
    _require(ok, "a loss of U C^T alone", found)


def _difference(left: Any, right: Any):
    """The largest |difference| of two pytrees, as a share of the largest value of either."""
    left, right = jax.tree.leaves(left), jax.tree.leaves(right)
    shapes = [[np.shape(leaf) for leaf in each] for each in (left, right)]
    if shapes[0] != shapes[1]:  # they might broadcast
        raise AssertionError(f"values of shapes {shapes[0]} and {shapes[1]}; wanted the same")
    xp, *leaves = arrays.raised(*left, *right)
    most = [xp.max(xp.abs(leaf), initial=0.0) for leaf in leaves]
    size = xp.max(xp.stack(most))
    finite = xp.stack([xp.isfinite(leaf).all() for leaf in leaves]).all()
    pairs = zip(leaves[: len(left)], leaves[len(left) :], strict=True)
    apart = xp.max(xp.stack([xp.max(xp.abs(a - b), initial=0.0) for a, b in pairs]))
    return xp.where(finite, apart / xp.where(size > 0, size, 1.0), xp.nan)


def _still(tree: Any) -> Any:
    """No gradient flows through a check."""
    return jax.tree.map(
        lambda leaf: lax.stop_gradient(leaf) if isinstance(leaf, jax.Array) else leaf, tree
    )


def _spectrum(table: Any) -> Spectrum:
    table = _still(table)
    if isinstance(table, Spectrum):
        return table
    if not arrays.is_traced(table):
        return spectrum(table)
    # checkify takes no while loop over a batch: there, one table after the other
    return custom_batching.sequential_vmap(spectrum)(table)


def _finite(table: Any) -> Any:
    """The table, checked to be finite.

    What goes on under a trace holds NaN for infinity, or LAPACK's SVD might never return
    (Reference-LAPACK/lapack issue 1409).
    """
    table = arrays.table(table)
    xp = arrays.namespace(table)
    good = xp.isfinite(table)
    _require(good.all(), "finite numbers", _Bad(xp.argmin(good.all(axis=1))))
    return xp.where(good, table, xp.nan) if arrays.is_traced(table) else table


class _Bad(NamedTuple):
    row: Any

    def __str__(self) -> str:
        return f"NaN or infinity in row {int(self.row)}"


def _require(ok: Any, wanted: str, found: Any) -> None:
    """Raises now where `ok` is known; else leaves a check that must be functionalized."""
    found = _still(found)
    if not arrays.is_traced(ok):
        if not bool(np.all(ok)):
            raise AssertionError(f"wanted {wanted}; got: {found}")
        return
    scalars = {k: v for k, v in found._asdict().items() if np.ndim(v) == 0}
    shown = ", ".join(f"{name} {{{name}}}" for name in scalars)
    checkify.check(ok, f"wanted {wanted}; got: {shown}", **jax.tree.map(jnp.asarray, scalars))
