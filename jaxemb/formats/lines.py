"""One line of a text table: its word and its numbers."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import orjson

from jaxemb.errors import FormatError
from jaxemb.formats.options import File, Options

NUMBER = re.compile(rb"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
NONFINITE = re.compile(rb"[+-]?(?:nan|inf|infinity)", re.IGNORECASE)
_IN_NUMBERS = b"0123456789+-.eE \t"


def failure(file: File, where: str, line: bytes, sep: bytes) -> Callable[..., FormatError]:
    """Return a function that makes errors about a line; a tab in it is named as a likely cause."""

    def fail(actual: str, expected: str = "", hint: str = "") -> FormatError:
        if sep == b" " and b"\t" in line:
            hint = "the line has a tab: sep='tab' reads fields between tabs"
        return file.error(where, actual, expected, hint)

    return fail


def split(
    line: bytes, dim: int, sep: bytes, numeric_pieces: bool, fail: Callable[..., Exception]
) -> tuple[bytes, bytes]:
    """Split a line into its word, which may have several pieces, and its last `dim` fields."""
    if sep + sep in line:
        raise fail("two separators in a row", "one between fields")
    fields = line.rsplit(sep, dim)
    if len(fields) <= dim:
        raise fail(f"{len(fields) - 1} values", f"a word and {dim}")
    word, numbers = fields[0], sep.join(fields[1:])
    pieces = word.split(sep)
    if b"\t" in word and sep == b" ":
        raise fail("a tab", "one space between fields")
    if not all(pieces):
        raise fail("an empty word", "a word before the numbers")
    if len(pieces) > 1 and not numeric_pieces:
        number = next((p for p in pieces if NUMBER.fullmatch(p) or NONFINITE.fullmatch(p)), None)
        if number is not None:
            raise fail(
                f"{dim + 1} or more values ({_shown(number)} before the last {dim})",
                f"a word and {dim}",
                "allow_numeric_pieces takes it for a part of the word",
            )
    return word, numbers


def plain(numbers: list[bytes], dim: int, sep: bytes) -> Any:
    """Parse the values of several lines at once, float32 [lines, dim]; None if any is not plain.

    Bytes that are all digits, points, signs and exponents are JSON only if they are numbers, and
    orjson rounds each to the nearest float64. JSON refuses +1 and .5, which `careful` accepts.
    """
    joined = sep.join(numbers)
    if joined.translate(None, _IN_NUMBERS) or (sep == b" " and b"\t" in joined):
        return None
    array = b"," + joined.replace(sep, b",") + b","
    # JSON reads -0 as an integer, which has no sign; replace twice, as neighbours share a comma
    array = array.replace(b",-0,", b",-0.0,").replace(b",-0,", b",-0.0,")
    try:
        values = np.array(orjson.loads(b"[" + array[1:-1] + b"]"), np.float64)
    except (ValueError, OverflowError):
        return None
    with np.errstate(over="ignore"):  # the reader reports infinity with its place
        return values.astype(np.float32).reshape(-1, dim)


def careful(
    numbers: bytes, sep: bytes, options: Options, fail: Callable[..., Exception]
) -> list[float]:
    """Parse the values of one line, one by one; an error names the value."""
    values = []
    for i, field in enumerate(numbers.split(sep), 1):
        if NUMBER.fullmatch(field) or (options.allow_nonfinite and NONFINITE.fullmatch(field)):
            values.append(float(field))
            continue
        if not field:
            raise fail("two separators in a row", "one between fields")
        hint = "allow_nonfinite takes it" if NONFINITE.fullmatch(field) else ""
        raise fail(f"value {i} is {_shown(field)}", "a decimal number like -0.125 or 1e-3", hint)
    return values


def _shown(field: bytes) -> str:
    return repr(field[:40].decode("utf-8", "backslashreplace"))
