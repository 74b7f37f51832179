"""Readers of published tests of word similarity and of analogies.

Similarity: two words and a score a line, separated by tabs, commas, semicolons or blanks, quoted or
not, with or without a header and an index: WordSim-353 (combined.csv), SimLex-999.txt, MEN (both
forms), RareWords, SimVerb-3500, gensim's files, what R and pandas write. Analogies: four words a
line under `: section` lines (questions-words.txt), or the MSR pair of files
word_relationship.questions and .answers.
"""

import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from jaxemb.errors import InputError
from jaxemb.evaluation import tabular
from jaxemb.structs import AnyArray

TAGGED = re.compile(r"(.+)-[nvjar]")  # MEN's lemma form: sun-n, bright-j, run-v


class Pairs(NamedTuple):
    """Pairs of words, and human scores of their similarity."""

    name: str
    left: tuple[str, ...]
    right: tuple[str, ...]
    human: Float[AnyArray, " pairs"]


class Questions(NamedTuple):
    """a is to b as c is to d, by section."""

    name: str
    words: tuple[tuple[str, ...], ...]  # four each
    sections: tuple[str, ...]  # one for each question


def pairs(path: str | Path, name: str | None = None) -> Pairs:
    """Read a test of word similarity.

    The score is the first column after the words that holds numbers. Lines that begin with # are
    comments; a first line without a number there is a header; a first column of row numbers, or
    without a name, is an index (`tabular.columns` has the rules). If every word of the file ends in
    a part of speech (-n, -v, -j), it is taken off.

    Raises:
        InputError: no such file, or a line that is not two words and a finite number, or has
            another number of fields than the line before it.
    """
    path = Path(path)
    table = tabular.read(path, "#")
    if not table.rows:
        raise InputError(f"{path}: no pairs of words in it: wanted word, word, score a line")
    columns = tabular.columns(table)
    if columns is None:
        raise _bad(path, table.rows[:2][-1])  # the first may be a header
    left, right, human = [], [], []
    for row in columns.rows:
        one, other, score = _pair(path, row, columns)
        left.append(one)
        right.append(other)
        human.append(score)
    tags = [TAGGED.fullmatch(word) for word in (*left, *right)]
    if all(tags):
        words = [tag[1] for tag in tags if tag]
        left, right = words[: len(left)], words[len(left) :]
    return Pairs(name or path.stem, tuple(left), tuple(right), np.array(human))


def _pair(path: Path, row: tabular.Row, columns: tabular.Columns) -> tuple[str, str, float]:
    size, wanted = len(row.fields), columns.fields
    if size <= columns.score:
        raise _bad(path, row)
    if size < wanted or any(row.fields[wanted:]):
        mismatch = f"{size} fields, where line {columns.told_by:,} has {wanted}"
        raise _bad(path, row, f" ({mismatch}: is it a comma in a number or a word?)")
    one, other = row.fields[columns.words : columns.words + 2]
    field = row.fields[columns.score]
    score = tabular.number(field)
    if score is None and re.search("[0-9],[0-9]", field):
        raise _bad(path, row, ": write a decimal point, not a comma")
    if score is None or not one or not other:
        raise _bad(path, row, f" ({field!r} is no finite number)" if score is None else "")
    return one, other, score


def _bad(path: Path, row: tabular.Row, more: str = "") -> InputError:
    wanted = "wanted two words and a number, separated by tabs, commas or spaces"
    return InputError(f"{path}: line {row.line:,}: got {row.text[:60]!r}: {wanted}{more}")


def questions(path: str | Path, name: str | None = None) -> Questions:
    """Read a test of analogies.

    Lines that begin with # or // are comments. A file that ends in .questions has three words a
    line, and a file .answers beside it the section and the fourth word.

    Raises:
        InputError: no such file, or a line that is not four words.
    """
    path = Path(path)
    if path.suffix == ".questions":
        return _msr(path, name or "MSR")
    section, words, sections = path.stem, [], []
    for number, line in tabular.lines(path, "#", "//"):
        if (line := line.strip(" \t")).startswith(":"):
            section = line.lstrip(": ").strip()
            continue
        words.append(_fields(path, number, line, "a b c d"))
        sections.append(section)
    if not words:
        raise InputError(f"{path}: no questions in it: wanted four words a line")
    return Questions(name or path.stem, tuple(words), tuple(sections))


def _msr(path: Path, name: str) -> Questions:
    beside = path.with_suffix(".answers")
    triples = [_fields(path, n, line, "a b c") for n, line in tabular.lines(path)]
    answers = [_fields(beside, n, line, "section d") for n, line in tabular.lines(beside)]
    if len(triples) != len(answers):
        raise InputError(f"{path}: {len(triples):,} questions, but {len(answers):,} in {beside}")
    words = tuple((*abc, d) for abc, (_, d) in zip(triples, answers, strict=True))
    return Questions(name, words, tuple(section for section, _ in answers))


def _fields(path: Path, number: int, line: str, wanted: str) -> tuple[str, ...]:
    try:
        fields = tuple(tabular.blanks(line))
    except ValueError as error:
        raise InputError(f"{path}: line {number:,}: got {line[:60]!r}: {error}") from None
    if len(fields) != len(wanted.split()) or not all(fields):
        raise InputError(
            f"{path}: line {number:,}: got {line[:60]!r}: wanted as many words as in `{wanted}`"
        )
    return fields
