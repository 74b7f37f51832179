"""Pictures of what context changes. Imported only where matplotlib is installed."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from jaxemb.evaluation.contextuality import Contextuality
from jaxemb.lab import pictures

THICK = 0.8  # of all bars of one layer


def draw(path: Path, found: Sequence[Contextuality]) -> str:
    """Draws what context changed in the layers of one embedder; returns the name of the picture."""
    return pictures.drawn(path, lambda: bars(found), {"axes.grid.axis": "y"})


def bars(found: Sequence[Contextuality]):
    """Bars by layer of what context carries, what words keep and how many directions."""
    size = (4.2 + 1.6 * len(found), 4.6)
    figure, (left, right) = plt.subplots(1, 2, figsize=size, width_ratios=(2, 1))
    _shares(left, found)
    _ranks(right, found)
    return figure


def _shares(axes, found: Sequence[Contextuality]) -> None:
    n = found[0].min_occurrences
    bars = {
        "share of variance that context carries": [of.context_share_corrected for of in found],
        "self-similarity less anisotropy": [of.self_similarity_beyond for of in found],
        f"explainable variance less baseline, n = {n}": [
            of.explainable_variance_beyond for of in found
        ],
    }
    colors = (pictures.ACCENT, pictures.INK, pictures.SOFT)
    thick = THICK / len(bars)
    for i, ((label, values), color) in enumerate(zip(bars.items(), colors, strict=True)):
        at = np.arange(len(found)) + (i - 1) * thick
        axes.bar_label(
            axes.bar(at, values, thick * 0.92, color=color, label=label),
            [f"{value:.2f}" for value in values],
            padding=2,
            fontsize=8,
        )
    axes.axhline(0.0, color=pictures.INK, lw=0.8)
    axes.set_xticks(np.arange(len(found)), [f"layer {of.layer}" for of in found])
    lowest = min(0.0, *(min(values) for values in bars.values()))
    axes.set(ylim=(1.1 * lowest, 1.12), title="What context changed")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.09), fontsize=8)


def _ranks(axes, found: Sequence[Contextuality]) -> None:
    at, values = np.arange(len(found)), [of.effective_rank for of in found]
    drawn = axes.bar(at, values, THICK / 2, color=pictures.INK)
    axes.bar_label(drawn, [f"{value:.0f}" for value in values], padding=2, fontsize=8)
    axes.set_xticks(at, [f"layer {of.layer}" for of in found])
    axes.set(ylim=(0, 1.12 * max(values)), title="Effective rank")
    if len({len(of.spectrum) for of in found}) == 1:
        axes.set_xlabel(f"of {len(found[0].spectrum)} dimensions, centred")
