"""Pictures of a table and of its training. Imported only where matplotlib is installed."""

from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from jaxemb import linalg
from jaxemb.lab.runs.static.run import Result
from jaxemb.lab.studies.ladder.rungs import Rung

INK, SOFT, ACCENT = "#1f2a44", "#9aa5b8", "#c8553d"
MAPPED = 150  # words on the map
SKIPPED = 50  # the most frequent words are function words, all in one heap

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


def draw_members(workdir: Path, metrics: list[dict[str, Any]]) -> list[str]:
    """The picture of an ensemble's training; its name."""
    with plt.rc_context(STYLE):
        figure = members_over_time(metrics)
        figure.savefig(workdir / "members.png")
        plt.close(figure)
    return ["members.png"]


def draw(workdir: Path, found: dict[str, Any], result: Result | None = None) -> list[str]:
    """The pictures of a table, and of the training it came from if there was one; their names."""
    drawn = {
        "spectrum.png": lambda: spectrum(found),
        "rows.png": lambda: rows(found),
        "axes.png": lambda: axes(found),
    }
    if result:
        drawn |= {
            "loss.png": lambda: losses(result.metrics),
            "spectrum_over_time.png": lambda: over_time(result.metrics),
            "map.png": lambda: word_map(result.vocab.words, result.tables.input),
        }
    for name, picture in drawn.items():
        with plt.rc_context(STYLE):
            figure = picture()
            figure.savefig(workdir / name)
            plt.close(figure)
    return list(drawn)


def spectrum(found: dict[str, Any]):
    """Singular values with the tolerance below which rank ends; the variance that they explain."""
    values = np.array(found["spectrum"]["singular_values"])
    rank, index = found["rank"], np.arange(1, len(values) + 1)
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.8))
    left.semilogy(index, np.maximum(values, 1e-30), color=INK, lw=2)
    left.axhline(rank["tolerance"], color=ACCENT, ls="--", lw=1)
    left.annotate(
        "not told from 0 below this line",
        (len(values), rank["tolerance"]),
        xytext=(0, 4),
        textcoords="offset points",
        ha="right",
        color=ACCENT,
    )
    verdict = rank["verdict"].replace(": ", ":\n", 1)
    title = f"{found['vocabulary']:,} words in {len(values)} dimensions\n{verdict}"
    left.set(xlabel="i", ylabel="singular value $s_i$", title=title)
    positive = values[values > 0]
    lowest = min(rank["tolerance"], positive.min() if len(positive) else 1.0)
    left.set_ylim(bottom=max(lowest / 3, 1e-30))
    right.plot(index, 100 * np.cumsum(found["explained_variance"]), color=INK, lw=2)
    right.plot(index, 100 * index / len(index), color=SOFT, ls="--", label="all directions alike")
    right.set(xlabel="largest directions", ylabel="% of the variance", ylim=(0, 102))
    right.set_title(f"Explained variance\neffective rank {found['spectrum']['effective_rank']:.1f}")
    right.legend(loc="lower right")
    return figure


