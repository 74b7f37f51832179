"""What all assertions share: raising now, or leaving a check that must be functionalized."""

import functools
import sys
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.experimental import checkify
from jax.extend.core import Primitive
from jax.interpreters import batching, mlir

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
_reported.def_impl(lambda ok: ok)
_reported.def_abstract_eval(lambda ok: ok)
batching.defvectorized(_reported)
mlir.register_lowering(_reported, _refuse)


@functools.cache
def _is_taken_out() -> bool:
    """Whether this JAX functionalizes as `_Reported` expects; if not, JAX's own error is left."""
    program = jax.make_jaxpr(checkify.checkify(lambda ok: _reported.bind(ok)))(True)
    return _reported.name not in str(program)
