"""Pictures of the effect of context. Imported only where matplotlib is installed."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from jaxemb.evaluation.contextuality import Contextuality
from jaxemb.lab import pictures

THICK = 0.8  # of all bars of one layer


def draw(path: Path, layers: Sequence[Contextuality]) -> str:
    """Draw the measures of each layer of one embedder; return the name of the picture."""
    return pictures.drawn(path, lambda: bars(layers), {"axes.grid.axis": "y"})


def bars(layers: Sequence[Contextuality]) -> Figure:
    """A figure with bars for each layer: context share, self-similarity, MEV, effective rank."""
    size = (4.2 + 1.6 * len(layers), 4.6)
    figure, (left, right) = plt.subplots(1, 2, figsize=size, width_ratios=(2, 1))
    _shares(left, layers)
    _ranks(right, layers)
    return figure


def _shares(axes, layers: Sequence[Contextuality]) -> None:
    n = layers[0].min_occurrences
    bars = {
        "share of variance that context carries": [
            layer.context_share_corrected for layer in layers
        ],
        "self-similarity less anisotropy": [layer.self_similarity_beyond for layer in layers],
        f"explainable variance less baseline, n = {n}": [
            layer.explainable_variance_beyond for layer in layers
        ],
    }
    colors = (pictures.ACCENT, pictures.INK, pictures.SOFT)
    thick = THICK / len(bars)
    for i, ((label, values), color) in enumerate(zip(bars.items(), colors, strict=True)):
        at = np.arange(len(layers)) + (i - 1) * thick
        axes.bar_label(
            axes.bar(at, values, thick * 0.92, color=color, label=label),
            [f"{value:.2f}" for value in values],
            padding=2,
            fontsize=8,
        )
    axes.axhline(0.0, color=pictures.INK, lw=0.8)
    axes.set_xticks(np.arange(len(layers)), [f"layer {layer.layer}" for layer in layers])
    lowest = min(0.0, *(min(values) for values in bars.values()))
    axes.set(ylim=(1.1 * lowest, 1.12), title="What context changed")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.09), fontsize=8)


def _ranks(axes, layers: Sequence[Contextuality]) -> None:
    at, values = np.arange(len(layers)), [layer.effective_rank for layer in layers]
    drawn = axes.bar(at, values, THICK / 2, color=pictures.INK)
    axes.bar_label(drawn, [f"{value:.0f}" for value in values], padding=2, fontsize=8)
    axes.set_xticks(at, [f"layer {layer.layer}" for layer in layers])
    axes.set(ylim=(0, 1.12 * max(values)), title="Effective rank")
    if len({len(layer.spectrum) for layer in layers}) == 1:
        axes.set_xlabel(f"of {len(layers[0].spectrum)} dimensions,\ncentred")
