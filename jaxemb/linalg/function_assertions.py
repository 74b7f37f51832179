"""Assertions about functions: losses of your own, and their gradients. As in `assertions`."""

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
def assert_invariant(f: Callable, g: Callable, *args: Any, tolerance: Any = 1e-5) -> None:
    """f(*g(*args)) is f(*args): f does not notice g.

    Args:
        f: any function to arrays.
        g: from the arguments of f to new ones: a tuple, or the only one.
        tolerance: of the largest difference, as a share of the largest value.
    """
    assert_equivariant(f, g, lambda value: value, *args, tolerance=tolerance)


@on_any_mesh
def assert_equivariant(
    f: Callable, g: Callable, h: Callable, *args: Any, tolerance: Any = 1e-5
) -> None:
    """f(*g(*args)) is h(f(*args)): what g does before f, h does after it."""
    tolerance = arrays.tolerance(tolerance)
    args = still(args)
    changed = g(*args)
    # a NamedTuple is one argument
    moved = f(*changed) if type(changed) is tuple else f(changed)
    found = Measured(_difference(moved, h(f(*args))), tolerance)
    require(found.largest <= tolerance, "equal values (relative difference)", found)


@on_any_mesh
def assert_row_sparse(gradient: Any, ids: Any) -> None:
    """Rows of the gradient whose ids were not read are exactly zero.

    Args:
        gradient: of a table [vocab, dim].
        ids: the rows that were read, of any shape; those that are no rows (padding) read none.
    """
    gradient = finite(still(gradient))
    xp = arrays.namespace(gradient, ids)
    read = one_hot(xp.ravel(xp.asarray(ids)), gradient.shape[0]).counts > 0
    stray = ~read & (gradient != 0).any(axis=1)
    largest = xp.max(xp.where(stray[:, None], abs(arrays.cast_up(gradient)), 0))
    found = _Stray(stray.sum(), xp.argmax(stray), largest)
    require(~stray.any(), "a gradient of the rows that were read", found)


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
    loss: Callable, u: Any, c: Any, *, key: Any = None, tolerance: Any = 1e-4
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
        tolerance: of the relative differences.
    """
    tolerance = arrays.tolerance(tolerance)
    u, c = (arrays.cast_up(arrays.on_device(arrays.table(still(each)))) for each in (u, c))
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
    require(ok, "a loss of U C^T alone", found)


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
