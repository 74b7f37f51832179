"""A picture of what context changed, by layer. Imported only where matplotlib is installed."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from jaxemb.lab import pictures as lab_pictures


def draw_training(folder: Path, metrics: Sequence[dict]) -> list[str]:
    """Perplexity over the predictions of a training, of both directions; its name."""
    rows = [row for row in metrics if "loss" in row]
    if not rows:
        return []
    with plt.rc_context(lab_pictures.STYLE):
        figure, axes = plt.subplots(figsize=(7, 4.2))
        at = np.array([row["words"] for row in rows]) / 1e6
        losses = np.array([row["loss"] for row in rows])
        width = max(len(rows) // 100, 1)  # one chunk is noisy
        sums = np.cumsum(np.pad(losses, ((1, 0), (0, 0))), axis=0)
        mean = (sums[width:] - sums[:-width]) / width
        dev = [row for row in metrics if row.get("dev")]
        colors = (lab_pictures.ACCENT, lab_pictures.INK)
        for i, (name, color) in enumerate(zip(("forward", "backward"), colors, strict=True)):
            axes.plot(at[width - 1 :], np.exp(mean[:, i]), color=color, lw=1, label=name)
            places = [row["words"] / 1e6 for row in dev]
            axes.plot(
                places, [row["dev"][i] for row in dev], "o", color=color, label=f"{name}, dev"
            )
        axes.set(
            yscale="log", xlabel="predictions, millions", title="Perplexity (in training: sampled)"
        )
        axes.legend(frameon=False)
        figure.savefig(folder / "training.png")
        plt.close(figure)
    return ["training.png"]
