"""Test files of word similarity and of analogies, as they are published.

Similarity: two words and a score a line, separated by tabs, commas, semicolons or spaces, with or
without a header: WordSim-353 (combined.csv), SimLex-999.txt, MEN (both forms), RareWords,
SimVerb-3500, gensim's files. Analogies: four words a line under `: section` lines
(questions-words.txt), or the MSR pair of files word_relationship.questions and .answers.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from jaxemb.errors import InputError

SEPARATORS = ("\t", ",", ";")  # the first that is in the first line; else spaces
TAGGED = re.compile(r"(.+)-[nvjar]")  # MEN's lemma form: sun-n, bright-j, run-v


class Pairs(NamedTuple):
    """Pairs of words, and how similar people found them."""

    name: str
    left: tuple[str, ...]
    right: tuple[str, ...]
    human: Float[Any, " pairs"]


class Questions(NamedTuple):
    """a is to b as c is to d, by section."""

    name: str
    words: tuple[tuple[str, ...], ...]  # four each
    sections: tuple[str, ...]  # one for each question


def pairs(path: str | Path, name: str | None = None) -> Pairs:
    """A test of word similarity.

    The score is the first column after the words that holds a number. Lines that begin with # are
    comments; a first line without a number is a header. If every word of the file ends in a part
    of speech (-n, -v, -j), it is taken off.

    Raises:
        InputError: no such file, or a line that is not two words and a score.
    """
    path, column, separator = Path(path), None, None
    left, right, human = [], [], []
    for first, (number, line) in enumerate(_lines(path, "#")):
        if not first:
            separator = next((each for each in SEPARATORS if each in line), None)
        fields = [field.strip() for field in line.split(separator)]
        if column is None:
            column = next((i for i in range(2, len(fields)) if _number(fields[i])), None)
            if column is None and not first:
                continue  # a header
        score = _number(fields[column]) if column and column < len(fields) else None
        if score is None or not fields[0] or not fields[1]:
            wanted = "wanted two words and a number, separated by tabs, commas or spaces"
            raise InputError(f"{path}: line {number:,}: got {line[:60]!r}: {wanted}")
        left.append(fields[0])
        right.append(fields[1])
        human.append(float(score))
    if not human:
        raise InputError(f"{path}: no pairs of words in it: wanted word, word, score a line")
    tags = [TAGGED.fullmatch(word) for word in (*left, *right)]
    if all(tags):
        words = [tag[1] for tag in tags if tag]
        left, right = words[: len(left)], words[len(left) :]
    return Pairs(name or path.stem, tuple(left), tuple(right), np.array(human))


def questions(path: str | Path, name: str | None = None) -> Questions:
    """A test of analogies.

    Lines that begin with # or // are comments. A file that ends in .questions has three words a
    line, and a file .answers beside it the section and the fourth word.

    Raises:
        InputError: no such file, or a line that is not four words.
    """
    path = Path(path)
    if path.suffix == ".questions":
        return _msr(path, name or "MSR")
    section, words, sections = path.stem, [], []
    for number, line in _lines(path, "#", "//"):
        if line.startswith(":"):
            section = line.lstrip(": ").strip()
            continue
        words.append(_fields(path, number, line, "a b c d"))
        sections.append(section)
    if not words:
        raise InputError(f"{path}: no questions in it: wanted four words a line")
    return Questions(name or path.stem, tuple(words), tuple(sections))


def _msr(path: Path, name: str) -> Questions:
    beside = path.with_suffix(".answers")
    asked = [_fields(path, n, line, "a b c") for n, line in _lines(path)]
    answers = [_fields(beside, n, line, "section d") for n, line in _lines(beside)]
    if len(asked) != len(answers):
        raise InputError(f"{path}: {len(asked):,} questions, but {len(answers):,} in {beside}")
    words = tuple((*abc, d) for abc, (_, d) in zip(asked, answers, strict=True))
    return Questions(name, words, tuple(section for section, _ in answers))


def _fields(path: Path, number: int, line: str, wanted: str) -> tuple[str, ...]:
    fields = tuple(line.split())
    if len(fields) != len(wanted.split()):
        raise InputError(
            f"{path}: line {number:,}: got {line[:60]!r}: wanted as many words as in `{wanted}`"
        )
    return fields


def _lines(path: Path, *comments: str) -> Iterator[tuple[int, str]]:
    """Lines that say something, stripped, with their numbers."""
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 ({error})") from None
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip() and not (comments and line.startswith(comments)):
            yield number, line.strip()


def _number(field: str) -> float | None:
    try:
        found = float(field)
    except ValueError:
        return None
    return found if np.isfinite(found) else None
