"""Text tables: word2vec's and fastText's with a header `rows dim`, GloVe's without.

A line is a word and its numbers, separated by one space; the last `dim` fields are the vector.
Lines are split at spaces and line ends only: every other character belongs to its word.

Source:
    word2vec.c, and the writers of GloVe and fastText; the rules are listed in docs/formats.md.
"""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jaxemb.formats import binary, headers, lines as lines_lib
from jaxemb.formats.options import LONGEST_LINE, File, Options, WordVectors, warn
from jaxemb.formats.rows import Rows

BLOCK = 1 << 20  # bytes read at once; their numbers take ten times as much memory
_SAMPLE = 1 << 16
AGREEING = 32  # lines that determine the dimension of a file without a header


class Lines(NamedTuple):
    """A block of lines without their ends, and the number of its first line."""

    first: int
    lines: list[bytes]


def read_with_header(path: Path, options: Options) -> WordVectors:
    """Read word2vec's text or fastText's .vec, whose first line is `rows dim`."""
    with File(path, options.progress) as file:
        header = headers.taken(file)
        sample = file.read(_SAMPLE)
        file.unread(sample)
        if binary.sane(sample, header):
            hint = "format='word2vec-binary' reads it"
            raise file.error("line 2", "binary numbers", "a word and its numbers as text", hint)
        row = 2 * header.dim + 2
        rows = headers.bounded(file, options, header, file.left, row, slack=2)
        return _read(file, options, 2, header.dim, rows, header.rows)


def read_without_header(path: Path, options: Options) -> WordVectors:
    """Read GloVe's text, whose dimension is the one that most of the first lines have."""
    with File(path, options.progress) as file:
        headers.skip_mark(file)
        dim = dimension(file, _start(file, AGREEING), separator(options))
        return _read(file, options, 1, dim, None, None)


def separator(options: Options) -> bytes:
    """Return the byte between fields: a space or a tab."""
    return b" " if options.sep == "space" else b"\t"


def _start(file: File, lines: int) -> bytes:
    """Return the beginning of a file, with at least so many lines, without consuming it."""
    data = file.read(BLOCK)
    while data.count(b"\n") < lines and len(data) <= LONGEST_LINE:
        if not (more := file.read(BLOCK)):
            break
        data += more
    if not data:
        raise file.error("byte 0", "an empty file", "lines of a word and its numbers")
    file.unread(data)
    return data


def dimension(file: File, data: bytes, sep: bytes) -> int:
    """Return the number of values that most of the first lines have; on a tie, the first met.

    Raises:
        FormatError: no number of values from 1 to LARGEST_DIM fits a line.
    """
    lines = [line.removesuffix(b"\r") for line in data.split(b"\n")[:AGREEING]]
    counts = Counter(width for line in filter(None, lines) for width in _widths(line, sep))
    dim = max(counts, key=lambda width: (_fitting(lines, width, sep), counts[width]), default=0)
    if not 1 <= dim <= headers.LARGEST_DIM:
        actual = repr(lines[0][:60]) if lines else "nothing"
        hint = "sep='tab' reads tabs" if b"\t" in data[:LONGEST_LINE] and sep == b" " else ""
        raise file.error("line 1", actual, "a word and its numbers, one space between", hint)
    return dim


def _widths(line: bytes, sep: bytes) -> Iterator[int]:
    """Yield the possible numbers of values of a line: all fields after the first; or, after a word
    of several pieces without a digit, the fields that are numbers."""
    fields = line.removesuffix(sep).split(sep)
    yield len(fields) - 1
    number = lines_lib.NUMBER.fullmatch
    word = next((n for n in range(len(fields), 0, -1) if not number(fields[n - 1])), 0)
    if word > 1 and not re.search(rb"[0-9]", sep.join(fields[:word])):
        yield len(fields) - word


