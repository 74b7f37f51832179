"""What all assertions share: they raise now, or leave a check that must be functionalized."""

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
from jaxemb.structs import AnyArray, TableLike


class Measured(NamedTuple):
    """The numbers that an assertion compared."""

    largest: Any
    tolerance: Any

    def __str__(self) -> str:
        return f"{float(self.largest):.3g}, tolerance {float(self.tolerance):.3g}"


def still(tree: Any) -> Any:
    """Return the pytree as constants: no gradient flows through a check."""
    return jax.tree.map(
        lambda leaf: lax.stop_gradient(leaf) if isinstance(leaf, jax.Array) else leaf, tree
    )


def finite(table: TableLike) -> AnyArray:
    """Require that a table is finite, and return it.

    Under a trace the result has NaN for infinity, from which LAPACK's SVD might never return
    (Reference-LAPACK/lapack issue 1409).
    """
    table = arrays.table(table)
    xp = arrays.namespace(table)
    good = xp.isfinite(table)
    require(good.all(), "finite numbers", Bad(xp.argmin(good.all(axis=1))))
    return xp.where(good, table, xp.nan) if arrays.is_traced(table) else table


class Bad(NamedTuple):
    """A row that is not finite."""

    row: Any

    def __str__(self) -> str:
        return f"NaN or infinity in row {int(self.row)}"


def require(ok: Any, wanted: str, report: Any) -> None:
    """Raise now where `ok` is known; under a trace leave a check that must be functionalized.

    Args:
        ok: the condition.
        wanted: what was wanted, in words.
        report: what was measured; its `__str__` goes into the message.

    Raises:
        AssertionError: not ok.
        InputError: under a trace that nothing functionalizes, where the check would be lost.
    """
    report = still(report)
    if not arrays.is_traced(ok):
        if not bool(np.all(ok)):
            raise AssertionError(f"wanted {wanted}; got: {report}")
        return
    ok = _reported.bind(jnp.asarray(ok)) if _is_taken_out() else ok
    # the report itself is formatted, by its __str__, once its numbers are known
    wanted = wanted.replace("{", "{{").replace("}", "}}")
    report = jax.tree.map(jnp.asarray, report)
    checkify.check(ok, f"wanted {wanted}; got: {{report}}", report=report)


class _Reported(Primitive):
    """The identity on the condition of a check; compiling it raises InputError.

    JAX compiles a function long after it traced it, and its error about a check that was not
    functionalized does not say whose check it is. `checkify` binds every operation of a program
    again, and this one then disappears.
    """

    def bind(self, ok: Any, **params: Any) -> Any:
        return ok if _caller().endswith("checkify") else super().bind(ok, **params)


def _caller() -> str:
    """Name of the module that called this one, without the type checkers in between."""
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
    """Whether this JAX functionalizes as `_Reported` expects; if not, JAX's own error remains."""
    program = jax.make_jaxpr(checkify.checkify(lambda ok: _reported.bind(ok)))(True)
    return _reported.name not in str(program)
