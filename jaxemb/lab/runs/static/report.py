"""The report of a run of static vectors: Markdown, JSON and pictures."""

from pathlib import Path
from typing import Any

import numpy as np

from jaxemb import linalg
from jaxemb.errors import one_line
from jaxemb.evaluation import bundled
from jaxemb.lab import outcome, progress, report
from jaxemb.lab.runs.static import config as config_lib, growth, members as ensembles, steps
from jaxemb.lab.runs.static.run import Result
from jaxemb.lab.tables import inspection, report as tables_report, scores as scores_lib
from jaxemb.structs import Vocab
from jaxemb.training import ensembles as training_ensembles


def build(config: config_lib.StaticConfig, result: Result) -> dict[str, Any]:
    """The content of the report, as JSON values.

    Args:
        config: of the run.
        result: the finished tables, with the account of tokens and the measurements.
    """
    return {
        **tables_report.describe(result.vocab, result.tables.input, config.neighbours_of),
        "rotation": result.rotation,
        "start": result.start,
        "step": result.step,
        "tokens": result.tokens,
        "training": _training(result.metrics),
    }


def _training(metrics: list[dict[str, Any]]) -> dict[str, Any]:
    losses = [row["loss"] for row in metrics if "loss" in row]
    held_out = [row["held_out"] for row in metrics if row.get("held_out") is not None]
    recent = losses[-max(len(losses) // 20, 1) :]  # one step is noisy: the last twentieth
    return {
        "words_per_second": progress.rate(metrics),
        "loss": float(np.mean(recent)) if recent else None,
        "held_out_loss": held_out[-1] if held_out else None,
        "held_out_loss_before": held_out[0] if held_out else None,
    }


def write(config: config_lib.StaticConfig, result: Result) -> str:
    """Write report.json, report.md and the pictures into the workdir; returns the Markdown."""
    workdir = Path(config.workdir)
    values = build(config, result)

    def draw() -> list[str]:
        from jaxemb.lab.runs.static import pictures

        return inspection.draw(workdir, values) + pictures.draw(workdir, result)

    return report.write(
        workdir, "report", values, lambda shown: markdown(workdir.name, values, shown), draw
    )


def following(config: config_lib.StaticConfig, vocab: Vocab) -> list[outcome.Command]:
    """The commands that may be typed after training."""
    if config.members:
        return [("inspect_table", Path(config.workdir) / "member_0")]
    return outcome.about_run(config.workdir, vocab.words, config.neighbours_of)


def write_members(config: config_lib.StaticConfig, result: Result) -> str:
    """Write the report of an ensemble: scores of all members, with mean and standard deviation."""
    workdir, members = Path(config.workdir), ensembles.members_of(config)
    rows, unscored = [], []
    for i, whole in enumerate(training_ensembles.split(members, result.tables)):
        tests = dict(bundled.similarities(result.vocab, whole.input))
        if analogies := bundled.analogies(result.vocab, whole.input):
            tests["analogies"] = analogies
        unscored = [name for name, score in tests.items() if np.isnan(score.value)]
        scores = {name: score.value for name, score in tests.items() if name not in unscored}
        spectrum = linalg.spectrum(whole.input)
        scores["effective rank"] = float(linalg.effective_rank(spectrum))
        scores["rank"] = float(linalg.rank(spectrum).rank)
        held = [row["held_out"] for row in result.metrics if row.get("held_out") is not None]
        if held:
            scores["held-out loss"] = held[-1][i]
        rows.append(scores)
    table = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    values = {
        "members": members._asdict(),
        "scores": {name: column.tolist() for name, column in table.items()},
        "mean": {name: float(column.mean()) for name, column in table.items()},
        "standard_deviation": {name: float(column.std(ddof=1)) for name, column in table.items()},
        "unscored": unscored,
        "tokens": result.tokens,
    }

    def draw() -> list[str]:
        from jaxemb.lab.runs.static import pictures

        return pictures.draw_members(workdir, result.metrics)

    return report.write(
        workdir, "report", values, lambda shown: _members(workdir, values, shown), draw
    )


def _members(workdir: Path, values: dict[str, Any], pictures: str) -> str:
    own = outcome.typed("inspect_table", workdir / "member_0")
    names = list(values["scores"])
    rows: list[tuple[Any, ...]] = [
        (i, *settings, *(f"{values['scores'][score][i]:.4g}" for score in names))
        for i, settings in enumerate(zip(*values["members"].values(), strict=True))
    ]
    for label, key in (("mean", "mean"), ("standard deviation", "standard_deviation")):
        rows.append((label, "", "", "", *(f"{values[key][score]:.4g}" for score in names)))
    table = report.table(("member", "seed", "learning rate", "dim", *names), rows)
    tokens, unscored = values["tokens"], scores_lib.unscored(values["unscored"])
    return f"""# {workdir.name}: how far do models of the same text differ?

{table}

- all members read the same subsampled text ({tokens["trained"]:,} words trained of
  {tokens["trained"] + tokens["subsampled"]:,}), in the same order: the deviation is that of
  starting tables and of draws alone, and that of the settings in which members differ
{unscored}- each member's own report: {own}

{pictures}"""


def markdown(name: str, values: dict[str, Any], pictures: str) -> str:
    """The report as Markdown."""
    sections = [
        f"# {name}: what is this matrix?\n",
        inspection.markdown(values) + _rotation(values),
        tables_report.words_and_scores(values),
        _text(values),
        _grown(values["start"]),
        pictures,
    ]
    return "\n".join(sections)


def _rotation(values: dict[str, Any]) -> str:
    if not (losses := values["rotation"]):
        return ""
    return f"""
- both tables turned by one random rotation: held-out loss {losses["after"]:.6f}, before
  {losses["before"]:.6f} (every loss of u . c alone is the same in any axes)
"""


def _text(values: dict[str, Any]) -> str:
    tokens, training = values["tokens"], values["training"]
    dropped = ", ".join(f"{n:,} {cause}" for cause, n in tokens["dropped"].items())
    rate, loss, held = (training[k] for k in ("words_per_second", "loss", "held_out_loss"))
    held_out = (
        f"{held:.3f} (before training {training['held_out_loss_before']:.3f})"
        if held is not None
        else "not measured (nothing held out: the text is short, or held_out is 0)"
    )
    speed = f"{rate:,.0f} words/s" if rate else "too short to be measured"
    return f"""## Its text

- tokens: {tokens["read"]:,} read = {tokens["kept"]:,} kept + dropped ({dropped})
- of those kept, {tokens["held_out"]:,} held out; over all epochs {tokens["trained"]:,} trained,
  {tokens["subsampled"]:,} subsampled
{_start(values["start"])}{steps.markdown(values["step"])}- speed: {speed}
- loss in nats per pair: training {"?" if loss is None else f"{loss:.3f}"}, held out {held_out}
"""


def _grown(start: dict[str, Any] | None) -> str:
    return growth.markdown(start["grown"]) if start and "grown" in start else ""


def _start(start: dict[str, Any] | None) -> str:
    if not start:
        return ""
    source = f" from {start['init_from']}" if start["init_from"] else ""
    words, given, random, frozen, output = (
        start[key] for key in ("vocabulary", "given", "random", "frozen", "output_given")
    )
    remarks = "".join(f"- {one_line(remark)}\n" for remark in start.get("remarks", ()))
    return f"""- its {words:,} rows began with {given:,} given{source}, {random:,} at random;
  {frozen:,} were not trained; of the output table {output:,} rows were given
{remarks}"""
