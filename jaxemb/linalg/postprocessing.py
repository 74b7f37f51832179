"""Postprocessing of tables: removal of the largest directions, and whitening."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from jaxemb.errors import InputError
from jaxemb.functional.meshes import on_any_mesh
from jaxemb.functional.ratios import ratio
from jaxemb.linalg import arrays
from jaxemb.linalg.arrays import matmul
from jaxemb.linalg.known import known
from jaxemb.linalg.measures import center
from jaxemb.linalg.spectra import Spectrum
from jaxemb.linalg.subspaces import rejected
from jaxemb.structs import AnyArray, TableLike


@on_any_mesh
def all_but_the_top(
    table: TableLike, d: int, of: Spectrum | None = None
) -> Float[AnyArray, "rows dim"]:
    """Centre a table and remove its d largest directions, which lowers the centred rank by d.

    The result has the rounding error of the original table: use
    `rank(result, tolerance=of.tolerance)`.

    Args:
        table: real numbers [rows, dim].
        d: number of directions; the authors recommend about dim / 100.
        of: the spectrum of the centred table, if it is already known.

    Raises:
        InputError: d outside 0..dim; the spectrum of another table, or of one not centred.

    Source:
        Mu and Viswanath 2018, arXiv:1702.01417, algorithm 1.
    """
    of = known(table, of, center=True)
    if not 0 <= d <= len(of.values):
        raise InputError(f"d is {d}; wanted 0 to {len(of.values)}, the number of columns")
    _, table, basis = arrays.raised(center(table), of.basis)
    return rejected(table, basis[:, :d])


@on_any_mesh
def whiten(table: TableLike, of: Spectrum | None = None) -> Float[AnyArray, "rows dim"]:
    """ZCA whitening: centre the table and map it by a symmetric matrix to the covariance I.

    Directions within rounding of zero are dropped; the covariance is then the projector on the
    others.

    Args:
        table: real numbers [rows, dim].
        of: the spectrum of the centred table, if it is already known; no derivative is taken
            through it.

    Raises:
        InputError: the spectrum of another table, or of one not centred.
    """
    of = known(table, of, center=True)
    centered = center(table)
    xp = arrays.namespace(centered)
    # a jax table is computed in its own type, whatever the type of its spectrum
    values, basis = (xp.asarray(array, centered.dtype) for array in (of.values, of.basis))
    kept = xp.asarray(of.values > of.tolerance)
    length = xp.sqrt(xp.asarray(of.rows, centered.dtype))
    if xp is np:
        return matmul(centered, _stretch(values, basis, kept) * length)
    still = jax.lax.stop_gradient((values, basis, kept))
    return matmul(centered, _stretch_of(centered, *still) * length)


def _stretch(values: Any, basis: Any, kept: Any) -> Any:
    """(A^T A)^(-1/2) on the span of the right singular vectors whose values are kept."""
    inverse = arrays.namespace(values).where(kept, ratio(1.0, values), 0.0)
    return matmul(basis * inverse[None, :], basis.T)


@jax.custom_jvp
def _stretch_of(centered: Any, values: Any, basis: Any, kept: Any) -> Any:
    """`_stretch` as a function of the table, with a derivative where singular values repeat too.

    It uses differences of 1 / s over those of s^2 (Daleckii and Krein), which need no distinct s; a
    derivative through the basis would lose the repeated values.
    """
    del centered
    return _stretch(values, basis, kept)


@_stretch_of.defjvp
def _stretch_of_jvp(primals, tangents):
    centered, values, basis, kept = primals
    inverse = jnp.where(kept, ratio(1.0, values), 1.0)
    along, change = (matmul(rows, basis) * inverse[None, :] for rows in (centered, tangents[0]))
    mixed = matmul(along.T, change)
    sums, apart = values[:, None] + values[None, :], jnp.abs(values[:, None] - values[None, :])
    both, one = kept[:, None] & kept[None, :], kept[:, None] ^ kept[None, :]
    share = ratio(mixed + mixed.T, sums)
    inner = jnp.where(both, -share, jnp.where(one, ratio(share, apart), 0.0))
    return _stretch_of(*primals), matmul(matmul(basis, inner), basis.T)
