"""Array helpers: NumPy is computed in float64, jax with every product in full precision.

By default a float32 product on an accelerator rounds its inputs to 10 or 8 bits: a perfect rotation
then misses orthogonality by 1e-3.
"""

import numbers
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse
from jax.core import Tracer
from jax.lax import Precision

from jaxemb.errors import InputError, seeds
from jaxemb.structs import AnyArray, TableLike

if TYPE_CHECKING:
    Raised = tuple[Any, *tuple[AnyArray, ...]]
else:
    Raised = tuple


def namespace(*arrays: Any) -> Any:
    """jax.numpy if one of the arrays is a jax array, else numpy."""
    return jnp if any(isinstance(array, jax.Array) for array in arrays) else np


def matmul(left: Any, right: Any) -> AnyArray:
    """left @ right in full precision, on any device."""
    if namespace(left, right) is np:
        return np.matmul(left, right)
    return jnp.matmul(left, right, precision=Precision.HIGHEST)


def cast_up(array: Any) -> AnyArray:
    """Cast an array to float64 on the host, and on a device to the type it computes in."""
    if namespace(array) is np:
        return np.asarray(array, np.float64)
    return array.astype(computed(array.dtype))


def computed(dtype: Any) -> Any:
    """The type a device computes in: float32; float64 for float64, and for integers under x64."""
    if not is_floating(dtype):
        return jnp.result_type(float)
    # of 8-bit floats jax knows no common type
    return jnp.dtype(jnp.float64 if dtype == jnp.float64 else jnp.float32)


def widened(array: Any) -> Any:
    """Floats of 16 and 8 bits as float32, whose maximum is fast on the host; others unchanged."""
    if is_floating(array.dtype) and array.dtype.itemsize < 4:
        with np.errstate(all="ignore"):  # a signalling NaN
            return array.astype(np.float32)
    return array


def on_device(array: Any) -> jax.Array:
    """Convert to a jax array; 64-bit integers become floats, because int32 would wrap them."""
    if isinstance(array, jax.Array):
        return array
    array = np.asarray(array)
    wide = is_whole(array.dtype) and array.dtype.itemsize > 4
    return jnp.asarray(array.astype(computed(array.dtype)) if wide else array)


def raised(*arrays: Any) -> Raised:
    """(namespace, *the arrays in that namespace, cast up)."""
    xp = namespace(*arrays)
    for array in arrays:
        refuse_others(array)
    place = np.asarray if xp is np else on_device
    return (xp, *(cast_up(place(array)) for array in arrays))


def table(of: TableLike, name: str = "the table", *, finite: bool = False) -> AnyArray:
    """Return the argument as an array of real numbers [rows, dim] with at least one entry.

    Args:
        of: anything that NumPy takes as an array.
        name: what error messages call it.
        finite: whether NaN and infinity are refused, where values are known (not under jit).

    Raises:
        InputError: not two axes, no rows or columns, complex or no numbers, a sparse matrix.
    """
    refuse_others(of, name)
    try:
        array = of if isinstance(of, jax.Array | np.ndarray) else np.asarray(of)
    except (ValueError, TypeError) as error:  # rows of different lengths
        raise InputError(f"{name} is a {type(of).__name__} that is no array: {error}") from None
    if not array.dtype.isnative:  # jax takes no other byte order
        array = array.astype(array.dtype.newbyteorder("="))
    if array.ndim != 2:
        one = f"; a single vector is a table of one row: [{name}[None, :]]" * (array.ndim == 1)
        raise InputError(f"{name} has shape {array.shape}; wanted two axes, [rows, dim]{one}")
    if not all(array.shape):
        raise InputError(
            f"{name} is empty: shape {array.shape}; wanted at least one row and one column"
        )
    if not is_floating(array.dtype) and not is_whole(array.dtype):
        raise InputError(
            f"{name} is {array.dtype}; wanted real numbers (of a complex table, ask for "
            "np.hstack([table.real, table.imag]); of whole numbers beyond 64 bits, "
            "for table.astype(float))"
        )
    if finite and not is_traced(array):
        with jax.ensure_compile_time_eval():  # a known table, in a function that is traced too
            bad = first_bad_row(array)
        if bad >= 0:
            raise InputError(f"row {bad:,} of {name} holds NaN or infinity")
    return array


def first_bad_row(array: Any) -> int:
    """Index of the first row of a concrete array that is not finite, or -1."""
    xp = namespace(array)
    for first in range(0, array.shape[0], 1 << 14):
        good = xp.isfinite(array[first : first + (1 << 14)]).all(axis=-1)
        if not good.all():
            return first + int(xp.argmin(good))
    return -1


def still(array: Any) -> Any:
    """The array as a constant, through which no derivative is taken."""
    return jax.lax.stop_gradient(array) if namespace(array) is jnp else array


def is_traced(array: Any) -> bool:
    """Whether it is a tracer of jax, whose values are not known."""
    return isinstance(array, Tracer)


def is_floating(dtype: Any) -> bool:
    """Whether it is a floating-point type."""
    return bool(jnp.issubdtype(dtype, jnp.floating))


def is_whole(dtype: Any) -> bool:
    """Whether it is a type of integers, or bool."""
    return any(jnp.issubdtype(dtype, kind) for kind in (jnp.integer, np.bool_))


