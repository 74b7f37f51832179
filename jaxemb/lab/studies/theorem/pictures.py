"""Skip-gram beside the matrix that it factors, in one figure. Only where matplotlib is."""

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
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


def draw(found: dict[str, Any], drawn: dict[str, Any], path: Path) -> str:
    """Draws skip-gram beside its matrix; arguments: see `panels`. Returns the file's name."""
    return pictures.drawn(path, lambda: panels(found, drawn), {"font.size": 9, **ROOM})


def panels(found: dict[str, Any], drawn: dict[str, Any]):
    """Six panels: the optimum and what was reached, spectra, angles, Harris's hypothesis, scores.

    Args:
        found, drawn: from `report.build`.
    """
    figure, axes = plt.subplots(2, 3, figsize=(13.5, 8.2))
    _reached(axes[0, 0], found, drawn)
    _by_count(axes[0, 1], found)
    _spectra(axes[0, 2], found)
    _angles(axes[1, 0], found)
    _harris(axes[1, 1], found, drawn)
    _scores(axes[1, 2], found)
    return figure


def _density(axes, x: Any, y: Any) -> None:
    """How many points lie where, on a logarithmic scale; the outermost thousandth is left out."""
    reach = [np.quantile(side, (0.001, 0.999)) for side in (x, y)]
    reach = [(low, high if high > low else low + 1.0) for low, high in reach]
    axes.hist2d(x, y, bins=BINS, range=reach, norm="log", cmap="Blues", rasterized=True)


def _reached(axes, found, drawn) -> None:
    """v.u of the cells that were seen often, against its optimum."""
    of, least = drawn["matrix"], found["often"]["least"]
    kept = np.asarray(of.counts.values) >= least
    best, ours = of.optimum.values[kept], drawn["products"][SKIPGRAM][kept]
    _density(axes, best, ours)
    line = np.quantile(best, (0.001, 0.999))
    axes.plot(line, line, color=ACCENT, lw=1, ls="--", label="the optimum of full dimension")
    r = found["often"]["r"][SKIPGRAM]
    axes.set(xlabel="log(# / N), shifted PMI", ylabel="$v \\cdot u$ of skip-gram")
    axes.set_title(f"Cells counted {least:g} times or more: r = {r:.2f}")
    axes.legend(loc="upper left")


def _by_count(axes, found) -> None:
    """The correlation with the optimum, the more often two words were seen together."""
    rows = [row for row in found["agreement"] if row["least"] >= 1] or found["agreement"]
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


def _spectra(axes, found) -> None:
    for name, color in COLORS.items():
        values = np.array(found["tables"][name]["singular_values"])
        effective = found["tables"][name]["effective_rank"]
        share = np.maximum(values, 1e-30) / np.sqrt((values**2).mean())
        label = f"{name}, effective rank {effective:.0f}"
        axes.semilogy(np.arange(1, len(values) + 1), share, color=color, lw=2, label=label)
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(FormatStrFormatter("%g"))
    axes.minorticks_off()
    axes.set(xlabel="i", ylabel="singular value $s_i$, over their root mean square")
    axes.set_title("Spectra of the input tables")
    axes.legend(loc="upper right")


def _angles(axes, found) -> None:
    styles = {
        "input": (INK, "-", "input tables: columns of $U C^T$"),
        "output": (INK, ":", "output tables: rows of $U C^T$"),
        "random": (SOFT, "--", "skip-gram and a random space"),
    }
    for side, (color, style, label) in styles.items():
        each = found["angles"][side]
        axes.plot(np.arange(1, len(each) + 1), each, color=color, ls=style, lw=2, label=label)
    axes.set(xlabel="i", ylabel="principal angle, degrees", ylim=(0, 92), yticks=(0, 30, 60, 90))
    axes.set_title("Skip-gram and SVD: angles of what they span")
    axes.legend(loc="lower right")


def _harris(axes, found, drawn) -> None:
    """Pairs of words: the cosine of their contexts, and that of their vectors."""
    of = drawn["harris"]
    contexts, vectors = of.contexts["positive PMI"], of.vectors[SKIPGRAM]
    _density(axes, contexts, vectors)
    parts = np.array_split(np.argsort(contexts), 10)
    middle = [[np.median(side[part]) for part in parts] for side in (contexts, vectors)]
    axes.plot(*middle, "o-", ms=4, color=ACCENT, label="medians of tenths")
    axes.legend(loc="lower right")
    rho = found["harris"]["positive PMI"][SKIPGRAM]
    said = Estimate(rho["value"], rho["low"], rho["high"])
    axes.set(xlabel="cosine of rows of positive PMI", ylabel="cosine of skip-gram vectors")
    axes.set_title(f"Harris: random pairs of words, Spearman\n{said}")


def _scores(axes, found) -> None:
    """Agreement of cosines with contexts and with people, with intervals."""
    tables = found["tables"]
    rows = {f"rows of\n{context}": row for context, row in found["harris"].items()}
    for test in tables[SKIPGRAM]["similarity"]:
        rows[test] = {name: each["similarity"][test] for name, each in tables.items()}
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
