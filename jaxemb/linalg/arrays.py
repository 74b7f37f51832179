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
import scipy.sparse
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
    """float64 on the host; on a device the type that it computes in."""
    if namespace(array) is np:
        return np.asarray(array, np.float64)
    return array.astype(computed(array.dtype))


def computed(dtype: Any) -> Any:
    """What a device computes in: float32; float64 of float64, and of whole numbers under x64."""
    if is_floating(dtype):
        return jnp.promote_types(dtype, jnp.float32)
    return jnp.result_type(float)


def on_device(array: Any) -> Any:
    """The array as one of jax. Whole numbers of 64 bits become floats: int32 would wrap them."""
    if isinstance(array, jax.Array):
        return array
    array = np.asarray(array)
    wide = is_whole(array.dtype) and array.dtype.itemsize > 4
    return jnp.asarray(array.astype(computed(array.dtype)) if wide else array)


def raised(*arrays: Any):
    """(namespace, *arrays in it, cast up)."""
    xp = namespace(*arrays)
    for each in arrays:
        refuse_sparse(each)
    place = np.asarray if xp is np else on_device
    return (xp, *(cast_up(place(each)) for each in arrays))


def table(of: Any, name: str = "the table", *, finite: bool = False) -> Any:
    """The argument as a real array [rows, dim] with at least one entry.

    Args:
        finite: whether NaN and infinity are refused, where values are known (not under jit).

    Raises:
        InputError: another number of axes, no rows or columns, complex numbers or no numbers, a
            sparse matrix.
    """
    refuse_sparse(of, name)
    try:
        found = of if isinstance(of, jax.Array | np.ndarray) else np.asarray(of)
    except (ValueError, TypeError) as error:  # rows of different lengths
        raise InputError(f"{name} is a {type(of).__name__} that is no array: {error}") from None
    if not found.dtype.isnative:  # jax takes no other byte order
        found = found.astype(found.dtype.newbyteorder("="))
    if found.ndim != 2:
        one = f"; a single vector is a table of one row: [{name}[None, :]]" * (found.ndim == 1)
        raise InputError(f"{name} has shape {found.shape}; wanted two axes, [rows, dim]{one}")
    if not all(found.shape):
        raise InputError(
            f"{name} is empty: shape {found.shape}; wanted at least one row and one column"
        )
    if not is_floating(found.dtype) and not is_whole(found.dtype):
        raise InputError(
            f"{name} is {found.dtype}; wanted real numbers (of a complex table, ask for "
            "np.hstack([table.real, table.imag]); of whole numbers beyond 64 bits, "
            "for table.astype(float))"
        )
    if finite and not is_traced(found):
        with jax.ensure_compile_time_eval():  # a known table, in a function that is traced too
            bad = first_bad_row(found)
        if bad >= 0:
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


def still(array: Any) -> Any:
    """The array as a constant: no derivative is about it."""
    return jax.lax.stop_gradient(array) if namespace(array) is jnp else array


def is_traced(array: Any) -> bool:
    return isinstance(array, Tracer)


def is_floating(dtype: Any) -> bool:
    return bool(jnp.issubdtype(dtype, jnp.floating))


def is_whole(dtype: Any) -> bool:
    """Whether it is a type of integers, or bool."""
    return any(jnp.issubdtype(dtype, kind) for kind in (jnp.integer, np.bool_))


def unit_roundoff(dtype: Any) -> float:
    """Half the distance from 1 to the next number; 0 of integers and bool, which are exact."""
    return float(jnp.finfo(dtype).eps) / 2 if is_floating(dtype) else 0.0


def refuse_sparse(of: Any, name: str = "the table") -> None:
    """Raises InputError for a sparse matrix, of scipy, jax or others."""
    if scipy.sparse.issparse(of) or hasattr(of, "todense"):
        raise InputError(
            f"{name} is a sparse {type(of).__name__} {of.shape}; wanted a dense array: its "
            ".toarray() (or .todense()), or of one too large for that linalg.truncated_svd of "
            "linalg.operators.sparse"
        )


def tolerance(given: Any, *, zero: bool = True) -> Any:
    """A tolerance as it is, if it is finite and not negative.

    Under a trace, where nothing can be raised, it is NaN otherwise: no comparison with it holds.

    Args:
        zero: whether it may be 0.

    Raises:
        InputError: a tolerance that is NaN, infinite, negative or not one number.
    """
    if is_traced(given):
        good = jnp.isfinite(given) & ((given >= 0) if zero else (given > 0))
        return jnp.where(good, given, jnp.nan)
    least = "0 or more" if zero else "above 0"
    try:
        numbers = np.asarray(given, np.float64)
    except (ValueError, TypeError):
        numbers = np.asarray(np.nan)
    if numbers.ndim or isinstance(given, str | bytes):
        numbers = np.asarray(np.nan)
    if not (np.isfinite(numbers) & ((numbers >= 0) if zero else (numbers > 0))).all():
        raise InputError(f"tolerance is {given}; it must be {least}, and finite")
    return given


def storage(dtype: Any) -> Any:
    """A type of floating-point numbers, as a dtype.

    Raises:
        InputError: no type, or one of other numbers.
    """
    try:
        found = jnp.dtype(dtype)
    except TypeError:
        raise InputError(
            f"storage_dtype is {dtype!r}, which is no dtype; wanted one such as np.float16"
        ) from None
    if not is_floating(found):
        raise InputError(
            f"storage_dtype is {found}, whose rounding depends on a scale; wanted a floating-point "
            "type (of a quantised table, ask for rank(table, tolerance=2 * step * "
            "(rows * dim) ** 0.5))"
        )
    return found


def no_truth(*verdicts: str) -> Callable[[Any], bool]:
    """The `__bool__` of a report that answers more than one question: it raises InputError."""

    def __bool__(self: Any) -> bool:
        asked = " or ".join(f".{name}" for name in verdicts)
        raise InputError(f"a {type(self).__name__} is neither true nor false: ask for its {asked}")

    return __bool__


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
