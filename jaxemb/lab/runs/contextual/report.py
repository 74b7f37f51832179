"""The report of a language model, beside words counted: Markdown, JSON and a picture."""

import sys
from pathlib import Path
from typing import Any

import numpy as np

from jaxemb import files
from jaxemb.lab import outcome, progress, report, workdir as folders
from jaxemb.lab.runs.contextual import run
from jaxemb.lab.runs.contextual.config import ContextualConfig
from jaxemb.lab.runs.contextual.run import Result
from jaxemb.structs import Vocab
from jaxemb.text import vocabulary


def write(config: ContextualConfig, result: Result) -> str:
    """Write report.json, report.md and the picture into the workdir; returns the Markdown."""
    workdir = Path(config.workdir)
    values = build(result)

    def draw() -> list[str]:
        from jaxemb.lab.runs.contextual import pictures

        names = list(result.perplexity.by_direction)
        return pictures.draw(workdir, result.metrics, names, config.samples)

    return report.write(
        workdir, "report", values, lambda shown: markdown(workdir.name, values, shown), draw
    )


def following(config: ContextualConfig, vocab: Vocab) -> list[outcome.Command]:
    """The commands that may be typed after training: what context changes, for one word and all."""
    run, static, own = config.workdir, config.vectors, _own(config)
    commands: list[outcome.Command] = [("compare_embedders", run, static or run, *own)]
    if static and (Path(static) / folders.TABLES).is_file():
        both = set(vocab.words) & set(vocabulary.read(Path(static) / vocabulary.FILE).words)
        near = [word for word in report.words_to_show(vocab.words) if word in both]
        ladder = ("--run", static, "--contextual", run, *own)
        commands += [("ladder", word, *ladder) for word in near[:1]]
    return commands


def _own(config: ContextualConfig) -> tuple[str, ...]:
    """The option that names the config as it was typed, where a function of it is the user's."""
    given = (function for function in (config.model, config.objective) if function is not None)
    own = any(files.function_name(function) not in run.OURS for function in given)
    return ("--config", sys.argv[1]) if own else ()


def build(result: Result) -> dict[str, Any]:
    """The content of the report, as JSON values."""
    reached, directions = result.perplexity, result.perplexity.by_direction
    dev = [row["dev"] for row in result.metrics if row.get("dev")]
    sizes = {name: int(np.size(value)) for name, value in _leaves(result.params)}
    return {
        "vocabulary": len(result.vocab.words),
        "perplexity": {
            **directions,
            "geometric_mean": reached.mean,
            "arithmetic_mean": sum(directions.values()) / len(directions),
            "predictions": list(reached.predictions.values()),
        },
        "baseline": {name: own._asdict() for name, own in result.baselines.items()},
        "dev": dev,
        "tokens": result.tokens,
        "predictions_per_second": progress.rate(result.metrics),
        "parameters": sum(sizes.values()),
        "better_than_baseline": all(
            directions[name] < own.perplexity for name, own in result.baselines.items()
        ),
    }


def _leaves(params: Any):
    import jax

    return jax.tree_util.tree_flatten_with_path(params)[0]


def markdown(name: str, values: dict[str, Any], pictures: str) -> str:
    """The report as Markdown."""
    reached, rate = values["perplexity"], values["predictions_per_second"]
    rows, baseline = [], ""
    for (side, own), predictions in zip(
        values["baseline"].items(), reached["predictions"], strict=True
    ):
        baseline = own["name"]
        beside = "{perplexity:.1f} (k = {k:g})".format(**own)
        rows.append((side, f"{reached[side]:.1f}", beside, f"{predictions:,}"))
    if len(rows) > 1:
        means = f"{reached['geometric_mean']:.1f} (arithmetic {reached['arithmetic_mean']:.1f})"
        rows.append(("geometric mean", means, "", ""))
    verdict = "lower than" if values["better_than_baseline"] else "NOT lower than"
    counts = {key: f"{value:,}" for key, value in values["tokens"].items() if key != "dropped"}
    return f"""# {name}: a language model

{report.table(("direction", "perplexity", baseline, "predictions"), rows)}

- perplexity is exp(nats per prediction) on text held out, with the full softmax over
  {values["vocabulary"]:,} words and three marks; it is {verdict} that of {baseline} with add-k
  smoothing: same text, same vocabulary, k chosen on the dev text
- tokens: {counts["read"]} read, {counts["unknown"]} of them marked as unknown;
  {counts["train"]} train, {counts["dev"]} dev, {counts["held_out"]} held out;
  {counts["predictions"]} predictions trained, all directions
- {values["parameters"]:,} parameters; {f"{rate:,.0f} predictions/s" if rate else "speed: ?"}

{pictures}"""
