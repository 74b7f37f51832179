"""The picture of a language model's training run."""

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from jaxemb.lab import pictures
from jaxemb.lab.progress import epoch_ends


def draw(
    folder: Path, metrics: Sequence[dict[str, Any]], names: Sequence[str], samples: int | None
) -> list[str]:
    """Draw the training of a language model, if it was measured; returns the names of pictures.

    Args:
        folder: where the picture goes.
        metrics: rows with "words" and "loss", or with "words" and "dev".
        names: of the directions.
        samples: words of the sampled softmax of the training loss; None: the full softmax.
    """
    if not any("loss" in row for row in metrics):
        return []
    return [pictures.drawn(folder / "training.png", lambda: progress(metrics, names, samples))]


def progress(
    metrics: Sequence[dict[str, Any]], names: Sequence[str], samples: int | None
) -> Figure:
    """Loss of each direction in training, and perplexity on the dev text, in panels of their own.

    A sampled softmax has fewer words to choose from: its loss is no perplexity.
    """
    rows, dev = ([row for row in metrics if row.get(key)] for key in ("loss", "dev"))
    n = 2 if dev else 1
    figure, panels = plt.subplots(1, n, figsize=(1 + 5.5 * n, 4.5), sharex=True)
    left, *others = np.atleast_1d(panels)
    predictions = np.array([row["words"] for row in rows])
    losses = np.array([row["loss"] for row in rows])
    width = max(len(rows) // 100, 1)  # one chunk is noisy
    sums = np.cumsum(np.pad(losses, ((1, 0), (0, 0))), axis=0)
    mean = (sums[width:] - sums[:-width]) / width
    for i, (name, color) in enumerate(zip(names, itertools.cycle(pictures.COLORS), strict=False)):
        left.plot(predictions[width - 1 :], mean[:, i], color=color, lw=1, label=name)
        for axes in others:
            values = [(row["words"], row["dev"][i]) for row in dev]
            axes.plot(*zip(*values, strict=True), "o-", color=color, label=name)
    among = f"sampled softmax of {samples:,} words" if samples else "full softmax"
    left.set(ylabel="loss, nats per prediction", title=f"Training text, {among}")
    for axes in others:
        axes.set(ylabel="perplexity", title="Dev text, full softmax", ylim=(0, None))
    for axes in (left, *others):
        pictures.over_words(axes, epoch_ends(metrics), "predictions")
        axes.legend()
    return figure
