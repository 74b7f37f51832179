"""A spectrum in two lines of text."""

from typing import Any

import numpy as np

_BARS = "▁▂▃▄▅▆▇█"


def of_spectrum(of: Any) -> str:
    """The extreme values, the tolerance, and a chart of the logarithms, over a decade or more."""
    dim, kind = len(of.values), "centred spectrum" if of.centered else "spectrum"
    head = f"{kind} of {int(of.rows):,} x {dim:,}"
    if not of.finite:
        return f"{head}: none, row {int(of.bad_row):,} holds NaN or infinity"
    values, tolerance = np.asarray(of.values, np.float64), float(of.tolerance)
    kept = int(np.count_nonzero(values > tolerance))
    least = min(max(values[max(kept - 1, 0)], tolerance), values[0] / 10) or 1.0
    shown = values[np.linspace(0, dim - 1, min(dim, 60)).astype(int)]
    share = np.log(np.maximum(shown, least) / least) / np.log(max(values[0] / least, np.e))
    bars = "".join(_BARS[round(7 * height)] for height in share.tolist())
    ends = f"s_1 {values[0]:.4g}, s_{dim} {values[-1]:.4g}"
    return f"{head}: {ends}; {kept:,} above the tolerance {tolerance:.2g}\n{bars}"
