"""Lines and fields of test files, as spreadsheets, R, pandas and people write them.

A line ends in LF, CRLF or CR. Fields are separated by tabs, semicolons, commas or blanks: by the
first of these that splits the first line into three fields. A field may be quoted.
"""

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from jaxemb.errors import InputError

SEPARATORS = ("\t", ";", ",")
NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_MISSING = ("na", "n/a", "nan", "inf", "infinity", "null", "none", "nil")
_INDEX_NAMES = frozenset(("id", "index", "pair", "pair_id", "row"))
_INDEX = re.compile("[0-9]{1,18}")
_BLANKS = re.compile(r"[ \t]+")
_ENDS = re.compile(rb"\r\n|\n|\r")


class Row(NamedTuple):
    """The fields of one line, without the white space around them, and its number."""

    line: int
    fields: list[str]
    text: str


class Table(NamedTuple):
    """The rows of a file; the separator is None where blanks separate the fields."""

    rows: list[Row]
    separator: str | None


class Columns(NamedTuple):
    """The columns of two words and a score, and the rows without a header."""

    rows: list[Row]
    words: int  # the column of the first word; the second word is in the next column
    score: int
    fields: int  # of each row
    told_by: int  # the line that has this number of fields


def lines(path: Path, *comments: str) -> Iterator[tuple[int, str]]:
    """Lines that are neither blank nor comments, with their numbers, without line ends.

    Raises:
        InputError: no such file, or a line that is not UTF-8.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    for number, raw in enumerate(_ENDS.split(data.removeprefix(b"\xef\xbb\xbf")), start=1):
        try:
            line = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise InputError(f"{path}: line {number:,}: not UTF-8 ({error})") from None
        if line.strip() and not (comments and line.startswith(comments)):
            yield number, line


def number(field: str) -> float | None:
    """The value of an ASCII decimal such as -0.5 or 1e-3; None for anything else, and for 1e999."""
    value = float(field) if NUMBER.fullmatch(field) else float("inf")
    return value if abs(value) < float("inf") else None


def blanks(line: str) -> list[str]:
    """The fields between spaces or tabs, none of them empty; quoted text is one field.

    Raises:
        ValueError: a quote that does not end.
    """
    line = line.strip(" \t")
    return _quoted(_BLANKS.sub(" ", line), " ") if '"' in line else _BLANKS.split(line)


def _quoted(line: str, separator: str) -> list[str]:
    try:
        (fields,) = csv.reader([line], delimiter=separator, strict=True, skipinitialspace=True)
    except csv.Error as error:
        raise ValueError(f"a quote that does not end its field ({error})") from None
    return [field.strip() for field in fields]


def _parts(line: str, separator: str) -> bool:
    try:
        return len(_quoted(line, separator)) >= 3
    except ValueError:
        return False


def read(path: Path, comments: str) -> Table:
    """Read the rows of a file; its first line decides what separates the fields.

    Raises:
        InputError: as for `lines`, or a quote that does not end.
    """
    separator, rows = None, []
    for first, (line_number, line) in enumerate(lines(path, comments)):
        if not first:
            separator = next((sign for sign in SEPARATORS if _parts(line, sign)), None)
        try:
            fields = blanks(line) if separator is None else _quoted(line, separator)
        except ValueError as error:
            raise InputError(f"{path}: line {line_number:,}: got {line[:60]!r}: {error}") from None
        rows.append(Row(line_number, fields, line.strip(" \t")))
    return Table(rows, separator)


def columns(table: Table) -> Columns | None:
    """The columns of words and score; None if no column after two words holds numbers.

    The score is the first column after the words of which half or more are numbers. A first row is
    a header if its score begins with a letter and is no name of a missing number. A column before
    the words is an index if it has no name, is called `id` or the like, or holds whole numbers and
    is followed by two words and a number.
    """
    rows = table.rows
    body = rows[1:] or rows
    first = int(_has_index(rows[0].fields, body) if rows[1:] else _counts(body))
    for score in range(first + 2, max(len(row.fields) for row in body)):
        if 2 * sum(_tells(row, score) for row in body) < len(body):
            continue
        head = rows[0].fields
        short = first and len(head) + 1 == len(body[0].fields)  # R writes no name for an index
        if not rows[1:] or not _is_header(head, score - short):
            return Columns(rows, first, score, len(head), rows[0].line)
        if table.separator is None:  # a header may have blanks within its names
            return Columns(body, first, score, len(body[0].fields), body[0].line)
        return Columns(body, first, score, len(head) + short, rows[0].line)
    return None


def _tells(row: Row, column: int) -> bool:
    return len(row.fields) > column and number(row.fields[column]) is not None


def _has_index(head: list[str], body: list[Row]) -> bool:
    """Whether the first column is an index, as R and pandas write it."""
    names = all(number(field) is None for field in head)
    unnamed = names and len(head) > 3 and not head[0]
    short = names and len(head) > 2 and all(len(row.fields) == len(head) + 1 for row in body)
    named = names and len(head) > 3 and head[0].lower() in _INDEX_NAMES
    worded = 2 * sum(map(_worded, body)) > len(body)
    return unnamed or ((short or named) and worded) or _counts(body)


def _counts(body: list[Row]) -> bool:
    """Whether the first column holds whole numbers, before two words or counting the rows."""
    if not all(_INDEX.fullmatch(row.fields[0]) for row in body):
        return False
    numbers = [int(row.fields[0]) for row in body]
    running = numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    worded = sum(map(_worded, body))
    return worded == len(body) or (running and 2 * worded > len(body))


def _worded(row: Row) -> bool:
    """Whether two words and a number follow the first column."""
    rest = [number(field) is None for field in row.fields[1:]]
    return rest[:2] == [True, True] and not all(rest)


def _is_header(head: list[str], score: int) -> bool:
    field = head[score] if 2 <= score < len(head) else ""
    return field.lstrip("(")[:1].isalpha() and field.lower() not in _MISSING
