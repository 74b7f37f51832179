"""The first line `rows dim` of word2vec and fastText files, and what a file's size says of it."""

import re
from collections.abc import Callable
from typing import NamedTuple

from jaxemb.formats.options import File, Options, warn

LARGEST_DIM = 1 << 22
BOM = b"\xef\xbb\xbf"
LONGEST = 64  # bytes of a header line
_HEADER = re.compile(rb"([0-9]{1,20}) ([0-9]{1,20}) ?\r?")


class Header(NamedTuple):
    """How many rows a file promises, and of how many numbers."""

    rows: int
    dim: int


def parse(line: bytes) -> Header | None:
    """The header in a first line without its line end; None if it is no header."""
    found = _HEADER.fullmatch(line)
    return Header(int(found[1]), int(found[2])) if found else None


def skip_mark(file: File) -> None:
    """Goes past a byte-order mark, with a warning."""
    start = file.read(len(BOM))
    if start == BOM:
        warn(file.path, "byte 0", "a byte-order mark is skipped")
    else:
        file.unread(start)


def first_line(file: File) -> bytes:
    """The first line without its end, if it is short enough for a header; all that was read."""
    start = file.read(LONGEST)
    line, _, rest = start.partition(b"\n")
    file.unread(rest)
    return line


def taken(
    file: File, options: Options, line: bytes, row_bytes: Callable[[int], int]
) -> tuple[Header, int | None]:
    """The header of a file, and its number of rows if the file's size bears it out, else None.

    Args:
        line: the first line, without its end; what follows it is still to be read.
        row_bytes: from a dimension to the fewest bytes of a row; the last may lack one.

    Raises:
        FormatError: no header; no rows; more rows or dimensions than the file has bytes for.
    """
    header = parse(line)
    if header is None:
        raise file.error("line 1", repr(line[:60]), "a header `rows dim`, two whole numbers")
    if not 1 <= header.dim <= LARGEST_DIM:
        raise file.error("line 1", f"dim is {header.dim:,}", f"1 to {LARGEST_DIM:,}")
    if header.rows < 1:
        raise file.error("line 1", "a header of 0 rows", "at least 1 row")
    if file.left is None:  # compressed: memory grows with what is found
        return header, None
    follow, least = file.left, header.rows * row_bytes(header.dim) - 1
    if least <= follow:
        return header, header.rows
    if options.allow_count_mismatch:
        return header, None
    raise file.error(
        "line 1",
        f"{header.rows:,} rows of {header.dim:,} numbers, at least {least:,} bytes",
        f"no more than the {follow:,} bytes that follow",
        "cut short, or not this format; allow_count_mismatch reads what is there",
    )
