"""The report on any table: its matrix, its words, its scores."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from jaxemb.evaluation import bundled, neighbours
from jaxemb.lab import report
from jaxemb.lab.tables import inspection, scores
from jaxemb.structs import Vocab


def describe(vocab: Vocab, table: np.ndarray, neighbours_of: Sequence[str]) -> dict[str, Any]:
    """Describe any table of words: its matrix, neighbours and scores, as JSON values.

    Args:
        neighbours_of: words whose neighbours are listed; frequent ones take the place of those
            that are unknown.
    """
    known = set(vocab.words)
    near, far = neighbours.nearest, neighbours.nearest_euclidean
    tests = scores.at_hand()
    return {
        **inspection.describe(table, vocab.words),
        "neighbours": [
            {
                "word": word,
                "cosine": _pairs(near(vocab, table, word)),
                "euclidean": _pairs(far(vocab, table, word)),
            }
            for word in report.words_to_show(vocab.words, neighbours_of)
        ],
        "neighbours_unknown": [word for word in neighbours_of if word not in known],
        **scores.describe(scores.ask(vocab, table, tests), tests),
    }


def _pairs(nearest: neighbours.Neighbours) -> list[list[Any]]:
    return [[word, value] for word, value in nearest]


def words_and_scores(description: dict[str, Any]) -> str:
    """The section of a report with neighbours and scores."""
    near = [
        [row["word"]]
        + [
            ", ".join(f"{word} {value:.2f}" for word, value in row[by][:6])
            for by in ("cosine", "euclidean")
        ]
        for row in description["neighbours"]
    ]
    head = ("word", "nearest by cosine", "nearest by Euclidean distance")
    lines = ["## Its words\n", report.table(head, near), ""]
    if description["neighbours_unknown"]:
        unknown = ", ".join(description["neighbours_unknown"])
        lines.append(f"- not in the vocabulary: {unknown}; frequent words take their place")
    if not description["similarity"]:
        lines.append(f"- WordSim-353 and SimLex-999 were not scored: {bundled.HOW_TO_GET}")
    return "\n".join([*lines, "", scores.markdown(description, sections=False)])
