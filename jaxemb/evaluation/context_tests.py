"""The reader of WiC, a published test of words in context; the user supplies the files.

A line is `word, part of speech, i-j, sentence, sentence`, separated by tabs; a gold file has T or F
a line.
"""

import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Int

from jaxemb.errors import InputError
from jaxemb.evaluation import tabular
from jaxemb.structs import AnyArray

TRUTH = {"t": True, "true": True, "1": True, "f": False, "false": False, "0": False}


class Wic(NamedTuple):
    """WiC: does a word have the same sense in two sentences?"""

    name: str
    words: tuple[str, ...]
    parts: tuple[str, ...]  # of speech: N or V
    left: tuple[tuple[str, ...], ...]  # tokens
    right: tuple[tuple[str, ...], ...]
    at: Int[AnyArray, "pairs 2"]  # where the word stands in left and in right
    same: Bool[AnyArray, " pairs"] | None  # None without a gold file


def wic(path: str | Path, gold: str | Path | None = None, name: str | None = None) -> Wic:
    """Read a split of WiC, such as train.data.txt and train.gold.txt.

    Raises:
        InputError: a file that is not there or not UTF-8; a line that is not five fields, a
            position without a token; a gold file of another length, or a line not T or F.

    Source:
        Pilehvar and Camacho-Collados 2019, arXiv:1808.09121.
    """
    path = Path(path)
    words, parts, left, right, at = [], [], [], [], []
    for number, line in _lines(path):
        wanted = "five fields between tabs: word, part of speech, i-j, sentence, sentence"
        word, part, places, one, two = _fields(path, number, line, wanted)
        match = re.fullmatch(r"([0-9]{1,9})-([0-9]{1,9})", places.strip())
        if not match:
            raise _bad(path, number, places, "two positions such as 2-5")
        tokens = _tokens(one), _tokens(two)
        positions = [int(digits) for digits in match.groups()]
        for position, sentence in zip(positions, tokens, strict=True):
            _inside(path, number, position, sentence)
        words.append(word.strip())
        parts.append(part.strip())
        left.append(tuple(tokens[0]))
        right.append(tuple(tokens[1]))
        at.append(positions)
    same = _gold(gold, path, len(words))
    return Wic(
        name=name or path.stem,
        words=tuple(words),
        parts=tuple(parts),
        left=tuple(left),
        right=tuple(right),
        at=np.array(at),
        same=same,
    )


def _gold(gold: str | Path | None, path: Path, wanted: int) -> Bool[AnyArray, " items"] | None:
    if gold is None:
        return None
    gold, labels = Path(gold), []
    for number, line in _lines(gold):
        label = line.strip().lower()
        if label not in TRUTH:
            raise _bad(gold, number, line, "T or F")
        labels.append(TRUTH[label])
    if len(labels) != wanted:
        raise InputError(f"{gold}: {len(labels):,} labels, but {wanted:,} lines in {path}")
    return np.array(labels, bool)


def _inside(path: Path, number: int, position: int, tokens: Any) -> None:
    if position >= len(tokens):
        raise _bad(path, number, f"position {position}", f"below {len(tokens)}, counted from 0")


def _fields(path: Path, number: int, line: str, wanted: str) -> list[str]:
    fields = line.split("\t")
    if len(fields) != 5 or not fields[0].strip():
        raise _bad(path, number, line, wanted)
    _refuse_quoted(path, number, fields[0])
    return fields


def _refuse_quoted(path: Path, number: int, *words: str) -> None:
    """Raise InputError for words in quotes: the quotes would become a part of the words."""
    for word in words:
        if re.fullmatch('".+"', word.strip()):
            raise _bad(path, number, word, "fields without quotes (quoting=csv.QUOTE_NONE)")


def _tokens(sentence: str) -> list[str]:
    """The tokens between spaces, not other white space: positions count these tokens."""
    return [token for token in sentence.split(" ") if token]


def _bad(path: Path, number: int, got: str, wanted: str) -> InputError:
    return InputError(f"{path}: line {number:,}: got {got[:60]!r}: wanted {wanted}")


def _lines(path: Path) -> list[tuple[int, str]]:
    """Lines that are not blank, with their numbers; trailing tabs are fields, so they stay."""
    numbered = list(tabular.lines(path))
    if not numbered:
        raise InputError(f"{path}: nothing in it")
    return numbered
