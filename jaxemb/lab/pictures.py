"""How every picture looks. Imported only where matplotlib is installed."""

from typing import Any

INK, SOFT, ACCENT = "#1f2a44", "#9aa5b8", "#c8553d"


BELOW: dict[str, Any] = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.13), "ncols": 3}


BAND: dict[str, Any] = {"alpha": 0.25, "lw": 0}


AS_IT_IS: dict[str, Any] = {"parse_math": False}  # a word may hold a dollar


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
