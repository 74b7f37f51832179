"""A picture of objectives compared. Imported only where matplotlib is installed."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from jaxemb.lab import pictures
from jaxemb.lab.studies.likelihood.run import Likelihood


def draw(path: Path, found: list[Likelihood]) -> list[str]:
    """Draws the log likelihoods; returns the name of the picture."""
    return [pictures.drawn(path, lambda: points(found), {"axes.grid.axis": "x"})]


def points(found: list[Likelihood]):
    """Log likelihoods as points on one line each, the floor dashed."""
    floor, *models = found
    at = np.arange(len(models))[::-1]
    figure, axes = plt.subplots(figsize=(8, 1.4 + 0.55 * len(models)))
    axes.axvline(floor.as_scored, color=pictures.SOFT, ls="--", label=floor.name)
    scored = [each.as_scored for each in models]
    axes.plot(scored, at, "o", color=pictures.INK, label="as scored")
    raised = [(each.corrected, y) for each, y in zip(models, at, strict=True) if each.corrected]
    if raised:
        label = "with + log(k P_n)"
        axes.plot(*zip(*raised, strict=True), "o", color=pictures.ACCENT, label=label)
    for value, y in [*zip(scored, at, strict=True), *raised]:
        places = {"xytext": (0, 7), "textcoords": "offset points"}
        axes.annotate(f"{value:.3f}", (value, y), ha="center", fontsize=8, **places)
    axes.set_yticks(at, [each.name for each in models])
    axes.set_ylim(-0.6, len(models) - 0.3)
    axes.set_title("What each objective believes of text held out")
    axes.set_xlabel("log p(context | word), nats per pair")
    axes.legend(**{**pictures.BELOW, "bbox_to_anchor": (0.5, -0.25)})
    return figure
