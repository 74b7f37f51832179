"""The first line `rows dim` of word2vec and fastText files, and what a file's size says of it."""

import re
from typing import NamedTuple

from jaxemb.formats.options import File, Options, warn

LARGEST_DIM = 1 << 22
BOM = b"\xef\xbb\xbf"
LONGEST = 64  # bytes of a header line
_HEADER = re.compile(rb"([0-9]{1,20}) ([0-9]{1,20}) ?\r?")


class Header(NamedTuple):
    """How many rows a file promises, of how many numbers; and whether the line ended in CRLF."""

    rows: int
    dim: int
    crlf: bool


def parse(line: bytes) -> Header | None:
    """The header in a first line without its line end; None if it is no header."""
    found = _HEADER.fullmatch(line)
    return Header(int(found[1]), int(found[2]), line.endswith(b"\r")) if found else None


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


def taken(file: File) -> Header:
    """The header of a file; what follows it is still to be read.

    Raises:
        FormatError: no header; no rows; a dimension that no table has.
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
    """The number of rows, if the size of the file bears it out; None where that is not known.

    Args:
        follow: how many bytes follow the header; None in a compressed file.
        row: the fewest bytes of a row; the last may lack one.
        slack: how many times too few bytes there must be for an error here: a text that lacks a
            value somewhere is refused there.

    Raises:
        FormatError: rows for which the file is far too small; not one row fits.
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
