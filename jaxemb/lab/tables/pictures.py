"""A picture of scores with their intervals. Imported only where matplotlib is installed."""

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np

from jaxemb.lab.runs.static import pictures

COLORS = (pictures.INK, pictures.ACCENT)
THICK = 0.8  # of all bars of one score


def write(tables: dict[str, Any], path: Path) -> None:
    """Word similarity above, analogies by section below, a bar for each table."""
    similarity = _rows(tables, lambda table: table["similarity"])
    sections = _rows(tables, _sections)
    panels = [("Spearman", similarity), ("share right", sections)]
    panels = [(label, rows) for label, rows in panels if rows]
    heights = [len(rows) * len(tables) + 1 for _, rows in panels]
    with plt.rc_context(pictures.STYLE):
        figure, drawn = plt.subplots(
            max(len(panels), 1),
            1,
            figsize=(8, 1.2 + 0.2 * sum(heights)),
            squeeze=False,
            height_ratios=heights or None,
        )
        for axes, (label, rows) in zip(drawn[:, 0], panels, strict=False):
            _bars(axes, rows, list(tables), label)
        figure.savefig(path)
        plt.close(figure)


def _sections(table: dict[str, Any]) -> dict[str, Any]:
    several = len(table["analogies"]) > 1
    found = {}
    for name, test in table["analogies"].items():
        for section, row in {**test["sections"], "all": test}.items():
            found[f"{name}: {section}" if several else section] = row
    return found


def _rows(tables: dict[str, Any], scores) -> dict[str, list[dict[str, Any]]]:
    """By what was asked, the scores of each table; what no table could be asked is left out."""
    each = [scores(table) for table in tables.values()]
    return {
        name: [of[name] for of in each]
        for name in (each[0] if each else {})
        if any(of[name]["asked"] > 1 for of in each)
    }


def _bars(axes, rows: dict[str, list[dict[str, Any]]], names: list[str], label: str) -> None:
    thick = THICK / len(names)
    for i, (name, color) in enumerate(zip(names, COLORS, strict=False)):
        at = np.arange(len(rows)) + (i - (len(names) - 1) / 2) * thick
        value, low, high = (
            np.array([row[i][key] for row in rows.values()], float)
            for key in ("value", "low", "high")
        )
        apart = np.maximum([value - low, high - value], 0)
        axes.barh(at, value, thick * 0.9, color=color, label=name)
        axes.errorbar(value, at, xerr=apart, fmt="none", ecolor=pictures.SOFT, capsize=2, lw=1.5)
    axes.set_yticks(np.arange(len(rows)), list(rows), **pictures.AS_IT_IS)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set(xlabel=f"{label}, with 95 % intervals")
    axes.grid(visible=False, axis="y")
    if len(names) > 1:
        axes.legend(loc="lower right")
