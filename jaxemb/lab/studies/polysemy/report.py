"""Report how well each layer separates the senses of pseudo-words: JSON, Markdown, picture.

An interval over seeds is Student's t interval of their scores: it covers the choice of the merged
words and the training runs.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import scipy.special

from jaxemb import files
from jaxemb.contextual.perplexity import geometric_mean
from jaxemb.evaluation import intervals
from jaxemb.evaluation.intervals import Estimate
from jaxemb.lab import report, workdir
from jaxemb.lab.studies.polysemy import text
from jaxemb.lab.studies.polysemy.config import PolysemyConfig
from jaxemb.lab.studies.polysemy.run import STATIC, Scores, Trained
from jaxemb.lab.studies.polysemy.text import Sample

MEASURES = {
    "sense": "sense accuracy",
    "wic": "WiC accuracy",
    "silhouette": "silhouette",
}


def over_seeds(values: Sequence[float]) -> Estimate:
    """The mean with its 95 % interval by Student's t; no interval for one seed."""
    mean, n = float(np.mean(values)), len(values)
    if n < 2:
        return Estimate(mean, math.nan, math.nan)
    quantile = float(scipy.special.stdtrit(n - 1, (1 + intervals.LEVEL) / 2))
    reach = quantile * float(np.std(values, ddof=1)) / math.sqrt(n)
    return Estimate(mean, mean - reach, mean + reach)


def of_seed(
    folder: Path, trained: Trained, sample: Sample, scores: dict[str, Scores]
) -> dict[str, Any]:
    """Return the report of one seed as JSON values; write it to scores.json in its folder."""
    made, tried = text.forms(folder), np.unique(sample.forms)
    reached, test = trained.contextual.perplexity, sample.split.test
    values = {
        "folder": folder.name,
        "forms": {"made": len(made), "tried": len(tried)},
        "test_occurrences": len(test),
        "perplexity": reached.by_direction,
        "layers": {name: _layer(layer) for name, layer in scores.items()},
        "sense_accuracy_by_form": {
            made[i].form: {name: float(layer.sense.by_form[i]) for name, layer in scores.items()}
            for i in tried
        },
    }
    files.write_json(folder / "scores.json", values)
    return values


def _layer(scores: Scores) -> dict[str, Any]:
    wic = {"threshold": scores.wic.threshold, "train": scores.wic.train_accuracy}
    return {
        "sense": scores.sense.accuracy._asdict(),
        "wic": {**scores.wic.accuracy._asdict(), **wic},
        "silhouette": {"value": scores.silhouette},
    }


def write(config: PolysemyConfig, seeds: list[dict[str, Any]]) -> str:
    """Write polysemy.json, polysemy.md and the picture; return the Markdown.

    Args:
        seeds: the values that `of_seed` returned for each seed.
    """
    folder = Path(config.workdir)
    values = {
        "layers": summary(seeds),
        "seeds": seeds,
        "config": workdir.described(config),
        **workdir.environment(),
    }

    def draw() -> list[str]:
        from jaxemb.lab.studies.polysemy import pictures

        return pictures.draw(folder, values["layers"], MEASURES)

    return report.write(
        folder, "polysemy", values, lambda shown: markdown(config, values, shown), draw
    )


def summary(seeds: list[dict[str, Any]]) -> dict[str, Any]:
    """Each layer's scores over seeds, and its sense accuracy less that of the static vectors."""

    def by_seed(layer: str, measure: str) -> list[float]:
        return [seed["layers"][layer][measure]["value"] for seed in seeds]

    below = by_seed(STATIC, "sense")
    layers = {}
    for layer in seeds[0]["layers"]:
        scores = {measure: over_seeds(by_seed(layer, measure)) for measure in MEASURES}
        beyond = np.subtract(by_seed(layer, "sense"), below).tolist()
        layers[layer] = {
            **{measure: score._asdict() for measure, score in scores.items()},
            "sense_beyond_static": over_seeds(beyond)._asdict(),
        }
    return layers


def markdown(config: PolysemyConfig, values: dict[str, Any], pictures: str) -> str:
    """The report as Markdown; `pictures` is the Markdown that shows the picture."""
    seeds = values["seeds"]
    rows = []
    for layer, row in values["layers"].items():
        beyond = "" if layer == STATIC else interval(row["sense_beyond_static"], 100, 1)
        rows.append((layer, *(interval(row[measure]) for measure in MEASURES), beyond))
    head = ("vectors", *MEASURES.values(), "points above static")
    made, tried = (sum(seed["forms"][name] for seed in seeds) for name in ("made", "tried"))
    occurrences = sum(seed["test_occurrences"] for seed in seeds)
    first = f"`{next(iter(seeds[0]['sense_accuracy_by_form']))}`"
    means = (geometric_mean(seed["perplexity"].values()) for seed in seeds)
    perplexity = ", ".join(f"{mean:.0f}" for mean in means)
    about = "95 % intervals over the seeds" if len(seeds) > 1 else "one seed has no interval"
    return f"""# {Path(config.workdir).name}: two words in one form

{report.table(head, rows)}

- {_counted(len(seeds), "seed")} ({about}), each with its own pseudo-words, such as {first}, its own
  table and its own language model; {tried} of {made} pseudo-words have enough occurrences
- {occurrences:,} test occurrences: {config.per_sense} of each sense of a form, after as many
  training occurrences, one occurrence per sentence; centroids and thresholds are fitted without the
  test sentences (both training runs read them, without their senses)
- sense accuracy: the nearer of two centroids by cosine; WiC accuracy: same sense or not, by a
  threshold chosen on the training pairs; silhouette: by cosine distance, the mean over forms
- static vectors and layer 0, which reads them, give a form one vector: they score one half, one
  half and 0 by construction
- perplexity of the language models on held-out text: {perplexity}

{pictures}"""


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def interval(row: dict[str, float], times: float = 1.0, digits: int = 3) -> str:
    """A value and its interval, if it has one."""
    value, low, high = (f"{times * row[key]:.{digits}f}" for key in ("value", "low", "high"))
    return value if math.isnan(row["low"]) else f"{value} [{low}, {high}]"
