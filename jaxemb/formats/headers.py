"""The first line `rows dim` of word2vec and fastText files, checked against the file's size."""

import re
from typing import NamedTuple

from jaxemb.formats.options import File, Options, warn

LARGEST_DIM = 1 << 22
BOM = b"\xef\xbb\xbf"
LONGEST = 64  # bytes of a header line
_HEADER = re.compile(rb"([0-9]{1,20}) ([0-9]{1,20}) ?\r?")


class Header(NamedTuple):
    """The number of rows, of numbers per row, and whether the line ended in CRLF."""

    rows: int
    dim: int
    crlf: bool


def parse(line: bytes) -> Header | None:
    """Return the header in a first line without its line end; None if it is no header."""
    match = _HEADER.fullmatch(line)
    return Header(int(match[1]), int(match[2]), line.endswith(b"\r")) if match else None


def skip_mark(file: File) -> None:
    """Skip a byte-order mark, with a warning."""
    start = file.read(len(BOM))
    if start == BOM:
        warn(file.path, "byte 0", "a byte-order mark is skipped")
    else:
        file.unread(start)


def first_line(file: File) -> bytes:
    """Read the first line without its end; at most as many bytes as a header has."""
    start = file.read(LONGEST)
    line, _, rest = start.partition(b"\n")
    file.unread(rest)
    return line


def taken(file: File) -> Header:
    """Read the header of a file, up to the beginning of the first row.

    Raises:
        FormatError: there is no header, or it has no rows or a dimension out of range.
    """
    skip_mark(file)
    line = first_line(file)
    header = parse(line)
    if header is None:
        raise file.error("line 1", repr(line[:60]), "a header `rows dim`, two whole numbers")
    if not 1 <= header.dim <= LARGEST_DIM:
        raise file.error("line 1", f"dim is {header.dim:,}", f"1 to {LARGEST_DIM:,}")
    if header.rows < 1:
        raise file.error("line 1", "a header of 0 rows", "at least 1 row")
    return header


def bounded(
    file: File, options: Options, header: Header, follow: int | None, row: int, slack: int = 1
) -> int | None:
    """Return the number of rows if the size of the file confirms it; None if that is unknown.

    Args:
        follow: the number of bytes after the header; None in a compressed file.
        row: the fewest bytes that a row can have; the last row may lack one.
        slack: raise only if the file is this many times too small; a text that lacks some values
            is refused later, at their line.

    Raises:
        FormatError: the file is far too small for the rows, or for a single row.
    """
    if follow is None:
        return None
    least = header.rows * row - 1
    if least <= follow:
        return header.rows
    if options.allow_count_mismatch or (least <= slack * follow and row - 1 <= follow):
        return None
    raise file.error(
        "line 1",
        f"{header.rows:,} rows of {header.dim:,} numbers, at least {least:,} bytes",
        f"no more than the {follow:,} bytes that follow",
        "cut short, or not this format; allow_count_mismatch reads what is there",
    )
