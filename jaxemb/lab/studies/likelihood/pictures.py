"""The picture of a comparison of objectives. Imported only where matplotlib is installed."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from jaxemb.lab import pictures
from jaxemb.lab.studies.likelihood.run import Likelihood


def draw(path: Path, likelihoods: list[Likelihood]) -> list[str]:
    """Draw the log likelihoods; return the name of the picture."""
    return [pictures.drawn(path, lambda: points(likelihoods), {"axes.grid.axis": "x"})]


def points(likelihoods: list[Likelihood]) -> Figure:
    """A figure with the log likelihoods of each model on one line; the first is a dashed line."""
    floor, *models = likelihoods
    at = np.arange(len(models))[::-1]
    figure, axes = plt.subplots(figsize=(8, 1.4 + 0.55 * len(models)))
    axes.axvline(floor.as_scored, color=pictures.SOFT, ls="--", label=floor.name)
    scored = [model.as_scored for model in models]
    axes.plot(scored, at, "o", color=pictures.INK, label="as scored")
    raised = [(model.corrected, y) for model, y in zip(models, at, strict=True) if model.corrected]
    if raised:
        label = "with + log(k P_n)"
        axes.plot(*zip(*raised, strict=True), "o", color=pictures.ACCENT, label=label)
    for value, y in [*zip(scored, at, strict=True), *raised]:
        places = {"xytext": (0, 7), "textcoords": "offset points"}
        axes.annotate(f"{value:.3f}", (value, y), ha="center", fontsize=8, **places)
    axes.set_yticks(at, [model.name for model in models])
    axes.set_ylim(-0.6, len(models) - 0.3)
    axes.set_title("Log likelihood of held-out text under each objective")
    axes.set_xlabel("log p(context | word), nats per pair")
    axes.legend(**{**pictures.BELOW, "bbox_to_anchor": (0.5, -0.25)})
    return figure
