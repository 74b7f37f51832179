"""The style of all pictures, and how one is saved. Imported only where matplotlib is installed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt

INK, SOFT, ACCENT = "#1f2a44", "#9aa5b8", "#c8553d"
BELOW: dict[str, Any] = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.13), "ncols": 3}
BAND: dict[str, Any] = {"alpha": 0.25, "lw": 0}
AS_IT_IS: dict[str, Any] = {"parse_math": False}  # a word may contain a dollar sign


STYLE: dict[Any, Any] = {
    "figure.figsize": (8, 4.5),
    "figure.dpi": 130,
    "figure.constrained_layout.use": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": SOFT,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.grid": True,
    "grid.color": "#eceff4",
    "axes.axisbelow": True,
    "legend.frameon": False,
}


def drawn(path: Path, draw: Callable[[], Any], style: dict[Any, Any] | None = None) -> str:
    """Draw a picture in the project's style and save it; returns the name of its file.

    Args:
        path: the file; its ending is the format.
        draw: returns the `matplotlib` figure.
        style: rc settings of this picture alone.
    """
    with plt.rc_context({**STYLE, **(style or {})}):
        figure = draw()
        figure.savefig(path)
        plt.close(figure)
    return path.name
