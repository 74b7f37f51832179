"""Words in context (WiC): whether a word has the same sense in two sentences, by cosine."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jaxemb.errors import InputError
from jaxemb.evaluation import context_tests, polysemy
from jaxemb.evaluation.context_tests import Wic
from jaxemb.evaluation.polysemy import Compared, WicAccuracy
from jaxemb.lab import report
from jaxemb.lab.studies.context.tokens import Source


class Scored(NamedTuple):
    """The accuracy of every layer of one source."""

    source: str
    layers: tuple[WicAccuracy, ...]
    pairs: int  # number of scored pairs
    unknown: int  # number of pairs left out, because the source has no vector of a word


def read(path: str | Path) -> Wic:
    """Read a split of WiC: NAME.data.txt, with its labels in NAME.gold.txt.

    Raises:
        InputError: there is no such file, no file of labels, or a line breaks WiC's format.
    """
    path = Path(path)
    gold = path.with_name(path.name.replace(".data.", ".gold."))
    if gold == path or not gold.is_file():
        raise InputError(
            f"{path}: no labels beside it; wanted NAME.data.txt and NAME.gold.txt in one folder"
        )
    return context_tests.wic(path, gold)


def sentences(test: Wic, fold: bool = True) -> list[Sequence[str]]:
    """All sentences of a split; with `fold`, a second time in lower case."""
    texts: list[Sequence[str]] = [*test.left, *test.right]
    return texts + [[token.lower() for token in text] for text in texts] * fold


def compared(source: Source, test: Wic, fold: bool = True) -> tuple[list[Compared], int]:
    """The cosines of all pairs in every layer, and the number of pairs left out.

    A pair is left out if the source is static and has no vector of the word. A language model reads
    such a word as unknown, in its context.

    Args:
        fold: whether a token that the source does not know is read in lower case.
    """
    assert test.same is not None
    sides = [
        [[_known(source, token, fold) for token in sentence] for sentence in side]
        for side in (test.left, test.right)
    ]
    words = [
        [sentence[place] for sentence, place in zip(*side, strict=True)]
        for side in zip(sides, test.at.T, strict=True)
    ]
    has = [source.model is not None or all(map(source.knows, p)) for p in zip(*words, strict=True)]
    chosen = np.flatnonzero(has)
    vectors = []
    for texts, places in zip(sides, test.at.T, strict=True):
        of_side = np.zeros((source.layers, len(chosen), source.dim), np.float32)
        for i, layers in source.vectors([texts[pair] for pair in chosen]):
            of_side[:, i] = layers[:, places[chosen[i]]]
        vectors.append(of_side)
    same = test.same[chosen]
    pairs = [polysemy.compared(one, two, same) for one, two in zip(*vectors, strict=True)]
    return pairs, len(has) - len(chosen)


def _known(source: Source, token: str, fold: bool) -> str:
    return token.lower() if fold and not source.knows(token) else token


def score(
    source: Source, test: Wic, train: Wic | None = None, *, fold: bool = True, seed: int = 0
) -> Scored:
    """The accuracy of every layer of a source.

    Args:
        train: the split on which thresholds are chosen; without it, each half of `test` is scored
            with the threshold of the other half.
        fold: whether a token that the source does not know is read in lower case.
        seed: of the bootstrap.

    Raises:
        InputError: the source knows the words of too few pairs.
    """
    tested, unknown = compared(source, test, fold)
    if train is None:
        layers = [polysemy.wic_halves(pairs, seed=seed) for pairs in tested]
    else:
        learned, _ = compared(source, train, fold)
        layers = [
            polysemy.wic_accuracy(*both, seed=seed) for both in zip(learned, tested, strict=True)
        ]
    return Scored(source.path, tuple(layers), len(test.words) - unknown, unknown)


def write(folder: Path, test: Wic, train: Wic | None, scores: Sequence[Scored]) -> str:
    """Write wic.json and wic.md into the folder; return the Markdown."""
    values = {
        "test": test.name,
        "train": train and train.name,
        "pairs": len(test.words),
        "sources": [
            {
                **scored._asdict(),
                "layers": [
                    {"threshold": layer.threshold, **layer.accuracy._asdict()}
                    for layer in scored.layers
                ],
            }
            for scored in scores
        ],
    }
    rows = [
        (scored.source, i, layer.accuracy, f"{layer.threshold:.3f}", scored.pairs, scored.unknown)
        for scored in scores
        for i, layer in enumerate(scored.layers)
    ]
    head = ("source", "layer", "accuracy [95 %]", "threshold", "pairs", "left out")
    chosen = f"on {train.name}" if train else "on the other half of the pairs (the mean of both)"
    return report.write(
        folder,
        "wic",
        values,
        lambda shown: (
            f"""# Words in context: {test.name}

{report.table(head, rows)}

- {len(test.words):,} pairs of sentences; "same sense" where the cosine of the word's two vectors is
  at or above a threshold that was chosen {chosen}
- intervals: bootstrap over pairs
- left out: pairs with a word that static vectors do not have; a language model reads it as unknown
"""
        ),
    )
