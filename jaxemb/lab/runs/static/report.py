"""The answer to "what is this matrix?": Markdown for people, JSON for programs, pictures."""

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jaxemb import files as provenance
from jaxemb import linalg
from jaxemb.errors import one_line
from jaxemb.evaluation import bundled as words
from jaxemb.evaluation import neighbours
from jaxemb.lab.runs.static import config as config_lib
from jaxemb.lab.runs.static import growth as growing
from jaxemb.lab.runs.static import members as ensembles
from jaxemb.lab.runs.static import steps as stepping
from jaxemb.lab.runs.static.run import Result
from jaxemb.lab.tables import inspection
from jaxemb.lab.tables import scores as evaluation_report
from jaxemb.structs import Vocab

SHOWN = 5  # words whose neighbours are shown
FREQUENT = 200  # the first words are function words: the shown ones come from beyond them


def build(config: config_lib.StaticConfig, result: Result) -> dict[str, Any]:
    """All that a report says, as plain JSON values.

    Args:
        config: of the run.
        result: the finished tables, with the account of tokens and the measurements.
    """
    return {
        **describe(result.vocab, result.tables.input, config.neighbours_of),
        "rotation": result.rotation,
        "start": result.start,
        "step": result.step,
        "tokens": result.tokens,
        "training": _training(result.metrics),
    }


def describe(vocab: Vocab, table: Any, neighbours_of: Sequence[str]) -> dict[str, Any]:
    """What is said of any table of words: its matrix, neighbours and scores, as JSON values.

    Args:
        neighbours_of: words whose neighbours are wanted; if none is known, some frequent ones.
    """
    known = set(vocab.words)
    frequent = vocab.words[FREQUENT : FREQUENT + SHOWN] or vocab.words[:SHOWN]
    chosen = [word for word in neighbours_of if word in known] or frequent
    near, far = neighbours.nearest, neighbours.nearest_euclidean
    asked = evaluation_report.at_hand()
    return {
        **inspection.describe(table, vocab.words),
        "neighbours": [
            {
                "word": word,
                "cosine": _pairs(near(vocab, table, word)),
                "euclidean": _pairs(far(vocab, table, word)),
            }
            for word in chosen
        ],
        "neighbours_unknown": [word for word in neighbours_of if word not in known],
        **evaluation_report.describe(evaluation_report.ask(vocab, table, asked), asked),
    }


