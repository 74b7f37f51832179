"""The picture of a factorisation: its singular values and residuals."""

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from jaxemb.lab import pictures
from jaxemb.lab.pictures import ACCENT, BAND, INK, SOFT


def draw(workdir: Path, values: dict[str, Any]) -> list[str]:
    """Draw the truncated SVD, if there was one; returns the name of the picture."""
    svd = values["factorization"]
    if "singular_values" not in svd:
        return []
    return [pictures.drawn(workdir / "factorization.png", lambda: factorization(svd))]


def factorization(of: dict[str, Any]) -> Figure:
    """Singular values within their bounds and their residuals; the share of squares they hold."""
    values, upper = np.array(of["singular_values"]), np.array(of["upper"])
    index = np.arange(1, len(values) + 1)
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.8))
    left.fill_between(index, np.array(of["lower"]), upper, color=ACCENT, label="bounds", **BAND)
    left.loglog(index, np.maximum(values, 1e-30), color=INK, lw=2, label="$s_i$")
    residuals = np.maximum(np.array(of["residuals"]), 1e-30)
    left.loglog(index, residuals, color=SOFT, lw=1, label="$||A v_i - s_i u_i||$")
    left.set(xlabel="i", ylabel="singular value", title="The factored matrix")
    left.set_ylim(bottom=max(residuals.min(), values[0] * 1e-9) / 3)
    left.legend()
    whole = max(of["frobenius"] ** 2, 1e-30)
    right.plot(index, 100 * np.cumsum(values**2) / whole, color=INK, lw=2)
    right.set(xlabel="triplets", ylabel="% of $||A||_F^2$", title="What they hold")
    right.set_ylim(bottom=0)
    return figure
