"""Checks of a spectrum that was computed before and is given together with its table."""

from typing import Any

from jaxemb.errors import InputError
from jaxemb.linalg import arrays
from jaxemb.linalg.spectra import Spectrum, spectrum


def known(table: Any, of: Spectrum | None, center: bool | None = None) -> Spectrum:
    """Return `of`, checked to fit the table; if it is None, compute the spectrum.

    Args:
        table: real numbers [rows, dim].
        of: the spectrum of the table, or None.
        center: whether it must be that of the centred table; None accepts either.

    Raises:
        InputError: the spectrum of another shape, or centred otherwise; `of` is no Spectrum.
    """
    if of is None:
        return spectrum(table, center=bool(center))
    if not isinstance(of, Spectrum):
        raise InputError(f"a {type(of).__name__} for a spectrum; wanted linalg.spectrum(table)")
    shape, traced = arrays.table(table).shape, arrays.is_traced(of.rows)
    rows = shape[0] if traced or arrays.is_traced(table) else int(of.rows)
    if (rows, len(of.values)) != shape:
        raise InputError(
            f"the spectrum is of a table {(rows, len(of.values))}, and this one is {shape}"
        )
    if center is not None and not traced and bool(of.centered) != center:
        kind = "centred table" if center else "table as it is"
        raise InputError(f"wanted the spectrum of the {kind}: spectrum(table, center={center})")
    return of
