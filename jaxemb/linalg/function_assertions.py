"""Assertions about functions, such as your own losses and gradients. They fail as `assertions`."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxemb.functional.meshes import on_any_mesh
from jaxemb.linalg import arrays
from jaxemb.linalg.arrays import matmul
from jaxemb.linalg.checks import Measured, finite, require, still
from jaxemb.linalg.fixtures import random_orthogonal
from jaxemb.linalg.onehot import one_hot


@on_any_mesh
def assert_invariant(
    f: Callable[..., Any], g: Callable[..., Any], *args: Any, tolerance: Any = 1e-5
) -> None:
    """Assert that f(*g(*args)) equals f(*args): f is invariant under g.

    Args:
        f: any function that returns arrays.
        g: maps the arguments of f to new ones: a tuple of them, or the only one.
        args: the arguments of f.
        tolerance: largest difference accepted, as a share of the largest value.
    """
    assert_equivariant(f, g, lambda value: value, *args, tolerance=tolerance)


@on_any_mesh
def assert_equivariant(
    f: Callable[..., Any],
    g: Callable[..., Any],
    h: Callable[..., Any],
    *args: Any,
    tolerance: Any = 1e-5,
) -> None:
    """Assert that f(*g(*args)) equals h(f(*args)): g before f has the effect of h after f."""
    tolerance = arrays.tolerance(tolerance)
    args = still(args)
    changed = g(*args)
    # a NamedTuple is one argument
    moved = f(*changed) if type(changed) is tuple else f(changed)
    measured = Measured(_difference(moved, h(f(*args))), tolerance)
    require(measured.largest <= tolerance, "equal values (relative difference)", measured)


@on_any_mesh
def assert_row_sparse(gradient: Any, ids: Any) -> None:
    """Assert that the rows of a gradient whose ids were not read are exactly zero.

    Args:
        gradient: gradient of a table, [vocab, dim].
        ids: the rows that were read, of any shape; ids outside the table (padding) read none.
    """
    gradient = finite(still(gradient))
    xp = arrays.namespace(gradient, ids)
    read = one_hot(xp.ravel(xp.asarray(ids)), gradient.shape[0]).counts > 0
    stray = ~read & (gradient != 0).any(axis=1)
    largest = xp.max(xp.where(stray[:, None], abs(arrays.cast_up(gradient)), 0))
    report = _Stray(stray.sum(), xp.argmax(stray), largest)
    require(~stray.any(), "a gradient of the rows that were read", report)


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


@on_any_mesh
def assert_gauge_invariant(
    loss: Callable[..., Any], u: Any, c: Any, *, key: Any = None, tolerance: Any = 1e-4
) -> None:
    """Assert that a loss of two tables depends on their product U C^T alone.

    Such a loss is equal for (U G, C G^-T) with any invertible G; here G is a rotation, and then a
    stretch by 1/2 to 2. It also has U^T dL/dU = (C^T dL/dC)^T, which a hand-written gradient with a
    wrong sign violates. (A penalty on the norms of the tables is invariant under rotations only:
    use `assert_invariant`.)

    Args:
        loss: loss(U [vocab, dim], C [vocab, dim]) -> scalar.
        u: the input table.
        c: the output table.
        key: for the rotations; `jax.random.key(0)` by default.
        tolerance: largest relative difference accepted.
    """
    tolerance = arrays.tolerance(tolerance)
    u, c = (arrays.cast_up(arrays.on_device(arrays.table(still(x)))) for x in (u, c))
    keys = jax.random.split(jax.random.key(0) if key is None else key)
    left, right = (random_orthogonal(x, u.shape[1]) for x in keys)
    stretch = jnp.geomspace(0.5, 2.0, u.shape[1])[None, :]
    before = loss(u, c)
    rotated = loss(matmul(u, left), matmul(c, left))
    stretched = loss(
        matmul(matmul(u, left) * stretch, right), matmul(matmul(c, left) / stretch, right)
    )
    to_u, to_c = jax.grad(loss, argnums=(0, 1))(u, c)
    report = _Gauge(
        _difference(rotated, before),
        _difference(stretched, before),
        _difference(matmul(u.T, to_u), matmul(c.T, to_c).T),
        tolerance,
    )
    worst = jnp.maximum(jnp.maximum(report.rotated, report.stretched), report.identity)
    # a maximum may lose NaN, a sum does not
    ok = (worst <= tolerance) & jnp.isfinite(report.rotated + report.stretched + report.identity)
    require(ok, "a loss of U C^T alone", report)


def _difference(left: Any, right: Any):
    """The largest |difference| of two pytrees, as a share of the largest value of either."""
    left, right = jax.tree.leaves(left), jax.tree.leaves(right)
    shapes = [[np.shape(leaf) for leaf in side] for side in (left, right)]
    if shapes[0] != shapes[1]:  # they might broadcast
        raise AssertionError(f"values of shapes {shapes[0]} and {shapes[1]}; wanted the same")
    xp, *leaves = arrays.raised(*left, *right)
    most = [xp.max(xp.abs(leaf), initial=0.0) for leaf in leaves]
    size = xp.max(xp.stack(most))
    finite = xp.stack([xp.isfinite(leaf).all() for leaf in leaves]).all()
    pairs = zip(leaves[: len(left)], leaves[len(left) :], strict=True)
    apart = xp.max(xp.stack([xp.max(xp.abs(a - b), initial=0.0) for a, b in pairs]))
    return xp.where(finite, apart / xp.where(size > 0, size, 1.0), xp.nan)
