"""Matrices given by their products with thin matrices, which is all that a truncated SVD needs."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse
from jaxtyping import Float, Int

from jaxemb.errors import InputError
from jaxemb.functional.meshes import on_any_mesh
from jaxemb.linalg import arrays
from jaxemb.structs import AnyArray

_ROOM = 1 << 24  # largest number of entries of one piece of a product on a device
_TOGETHER = 8  # vectors multiplied at a time on the host


class Operator(NamedTuple):
    """A matrix A [rows, columns] that is known by its products, not by its entries.

    times(matrix, x [columns, k]) -> A x [rows, k]
    transposed_times(matrix, y [rows, k]) -> A^T y [columns, k]
    """

    matrix: Any  # what the products read; an argument of compiled programs, never a constant
    times: Callable[[Any, Any], Any]
    transposed_times: Callable[[Any, Any], Any]
    shape: tuple[int, int]
    square: Any  # ||A||_F^2
    on_host: bool


@on_any_mesh
def dense(table: Float[AnyArray, "rows columns"]) -> Operator:
    """The operator of a table of finite real numbers."""
    table = arrays.cast_up(arrays.table(table, finite=True))
    square = _sum_of_squares(table)
    on_host, shape = isinstance(table, np.ndarray), (len(table), table.shape[1])
    return Operator(table, arrays.matmul, _transposed_matmul, shape, square, on_host)


@on_any_mesh
def sparse(
    rows: Int[AnyArray, " cells"],
    columns: Int[AnyArray, " cells"],
    values: Float[AnyArray, " cells"],
    shape: tuple[int, int],
) -> Operator:
    """The operator of a sparse matrix, whose cells are sorted by row, then by column.

    Args:
        rows, columns, values: NumPy arrays or memory maps, for products on the host in float64; or
            jax arrays, for products on their device in their own precision, a piece of the cells at
            a time.
        shape: [rows, columns] of the matrix.

    Raises:
        InputError: cells outside the matrix, unsorted, repeated, or not finite (on the host).
    """
    if arrays.namespace(rows, columns, values) is np:
        return _on_host(rows, columns, values, shape)
    cells = (rows, columns, values)
    square = _sum_of_squares(values)
    return Operator(cells, _Segments(shape[0]), _Segments(shape[1], True), shape, square, False)


def _sum_of_squares(values: Any) -> Any:
    """Raise InputError where squares over- or underflow; under a trace return NaN there."""
    xp = arrays.namespace(values)
    values = arrays.cast_up(values)
    if not values.size:
        return xp.sum(values)
    most, total = xp.max(xp.abs(values)), xp.sum(values**2)
    small = (most > 0) & (most < (xp.finfo(total.dtype).tiny / xp.finfo(total.dtype).eps) ** 0.5)
    bad = small | (xp.isfinite(most) & ~xp.isfinite(total))
    if not arrays.is_traced(bad) and bad:
        raise InputError(
            f"the largest entry is {float(most):.1e}, whose square {total.dtype} does not hold; "
            "wanted a table scaled to about 1 (its singular values scale with it)"
        )
    return xp.where(bad, xp.nan, total)


def an_operator(of: Any) -> None:
    """Raise InputError for an argument that is no Operator, and say how to make one of it."""
    if not isinstance(of, Operator):
        raise InputError(
            f"a {type(of).__name__} for a matrix; wanted linalg.operators.dense(table), or of a "
            "sparse matrix linalg.operators.sparse(rows, columns, values, shape)"
        )


def on_device(matrix: Any, square: Any, static: tuple[Any, ...]) -> Operator:
    """An operator inside a compiled program, from its arrays and its fields 1 to 3, `static`."""
    times, transposed_times, shape = static
    return Operator(matrix, times, transposed_times, shape, square, on_host=False)


def _on_host(rows, columns, values, shape) -> Operator:
    rows, columns = np.asarray(rows), np.asarray(columns)
    values = np.asarray(values, np.float64)
    for name, index, size in (("rows", rows, shape[0]), ("columns", columns, shape[1])):
        low, high = (int(index.min()), int(index.max())) if index.size else (0, 0)
        if low < 0 or high >= size:
            raise InputError(f"{name} run from {low} to {high}; wanted 0 to {size - 1}")
    if not np.isfinite(values).all():
        raise InputError("a cell holds NaN or infinity")
    ascends = (rows[1:] > rows[:-1]) | ((rows[1:] == rows[:-1]) & (columns[1:] > columns[:-1]))
    if not ascends.all():
        raise InputError("cells are not in order of rows, then columns, each once: sort them")
    starts = np.searchsorted(rows, np.arange(shape[0] + 1))
    matrix = scipy.sparse.csr_matrix((values, columns, starts), shape)
    return Operator(matrix, _product, _transposed_product, shape, values @ values, True)


def _product(matrix, x):
    """A few vectors at a time, so that they stay in the cache of the processor."""
    parts = range(0, x.shape[1], _TOGETHER)
    return np.concatenate([matrix @ x[:, i : i + _TOGETHER] for i in parts], axis=1)


def _transposed_product(matrix, y):
    return _product(matrix.T, y)


def _transposed_matmul(matrix, y):
    return arrays.matmul(matrix.T, y)


class _Segments(NamedTuple):
    """Products by sums over segments: gather rows of x, scale them, add them where they belong."""

    size: int  # rows of the product
    transposed: bool = False

    def __call__(self, cells, x):
        return _by_segments(cells, x, self.size, self.transposed)


@functools.partial(jax.jit, static_argnums=(2, 3))
def _by_segments(cells, x, size: int, transposed: bool):
    rows, columns, values = cells
    targets, sources = (columns, rows) if transposed else (rows, columns)
    piece = max(min(_ROOM // x.shape[1], len(values)), 1)
    pieces = -(-len(values) // piece)
    pad = pieces * piece - len(values)
    # padding is of value 0, in the last row, so that rows stay sorted
    targets = jnp.pad(targets, (0, pad), constant_values=size - 1).reshape(pieces, piece)
    sources = jnp.pad(sources, (0, pad)).reshape(pieces, piece)
    values = jnp.pad(values, (0, pad)).reshape(pieces, piece)

    def add(total, part):
        targets, sources, value = part
        return total.at[targets].add(
            value[:, None] * x[sources], indices_are_sorted=not transposed
        ), None

    return jax.lax.scan(add, jnp.zeros((size, x.shape[1]), x.dtype), (targets, sources, values))[0]