def rows(found: dict[str, Any]):
    """Lengths of the rows, and cosines of random pairs beside those of random directions."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.5))
    norms, cosines, n = found["norms"], found["cosines"], found["dimension"]
    left.stairs(norms["counts"], norms["edges"], fill=True, color=SOFT)
    left.axvline(norms["quantiles"][2], color=ACCENT, lw=1, label="median")
    left.set(xlabel="length of the row", ylabel="words", title="Lengths of the rows")
    left.legend(**BELOW)
    if cosines:
        edges, counts = np.array(cosines["edges"]), np.array(cosines["counts"], float)
        density = counts / max(counts.sum(), 1.0) / np.diff(edges)
        right.stairs(density, edges, fill=True, color=SOFT, label="pairs of rows")
        mean = found["mean"]["cosine"]
        right.axvline(mean, color=ACCENT, lw=1, label=f"mean of all pairs {mean:+.3f}")
    if n > 1:
        at = np.linspace(-0.999, 0.999, 800)
        even = (1 - at**2) ** ((n - 3) / 2)
        even /= even.sum() * (at[1] - at[0])
        right.plot(at, even, color=INK, lw=1.5, label=f"random directions in {n} dimensions")
    right.set(xlabel="cosine", ylabel="density", title="Cosines of random pairs of rows")
    right.legend(**BELOW)
    return figure


def axes(found: dict[str, Any]):
    """Kurtosis of each axis in order, and the mean over axes beside that of random rotations."""
    of = found["axes"]
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.5))
    kurtosis = np.sort(of["kurtosis"])[::-1]
    left.plot(np.arange(1, len(kurtosis) + 1), kurtosis, color=INK, lw=2)
    left.axhline(0, color=SOFT, lw=1)
    left.set(xlabel="axes, most peaked first", ylabel="excess kurtosis", title="Each axis")
    right.hist(of["rotated_kurtosis"], color=SOFT, label="the same table, turned at random")
    right.axvline(np.mean(kurtosis), color=ACCENT, lw=2, label="the table as it is")
    verdict = "more" if of["special"] else "no more"
    title = f"The axes mean {verdict} than other directions"
    right.set(xlabel="mean excess kurtosis of the axes", ylabel="rotations", title=title)
    right.legend(**BELOW)
    return figure


def over_time(metrics: list[dict[str, Any]]):
    """Singular values, effective rank and the balance of the two tables while training went on."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.5))
    seen = [row for row in metrics if row.get("singular_values")]
    if not seen:
        return figure
    words = [row["words"] for row in seen]
    values = np.array([row["singular_values"] for row in seen], float)
    n = values.shape[1]
    shades = plt.get_cmap("viridis")
    for i in sorted({0, 1, n // 10, n // 4, n // 2, 3 * n // 4, n - 1} & set(range(n))):
        color = shades(i / max(n, 2) * 0.9)
        left.semilogy(words, np.maximum(values[:, i], 1e-30), color=color, label=f"$s_{{{i + 1}}}$")
    left.set(xlabel="words read", ylabel="singular value", title="Spectrum over time")
    left.legend(ncols=2)
    right.plot(words, [row["effective_rank"] for row in seen], color=INK, label="effective rank")
    right.set(xlabel="words read", ylabel="effective rank", ylim=(0, n * 1.02))
    right.set_title("Effective rank, and the balance of both tables")
    other = right.twinx()
    other.plot(words, [row["imbalance"] for row in seen], color=ACCENT, ls="--")
    other.set_ylabel("$||U^T U - C^T C||_F$", color=ACCENT)
    other.set_ylim(bottom=0)
    other.grid(visible=False)
    return figure


def members_over_time(metrics: list[dict[str, Any]]):
    """Singular values of an ensemble while training went on, and how far its members differ."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.5))
    seen = [row for row in metrics if row.get("singular_values")]
    words = [row["words"] for row in seen]
    values = np.array([row["singular_values"] for row in seen], float)  # [times, members, dim]
    for name, i in {"s_1": 0, "s_{n/2}": values.shape[2] // 2, "s_n": values.shape[2] - 1}.items():
        each = np.maximum(values[:, :, i], 1e-30)
        (line,) = left.semilogy(words, each.mean(axis=1), label=f"${name}$")
        left.fill_between(words, each.min(axis=1), each.max(axis=1), color=line.get_color(), **BAND)
        apart = 100 * each.std(axis=1, ddof=1) / each.mean(axis=1)
        right.semilogy(words, np.maximum(apart, 1e-4), "o-", ms=3, label=f"${name}$")
    left.set(xlabel="words read", ylabel="singular value", title="Mean and range of the members")
    right.set(xlabel="words read", ylabel="% of the mean", title="Standard deviation over members")
    left.legend()
    right.legend()
    return figure


def losses(metrics: list[dict[str, Any]]):
    """Training loss, smoothed over neighbouring measurements, and held-out loss by epoch."""
    figure, axes = plt.subplots()
    train = np.array([(row["words"], row["loss"]) for row in metrics if "loss" in row])
    held = [(row["words"], row["held_out"]) for row in metrics if row.get("held_out") is not None]
    if len(train):
        axes.plot(*train.T, color=SOFT, lw=0.8, label="training, one step a chunk")
        width = max(len(train) // 20, 1)
        smooth = np.convolve(train[:, 1], np.ones(width) / width, "valid")
        axes.plot(train[width - 1 :, 0], smooth, color=INK, lw=2, label=f"mean of {width}")
    if held:
        axes.plot(*np.array(held).T, "o-", color=ACCENT, label="held out, same draws each time")
    axes.set(xlabel="words read", ylabel="loss, nats per observed pair", title="Loss")
    axes.legend()
    return figure


def word_map(words: tuple[str, ...], table: np.ndarray):
    """Frequent words on the two axes of largest variance of their unit vectors."""
    first = SKIPPED if len(words) > SKIPPED + MAPPED else 0
    chosen = slice(first, first + MAPPED)
    vectors = table[chosen] / np.maximum(
        np.linalg.norm(table[chosen], axis=1, keepdims=True), 1e-30
    )
    centered = vectors - vectors.mean(axis=0)
    axes_of_space = linalg.spectrum(centered.astype(np.float32)).basis[:, :2]
    points = centered @ axes_of_space
    points = np.pad(points, ((0, 0), (0, 2 - points.shape[1])))  # one dimension has one axis
    figure, axes = plt.subplots(figsize=(9, 8))
    axes.scatter(*points.T, s=6, color=ACCENT)
    for word, point in zip(words[chosen], points, strict=True):
        axes.annotate(
            word, point, xytext=(2, 2), textcoords="offset points", **AS_IT_IS, fontsize=7
        )
    axes.set(
        title=f"Words {first + 1} to {first + len(points)} by frequency, two principal axes",
        xlabel="first axis",
        ylabel="second axis",
    )
    return figure


def ladder(rungs: list[Rung], path: Path) -> None:
    """One panel a rung: cosines among some words, under the rung's rank and law of distances."""
    with plt.rc_context({**STYLE, "axes.grid": False}):
        size = (5.4 * len(rungs), 5.8)
        figure, panels = plt.subplots(1, len(rungs), figsize=size, squeeze=False)
        image = None
        for axes, rung in zip(panels[0], rungs, strict=True):
            image = axes.imshow(rung.cosines, cmap="RdBu_r", vmin=-1, vmax=1)
            axes.set_xticks(range(len(rung.words)), rung.words, rotation=60, ha="right", **AS_IT_IS)
            axes.set_yticks(range(len(rung.words)), rung.words, **AS_IT_IS)
            matrix = f"{rung.rows:,} words x {rung.dim:,} dimensions, rank {rung.rank:,}"
            axes.set_title(f"{rung.name}: {matrix}\n{rung.law}", fontsize=9)
            axes.spines[:].set_visible(False)
        if image is not None:
            figure.colorbar(image, ax=panels[0].tolist(), shrink=0.6, label="cosine")
        figure.savefig(path)
        plt.close(figure)
