"""Textbook readers of vector files, one line or row at a time: slow and strict oracles."""

import re
import struct

import numpy as np

NUMBER = re.compile(rb"[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?")


def text(data: bytes, dim: int, header: bool):
    """Return (words, the first float32 row of each); raise ValueError for a malformed file."""
    lines = data.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    lines = [line.removesuffix(b"\r") for line in lines]
    while lines and not lines[-1]:
        lines.pop()
    vectors = {}
    for line in lines[header:]:
        fields = line.removesuffix(b" ").split(b" ")
        pieces, numbers = fields[:-dim], fields[-dim:]
        if not pieces or not all(pieces) or not all(map(NUMBER.fullmatch, numbers)):
            raise ValueError(line)
        with np.errstate(over="ignore"):
            row = np.array([np.float64(number) for number in numbers]).astype(np.float32)
        vectors.setdefault(b" ".join(pieces).decode("utf-8"), row)
    return tuple(vectors), np.stack(list(vectors.values()))


def binary(data: bytes):
    """Return (words, the first float32 row of each); raise ValueError for a malformed file."""
    data = data.removeprefix(b"\xef\xbb\xbf")
    line, _, rest = data.partition(b"\n")
    rows, dim = map(int, line.split())
    vectors = {}
    for _ in range(rows):
        word, _, rest = rest.partition(b" ")
        row = struct.unpack(f"<{dim}f", rest[: 4 * dim])
        rest = rest[4 * dim :].removeprefix(b"\n")
        vectors.setdefault(word.decode("utf-8"), np.array(row, np.float32))
    if rest:
        raise ValueError(rest)
    return tuple(vectors), np.stack(list(vectors.values()))
