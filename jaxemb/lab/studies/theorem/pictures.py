"""The figure of skip-gram and the matrix that it factors. Imported only where matplotlib is."""

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FormatStrFormatter, LogLocator

from jaxemb.evaluation.intervals import Estimate
from jaxemb.lab import pictures
from jaxemb.lab.pictures import ACCENT, INK, SOFT
from jaxemb.lab.studies.theorem.measures import SKIPGRAM, SVD

COLORS = {SKIPGRAM: ACCENT, SVD: "#2b6f9e"}
BINS = 90
ROOM: dict[Any, Any] = {
    "figure.constrained_layout.w_pad": 0.12,
    "figure.constrained_layout.h_pad": 0.12,
}


def draw(values: dict[str, Any], arrays: dict[str, Any], path: Path) -> str:
    """Draw the six panels; return the name of the file. Arguments: see `panels`."""
    return pictures.drawn(path, lambda: panels(values, arrays), {"font.size": 9, **ROOM})


def panels(values: dict[str, Any], arrays: dict[str, Any]) -> Figure:
    """A figure of six panels: products and optimum (two), spectra, angles, Harris, scores.

    Args:
        values, arrays: from `report.build`.
    """
    figure, axes = plt.subplots(2, 3, figsize=(13.5, 8.2))
    _reached(axes[0, 0], values, arrays)
    _by_count(axes[0, 1], values)
    _spectra(axes[0, 2], values)
    _angles(axes[1, 0], values)
    _harris(axes[1, 1], values, arrays)
    _scores(axes[1, 2], values)
    return figure


def _density(axes, x: Any, y: Any) -> None:
    """The density of points on a logarithmic scale; the outermost thousandths are left out."""
    reach = [np.quantile(side, (0.001, 0.999)) for side in (x, y)]
    reach = [(low, high if high > low else low + 1.0) for low, high in reach]
    axes.hist2d(x, y, bins=BINS, range=reach, norm="log", cmap="Blues", rasterized=True)


def _reached(axes, values, arrays) -> None:
    """v.u of frequent cells against its optimum."""
    matrix, least = arrays["matrix"], values["often"]["least"]
    kept = np.asarray(matrix.counts.values) >= least
    best, ours = matrix.optimum.values[kept], arrays["products"][SKIPGRAM][kept]
    _density(axes, best, ours)
    line = np.quantile(best, (0.001, 0.999))
    axes.plot(line, line, color=ACCENT, lw=1, ls="--", label="the optimum of full dimension")
    r = values["often"]["r"][SKIPGRAM]
    axes.set(xlabel="log(# / N), shifted PMI", ylabel="$v \\cdot u$ of skip-gram")
    axes.set_title(f"Cells counted {least:g} times or more: r = {r:.2f}")
    axes.legend(loc="upper left")


def _by_count(axes, values) -> None:
    """The correlation of products with the optimum, by the least count of a cell."""
    rows = [row for row in values["agreement"] if row["least"] >= 1] or values["agreement"]
    for name, color in COLORS.items():
        r = [row["r"][name] for row in rows]
        axes.plot([row["least"] for row in rows], r, "o-", ms=4, color=color, label=name)
    axes.set_xscale("log")
    axes.set_xticks([row["least"] for row in rows], [f"{row['least']:g}" for row in rows])
    axes.minorticks_off()
    axes.set(xlabel="cells counted at least so often", ylabel="r of $v \\cdot u$ with log(# / N)")
    axes.set_ylim(min(0.0, *axes.get_ylim()), 1.0)
    axes.set_title("Agreement with the optimum, by how often cells were seen")
    axes.legend(loc="lower right")


def _spectra(axes, values) -> None:
    for name, color in COLORS.items():
        spectrum = np.array(values["tables"][name]["singular_values"])
        effective = values["tables"][name]["effective_rank"]
        share = np.maximum(spectrum, 1e-30) / np.sqrt((spectrum**2).mean())
        label = f"{name}, effective rank {effective:.0f}"
        axes.semilogy(np.arange(1, len(spectrum) + 1), share, color=color, lw=2, label=label)
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(FormatStrFormatter("%g"))
    axes.minorticks_off()
    axes.set(xlabel="i", ylabel="singular value $s_i$, over their root mean square")
    axes.set_title("Spectra of the input tables")
    axes.legend(loc="upper right")


def _angles(axes, values) -> None:
    styles = {
        "input": (INK, "-", "input tables: columns of $U C^T$"),
        "output": (INK, ":", "output tables: rows of $U C^T$"),
        "random": (SOFT, "--", "skip-gram and a random space"),
    }
    for side, (color, style, label) in styles.items():
        angles = values["angles"][side]
        axes.plot(np.arange(1, len(angles) + 1), angles, color=color, ls=style, lw=2, label=label)
    axes.set(xlabel="i", ylabel="principal angle, degrees", ylim=(0, 92), yticks=(0, 30, 60, 90))
    axes.set_title("Skip-gram and SVD: angles of what they span")
    axes.legend(loc="lower right")


def _harris(axes, values, arrays) -> None:
    """The cosines of contexts and of vectors, for pairs of words."""
    harris = arrays["harris"]
    contexts, vectors = harris.contexts["positive PMI"], harris.vectors[SKIPGRAM]
    _density(axes, contexts, vectors)
    parts = np.array_split(np.argsort(contexts), 10)
    middle = [[np.median(side[part]) for part in parts] for side in (contexts, vectors)]
    axes.plot(*middle, "o-", ms=4, color=ACCENT, label="medians of tenths")
    axes.legend(loc="lower right")
    rho = values["harris"]["positive PMI"][SKIPGRAM]
    estimate = Estimate(rho["value"], rho["low"], rho["high"])
    axes.set(xlabel="cosine of rows of positive PMI", ylabel="cosine of skip-gram vectors")
    axes.set_title(f"Harris: random pairs of words, Spearman\n{estimate}")


def _scores(axes, values) -> None:
    """Rank correlations of cosines with contexts and with human judgement, with intervals."""
    tables = values["tables"]
    rows = {f"rows of\n{context}": row for context, row in values["harris"].items()}
    for test in tables[SKIPGRAM]["similarity"]:
        rows[test] = {name: table["similarity"][test] for name, table in tables.items()}
    at = np.arange(len(rows))[::-1]
    for shift, (name, color) in zip((0.12, -0.12), COLORS.items(), strict=True):
        value, low, high = (
            np.array([row[name][key] for row in rows.values()], float)
            for key in ("value", "low", "high")
        )
        apart = np.stack([value - low, high - value])
        axes.errorbar(value, at + shift, xerr=apart, fmt="o", color=color, ms=5, label=name)
    axes.set_yticks(at, list(rows))
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.set_xlim(left=min(0.0, axes.get_xlim()[0]))
    axes.set(xlabel="Spearman's rank correlation, 95 % intervals")
    axes.set_title("Cosines of vectors agree with ...")
    axes.legend(loc="best")
