"""Singular values of tall tables.

The usual tolerance, max(m, n) eps s_1, grows with the number of rows: at a million float32 rows it
is 12 % of s_1, and NumPy reports rank 1 for a table of clearly full rank. Rounding the entries to
float32 moves no singular value by more than u ||A||_F (Weyl), whatever the number of rows; the
tolerance here is a multiple of this bound.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec
from jaxtyping import Bool, Float, Int

from jaxemb.errors import InputError
from jaxemb.functional.meshes import on_any_mesh
from jaxemb.functional.ratios import ratio
from jaxemb.linalg import arrays, charts, derivatives, reductions, whole
from jaxemb.linalg.reductions import Method
from jaxemb.linalg.rounding import Rounding, rounded
from jaxemb.linalg.row_blocks import Rows, scaled, total
from jaxemb.structs import AnyArray, TableLike, displayed


@displayed
class Spectrum(NamedTuple):
    """Singular values and right singular vectors of a table, with bounds on their error."""

    values: Float[AnyArray, "*batch dim"]  # singular values, descending
    basis: Float[AnyArray, "*batch dim dim"]  # right singular vectors, as columns
    mean: Float[AnyArray, "*batch dim"]  # of the rows
    frobenius: Float[AnyArray, "*batch"]  # ||A||_F, not centred: the scale of rounding errors
    backward_error: Float[AnyArray, "*batch"]  # bound on how far rounding may move a small value
    tolerance: Float[AnyArray, "*batch"]  # singular values up to this are within rounding of zero
    rows: Int[AnyArray, "*batch"]
    bad_row: Int[AnyArray, "*batch"]  # the first row that is not finite, -1 if all are
    centered: Bool[AnyArray, "*batch"]
    proven: Int[AnyArray, "*batch"] | int = -1  # of whole numbers: an upper bound on the rank

    @property
    def finite(self) -> Any:
        """Whether all entries and the norm of the table are finite."""
        xp = arrays.namespace(self.frobenius)
        return (self.bad_row < 0) & xp.isfinite(self.frobenius)

    def __str__(self) -> str:
        return arrays.sentence(self, charts.of_spectrum, self.frobenius)


@on_any_mesh
def spectrum(
    table: TableLike,
    *,
    center: bool = False,
    method: Method | None = None,
    key: Any = None,
    storage_dtype: Any = None,
    axis_name: Any = None,
) -> Spectrum:
    """Singular values and right singular vectors of a table, in memory independent of its rows.

    Entries are scaled by a power of two first, so that no square over- or underflows, and the mean
    row is subtracted: the matrix reduced is [1, A - mean], which holds the spectrum of the table
    and that of the centred table. (A Gram matrix is never corrected for the mean afterwards: that
    would lose the small values.)

    Args:
        table: real numbers [rows, dim]; also a memory map. A jax array sharded by rows over a mesh
            stays sharded: devices exchange only [dim, dim] and [4 dim, dim] arrays.
        center: compute the spectrum of the table minus its mean row.
        method: `gram64` (float64, on the host: the default there), `sketch` (float32: the default
            under jit, vmap and on accelerators) or `qr` (the reference, float64 for NumPy arrays:
            the default for float64 tables, whose small values no Gram matrix shows, and on the host
            for whole numbers, which are exact).
        key: for `sketch`; `jax.random.key(0)` by default.
        storage_dtype: the type that the entries were once rounded to, if not the table's own.
        axis_name: inside `jax.shard_map`, the mesh axes that shard the rows.

    Returns:
        A spectrum whose last values are 0 if there are fewer rows than columns. For a table with
        NaN or infinity the values are NaN, and `bad_row` is the first such row.

    Raises:
        InputError: not a table of real numbers; `gram64` under jit; an unknown method; a
            `storage_dtype` that is no floating-point type; `axis_name` on the host.

    Source:
        Weyl's inequality: |s_i(A + E) - s_i(A)| <= ||E||_2 <= u ||A||_F.
    """
    table = arrays.table(table)
    traced = arrays.is_traced(table)
    stored = None if storage_dtype is None else arrays.storage(storage_dtype)
    if not isinstance(method, Method | None):
        raise InputError(f"method is {method!r}; wanted linalg.gram64, linalg.qr or linalg.sketch")
    if method is None:
        table, method = _usual(table, axis_name)
    if method.device is None and traced:
        raise InputError("gram64 works on the host: under jit or vmap ask for linalg.sketch")
    if method.host and (method.device is None or not isinstance(table, jax.Array)):
        if axis_name is not None:
            raise InputError(f"axis_name is {axis_name!r}, of a table on the host; wanted none")
        rounding = rounded(table.dtype, stored, np.float64, method.unit)
        return _on_host(np.asarray(table), method.host, rounding, center)
    key = jax.random.key(0) if key is None else key
    given, table = table.dtype, arrays.on_device(table)
    rounding = rounded(given, stored, arrays.computed(table.dtype), method.unit)
    settings = (method.device, rounding, center)
    if not traced and len(table.devices()) > 1:
        return _over_mesh(table, key, settings)
    return _on_device(table, key, settings, axis_name)


def _usual(table: AnyArray, axis_name: Any) -> tuple[AnyArray, Method]:
    """The method that suits where a table lies and what it holds; whole numbers on the host."""
    traced, whole = arrays.is_traced(table), arrays.is_whole(table.dtype)
    several = isinstance(table, jax.Array) and not traced and len(table.devices()) > 1
    if whole and not traced and not several and axis_name is None:
        return np.asarray(table), reductions.qr
    if isinstance(table, jax.Array) and (
        traced or several or next(iter(table.devices())).platform != "cpu"
    ):
        return table, reductions.sketch
    return table, reductions.qr if whole or table.dtype == np.float64 else reductions.gram64


def both(table: np.ndarray) -> tuple[Spectrum, Spectrum]:
    """The spectra of a table on the host and of the table minus its mean, in one pass."""
    method = _usual(table, None)[1]
    assert method.host is not None
    rounding = rounded(table.dtype, None, np.float64, method.unit)
    reduced = _reduction(Rows(table), method.host, None)
    plain, centered = (
        _proven(table, _spectrum_of(reduced, rounding, center), center) for center in (False, True)
    )
    return plain, centered


def _on_host(table, factor, rounding: Rounding, center: bool) -> Spectrum:
    return _proven(table, _of(Rows(table), factor, None, rounding, center), center)


def _proven(table: np.ndarray, result: Spectrum, center: bool) -> Spectrum:
    """The spectrum, with a proof of the rank of a table of whole numbers where one is quick."""
    rank = int(np.sum(result.values > result.tolerance))
    if not rank < result.proven:
        return result
    # the rank of [1, A] is 1 more than that of A minus its mean
    exact = np.insert(table, 0, 1, axis=1) if center else table
    return result._replace(proven=rank) if whole.proves(exact, rank + center) else result


@functools.partial(jax.custom_jvp, nondiff_argnums=(2, 3))
def _reduced(table, key, settings, axis_name) -> Spectrum:
    factor, rounding, center = settings
    return _of(Rows(table, axis_name=axis_name), factor, key, rounding, center)


@functools.partial(jax.jit, static_argnums=(2, 3))
def _on_device(table, key, settings, axis_name=None) -> Spectrum:
    return _reduced(table, key, settings, axis_name)


@_reduced.defjvp
def _reduced_jvp(settings, axis_name, primals, tangents):
    """Differentiate by the singular triplets, not through the iteration that computed them."""
    of = _reduced(*primals, settings, axis_name)
    rows = Rows(primals[0], axis_name=axis_name)
    return of, _change(rows, arrays.cast_up(tangents[0]), of, centered=settings[-1])


def _change(rows: Rows, change: Any, of: Spectrum, *, centered: bool) -> Spectrum:
    """The tangent of the spectrum for a tangent `change` of the rows."""
    table, nonzero = arrays.cast_up(rows.table), of.values > of.tolerance
    basis = derivatives.once(of.basis, derivatives.repeats(of.values, of.backward_error, nonzero))
    mean = rows.across(change.sum(axis=0)) / rows.everywhere
    along, moved = (
        arrays.matmul(array - middle[None, :] * centered, basis)
        for array, middle in ((table, of.mean), (change, mean))
    )
    values, turn = derivatives.singular(
        along, moved, of.values, of.backward_error, nonzero, rows.across
    )
    norm = rows.across(jnp.sum(ratio(table, of.frobenius) * change))
    share = ratio(norm, of.frobenius)  # the bounds on rounding are multiples of the norm
    exact = (np.zeros(np.shape(array), jax.dtypes.float0) for array in of[-4:])
    rounding = (of.backward_error * share, of.tolerance * share)
    return Spectrum(values, arrays.matmul(basis, turn), mean, norm, *rounding, *exact)


def _over_mesh(table, key, settings) -> Spectrum:
    """Reduce on each device the rows it holds; a table sharded by rows is not moved."""
    cut = table.sharding
    if cut.is_fully_replicated:
        result = _on_device(table.addressable_data(0), key, settings)
        here = isinstance(cut, NamedSharding) and cut.is_fully_addressable
        return jax.device_put(result, NamedSharding(cut.mesh, PartitionSpec())) if here else result
    by_rows, *others = (*getattr(cut, "spec", ()), None, None)[:2]
    if by_rows is None or others[0] is not None:
        mesh = getattr(cut, "mesh", None)
        axes = tuple(mesh.axis_names) if mesh else ()
        if mesh is None or len(table) % mesh.size:
            raise InputError(
                f"the table {table.shape} is cut as {cut}; wanted cut by rows, such as "
                "jax.device_put(table, NamedSharding(mesh, PartitionSpec('data')))"
            )
        table = jax.device_put(table, NamedSharding(mesh, PartitionSpec(axes)))
        by_rows = axes
    return over_mesh(table.sharding.mesh, by_rows, settings)(table, key)


@functools.cache
def over_mesh(mesh: Any, axes: Any, settings: tuple[Any, ...]):
    """The program for a table sharded by rows over these mesh axes."""
    return jax.jit(
        jax.shard_map(
            lambda table, key: _on_device(table, key, settings, axes),
            mesh=mesh,
            in_specs=(PartitionSpec(axes), PartitionSpec()),
            out_specs=PartitionSpec(),
            check_vma=False,  # every value that leaves has been summed over all rows
        )
    )


class _Reduction(NamedTuple):
    """R of [1, A - mean], with the spectrum of the table and that of the centred table."""

    rows: Rows  # scaled
    bad_row: Any
    mean: Any
    r: Any  # None on the host, if a row is not finite
    growth: Any


def _reduction(rows: Rows, factor: Callable[..., Any], key: Any) -> _Reduction:
    rows, bad_row = scaled(rows)
    if rows.on_host and bad_row >= 0:
        return _Reduction(rows, bad_row, None, None, None)
    mean = total(rows, lambda block: block.sum(axis=0)) / rows.everywhere
    r, growth = factor(rows._replace(shift=mean), key)
    return _Reduction(rows, bad_row, mean, arrays.triangle(r), growth)


def _of(rows: Rows, factor: Callable, key: Any, rounding: Rounding, center: bool) -> Spectrum:
    return _spectrum_of(_reduction(rows, factor, key), rounding, center)


def _spectrum_of(of: _Reduction, rounding: Rounding, center: bool) -> Spectrum:
    rows, bad_row, mean, r, growth = of
    xp = arrays.namespace(rows.table)
    if r is None:
        return _not_finite(rows, bad_row, center)
    # R of [1, A - mean]: its first row holds the rest of the mean, the others the centred table
    with_mean = r[:1, 1:] + r[0, 0] * mean[None, :]
    mean = with_mean[0] / r[0, 0]
    values, basis = reductions.right_svd(
        r[1:, 1:] if center else xp.concatenate([with_mean, r[1:, 1:]])
    )
    values = xp.where(xp.arange(len(values)) < rows.everywhere - center, values, 0.0)
    frobenius = xp.sqrt(xp.sum(values**2) + center * rows.everywhere * xp.sum(mean**2))
    lost = rounding.underflow * xp.sqrt(xp.asarray(float(rows.everywhere * rows.table.shape[1])))
    error = rounding.unit * frobenius / rows.scale
    backward_error = error * growth + lost
    proven = xp.asarray(-1)
    if rounding.whole:
        most = min(rows.everywhere - center, rows.table.shape[1])
        least = rows.everywhere ** (-0.5 * center)
        proven = whole.ceiling(values / rows.scale, 4 * backward_error, most, least)
    return Spectrum(
        values=values / rows.scale,
        basis=basis,
        mean=mean / rows.scale,
        frobenius=frobenius / rows.scale,
        backward_error=backward_error,
        tolerance=4 * (error + lost),
        rows=xp.asarray(rows.everywhere),
        bad_row=bad_row,
        centered=xp.asarray(center),
        proven=proven,
    )


def _not_finite(rows: Rows, bad_row: Any, center: bool) -> Spectrum:
    dim = rows.table.shape[1]
    nan: Any = np.float64(np.nan)
    return Spectrum(
        values=np.full(dim, np.nan),
        basis=np.full((dim, dim), np.nan),
        mean=np.full(dim, np.nan),
        frobenius=nan,
        backward_error=nan,
        tolerance=nan,
        rows=np.asarray(rows.everywhere),
        bad_row=bad_row,
        centered=np.asarray(center),
    )
