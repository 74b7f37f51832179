"""The report on any table: its matrix, its words, its scores."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jaxemb import files as provenance
from jaxemb.evaluation import bundled as words
from jaxemb.evaluation import neighbours
from jaxemb.lab import report
from jaxemb.lab.runs.static.report import _draw
from jaxemb.lab.tables import inspection
from jaxemb.lab.tables import scores as evaluation_report
from jaxemb.structs import Vocab

SHOWN = 5  # words whose neighbours are shown


FREQUENT = 200  # the first words are function words: the shown ones come from beyond them


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


def _pairs(found: neighbours.Neighbours) -> list[list]:
    return [[word, value] for word, value in zip(found.words, found.values, strict=True)]


def write_table(folder: Path, name: str, found: dict[str, Any]) -> str:
    """The report of a table alone: report.json, report.md and pictures; returns the Markdown."""
    provenance.write_json(folder / "report.json", found)
    drawn = report.shown(_draw(folder, found))
    text = f"# {name}: what is this matrix?\n\n{inspection.markdown(found)}\n{drawn}"
    provenance.write_text(folder / "report.md", text)
    return text


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
