"""Pictures of a training run of static vectors, and of several trained together."""

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from jaxemb import linalg
from jaxemb.lab import pictures
from jaxemb.lab.pictures import ACCENT, AS_IT_IS, BAND, INK, SOFT
from jaxemb.lab.runs.static.run import Result

MAPPED = 150  # words on the map
SKIPPED = 50  # the most frequent words are function words, all in one heap


def draw_members(workdir: Path, metrics: list[dict[str, Any]]) -> list[str]:
    """Draw the training run of an ensemble; returns the name of the picture."""
    return [pictures.drawn(workdir / "members.png", lambda: members_over_time(metrics))]


def draw(workdir: Path, result: Result) -> list[str]:
    """Draw a training run and its words; returns the names of the pictures."""
    figures = {
        "loss.png": lambda: losses(result.metrics),
        "spectrum_over_time.png": lambda: over_time(result.metrics),
        "map.png": lambda: word_map(result.vocab.words, result.tables.input),
    }
    return [pictures.drawn(workdir / name, figure) for name, figure in figures.items()]


def over_time(metrics: list[dict[str, Any]]) -> Figure:
    """Singular values, effective rank and the balance of the two tables during training."""
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


def members_over_time(metrics: list[dict[str, Any]]) -> Figure:
    """Singular values of an ensemble during training, and how far its members differ."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.5))
    seen = [row for row in metrics if row.get("singular_values")]
    words = [row["words"] for row in seen]
    values = np.array([row["singular_values"] for row in seen], float)  # [times, members, dim]
    for name, i in {"s_1": 0, "s_{n/2}": values.shape[2] // 2, "s_n": values.shape[2] - 1}.items():
        part = np.maximum(values[:, :, i], 1e-30)
        (line,) = left.semilogy(words, part.mean(axis=1), label=f"${name}$")
        left.fill_between(words, part.min(axis=1), part.max(axis=1), color=line.get_color(), **BAND)
        deviation = 100 * part.std(axis=1, ddof=1) / part.mean(axis=1)
        right.semilogy(words, np.maximum(deviation, 1e-4), "o-", ms=3, label=f"${name}$")
    left.set(xlabel="words read", ylabel="singular value", title="Mean and range of the members")
    right.set(xlabel="words read", ylabel="% of the mean", title="Standard deviation over members")
    left.legend()
    right.legend()
    return figure


def losses(metrics: list[dict[str, Any]]) -> Figure:
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


def word_map(words: tuple[str, ...], table: np.ndarray) -> Figure:
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
