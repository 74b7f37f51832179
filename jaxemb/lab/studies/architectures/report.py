"""Report what architectures do to words: JSON, Markdown and a picture, intervals over seeds."""

from pathlib import Path
from typing import Any

import numpy as np

from jaxemb.contextual.perplexity import geometric_mean
from jaxemb.lab import report, workdir
from jaxemb.lab.studies.architectures.config import ArchitecturesConfig
from jaxemb.lab.studies.architectures.run import Measured
from jaxemb.lab.studies.polysemy.report import interval, over_seeds

MEASURES = {
    "sense": "sense accuracy",
    "context_share": "share of variance that context carries",
    "self_similarity": "self-similarity less anisotropy",
    "anisotropy": "anisotropy",
    "rank": "rank",
    "effective_rank": "effective rank",
}


def write(config: ArchitecturesConfig, measured: dict[str, list[Measured]]) -> str:
    """Write architectures.json, .md and .png into the workdir; return the Markdown.

    Args:
        measured: of each architecture, the measures of each seed.
    """
    folder, summaries = Path(config.workdir), {k: summary(own) for k, own in measured.items()}
    values = {
        "architectures": summaries,
        "seeds": measured,
        "config": workdir.described(config),
        **workdir.environment(),
    }

    def draw() -> list[str]:
        from jaxemb.lab.studies.architectures import pictures

        return pictures.draw(folder, summaries, MEASURES)

    return report.write(
        folder, "architectures", values, lambda shown: markdown(config, values, shown), draw
    )


def summary(seeds: list[Measured]) -> dict[str, Any]:
    """The measures of one architecture over its seeds."""
    reached = [geometric_mean(seed["perplexity"].values()) for seed in seeds]
    counted = [_baseline(seed) for seed in seeds]
    ratios = [one / other for one, other in zip(reached, counted, strict=True)]
    rates = [seed["predictions_per_second"] or np.nan for seed in seeds]
    return {
        "perplexity": over_seeds(reached)._asdict(),
        "baseline": over_seeds(counted)._asdict(),
        "to_baseline": over_seeds(ratios)._asdict(),
        "baseline_name": next(iter(seeds[0]["baseline"].values()))["name"],
        "predictions": float(np.mean([seed["predictions"] for seed in seeds])),
        "predictions_per_second": float(np.mean(rates)),
        "layers": [
            {
                name: over_seeds([seed["layers"][i][name] for seed in seeds])._asdict()
                for name in (*MEASURES, "dim")
            }
            for i in range(len(seeds[0]["layers"]))
        ],
    }


def _baseline(seed: Measured) -> float:
    return geometric_mean(own["perplexity"] for own in seed["baseline"].values())


def markdown(config: ArchitecturesConfig, values: dict[str, Any], pictures: str) -> str:
    """The report as Markdown; `pictures` is the Markdown that shows the picture."""
    own = values["architectures"]
    trained = [
        (
            name,
            interval(row["perplexity"], digits=1),
            f"{row['baseline_name']} {row['baseline']['value']:.1f}",
            interval(row["to_baseline"], digits=2),
            f"{row['predictions'] / 1e6:.2f}",
            f"{row['predictions_per_second']:,.0f}",
        )
        for name, row in own.items()
    ]
    head = ("model", "perplexity", "words counted", "ratio", "predictions, M", "a second")
    layers = [
        (
            f"{name} {i}",
            *(interval(layer[measure]) for measure in list(MEASURES)[:4]),
            f"{layer['rank']['value']:.0f} of {layer['dim']['value']:.0f}",
            interval(layer["effective_rank"], digits=1),
        )
        for name, row in own.items()
        for i, layer in enumerate(row["layers"])
    ]
    static = np.mean([seed["static_sense"] for seeds in values["seeds"].values() for seed in seeds])
    seeds, about = config.seeds, "95 % intervals over the seeds (Student's t)"
    return f"""# {Path(config.workdir).name}: what architectures do to words

{report.table(head, trained)}

- each model trained for {config.seconds:g} seconds on the same text; seeds: {seeds}
  ({about if seeds > 1 else "one has no interval"}); each seed has its own pseudo-words and vectors
- perplexity is that of the model's own objective, over all directions; a masked one predicts
  hidden words, beside the frequencies of words, and cannot be compared with one that predicts the
  next word, beside bigrams
- ratio: perplexity to that of words counted; below 1 the model knows more

{report.table(("model, layer", *MEASURES.values()), layers)}

- layer 0 is the static vectors of each direction; sense accuracy of pseudo-words is
  {static:.3f} for static vectors, by construction
- the effect of context is measured on {config.sentences} held-out sentences; the share is corrected
  for degrees of freedom: static vectors have 0, noise 1

{pictures}"""
