"""Scores of sense separation by layer, as a picture. Imported only if matplotlib is installed."""

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from jaxemb.lab import pictures

COLORS = (pictures.ACCENT, pictures.INK, pictures.SOFT)
THICK = 0.8  # of all bars of one layer


def draw(folder: Path, layers: dict[str, Any], measures: dict[str, str]) -> list[str]:
    """Draw the scores of every layer; return the name of the picture."""
    style = {"axes.grid.axis": "y"}
    return [pictures.drawn(folder / "polysemy.png", lambda: bars(layers, measures), style)]


def bars(layers: dict[str, Any], measures: dict[str, str]) -> Figure:
    """A figure with bars for each layer, and their intervals over seeds."""
    thick = THICK / len(measures)
    figure, axes = plt.subplots(figsize=(2.4 + 1.6 * len(layers), 4.6))
    for i, ((measure, label), color) in enumerate(zip(measures.items(), COLORS, strict=True)):
        at = np.arange(len(layers)) + (i - 1) * thick
        value, low, high = (
            np.array([row[measure][key] for row in layers.values()], float)
            for key in ("value", "low", "high")
        )
        axes.bar(at, value, thick * 0.92, color=color, label=label)
        apart = np.nan_to_num(np.maximum([value - low, high - value], 0))  # one seed has none
        if apart.any():
            axes.errorbar(at, value, yerr=apart, fmt="none", ecolor="black", capsize=3, lw=1)
        for x, top, score in zip(at, value + apart[1], value, strict=True):
            places = {"xytext": (0, 3), "textcoords": "offset points"}
            axes.annotate(f"{score:.2f}", (x, max(top, 0)), ha="center", fontsize=8, **places)
    axes.axhline(0.5, color=pictures.INK, lw=0.8, ls="--")
    axes.axhline(0.0, color=pictures.INK, lw=0.8)
    axes.set_xticks(np.arange(len(layers)), list(layers))
    axes.set(title="Two words in one form: are their senses told apart?", ylim=(None, 1.05))
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.08), ncols=3)
    return figure
