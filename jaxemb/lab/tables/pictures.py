"""Pictures of any table, and of scores with their intervals."""

import functools
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from jaxemb.lab import pictures
from jaxemb.lab.pictures import ACCENT, BELOW, INK, SOFT

COLORS = (INK, ACCENT)
THICK = 0.8  # of all bars of one score together
FAR = 100  # times the tolerance: beyond it, its line would leave most of the picture empty


def draw(folder: Path, measures: dict[str, Any]) -> list[str]:
    """Draw the spectrum, rows and axes of a table; returns the names of the pictures."""
    figures = {"spectrum.png": spectrum, "rows.png": rows, "axes.png": axes}
    return [
        pictures.drawn(folder / name, functools.partial(figure, measures))
        for name, figure in figures.items()
    ]


def scores(tables: dict[str, Any]) -> Figure:
    """Word similarity above, analogies by section below, a bar for each table."""
    similarity = _rows(tables, lambda table: table["similarity"])
    sections = _rows(tables, _sections)
    panels = [("Spearman", similarity), ("share right", sections)]
    panels = [(label, rows) for label, rows in panels if rows]
    heights = [len(rows) * len(tables) + 1 for _, rows in panels]
    figure, drawn = plt.subplots(
        max(len(panels), 1),
        1,
        figsize=(8, 1.2 + 0.2 * sum(heights)),
        squeeze=False,
        height_ratios=heights or None,
    )
    for axes, (label, rows) in zip(drawn[:, 0], panels, strict=False):
        _bars(axes, rows, list(tables), label)
    if len(tables) > 1 and panels:
        figure.legend(*drawn[0, 0].get_legend_handles_labels(), loc="outside upper center")
    return figure


def _sections(table: dict[str, Any]) -> dict[str, Any]:
    several = len(table["analogies"]) > 1
    by_section = {}
    for name, test in table["analogies"].items():
        for section, row in {**test["sections"], "all": test}.items():
            by_section[f"{name}: {section}" if several else section] = row
    return by_section


def _rows(tables: dict[str, Any], select) -> dict[str, list[dict[str, Any]]]:
    """The scores of each table by test; a test that scores at most one item is left out."""
    by_table = [select(table) for table in tables.values()]
    return {
        name: [tests[name] for tests in by_table]
        for name in (by_table[0] if by_table else {})
        if any(tests[name]["asked"] > 1 for tests in by_table)
    }


def _bars(axes, rows: dict[str, list[dict[str, Any]]], names: list[str], label: str) -> None:
    thick = THICK / len(names)
    for i, (name, color) in enumerate(zip(names, COLORS, strict=False)):
        place = np.arange(len(rows)) + (i - (len(names) - 1) / 2) * thick
        value, low, high = (
            np.array([row[i][key] for row in rows.values()], float)
            for key in ("value", "low", "high")
        )
        margins = np.maximum([value - low, high - value], 0)
        axes.barh(place, value, thick * 0.9, color=color, label=name)
        axes.errorbar(
            value, place, xerr=margins, fmt="none", ecolor=pictures.SOFT, capsize=2, lw=1.5
        )
    counted = [f"{name} ({_items(scores)})" for name, scores in rows.items()]
    axes.set_yticks(np.arange(len(rows)), counted, **pictures.AS_IT_IS)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set(xlabel=f"{label}, with 95 % intervals; in brackets: items scored")
    axes.grid(visible=False, axis="y")


def _items(scores: list[dict[str, Any]]) -> str:
    """How many items of a test were scored; for two tables that differ, of each."""
    return " and ".join(dict.fromkeys(f"{row['asked']:,}" for row in scores))


