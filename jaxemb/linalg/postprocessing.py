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
from jaxemb.linalg.known import known
from jaxemb.linalg.measures import center
from jaxemb.linalg.spectra import Spectrum
from jaxemb.linalg.subspaces import rejected


@on_any_mesh
def all_but_the_top(table: Any, d: int, of: Spectrum | None = None) -> Float[Any, "rows dim"]:
    """The centred table without its d largest directions: its rank falls by exactly d.

    Rounding is still that of the table it came from: ask `rank(result, tolerance=of.tolerance)`.

    Args:
        d: about dim / 100, by the authors.
        of: the spectrum of the centred table, if it is known.

    Raises:
        InputError: d outside 0..dim; the spectrum of another table, or not centred.

    Source:
        Mu and Viswanath 2018, arXiv:1702.01417, algorithm 1.
    """
    of = known(table, of, center=True)
    if not 0 <= d <= len(of.values):
        raise InputError(f"d is {d}; wanted 0 to {len(of.values)}, the number of columns")
    _, table, basis = arrays.raised(center(table), of.basis)
    return rejected(table, basis[:, :d])


@on_any_mesh
def whiten(table: Any, of: Spectrum | None = None) -> Float[Any, "rows dim"]:
    """The centred table turned, stretched and turned back, so that its covariance is I.

    Directions not told from zero are dropped: the covariance is then the projector on the others.

    Args:
        of: the spectrum of the centred table, if it is known; no derivative is taken through it.

    Raises:
        InputError: the spectrum of another table, or not centred.
    """
    of = known(table, of, center=True)
    centered = center(table)
    xp = arrays.namespace(centered)
    # of a jax table in its own type, whatever that of its spectrum is
    values, basis = (xp.asarray(each, centered.dtype) for each in (of.values, of.basis))
    kept = xp.asarray(of.values > of.tolerance)
    length = xp.sqrt(xp.asarray(of.rows, centered.dtype))
    if xp is np:
        return matmul(centered, _stretch(values, basis, kept) * length)
    still = jax.lax.stop_gradient((values, basis, kept))
    return matmul(centered, _stretch_of(centered, *still) * length)


def _stretch(values: Any, basis: Any, kept: Any) -> Any:
    """(A^T A)^(-1/2) on the space of the values that are kept."""
    inverse = arrays.namespace(values).where(kept, ratio(1.0, values), 0.0)
    return matmul(basis * inverse[None, :], basis.T)


@jax.custom_jvp
def _stretch_of(centered: Any, values: Any, basis: Any, kept: Any) -> Any:
    """The same, as a function of the table: through its basis a value that repeats would be lost.

    By the differences of 1 / s over those of s^2 (Daleckii and Krein), where no s need differ.
    """
    del centered
    return _stretch(values, basis, kept)


@_stretch_of.defjvp
def _stretch_of_jvp(primals, tangents):
    centered, values, basis, kept = primals
    inverse = jnp.where(kept, ratio(1.0, values), 1.0)
    along, change = (matmul(each, basis) * inverse[None, :] for each in (centered, tangents[0]))
    mixed = matmul(along.T, change)
    sums, apart = values[:, None] + values[None, :], jnp.abs(values[:, None] - values[None, :])
    both, one = kept[:, None] & kept[None, :], kept[:, None] ^ kept[None, :]
    share = ratio(mixed + mixed.T, sums)
    found = jnp.where(both, -share, jnp.where(one, ratio(share, apart), 0.0))
    return _stretch_of(*primals), matmul(matmul(basis, found), basis.T)
