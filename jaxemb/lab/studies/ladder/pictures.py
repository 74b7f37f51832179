"""The picture of the ladder: an axis, a point, a cloud. Imported only where matplotlib is."""

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from jaxemb.lab import pictures
from jaxemb.lab.pictures import ACCENT, AS_IT_IS, SOFT
from jaxemb.lab.studies.context.tokens import UNKNOWN
from jaxemb.lab.studies.ladder.cloud import Cloud, Seen
from jaxemb.lab.studies.ladder.rungs import Rung

COLORS = (ACCENT, "#2b6f9e")  # of the two senses
QUOTED = 3  # occurrences of each sense whose sentences are shown
LETTERS, SHORT = 30, 8  # characters of context on either side of a word of so many


def draw(path: Path, rungs: list[Rung], seen: Seen | None) -> str:
    """Draw the rungs of a word, the contextual one if it is given; return the name of the file."""
    style = {"axes.grid": False, "font.size": 9}
    return pictures.drawn(path, lambda: three(rungs, seen) if seen else two(rungs), style)


def two(rungs: list[Rung]) -> Figure:
    """A figure of one word on two rungs: one-hot and static."""
    figure, panels = plt.subplots(1, 2, figsize=(8, 4.4), width_ratios=(1, 1.15))
    _first_two(figure, panels, rungs)
    return figure


def three(rungs: list[Rung], seen: Seen) -> Figure:
    """A figure of one word on three rungs: one-hot, static, contextual with some sentences."""
    figure = plt.figure(figsize=(11, 5.8))
    parts: Any = figure.subfigures(2, 1, height_ratios=(4.4, 1.6))
    top, below = parts
    *panels, cloud = top.subplots(1, 3, width_ratios=(1, 1.15, 1.25))
    quoted = _cloud(cloud, seen.cloud)
    _headed(cloud, seen.rung, "a cloud", "occurrences")
    _concordance(below, seen.cloud, quoted)
    _first_two(figure, panels, rungs)
    return figure


def _first_two(figure, panels: Any, rungs: list[Rung]) -> None:
    """The word as an axis, and as a point; labels come last, when all other texts are there."""
    (axis, point), (one_hot, static) = panels, rungs
    _axis(axis, one_hot)
    _headed(axis, one_hot, "one axis", "words")
    _headed(point, static, "one point", "words")
    _point(figure, point, static)


def _headed(axes, rung: Rung, name: str, rows: str) -> None:
    axes.set_title(f"{rung.name}: {name}", fontsize=12, fontweight="bold", pad=20)
    size = f"{rung.rows:,} {rows} x {rung.dim:,} dimensions, rank {rung.rank:,}"
    axes.text(0.5, 1.02, size, transform=axes.transAxes, ha="center", fontsize=8.5)


def _axis(axes, rung: Rung) -> None:
    """The one-hot vector of the word: 1 on its own axis, 0 on every other."""
    at, values = np.arange(len(rung.words)), np.zeros(len(rung.words))
    values[0] = 1.0
    axes.vlines(at, 0, values, color=ACCENT, lw=3)
    axes.plot(at[1:], values[1:], "o", color=SOFT, ms=5)
    axes.plot(0, 1, "o", color=ACCENT, ms=9)
    axes.set_xticks(at, rung.words, rotation=60, ha="right", **AS_IT_IS)
    axes.get_xticklabels()[0].set(color=ACCENT, fontweight="bold")
    axes.set(ylim=(-0.04, 1.12), yticks=(0, 1), xlim=(-0.7, len(at) - 0.3))
    axes.set_xlabel(f"these axes, and {rung.dim - len(at):,} more: all alike")


def _point(figure, axes, rung: Rung) -> None:
    """The unit vectors of some words on their two principal axes, from their cosines."""
    points = _map(rung.cosines)
    axes.scatter(*points[1:].T, s=16, color=SOFT)
    axes.scatter(*points[:1].T, s=80, color=ACCENT, zorder=3)
    axes.margins(0.16)
    _bare(axes, "the same point in every sentence")
    bold = {"color": ACCENT, "fontweight": "bold"}
    styles = [bold, *({} for _ in rung.words[1:])]
    pictures.label(figure, axes, points, rung.words, styles, certain=len(rung.words))


