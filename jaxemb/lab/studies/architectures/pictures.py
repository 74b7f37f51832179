"""What architectures do to words, as a picture. Imported only where matplotlib is installed."""

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from jaxemb.lab import pictures

COLORS = pictures.COLORS
MARKERS = "osD^vP"


def draw(folder: Path, own: dict[str, Any], measures: dict[str, str]) -> list[str]:
    """Draw the measures of every architecture; return the name of the picture."""
    return [pictures.drawn(folder / "architectures.png", lambda: panels(own, measures))]


def panels(own: dict[str, Any], measures: dict[str, str]) -> Figure:
    """A panel for the perplexity, and one for each measure by layer."""
    drawn = {name: label for name, label in measures.items() if name != "rank"}
    figure, axes = plt.subplots(2, 3, figsize=(12.5, 7.4))
    first, *others = axes.flat
    _ratios(first, own)
    for panel, (measure, label) in zip(others, drawn.items(), strict=True):
        for i, (name, row) in enumerate(own.items()):
            value, low, high = _columns([layer[measure] for layer in row["layers"]])
            at = np.arange(len(value)) + (i - (len(own) - 1) / 2) * 0.06
            style = {
                "color": COLORS[i % 6],
                "marker": MARKERS[(i + i // 6) % 6],
                "ms": 5,
                "lw": 1.4,
            }
            apart = np.nan_to_num([value - low, high - value])
            panel.errorbar(at, value, yerr=apart, label=name, capsize=2, elinewidth=1, **style)
        layers = range(max(len(row["layers"]) for row in own.values()))
        panel.set(title=label)
        panel.set_xticks(layers, [f"layer {i}" for i in layers])
    handles, labels = others[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=min(len(labels), 5))
    return figure


def _ratios(axes, own: dict[str, Any]) -> None:
    """Perplexity to that of words counted: below 1, context helps."""
    value, low, high = _columns([row["to_baseline"] for row in own.values()])
    at, apart = np.arange(len(value)), np.nan_to_num([value - low, high - value])
    axes.bar(at, value, 0.6, color=[COLORS[i % 6] for i in range(len(value))])
    axes.errorbar(at, value, yerr=apart, fmt="none", ecolor="black", capsize=3, lw=1)
    for x, ratio, above in zip(at, value, apart[1], strict=True):
        places = {"xytext": (0, 3), "textcoords": "offset points", "ha": "center", "fontsize": 8}
        axes.annotate(f"{ratio:.2f}", (x, ratio + above), **places)
    axes.axhline(1.0, color=pictures.INK, lw=0.8, ls="--")
    axes.set(title="perplexity / that of words counted", ylim=(0, None))
    axes.set_xticks(at, list(own), rotation=30, ha="right", **pictures.AS_IT_IS)


def _columns(estimates: list[dict[str, float]]) -> Any:
    return np.array([[own[key] for own in estimates] for key in ("value", "low", "high")], float)
