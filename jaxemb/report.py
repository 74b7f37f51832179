"""The answer to "what is this matrix?": Markdown for people, JSON for programs, pictures."""

import importlib.util
import math
from pathlib import Path
from typing import Any

import numpy as np

from jaxemb import config as config_lib
from jaxemb import linalg, provenance
from jaxemb.evaluation import neighbours, words
from jaxemb.runs import Result

SHOWN = 5  # words whose neighbours are shown
FREQUENT = 200  # the first words are function words: the shown ones come from beyond them


def build(config: config_lib.StaticConfig, result: Result) -> dict[str, Any]:
    """All that a report says, as plain JSON values.

    Args:
        config: of the run.
        result: the finished tables, with the account of tokens and the measurements.
    """
    table, vocab = result.tables.input, result.vocab
    found = linalg.summary(table)
    known = set(vocab.words)
    frequent = vocab.words[FREQUENT : FREQUENT + SHOWN] or vocab.words[:SHOWN]
    shown = [word for word in config.neighbours_of if word in known] or frequent
    unknown = [word for word in config.neighbours_of if word not in known]
    near, far = neighbours.nearest, neighbours.nearest_euclidean
    analogies = words.analogies(vocab, table)
    return {
        "tokens": result.tokens,
        "training": _training(result.metrics),
        "vocabulary": found.rows,
        "dimension": found.dim,
        "rank": {**found.rank._asdict(), "verdict": str(found.rank)},
        "one_hot": one_hot(found.rows),
        "dependence": _dependence(found.dependence, vocab),
        "spectrum": {
            "singular_values": found.spectrum.values.tolist(),
            "largest": float(found.spectrum.values[0]),
            "smallest": float(found.spectrum.values[-1]),
            "effective_rank": found.effective_rank,
            "condition": found.condition,
        },
        "cosines": {
            **found.coherence._asdict(),
            "pair": [vocab.words[i] for i in found.coherence.pair],
        },
        "neighbours": [
            {
                "word": word,
                "cosine": _pairs(near(vocab, table, word)),
                "euclidean": _pairs(far(vocab, table, word)),
            }
            for word in shown
        ],
        "neighbours_unknown": unknown,
        "similarity": {k: s._asdict() for k, s in words.similarities(vocab, table).items()},
        "analogies": analogies._asdict() if analogies else None,
    }


def one_hot(vocab: int) -> dict[str, Any]:
    """The one-hot matrix of as many words: the identity, whose every property is arithmetic."""
    return {"rank": vocab, "dimension": vocab, "cosine": 0.0, "distance": math.sqrt(2)}


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


def _dependence(found: linalg.Dependence, vocab) -> dict[str, Any]:
    largest = np.argsort(-np.abs(found.coefficients))[:4]
    return {
        "rows": len(found.coefficients),
        "residual": found.residual,
        "largest_terms": [[vocab.words[i], float(found.coefficients[i])] for i in largest],
        "verdict": str(found),
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


def _draw(workdir: Path, found: dict, result: Result) -> list[str]:
    if importlib.util.find_spec("matplotlib") is None:
        return []
    from jaxemb import pictures

    return pictures.draw(workdir, found, result)


def markdown(name: str, found: dict[str, Any], pictures: list[str]) -> str:
    """The report for people."""
    m, n = found["vocabulary"], found["dimension"]
    sections = [
        f"# {name}: what is this matrix?\n",
        _space(m, n, found),
        _shape(found),
        _words(found),
        _text(found),
        _pictures(pictures),
    ]
    return "\n".join(sections)


def _space(m: int, n: int, found: dict) -> str:
    rank, dependence = found["rank"], found["dependence"]
    terms = " ".join(f"{c:+.3f} {word}" for word, c in dependence["largest_terms"])
    columns = (
        f"the {n} columns are independent: rank {rank['rank']} of {n}"
        if rank["rank"] == n
        else f"the {n} columns are dependent: rank {rank['rank']} of {n}"
    )
    rows = (
        f"the {m:,} rows are dependent: {m:,} words in {n} dimensions"
        if m > rank["rank"]
        else f"the {m:,} rows are independent: no more words than dimensions"
    )
    return f"""| | one-hot | this table |
|---|---|---|
| words m | {m:,} | {m:,} |
| dimensions n | {m:,} | {n} |
| rank | {m:,} | {rank["rank"]} |
| two words | orthogonal, distance {math.sqrt(2):.4f} = sqrt 2 | {_cosines(found)} |

- {columns} ({rank["verdict"]})
- {rows}
- An explicit dependence among the first {dependence["rows"]:,} words:
  {terms} ... = 0, residual {dependence["residual"]:.1e} of their largest singular value.
"""


def _cosines(found: dict) -> str:
    cosines = found["cosines"]
    return f"mean absolute cosine {cosines['mean']:.3f}, largest {cosines['largest']:.3f}"


def _shape(found: dict) -> str:
    spectrum, cosines = found["spectrum"], found["cosines"]
    left, right = cosines["pair"]
    among = "" if cosines["rows"] == found["vocabulary"] else f" (first {cosines['rows']:,} words)"
    return f"""## Its shape

- singular values: largest {spectrum["largest"]:.4g}, smallest {spectrum["smallest"]:.4g},
  condition {spectrum["condition"]:.3g}
- effective rank {spectrum["effective_rank"]:.1f} of {found["dimension"]}
- far from orthogonal: mean absolute cosine {cosines["mean"]:.3f}, largest {cosines["largest"]:.3f}
  ({left}, {right}){among}; no table of this size can stay below {cosines["welch"]:.3f} (Welch)
"""


def _words(found: dict) -> str:
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
    for name, score in found["similarity"].items():
        lines.append(f"- {name}: Spearman {words.Score(**score)} of pairs covered")
    if not found["similarity"]:
        lines.append(f"- WordSim-353 and SimLex-999 were not asked: {words.HOW_TO_GET}")
    if found["analogies"]:
        lines.append(f"- analogies: {words.Score(**found['analogies'])} of questions covered")
    return "\n".join(lines) + "\n"


def _text(found: dict) -> str:
    tokens, training = found["tokens"], found["training"]
    dropped = ", ".join(f"{n:,} {cause}" for cause, n in tokens["dropped"].items())
    rate, loss, held = (training[k] for k in ("words_per_second", "loss", "held_out_loss"))
    held_out = (
        f"{held:.3f} (before training {training['held_out_loss_before']:.3f})"
        if held is not None
        else "not measured (nothing held out: the text is short, or held_out is 0)"
    )
    return f"""## Its text

- tokens: {tokens["read"]:,} read = {tokens["kept"]:,} kept + dropped ({dropped})
- of those kept, {tokens["held_out"]:,} held out; over all epochs {tokens["trained"]:,} trained,
  {tokens["subsampled"]:,} subsampled
- speed: {f"{rate:,.0f} words/s" if rate else "too short to be measured"}
- loss in nats per pair: training {"?" if loss is None else f"{loss:.3f}"}, held out {held_out}
"""


def _pictures(names: list[str]) -> str:
    if not names:
        return "(Pictures need matplotlib: pip install 'jaxemb[plot]'.)\n"
    return "\n".join(f"![{Path(name).stem}]({name})" for name in names) + "\n"
