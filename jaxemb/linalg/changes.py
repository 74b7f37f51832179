"""Changes of a table that its measures should notice, or should not."""

from typing import Any

from jaxtyping import Float

from jaxemb.errors import InputError
from jaxemb.linalg import arrays
from jaxemb.linalg.arrays import matmul
from jaxemb.linalg.shape import center
from jaxemb.linalg.spectrum import Spectrum, spectrum
from jaxemb.linalg.subspaces import reject


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


def whiten(table: Any, of: Spectrum | None = None) -> Float[Any, "rows dim"]:
    """The centred table turned, stretched and turned back, so that its covariance is I.

    Directions not told from zero are dropped: the covariance is then the projector on the others.

    Args:
        of: the spectrum of the centred table, if it is known.
    """
    of = spectrum(table, center=True) if of is None else of
    xp = arrays.namespace(of.values)
    kept = of.values > of.tolerance
    stretch = xp.where(kept, xp.sqrt(1.0 * of.rows) / xp.where(kept, of.values, 1.0), 0.0)
    centered = center(table)  # of a jax table in its own type, whatever that of its spectrum is
    to = arrays.namespace(centered)
    basis, stretch = (to.asarray(each, centered.dtype) for each in (of.basis, stretch))
    return matmul(matmul(centered, basis) * stretch[None, :], basis.T)
