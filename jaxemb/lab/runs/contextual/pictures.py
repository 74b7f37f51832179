"""The picture of a language model's training run."""

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from jaxemb.lab import pictures


def draw(folder: Path, metrics: Sequence[dict[str, Any]], names: Sequence[str]) -> list[str]:
    """Draw the training of a language model, if it was measured; returns the names of pictures.

    Args:
        names: of the directions.
    """
    rows = [row for row in metrics if "loss" in row]
    if not rows:
        return []
    return [pictures.drawn(folder / "training.png", lambda: perplexities(rows, metrics, names))]


def perplexities(
    rows: Sequence[dict[str, Any]], metrics: Sequence[dict[str, Any]], names: Sequence[str]
) -> Figure:
    """Perplexity of each direction over the predictions of a training run."""
    figure, axes = plt.subplots(figsize=(7, 4.2))
    predictions = np.array([row["words"] for row in rows]) / 1e6
    losses = np.array([row["loss"] for row in rows])
    width = max(len(rows) // 100, 1)  # one chunk is noisy
    sums = np.cumsum(np.pad(losses, ((1, 0), (0, 0))), axis=0)
    mean = (sums[width:] - sums[:-width]) / width
    dev = [row for row in metrics if row.get("dev")]
    colors = (pictures.ACCENT, pictures.INK, pictures.SOFT)
    for i, (name, color) in enumerate(zip(names, itertools.cycle(colors), strict=False)):
        axes.plot(predictions[width - 1 :], np.exp(mean[:, i]), color=color, lw=1, label=name)
        places = [row["words"] / 1e6 for row in dev]
        axes.plot(places, [row["dev"][i] for row in dev], "o", color=color, label=f"{name}, dev")
    axes.set(
        yscale="log", xlabel="predictions, millions", title="Perplexity (in training: sampled)"
    )
    axes.legend(frameon=False)
    return figure