def _map(cosines: Float[np.ndarray, "words words"]) -> Float[np.ndarray, "words 2"]:
    """The two principal coordinates of unit vectors from their Gram matrix (Torgerson 1952)."""
    gram = cosines - cosines.mean(axis=0)[None, :]
    gram = gram - gram.mean(axis=1)[:, None]
    values, vectors = np.linalg.eigh((gram + gram.T) / 2)
    points = vectors[:, ::-1] * np.sqrt(np.maximum(values[::-1], 0.0))[None, :]
    return np.pad(points, ((0, 0), (0, 2)))[:, :2]


def _cloud(axes, cloud: Cloud) -> list[int]:
    """Draw every occurrence of the word; return the indices of the numbered ones."""
    for k, color in enumerate(COLORS):
        axes.scatter(*cloud.points[cloud.group == k].T, s=14, color=color, alpha=0.45, lw=0)
    quoted = [i for k in (0, 1) for i in _apart(cloud.points, np.flatnonzero(cloud.group == k))]
    for number, i in enumerate(quoted, 1):
        color = COLORS[int(cloud.group[i])]
        axes.scatter(*cloud.points[i], s=150, color="white", edgecolor=color, lw=1.5, zorder=3)
        axes.annotate(
            str(number), cloud.points[i], ha="center", va="center_baseline", fontsize=8, color=color
        )
    share = f"two main axes, {cloud.explained:.0%} of the variance"
    _bare(axes, f"{len(cloud.points):,} occurrences of {cloud.word}\n{share}")
    return quoted


def _apart(points: Any, among: Any) -> list[int]:
    """The point nearest to the mean of a group, then points farthest from those already chosen."""
    middle = points[among].mean(axis=0)
    away = np.linalg.norm(points[among] - middle[None, :], axis=1)
    inner = among[away <= np.quantile(away, 0.8)]  # without outliers
    chosen = [int(among[np.argmin(away)])]
    while len(chosen) < min(QUOTED, len(inner)):
        gaps = np.linalg.norm(points[inner][:, None] - points[chosen][None], axis=2).min(axis=1)
        chosen.append(int(inner[np.argmax(gaps)]))
    return chosen


def _concordance(figure, cloud: Cloud, quoted: list[int]) -> None:
    """The sentences of the numbered points, aligned at the word; one group on either side."""
    for k, (color, axes) in enumerate(zip(COLORS, figure.subplots(1, 2), strict=True)):
        axes.set_axis_off()
        axes.set(xlim=(-1, 1), ylim=(-QUOTED - 0.4, 0.8))
        kind = "sense" if cloud.known else "cluster"
        axes.text(
            0,
            0.1,
            f"{kind}: {cloud.names[k]}",
            color=color,
            fontweight="bold",
            ha="center",
            **AS_IT_IS,
        )
        wide = 0.035 + 0.0155 * len(cloud.word)
        room = LETTERS - max(len(cloud.word) - SHORT, 0) // 2
        for row, i in enumerate([i for i in quoted if cloud.group[i] == k], 1):
            left, right = cloud.contexts[i]
            axes.text(-0.98, -row, str(quoted.index(i) + 1), color=color, fontweight="bold")
            axes.text(0, -row, cloud.word, color=color, fontweight="bold", ha="center", **AS_IT_IS)
            axes.text(-wide, -row, _cut(left, room, end=True), ha="right", **AS_IT_IS)
            axes.text(wide, -row, _cut(right, room, end=False), ha="left", **AS_IT_IS)


def _cut(text: str, letters: int, *, end: bool) -> str:
    """The last (`end`) or first whole words of a text, at most so many letters."""
    words = ["…" if word == UNKNOWN else word for word in text.split(" ")]
    while len(" ".join(words)) > letters:
        words = words[1:] if end else words[:-1]
    return " ".join(words)


def _bare(axes, label: str) -> None:
    axes.set(xticks=(), yticks=(), xlabel=label)
