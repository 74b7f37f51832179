"""Pictures of a table and of its training. Imported only where matplotlib is installed."""

from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from jaxemb import linalg
from jaxemb.ladder import Rung
from jaxemb.runs import Result

INK, SOFT, ACCENT = "#1f2a44", "#9aa5b8", "#c8553d"
MAPPED = 150  # words on the map
SKIPPED = 50  # the most frequent words are function words, all in one heap

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


def draw(workdir: Path, found: dict[str, Any], result: Result) -> list[str]:
    """The three pictures of a report; their file names."""
    drawn = {
        "spectrum.png": lambda: spectrum(found),
        "loss.png": lambda: losses(result.metrics),
        "map.png": lambda: word_map(result.vocab.words, result.tables.input),
    }
    for name, picture in drawn.items():
        with plt.rc_context(STYLE):
            figure = picture()
            figure.savefig(workdir / name)
            plt.close(figure)
    return list(drawn)


def spectrum(found: dict[str, Any]):
    """Singular values on a logarithmic scale, with the tolerance below which rank ends."""
    values = np.array(found["spectrum"]["singular_values"])
    rank = found["rank"]
    figure, axes = plt.subplots()
    axes.semilogy(np.arange(1, len(values) + 1), np.maximum(values, 1e-30), color=INK, lw=2)
    axes.axhline(rank["tolerance"], color=ACCENT, ls="--", lw=1)
    axes.annotate(
        "indistinguishable from 0 in float32, below this line",
        (len(values), rank["tolerance"]),
        xytext=(0, 4),
        textcoords="offset points",
        ha="right",
        color=ACCENT,
    )
    title = f"{found['vocabulary']:,} words in {len(values)} dimensions\n{rank['verdict']}"
    axes.set(xlabel="i", ylabel="singular value $s_i$", title=title)
    axes.set_ylim(bottom=max(min(rank["tolerance"], values[values > 0].min()) / 3, 1e-12))
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
