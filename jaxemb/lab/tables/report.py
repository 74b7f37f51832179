"""The report on any table: its matrix, its words, its scores."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jaxemb.evaluation import bundled, neighbours
from jaxemb.lab import report
from jaxemb.lab.tables import inspection, scores
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
    asked = scores.at_hand()
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
        **scores.describe(scores.ask(vocab, table, asked), asked),
    }


def _pairs(found: neighbours.Neighbours) -> list[list]:
    return [[word, value] for word, value in zip(found.words, found.values, strict=True)]


def write_table(folder: Path, name: str, found: dict[str, Any]) -> str:
    """The report of a table alone: report.json, report.md and pictures; returns the Markdown."""
    head = f"# {name}: what is this matrix?\n\n{inspection.markdown(found)}\n"
    return report.write(
        folder, "report", found, lambda shown: head + shown, lambda: draw(folder, found)
    )


def draw(folder: Path, found: dict[str, Any]) -> list[str]:
    """Draws the pictures of a table; returns their names."""
    from jaxemb.lab.tables import pictures

    return pictures.draw(folder, found)


def words_and_scores(found: dict) -> str:
    """The section of neighbours and scores."""
    near = [
        [row["word"]]
        + [
            ", ".join(f"{word} {value:.2f}" for word, value in row[by][:6])
            for by in ("cosine", "euclidean")
        ]
        for row in found["neighbours"]
    ]
    head = ("word", "nearest by cosine", "nearest by Euclidean distance")
    lines = ["## Its words\n", report.table(head, near), ""]
    if found["neighbours_unknown"]:
        lines.append(f"- not in the vocabulary: {', '.join(found['neighbours_unknown'])}")
    if not found["similarity"]:
        lines.append(f"- WordSim-353 and SimLex-999 were not asked: {bundled.HOW_TO_GET}")
    return "\n".join([*lines, "", scores.markdown(found, sections=False)])