def spectrum(measures: dict[str, Any]) -> Figure:
    """Singular values with the tolerance of the rank; the variance that they explain."""
    values = np.array(measures["spectrum"]["singular_values"])
    rank, index = measures["rank"], np.arange(1, len(values) + 1)
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.8))
    left.semilogy(index, np.maximum(values, 1e-30), color=INK, lw=2)
    _tolerance(left, values, rank["tolerance"])
    verdict = rank["verdict"].replace(": ", ":\n", 1)
    title = f"{measures['vocabulary']:,} words in {len(values)} dimensions\n{verdict}"
    left.set(xlabel="i", ylabel="singular value $s_i$", title=title)
    right.plot(index, 100 * np.cumsum(measures["explained_variance"]), color=INK, lw=2)
    right.plot(index, 100 * index / len(index), color=SOFT, ls="--", label="all directions alike")
    right.set(xlabel="largest directions", ylabel="% of the variance", ylim=(0, 102))
    right.set_title(
        f"Explained variance\neffective rank {measures['spectrum']['effective_rank']:.1f}"
    )
    right.legend(loc="lower right")
    return figure


def _tolerance(axes, values: np.ndarray, tolerance: float) -> None:
    """The line below which a singular value is zero; a note instead if it is far below all."""
    positive = values[values > 0]
    least = positive.min() if len(positive) else 1.0
    text = "numerically zero below this line"
    if tolerance > 0 and least / tolerance > FAR:
        decades = np.log10(least / tolerance)
        axes.set_ylim(bottom=least / 3)
        text = f"numerically zero below {tolerance:.1e}: {decades:.1f} decades below the last"
        axes.annotate(text, (0.02, 0.03), xycoords="axes fraction", color=ACCENT)
        return
    axes.axhline(tolerance, color=ACCENT, ls="--", lw=1)
    at, over = (len(values), tolerance), {"xytext": (0, 4), "textcoords": "offset points"}
    axes.annotate(text, at, ha="right", color=ACCENT, **over)
    axes.set_ylim(bottom=max(min(tolerance, least) / 3, 1e-30))


def rows(measures: dict[str, Any]) -> Figure:
    """Lengths of the rows, and cosines of random pairs beside those of random directions."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.5))
    norms, cosines, n = measures["norms"], measures["cosines"], measures["dimension"]
    left.stairs(norms["counts"], norms["edges"], fill=True, color=SOFT)
    left.axvline(norms["quantiles"][2], color=ACCENT, lw=1, label="median")
    left.set(xlabel="length of the row", ylabel="words", title="Lengths of the rows")
    left.legend(**BELOW)
    if cosines:
        edges, counts = np.array(cosines["edges"]), np.array(cosines["counts"], float)
        density = counts / max(counts.sum(), 1.0) / np.diff(edges)
        right.stairs(density, edges, fill=True, color=SOFT, label="pairs of rows")
        mean = measures["mean"]["cosine"]
        right.axvline(mean, color=ACCENT, lw=1, label=f"mean of all pairs {mean:+.3f}")
    if n > 1:
        x = np.linspace(-0.999, 0.999, 800)
        even = (1 - x**2) ** ((n - 3) / 2)
        even /= even.sum() * (x[1] - x[0])
        right.plot(x, even, color=INK, lw=1.5, label=f"random directions in {n} dimensions")
    right.set(xlabel="cosine", ylabel="density", title="Cosines of random pairs of rows")
    right.legend(**BELOW)
    return figure


def axes(measures: dict[str, Any]) -> Figure:
    """Kurtosis of each axis in order, and the mean over axes beside that of random rotations."""
    measured = measures["axes"]
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.5))
    kurtosis = np.sort(measured["kurtosis"])[::-1]
    left.plot(np.arange(1, len(kurtosis) + 1), kurtosis, color=INK, lw=2)
    left.axhline(0, color=SOFT, lw=1)
    left.set(xlabel="axes, most peaked first", ylabel="excess kurtosis", title="Each axis")
    right.hist(measured["rotated_kurtosis"], color=SOFT, label="the same table, rotated at random")
    right.axvline(np.mean(kurtosis), color=ACCENT, lw=2, label="the table as it is")
    verdict = "more" if measured["special"] else "no more"
    title = f"The axes mean {verdict} than other directions"
    right.set(xlabel="mean excess kurtosis of the axes", ylabel="rotations", title=title)
    right.legend(**BELOW)
    return figure
