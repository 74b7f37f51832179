"""Pictures of a training run of static vectors, and of several trained together."""

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float, Int
from matplotlib.figure import Figure
from scipy.cluster import vq

from jaxemb import linalg
from jaxemb.lab import pictures, report
from jaxemb.lab.pictures import ACCENT, BAND, COLORS, INK, SOFT
from jaxemb.lab.runs.static.run import Result

MAPPED = 500  # words on the map, as points; those that find room bear their labels
CLUSTERS = 3  # axes on either side of which a cluster of the map begins
NAMED = 3  # words that name a cluster


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
    shown = sorted({0, 1, n // 10, n // 4, n // 2, 3 * n // 4, n - 1} & set(range(n)))
    shades = plt.get_cmap("viridis")(np.linspace(0, 0.9, len(shown)))
    for i, color in zip(shown, shades, strict=True):
        left.semilogy(words, np.maximum(values[:, i], 1e-30), color=color, label=f"$s_{{{i + 1}}}$")
    left.set(ylabel="singular value", title="Spectrum over time")
    left.legend(ncols=2)
    right.plot(words, [row["effective_rank"] for row in seen], color=INK)
    right.set(ylabel="effective rank", ylim=(0, n * 1.02))
    right.set_title("Effective rank, and the balance of both tables")
    for axes in (left, right):
        pictures.over_words(axes, metrics)
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
    if not seen:
        return figure
    words = [row["words"] for row in seen]
    values = np.array([row["singular_values"] for row in seen], float)  # [times, members, dim]
    for name, i in {"s_1": 0, "s_{n/2}": values.shape[2] // 2, "s_n": values.shape[2] - 1}.items():
        part = np.maximum(values[:, :, i], 1e-30)
        (line,) = left.semilogy(words, part.mean(axis=1), label=f"${name}$")
        left.fill_between(words, part.min(axis=1), part.max(axis=1), color=line.get_color(), **BAND)
        deviation = 100 * part.std(axis=1, ddof=1) / part.mean(axis=1)
        right.semilogy(words, np.maximum(deviation, 1e-4), "o-", ms=3, label=f"${name}$")
    left.set(ylabel="singular value", title="Mean and range of the members")
    right.set(ylabel="% of the mean", title="Standard deviation over members")
    for axes in (left, right):
        pictures.over_words(axes, metrics)
    left.legend()
    right.legend()
    return figure


def losses(metrics: list[dict[str, Any]]) -> Figure:
    """Training loss, smoothed over neighbouring measurements, and held-out loss by epoch."""
    figure, axes = plt.subplots()
    seen = (row for row in metrics if row.get("loss") is not None)
    train = np.array([(row["words"], row["loss"]) for row in seen])
    held = [(row["words"], row["held_out"]) for row in metrics if row.get("held_out") is not None]
    if len(train):
        axes.plot(*train.T, color=SOFT, lw=0.8, label="training, one step a chunk")
        width = max(len(train) // 20, 1)
        smooth = np.convolve(train[:, 1], np.ones(width) / width, "valid")
        axes.plot(train[width - 1 :, 0], smooth, color=INK, lw=2, label=f"mean of {width}")
    if held:
        axes.plot(*np.array(held).T, "o-", color=ACCENT, label="held out, same draws each time")
    axes.set(ylabel="loss, nats per observed pair", title="Loss")
    pictures.over_words(axes, metrics)
    axes.legend()
    return figure


def word_map(words: tuple[str, ...], table: Float[np.ndarray, "vocab dim"]) -> Figure:
    """Words on the two axes of largest variance of their unit vectors, in colours by cluster.

    Clusters are those of all dimensions (k-means): what the plane lays on one heap may be apart.
    The most frequent words, which are function words, are left out.
    """
    first = min(report.FREQUENT, len(words) // 2)
    chosen = words[first : first + MAPPED]
    vectors = table[first : first + MAPPED].astype(np.float32)
    vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-30)
    centered = vectors - vectors.mean(axis=0)
    spectrum = linalg.spectrum(centered)
    points = centered @ np.asarray(spectrum.basis)[:, :2]
    points = np.pad(points, ((0, 0), (0, 2 - points.shape[1])))  # one dimension has one axis
    cluster, names = _clusters(chosen, centered, np.asarray(spectrum.basis))
    figure, axes = plt.subplots(figsize=(9, 8))
    for k, name in enumerate(names):
        axes.scatter(*points[cluster == k].T, s=9, lw=0, alpha=0.6, color=COLORS[k], label=name)
    shares = np.pad(np.asarray(linalg.explained_variance(spectrum)), (0, 2))[:2]
    title = f"Words {first + 1:,} to {first + len(chosen):,} by frequency"
    axes.set(title=title, xlabel=f"first principal axis, {shares[0]:.1%} of the variance")
    axes.set(ylabel=f"second principal axis, {shares[1]:.1%} of the variance")
    if len(names) > 1:
        legend = axes.legend(**{**pictures.BELOW, "bbox_to_anchor": (0.5, -0.07), "ncols": 2})
        for text in legend.get_texts():
            text.set_parse_math(False)
    styles = [{"color": COLORS[k], "fontsize": 8} for k in cluster]
    pictures.label(figure, axes, points, chosen, styles)
    return figure


def _clusters(
    words: tuple[str, ...], vectors: Float[np.ndarray, "words dim"], basis: Any
) -> tuple[Int[np.ndarray, " words"], list[str]]:
    """The cluster of each word, and the name of each cluster: the words nearest to its mean.

    k-means begins at the words farthest out on either side of the first principal axes.
    """
    if len(words) < 2 * NAMED * CLUSTERS:  # too few to be parted
        return np.zeros(len(words), int), [""]
    along = vectors @ basis[:, :CLUSTERS]
    ends = np.unique([*along.argmax(axis=0), *along.argmin(axis=0)])
    means, cluster = vq.kmeans2(vectors, vectors[ends], minit="matrix")
    names = []
    for k in range(len(means)):
        mine = np.flatnonzero(cluster == k)
        away = np.linalg.norm(vectors[mine] - means[k], axis=1)
        near = [words[i] for i in mine[np.argsort(away)[:NAMED]]]
        names.append(f"near {', '.join(near)}")
    return cluster, names
