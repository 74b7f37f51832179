"""NumPy in, NumPy out in float64; jax in, jax out, with every product in full precision.

A float32 product on an accelerator rounds its inputs to 10 or 8 bits unless it is told not to: a
perfect rotation then misses orthogonality by 1e-3.
"""

import numbers
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jax.lax import Precision

from jaxemb.errors import InputError, seeds


def namespace(*arrays: Any):
    """jax.numpy if one of the arrays is jax's, else numpy."""
    return jnp if any(isinstance(each, jax.Array) for each in arrays) else np


def matmul(left: Any, right: Any):
    """left @ right, in full precision wherever it runs."""
    if namespace(left, right) is np:
        return np.matmul(left, right)
    return jnp.matmul(left, right, precision=Precision.HIGHEST)


def cast_up(array: Any):
    """float64 on the host; on a device float32, or float64 where it already is."""
    if namespace(array) is np:
        return np.asarray(array, np.float64)
    return array.astype(jnp.promote_types(array.dtype, jnp.float32))


def raised(*arrays: Any):
    """(namespace, *arrays in it, cast up)."""
    xp = namespace(*arrays)
    return (xp, *(cast_up(xp.asarray(each)) for each in arrays))


def table(of: Any, name: str = "the table", *, finite: bool = False) -> Any:
    """The argument as a real array [rows, dim] with at least one entry.

    Args:
        finite: whether NaN and infinity are refused, where values are known (not under jit).

    Raises:
        InputError: another number of axes, no rows or columns, complex numbers or no numbers.
    """
    found = of if isinstance(of, jax.Array | np.ndarray) else np.asarray(of)
    if found.ndim != 2:
        one = f"; a single vector is a table of one row: [{name}[None, :]]" * (found.ndim == 1)
        raise InputError(f"{name} has shape {found.shape}; wanted two axes, [rows, dim]{one}")
    if not all(found.shape):
        raise InputError(
            f"{name} is empty: shape {found.shape}; wanted at least one row and one column"
        )
    real = is_floating(found.dtype) or jnp.issubdtype(found.dtype, jnp.integer)
    if not real and found.dtype != bool:
        raise InputError(
            f"{name} is {found.dtype}; wanted real numbers (of a complex table, ask for "
            "np.hstack([table.real, table.imag]))"
        )
    if finite and not is_traced(found) and (bad := first_bad_row(found)) >= 0:
        raise InputError(f"row {bad:,} of {name} holds NaN or infinity")
    return found


def first_bad_row(found: Any) -> int:
    """The first row of a concrete array that is not finite, or -1."""
    xp = namespace(found)
    for first in range(0, found.shape[0], 1 << 14):
        good = xp.isfinite(found[first : first + (1 << 14)]).all(axis=-1)
        if not good.all():
            return first + int(xp.argmin(good))
    return -1


def is_traced(array: Any) -> bool:
    return isinstance(array, Tracer)


def is_floating(dtype: Any) -> bool:
    return bool(jnp.issubdtype(dtype, jnp.floating))


def unit_roundoff(dtype: Any) -> float:
    """Half the distance from 1 to the next number; float32's for integers."""
    return float(jnp.finfo(dtype if is_floating(dtype) else jnp.float32).eps) / 2


def triangle(*parts: Any) -> Any:
    """The R factor of some matrices on top of each other."""
    xp = namespace(*parts)
    return xp.linalg.qr(xp.concatenate(parts), mode="r")


def repeat(steps: int, step: Callable[[Any, tuple], tuple], carry: tuple) -> tuple:
    """step(0, carry), then step(1, of that), and so on: on a device in one program."""
    if namespace(*carry) is not np:
        return jax.lax.fori_loop(0, steps, step, carry)
    for number in range(steps):
        carry = step(number, carry)
    return carry


def put(table: Any, columns: Any, at: Any) -> Any:
    """The table with some columns written from `at` on: on the host, the table itself."""
    if namespace(table) is not np:
        return jax.lax.dynamic_update_slice(table, columns, (0, at))
    table[:, at : at + columns.shape[1]] = columns
    return table


def first(table: Any, columns: Any) -> Any:
    """So many columns; on a device all, for shapes are fixed there: the others must be 0."""
    return table[:, :columns] if namespace(table) is np else table


def key(given: Any) -> Any:
    """A `jax.random.key` from a number, or as it is."""
    if not isinstance(given, numbers.Integral):
        return given
    seeds(key=given)
    return jax.random.key(int(given))


def sentence(report: Any, say: Callable[[Any], str], one: Any) -> str:
    """`say(report)`; for a batch of reports, a line for each; under a trace, its fields.

    Args:
        one: a field that has one number for each report.
    """
    if any(map(is_traced, jax.tree.leaves(tuple(report)))):
        return repr(report)
    if not np.ndim(one):
        return say(report)
    parts = (type(report)(*(each[i] for each in report)) for i in range(len(one)))
    return "\n".join(sentence(part, say, one[i]) for i, part in enumerate(parts))
