"""How well each layer tells the senses of pseudo-words apart, over seeds: JSON, Markdown, picture.

An interval over seeds is Student's t of their scores: it says how far another choice of words,
trained again, would score.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import scipy.stats

from jaxemb import files
from jaxemb.evaluation import intervals
from jaxemb.evaluation.intervals import Estimate
from jaxemb.lab import report, workdir
from jaxemb.lab.studies.polysemy import text as polysemy_text
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
    quantile = float(scipy.stats.t.ppf((1 + intervals.LEVEL) / 2, n - 1))
    reach = quantile * float(np.std(values, ddof=1)) / math.sqrt(n)
    return Estimate(mean, mean - reach, mean + reach)


def of_seed(
    folder: Path, trained: Trained, sample: Sample, scores: dict[str, Scores]
) -> dict[str, Any]:
    """All that is said of one seed, as JSON values; also left in its folder."""
    made, tried = polysemy_text.forms(folder), np.unique(sample.forms)
    reached, test = trained.contextual.perplexity, sample.split.test
    found = {
        "folder": folder.name,
        "forms": {"made": len(made), "tried": len(tried)},
        "test_occurrences": len(test),
        "perplexity": {"forward": reached.forward, "backward": reached.backward},
        "layers": {name: _layer(of) for name, of in scores.items()},
        "sense_accuracy_by_form": {
            made[i].form: {name: float(of.sense.by_form[i]) for name, of in scores.items()}
            for i in tried
        },
    }
    files.write_json(folder / "scores.json", found)
    return found


def _layer(scores: Scores) -> dict[str, Any]:
    wic = {"threshold": scores.wic.threshold, "train": scores.wic.train_accuracy}
    return {
        "sense": scores.sense.accuracy._asdict(),
        "wic": {**scores.wic.accuracy._asdict(), **wic},
        "silhouette": {"value": scores.silhouette},
    }


def write(config: PolysemyConfig, found: list[dict[str, Any]]) -> str:
    """Writes polysemy.json, polysemy.md and the picture; returns the Markdown."""
    folder = Path(config.workdir)
    values = {
        "layers": summary(found),
        "seeds": found,
        "config": workdir.described(config),
        **workdir.environment(),
    }

    def draw() -> list[str]:
        from jaxemb.lab.studies.polysemy import pictures

        return pictures.draw(folder, values["layers"], MEASURES)

    return report.write(
        folder, "polysemy", values, lambda shown: markdown(config, values, shown), draw
    )


def summary(found: list[dict[str, Any]]) -> dict[str, Any]:
    """Every layer's measures over seeds, and its sense accuracy beyond that of the table."""

    def each(layer: str, measure: str) -> list[float]:
        return [seed["layers"][layer][measure]["value"] for seed in found]

    below = each(STATIC, "sense")
    layers = {}
    for layer in found[0]["layers"]:
        scores = {measure: over_seeds(each(layer, measure)) for measure in MEASURES}
        beyond = np.subtract(each(layer, "sense"), below).tolist()
        layers[layer] = {
            **{measure: of._asdict() for measure, of in scores.items()},
            "sense_beyond_static": over_seeds(beyond)._asdict(),
        }
    return layers


def markdown(config: PolysemyConfig, values: dict[str, Any], pictures: str) -> str:
    """The report for people."""
    found = values["seeds"]
    rows = []
    for layer, row in values["layers"].items():
        beyond = "" if layer == STATIC else _said(row["sense_beyond_static"], 100, 1)
        rows.append((layer, *(_said(row[measure]) for measure in MEASURES), beyond))
    head = ("vectors", *MEASURES.values(), "points above static")
    made, tried = (sum(seed["forms"][name] for seed in found) for name in ("made", "tried"))
    occurrences = sum(seed["test_occurrences"] for seed in found)
    first = f"`{next(iter(found[0]['sense_accuracy_by_form']))}`"
    perplexity = ", ".join(
        f"{math.sqrt(seed['perplexity']['forward'] * seed['perplexity']['backward']):.0f}"
        for seed in found
    )
    about = "95 % intervals over the seeds" if len(found) > 1 else "one seed has no interval"
    return f"""# {Path(config.workdir).name}: two words in one form

{report.table(head, rows)}

- {_counted(len(found), "seed")} ({about}), each with its own pseudo-words, such as {first}, its own
  table and its own language model; {tried} of {made} pseudo-words have enough occurrences
- {occurrences:,} test occurrences; {config.per_sense} of each sense of a form are learned from and
  as many tried, one occurrence a sentence: no centroid and no threshold has seen a test sentence
  (both trainings have, without its senses)
- sense accuracy: the nearer of two centroids by cosine; WiC accuracy: same sense or not, by a
  threshold from the train pairs; silhouette: by cosine distance, the mean over forms
- static vectors and layer 0, which reads them, give a form one vector: one half, one half and 0 by
  construction
- perplexity of the language models on text held out: {perplexity}

{pictures}"""


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _said(row: dict[str, float], times: float = 1.0, digits: int = 3) -> str:
    """A value and its interval, if it has one."""
    value, low, high = (f"{times * row[key]:.{digits}f}" for key in ("value", "low", "high"))
    return value if math.isnan(row["low"]) else f"{value} [{low}, {high}]"