def _fitting(lines: list[bytes], dim: int, sep: bytes) -> int:
    """Return how many lines are valid if the table has this dimension."""

    def fail(actual: str, expected: str = "", hint: str = "") -> ValueError:
        return ValueError(actual)

    fit = 0
    for line in filter(None, lines):
        try:
            _, numbers = lines_lib.split(line.removesuffix(sep), dim, sep, False, fail)
            fit += all(map(lines_lib.NUMBER.fullmatch, numbers.split(sep)))
        except ValueError:
            continue
    return fit


def _read(
    file: File,
    options: Options,
    first: int,
    dim: int,
    rows: int | None,
    promised: int | None,
) -> WordVectors:
    table = Rows(file, options, dim, rows)
    expected = None if options.allow_count_mismatch else promised
    for block in _without_blanks(file, _blocks(file, first)):
        _add(file, options, table, block, dim)
        if expected is not None and table.read > expected:
            extra = f"line {first + expected:,}"
            raise file.error(extra, "one more row", *_mismatch(expected))
        if table.complete:
            return table.finish()
    if not table.read:
        raise file.error(f"line {first}", "no rows", "a word and its numbers")
    if expected is not None and table.read < expected:
        where = f"line {first + table.read:,}"
        raise file.error(where, f"the end, after {table.read:,} rows", *_mismatch(expected))
    return table.finish()


def _mismatch(promised: int) -> tuple[str, str]:
    return f"the {promised:,} rows of line 1", "allow_count_mismatch reads what is there"


def _blocks(file: File, first: int) -> Iterator[Lines]:
    """Yield the lines of a file, block by block."""
    data = file.read(BLOCK)
    while True:
        cut, more = data.rfind(b"\n") + 1, file.read(BLOCK)
        if not more and cut < len(data):
            last = first + data.count(b"\n")
            warn(file.path, f"line {last:,}", "the last line has no line end: was the file cut?")
            data, cut = data + b"\n", len(data) + 1
        if cut:
            lines = data[: cut - 1].split(b"\n")
            if b"\r" in data:
                lines = [line.removesuffix(b"\r") for line in lines]
            yield Lines(first, lines)
            first += len(lines)
        elif len(data) > LONGEST_LINE:
            actual = f"a line of more than {LONGEST_LINE:,} bytes"
            raise file.error(f"line {first:,}", actual, "a word and its numbers")
        if not more:
            return
        data = data[cut:] + more


def _without_blanks(file: File, blocks: Iterator[Lines]) -> Iterator[Lines]:
    """Drop blank lines at the end of the file; a blank line before other lines is an error."""
    blank = 0  # the number of the first blank line since the last row; 0 if there is none
    for first, lines in blocks:
        used = next((n for n in range(len(lines), 0, -1) if lines[n - 1]), 0)
        if used and not blank and not all(lines[:used]):
            blank = first + lines.index(b"")
        if used and blank:
            raise file.error(f"line {blank:,}", "a blank line", "a word and its numbers")
        if used < len(lines):
            blank = blank or first + used
        yield Lines(first, lines[:used])


def _add(file: File, options: Options, table: Rows, block: Lines, dim: int) -> None:
    """Add a block of lines: parsed all at once if all numbers are plain, else one by one."""
    sep, lines = separator(options), block.lines
    if not lines:
        return

    def where(i: int) -> str:
        return f"line {block.first + i:,}"

    cut = [line.removesuffix(sep).partition(sep) for line in lines]
    words, numbers = [fields[0] for fields in cut], [fields[2] for fields in cut]
    for i, word in enumerate(words):
        if numbers[i].count(sep) != dim - 1 or not word or b"\t" in word:
            line, pieces = lines[i].removesuffix(sep), options.allow_numeric_pieces
            fail = lines_lib.failure(file, where(i), line, sep)
            words[i], numbers[i] = lines_lib.split(line, dim, sep, pieces, fail)
    values = lines_lib.plain(numbers, dim, sep)
    if values is None:
        rows = [
            lines_lib.careful(
                fields, sep, options, lines_lib.failure(file, where(i), lines[i], sep)
            )
            for i, fields in enumerate(numbers)
        ]
        with np.errstate(over="ignore"):  # `Rows.add` reports infinity with its place
            values = np.array(rows, np.float64).astype(np.float32)
    table.add(words, values, where)
