"""What all assertions share: raising now, or leaving a check that must be functionalized."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.experimental import checkify

from jaxemb.errors import InputError
from jaxemb.linalg import arrays


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
    wanted = wanted.replace("{", "{{").replace("}", "}}")
    try:
        # the report itself is formatted, when its numbers are known: by its __str__
        checkify.check(
            ok, f"wanted {wanted}; got: {{found}}", found=jax.tree.map(jnp.asarray, found)
        )
    except ValueError as refused:
        if "not functionalized" not in str(refused):
            raise
        raise InputError(_UNHEARD) from None


_UNHEARD = (
    "an assertion is not functionalized: under jax.jit, grad or vmap of it nothing would raise it; "
    "call the jitted f as error, out = jax.experimental.checkify.checkify(jax.jit(f))(x), then "
    "error.throw(), or as chex.chexify(jax.jit(f))(x); or assert outside jit"
)