def unit_roundoff(dtype: Any) -> float:
    """Half the distance from 1 to the next number; 0 for integers and bool, which are exact."""
    return float(jnp.finfo(dtype).eps) / 2 if is_floating(dtype) else 0.0


def refuse_others(of: Any, name: str = "the table") -> None:
    """Raise InputError for what holds a table, names one, or is a sparse matrix."""
    if isinstance(of, str | os.PathLike):
        raise InputError(
            f"{name} is {str(of)!r:.80}; wanted an array, such as formats.read(path).vectors"
        )
    kind = type(of).__name__
    if not hasattr(of, "__array__"):
        for field in ("vectors", "input"):  # of words and vectors; of a pair of tables
            if hasattr(of, field):
                raise InputError(f"{name} is a {kind}; wanted an array: its .{field}")
    if scipy.sparse.issparse(of) or hasattr(of, "todense"):
        raise InputError(
            f"{name} is a sparse {kind} {of.shape}; wanted a dense array: its "
            ".toarray() (or .todense()), or of one too large for that linalg.truncated_svd of "
            "linalg.operators.sparse"
        )


def tolerance(given: Any, *, zero: bool = True) -> Any:
    """Return a tolerance unchanged if it is finite and not negative.

    Under a trace, where nothing can be raised, a bad tolerance becomes NaN: no comparison with it
    holds.

    Args:
        given: the tolerance.
        zero: whether it may be 0.

    Raises:
        InputError: a tolerance that is NaN, infinite, negative or not one number.
    """
    if is_traced(given):
        good = jnp.isfinite(given) & ((given >= 0) if zero else (given > 0))
        return jnp.where(good, given, jnp.nan)
    least = "0 or more" if zero else "above 0"
    try:
        parsed = np.asarray(given, np.float64)
    except (ValueError, TypeError):
        parsed = np.asarray(np.nan)
    if parsed.ndim or isinstance(given, str | bytes):
        parsed = np.asarray(np.nan)
    if not (np.isfinite(parsed) & ((parsed >= 0) if zero else (parsed > 0))).all():
        raise InputError(f"tolerance is {given}; it must be {least}, and finite")
    return given


def storage(dtype: Any) -> Any:
    """Return a floating-point type as a dtype.

    Raises:
        InputError: not a dtype, or not a floating-point one.
    """
    try:
        kind = jnp.dtype(dtype)
    except TypeError:
        raise InputError(
            f"storage_dtype is {dtype!r}, which is no dtype; wanted one such as np.float16"
        ) from None
    if not is_floating(kind):
        raise InputError(
            f"storage_dtype is {kind}, whose rounding depends on a scale; wanted a floating-point "
            "type (of a quantised table, ask for rank(table, tolerance=2 * step * "
            "(rows * dim) ** 0.5))"
        )
    return kind


def number(value: Any) -> Any:
    """A number of the host as Python's, which shows as 100 and not as array(100)."""
    return value.item() if isinstance(value, np.ndarray | np.generic) and not value.ndim else value


def no_truth(report: Any, *verdicts: str) -> InputError:
    """The error of the `__bool__` of a report that answers more than one question."""
    fields = " or ".join(f".{name}" for name in verdicts)
    return InputError(f"a {type(report).__name__} is neither true nor false: ask for its {fields}")


def triangle(*parts: Any) -> Any:
    """R factor of the QR decomposition of matrices stacked by rows."""
    xp = namespace(*parts)
    return xp.linalg.qr(xp.concatenate(parts), mode="r")


def repeat(
    steps: int, step: Callable[[Any, Any], tuple[Any, ...]], carry: tuple[Any, ...]
) -> tuple[Any, ...]:
    """Iterate carry = step(i, carry) for i in range(steps); on a device in one program."""
    if namespace(*carry) is not np:
        return jax.lax.fori_loop(0, steps, step, carry)
    for number in range(steps):
        carry = step(number, carry)
    return carry


def put(table: Any, columns: Any, at: Any) -> Any:
    """Write columns into a table from column `at` on; on the host in place."""
    if namespace(table) is not np:
        return jax.lax.dynamic_update_slice(table, columns, (0, at))
    table[:, at : at + columns.shape[1]] = columns
    return table


def first(table: Any, columns: Any) -> Any:
    """The first columns of a table; on a device all, as shapes are fixed: the rest must be 0."""
    return table[:, :columns] if namespace(table) is np else table


def key(given: Any) -> Any:
    """Make a `jax.random.key` of a number; return a key unchanged."""
    if not isinstance(given, numbers.Integral):
        return given
    seeds(key=given)
    return jax.random.key(int(given))


def sentence(report: Any, say: Callable[[Any], str], one: Any) -> str:
    """The text of a report: `say(report)`; a line for each of a batch; under a trace its fields.

    Args:
        say: writes one report as a sentence.
        one: a field that has one number for each report.
    """
    if any(map(is_traced, jax.tree.leaves(tuple(report)))):
        fields = ", ".join(f"{name}={value}" for name, value in report._asdict().items())
        return f"{type(report).__name__}({fields})"
    if not np.ndim(one):
        return say(report)
    parts = (type(report)(*(field[i] for field in report)) for i in range(len(one)))
    return "\n".join(sentence(part, say, one[i]) for i, part in enumerate(parts))
