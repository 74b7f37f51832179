"""The report on objectives compared by the likelihood of held-out pairs."""

from pathlib import Path

import numpy as np

from jaxemb.lab import report, workdir
from jaxemb.lab.studies.likelihood.run import Likelihood

HEAD = (
    "objective",
    "nats per pair",
    "with + log(k P_n)",
    "perplexity",
    "log sum e^score",
    "time",
)


def markdown(likelihoods: list[Likelihood]) -> str:
    """The table of all models as Markdown; the perplexity is that of the better column."""
    rows = []
    for model in likelihoods:
        best = max(filter(None, (model.as_scored, model.corrected)))
        corrected = "" if model.corrected is None else f"{model.corrected:.4f}"
        sizes = "{:.2f} +- {:.2f}".format(*model.normalizer) if model.normalizer else ""
        scored, perplexity = f"{model.as_scored:.4f}", f"{np.exp(-best):.1f}"
        rows.append((model.name, scored, corrected, perplexity, sizes, f"{model.seconds:.1f} s"))
    return report.table(HEAD, rows)


def write(folder: Path, likelihoods: list[Likelihood]) -> str:
    """Write likelihoods.json, likelihoods.md and the picture; return the Markdown."""

    def draw() -> list[str]:
        from jaxemb.lab.studies.likelihood import pictures

        return pictures.draw(folder / "likelihoods.png", likelihoods)

    values = {**workdir.environment(), "objectives": [model._asdict() for model in likelihoods]}
    return report.write(
        folder, "likelihoods", values, lambda shown: f"{markdown(likelihoods)}\n\n{shown}", draw
    )
