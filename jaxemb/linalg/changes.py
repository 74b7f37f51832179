"""Changes of a table that its measures should notice, or should not."""

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
from jaxemb.linalg.shape import center
from jaxemb.linalg.spectrum import Spectrum, spectrum
from jaxemb.linalg.subspaces import reject


@on_any_mesh
def all_but_the_top(table: Any, d: int, of: Spectrum | None = None) -> Float[Any, "rows dim"]:
    """The centred table without its d largest directions: its rank falls by exactly d.

    Rounding is still that of the table it came from: ask `rank(result, tolerance=of.tolerance)`.

    Args:
        d: about dim / 100, by the authors.
        of: the spectrum of the centred table, if it is known.

    Raises:
        InputError: d outside 0..dim.

    Source:
        Mu and Viswanath 2018, arXiv:1702.01417, algorithm 1.
    """
    of = spectrum(table, center=True) if of is None else of
    if not 0 <= d <= len(of.values):
        raise InputError(f"d is {d}; wanted 0 to {len(of.values)}, the number of columns")
    return reject(center(table), of.basis[:, :d])


@on_any_mesh
def whiten(table: Any, of: Spectrum | None = None) -> Float[Any, "rows dim"]:
    """The centred table turned, stretched and turned back, so that its covariance is I.

    Directions not told from zero are dropped: the covariance is then the projector on the others.

    Args:
        of: the spectrum of the centred table, if it is known.
    """
    of = spectrum(table, center=True) if of is None else of
    xp, centered = arrays.namespace(of.values), center(table)
    kept = of.values > of.tolerance
    stretch = xp.where(kept, xp.sqrt(1.0 * of.rows) * ratio(1.0, of.values), 0.0)
    turned = matmul(of.basis * stretch[None, :], of.basis.T)
    if xp is np:
        return matmul(centered, turned)
    return matmul(
        centered, turned + _within(centered, of.values, of.basis, of.backward_error, kept)
    )


@jax.custom_jvp
def _within(centered: Any, values: Any, basis: Any, error: Any, kept: Any) -> Any:
    """0, with the part of a whitening's derivative that its basis does not tell.

    Where two values are the same, the basis has no derivative and V diag(1 / s) V^T has one:
    -(V^T dM V)_ij / (s_i s_j (s_i + s_j)), with M = A^T A.
    """
    del centered, values, error, kept
    return jnp.zeros_like(basis)


@_within.defjvp
def _within_jvp(primals, tangents):
    centered, values, basis, error, kept = primals
    along, change = (
        matmul(each, basis) * jnp.where(kept, ratio(1.0, values), 0.0)[None, :]
        for each in (centered, tangents[0])
    )
    mixed = matmul(along.T, change)
    apart = jnp.abs(values[:, None] - values[None, :])
    same = (apart <= error) & kept[:, None] & kept[None, :] & ~jnp.eye(len(values), dtype=bool)
    sums = values[:, None] + values[None, :]
    found = jnp.where(same, -ratio(mixed + mixed.T, sums), 0.0)
    rows = 1.0 * centered.shape[0]
    return _within(*primals), jnp.sqrt(rows) * matmul(matmul(basis, found), basis.T)