def _training(metrics: list[dict]) -> dict[str, Any]:
    losses = [row["loss"] for row in metrics if "loss" in row]
    held_out = [row["held_out"] for row in metrics if row.get("held_out") is not None]
    rates = [row["words_per_second"] for row in metrics if row.get("words_per_second")]
    recent = losses[-max(len(losses) // 20, 1) :]  # one step is noisy: the last twentieth
    return {
        "words_per_second": rates[-1] if rates else None,
        "loss": float(np.mean(recent)) if recent else None,
        "held_out_loss": held_out[-1] if held_out else None,
        "held_out_loss_before": held_out[0] if held_out else None,
    }


def _pairs(found: neighbours.Neighbours) -> list[list]:
    return [[word, value] for word, value in zip(found.words, found.values, strict=True)]


def write(config: config_lib.StaticConfig, result: Result) -> str:
    """Writes report.json, report.md and the pictures into the workdir; returns the Markdown."""
    workdir = Path(config.workdir)
    found = build(config, result)
    provenance.write_json(workdir / "report.json", found)
    text = markdown(workdir.name, found, _draw(workdir, found, result))
    provenance.write_text(workdir / "report.md", text)
    return text


def write_members(config: config_lib.StaticConfig, result: Result) -> str:
    """The report of an ensemble: every score of every member, their mean and deviation."""
    workdir, members = Path(config.workdir), ensembles.members_of(config)
    rows = []
    for i, whole in enumerate(ensembles.split(members, result.tables)):
        found = {k: s.value for k, s in words.similarities(result.vocab, whole.input).items()}
        if analogies := words.analogies(result.vocab, whole.input):
            found["analogies"] = analogies.value
        spectrum = linalg.spectrum(whole.input)
        found["effective rank"] = float(linalg.effective_rank(spectrum))
        found["rank"] = float(linalg.rank(spectrum).rank)
        held = [row["held_out"] for row in result.metrics if row.get("held_out") is not None]
        if held:
            found["held-out loss"] = held[-1][i]
        rows.append(found)
    table = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    found = {
        "members": members._asdict(),
        "scores": {name: values.tolist() for name, values in table.items()},
        "mean": {name: float(values.mean()) for name, values in table.items()},
        "standard_deviation": {name: float(values.std(ddof=1)) for name, values in table.items()},
        "tokens": result.tokens,
    }
    provenance.write_json(workdir / "report.json", found)
    drawn = []
    if importlib.util.find_spec("matplotlib") is not None:
        from jaxemb.lab.runs.static import pictures

        drawn = pictures.draw_members(workdir, result.metrics)
    text = _members(workdir.name, found, drawn)
    provenance.write_text(workdir / "report.md", text)
    return text


def _members(name: str, found: dict[str, Any], drawn: list[str]) -> str:
    names = list(found["scores"])
    seeds, rates, dims = found["members"].values()
    lines = [f"| member | seed | learning rate | dim | {' | '.join(names)} |"]
    lines.append(f"|{'---|' * (4 + len(names))}")
    for i, settings in enumerate(zip(seeds, rates, dims, strict=True)):
        scores = [f"{found['scores'][each][i]:.4g}" for each in names]
        lines.append(f"| {i} | {' | '.join(map(str, settings))} | {' | '.join(scores)} |")
    for label, key in (("mean", "mean"), ("standard deviation", "standard_deviation")):
        scores = [f"{found[key][each]:.4g}" for each in names]
        lines.append(f"| {label} | | | | {' | '.join(scores)} |")
    tokens = found["tokens"]
    return f"""# {name}: how far do models of the same text differ?

{chr(10).join(lines)}

- all members read the same subsampled text ({tokens["trained"]:,} words trained of
  {tokens["trained"] + tokens["subsampled"]:,}), in the same order: the deviation is that of
  starting tables and of draws alone, and that of what members were told to differ in
- each member's own report: python scripts/inspect_table.py member_0

{shown(drawn)}"""


def write_table(folder: Path, name: str, found: dict[str, Any]) -> str:
    """The report of a table alone: report.json, report.md and pictures; returns the Markdown."""
    provenance.write_json(folder / "report.json", found)
    drawn = shown(_draw(folder, found))
    text = f"# {name}: what is this matrix?\n\n{inspection.markdown(found)}\n{drawn}"
    provenance.write_text(folder / "report.md", text)
    return text


def _draw(workdir: Path, found: dict, result: Result | None = None) -> list[str]:
    if importlib.util.find_spec("matplotlib") is None:
        return []
    from jaxemb.lab.runs.static import pictures

    return pictures.draw(workdir, found, result)


def markdown(name: str, found: dict[str, Any], pictures: list[str]) -> str:
    """The report for people."""
    sections = [
        f"# {name}: what is this matrix?\n",
        inspection.markdown(found) + _rotation(found),
        words_and_scores(found),
        _text(found),
        _grown(found["start"]),
        shown(pictures),
    ]
    return "\n".join(sections)


def _rotation(found: dict) -> str:
    if not (losses := found["rotation"]):
        return ""
    return f"""
- both tables turned by one random rotation: held-out loss {losses["after"]:.6f}, before
  {losses["before"]:.6f} (every loss of u . c alone is the same in any axes)
"""


def words_and_scores(found: dict) -> str:
    """The section of neighbours and scores."""
    lines = ["## Its words\n", "| word | nearest by cosine | nearest by Euclidean distance |"]
    lines.append("|---|---|---|")
    for row in found["neighbours"]:
        cosine, euclidean = (
            ", ".join(f"{word} {value:.2f}" for word, value in row[by][:6])
            for by in ("cosine", "euclidean")
        )
        cells = (cell.replace("|", "\\|") for cell in (row["word"], cosine, euclidean))
        lines.append(f"| {' | '.join(cells)} |")
    lines.append("")
    if found["neighbours_unknown"]:
        lines.append(f"- not in the vocabulary: {', '.join(found['neighbours_unknown'])}")
    if not found["similarity"]:
        lines.append(f"- WordSim-353 and SimLex-999 were not asked: {words.HOW_TO_GET}")
    return "\n".join([*lines, "", evaluation_report.markdown(found, sections=False)])


def _text(found: dict) -> str:
    tokens, training = found["tokens"], found["training"]
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
{_start(found["start"])}{stepping.markdown(found["step"])}- speed: {speed}
- loss in nats per pair: training {"?" if loss is None else f"{loss:.3f}"}, held out {held_out}
"""


def _grown(start: dict[str, Any] | None) -> str:
    return growing.markdown(start["grown"]) if start and "grown" in start else ""


def _start(start: dict[str, Any] | None) -> str:
    if not start:
        return ""
    source = f" from {start['init_from']}" if start["init_from"] else ""
    words, given, random, frozen, output = (
        start[key] for key in ("vocabulary", "given", "random", "frozen", "output_given")
    )
    remarks = "".join(f"- {one_line(each)}\n" for each in start.get("remarks", ()))
    return f"""- its {words:,} rows began with {given:,} given{source}, {random:,} at random;
  {frozen:,} were not trained; of the output table {output:,} rows were given
{remarks}"""


def shown(names: list[str]) -> str:
    """The pictures of a folder, or how to get them."""
    if not names:
        return "(Pictures need matplotlib: pip install 'jaxemb[plot]'.)\n"
    return "\n".join(f"![{Path(name).stem}]({name})" for name in names) + "\n"
