"""Readers of published tests of words in context; the user supplies the files.

WiC: `word, part of speech, i-j, sentence, sentence`, separated by tabs, and T or F a line in a gold
file. WiC-TSV: `word, position, sentence[, definition, hypernyms]` and a file of labels. CoSimLex:
two words, two contexts that mark them with <strong>, and a human similarity score for each.
"""

import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from jaxemb.errors import InputError
from jaxemb.evaluation import tabular

MARKED = re.compile(r"<strong>(.*?)</strong>", re.IGNORECASE | re.DOTALL)
TRUTH = {"t": True, "true": True, "1": True, "f": False, "false": False, "0": False}


class Wic(NamedTuple):
    """WiC: does a word have the same sense in two sentences?"""

    name: str
    words: tuple[str, ...]
    parts: tuple[str, ...]  # of speech: N or V
    left: tuple[tuple[str, ...], ...]  # tokens
    right: tuple[tuple[str, ...], ...]
    at: Int[Any, "pairs 2"]  # where the word stands in left and in right
    same: Bool[Any, " pairs"] | None  # None without a gold file


class WicTsv(NamedTuple):
    """WiC-TSV: does a word have the sense that is described?"""

    name: str
    words: tuple[str, ...]
    sentences: tuple[tuple[str, ...], ...]  # tokens
    at: Int[Any, " items"]
    definitions: tuple[str, ...]  # empty where the file has none
    hypernyms: tuple[tuple[str, ...], ...]
    same: Bool[Any, " items"] | None


class CoSimLex(NamedTuple):
    """Pairs of words in two contexts each, and their human similarity in each context."""

    name: str
    words: tuple[tuple[str, str], ...]
    contexts: tuple[tuple[str, str], ...]  # plain text
    spans: Int[Any, "pairs contexts words 2"]  # first character and end of each marked word
    human: Float[Any, "pairs contexts"]


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
        word, part, places, one, two = _fields(path, number, line, wanted, 5)
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


def wic_tsv(path: str | Path, gold: str | Path | None = None, name: str | None = None) -> WicTsv:
    """Read a split of WiC-TSV; definition and hypernyms may be missing, as in its examples file.

    Raises:
        InputError: as for `wic`; a line that is not three to five fields.

    Source:
        Breit et al. 2021, arXiv:2004.15016.
    """
    path = Path(path)
    words, sentences, at, definitions, hypernyms = [], [], [], [], []
    for number, line in _lines(path):
        wanted = "fields between tabs: word, position, sentence, then a definition and hypernyms"
        word, place, sentence, *more = _fields(path, number, line, wanted, 3, 4, 5)
        if not re.fullmatch("[0-9]{1,9}", place.strip()):
            raise _bad(path, number, place, "a position such as 2")
        tokens = tuple(_tokens(sentence))
        _inside(path, number, int(place), tokens)
        definition, above = (*more, "", "")[:2]
        words.append(word.strip())
        sentences.append(tokens)
        at.append(int(place))
        definitions.append(definition.strip())
        named = (hypernym.strip().strip("_") for hypernym in above.split(","))
        hypernyms.append(tuple(hypernym for hypernym in named if hypernym))
    same = _gold(gold, path, len(words))
    return WicTsv(
        name=name or path.stem,
        words=tuple(words),
        sentences=tuple(sentences),
        at=np.array(at),
        definitions=tuple(definitions),
        hypernyms=tuple(hypernyms),
        same=same,
    )


def cosimlex(path: str | Path, name: str | None = None) -> CoSimLex:
    """Read a language of CoSimLex, such as cosimlex_en.tsv, with or without its header.

    Raises:
        InputError: a line of fewer than six fields, a context that does not mark two words, a
            similarity that is no number.

    Source:
        Armendariz et al. 2020, arXiv:1912.05320; SemEval-2020 task 3.
    """
    path = Path(path)
    words, contexts, spans, human = [], [], [], []
    wanted = "fields between tabs: word1, word2, context1, context2, sim1, sim2, ..."
    for number, line in _lines(path):
        fields = line.split("\t")
        if number == 1 and fields[0].strip().lower() == "word1":
            continue
        if len(fields) < 6:
            raise _bad(path, number, line, wanted)
        first, second, *texts = (field.strip() for field in fields[:4])
        _refuse_quoted(path, number, first, second)
        plain = [_unmarked(path, number, text) for text in texts]
        words.append((first, second))
        contexts.append(tuple(text for text, _ in plain))
        spans.append([marks for _, marks in plain])
        human.append([_number(path, number, field) for field in fields[4:6]])
    return CoSimLex(
        name or path.stem, tuple(words), tuple(contexts), np.array(spans), np.array(human)
    )


def _unmarked(path: Path, number: int, text: str) -> tuple[str, list[tuple[int, int]]]:
    """The text without marks, and where the two marked words stand in it."""
    parts, spans, size, done = [], [], 0, 0
    for mark in MARKED.finditer(text):
        parts += [text[done : mark.start()], mark[1]]
        size += len(parts[-2])
        spans.append((size, size + len(mark[1])))
        size, done = spans[-1][1], mark.end()
    if len(spans) != 2:
        raise _bad(path, number, text, f"two words in <strong> marks, not {len(spans)}")
    return "".join((*parts, text[done:])), spans


def _gold(gold: str | Path | None, path: Path, wanted: int) -> Bool[Any, " items"] | None:
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


def _fields(path: Path, number: int, line: str, wanted: str, *sizes: int) -> list[str]:
    fields = line.split("\t")
    if len(fields) not in sizes or not fields[0].strip():
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


def _number(path: Path, number: int, field: str) -> float:
    value = tabular.number(field.strip())
    if value is None:
        raise _bad(path, number, field, "a number")
    return value


def _bad(path: Path, number: int, got: str, wanted: str) -> InputError:
    return InputError(f"{path}: line {number:,}: got {got[:60]!r}: wanted {wanted}")


def _lines(path: Path) -> list[tuple[int, str]]:
    """Lines that are not blank, with their numbers; trailing tabs are fields, so they stay."""
    numbered = list(tabular.lines(path))
    if not numbered:
        raise InputError(f"{path}: nothing in it")
    return numbered
