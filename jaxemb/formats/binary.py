"""word2vec's binary format: a line `rows dim`; then a word, a space and `dim` float32 per row.

word2vec.c ends every vector with a newline; gensim and GoogleNews do not. Within one file, either
all vectors end with a newline or none does.

Source:
    word2vec.c; gensim's `save_word2vec_format`.
"""

from pathlib import Path
from typing import Any

import numpy as np

from jaxemb.formats import headers
from jaxemb.formats.options import BLOCK, LONGEST_WORD, File, Options, WordVectors, warn
from jaxemb.formats.rows import Rows

FLOAT32 = "<f4"
_OTHERS = {">f4": "big-endian float32", "<f2": "float16", "<f8": "float64"}
_NEWLINE = 10
_TRIED = 10  # records examined to find out how numbers are stored


class _Window:
    """The bytes of the file that are in memory, and their position in the file."""

    def __init__(self, file: File) -> None:
        self._file, self.data = file, file.read(BLOCK)
        self.ended = False

    @property
    def begins(self) -> int:
        """The position in the file of the first byte of `data`."""
        return self._file.at - len(self.data)

    def move(self, to: int) -> None:
        """Drop the bytes before `to` and append the next block of the file."""
        more = self._file.read(BLOCK)
        self.data, self.ended = self.data[to:] + more, not more


def read(path: Path, options: Options) -> WordVectors:
    """Read a word2vec binary file."""
    with File(path, options.progress) as file:
        header = headers.taken(file)
        follow, window = file.left, _Window(file)
        if header.crlf:
            hint = "a text-mode transfer changed every line end; fetch the file again"
            raise file.error("line 1", "a header that ends in CRLF", "LF", hint)
        _refuse_others(file, window, header)
        rows = headers.bounded(file, options, header, follow, 4 * header.dim + 2)
        table = Rows(file, options, header.dim, rows)
        promised = None if options.allow_count_mismatch else header.rows
        _records(file, window, table, header.dim, promised)
        if not table.read:
            raise file.error(f"byte {file.at:,}", "no rows", "a word and its numbers")
        return table.finish()


def _records(file: File, window: _Window, table: Rows, dim: int, promised: int | None) -> None:
    """Read records until the table is complete; if `promised` is None, to the end of the file."""
    width, newline = 4 * dim, None
    while not table.complete:
        if newline is None:
            newline = _newline(window, width, file)
        left = None if promised is None else promised - table.read
        words, starts, end = _walk(window, width, newline, left, file)
        if words:
            base = window.begins

            def where(i: int, base=base, words=words, starts=starts) -> str:
                return f"byte {base + starts[i] - 1 - len(words[i]):,}"

            table.add(words, _gathered(window.data, starts, width), where)
        if table.complete:
            return
        if promised is not None and table.read == promised:
            _refuse_rest(file, window, end)
            return
        if window.ended and not words:
            _ended(file, window, end, table.read, promised)
            return
        window.move(end)


def _newline(window: _Window, width: int, file: File) -> bool:
    """Whether a newline follows the first vector; read on until that is known."""
    while True:
        space = window.data.find(b" ", 0, LONGEST_WORD + 1)
        end = space + 1 + width
        if space >= 0 and end < len(window.data):
            return window.data[end] == _NEWLINE
        if window.ended or (space < 0 and len(window.data) > LONGEST_WORD):
            return False
        window.move(0)


def _walk(window: _Window, width: int, newline: bool, left: int | None, file: File):
    """Return (words, starts of their vectors, end) of the records that are whole in memory."""
    data, at = window.data, 0
    words, starts = [], []
    find, size = data.find, len(data)
    while left is None or len(words) < left:
        space = find(b" ", at, at + LONGEST_WORD + 1)
        if space < 0:
            if size - at > LONGEST_WORD:
                actual = f"no space within {LONGEST_WORD:,} bytes ({data[at : at + 20]!r}...)"
                hint = "not this format, or another number of dimensions"
                raise file.error(f"byte {window.begins + at:,}", actual, "a word and a space", hint)
            break
        end = space + 1 + width
        if end + newline > size:
            if not (newline and window.ended and end == size):
                break
            warn(file.path, f"byte {window.begins + end:,}", "no newline after the last vector")
        elif newline and data[end] != _NEWLINE:
            actual = f"{data[end : end + 1]!r} after a vector"
            raise file.error(
                f"byte {window.begins + end:,}", actual, "a newline, as after the first"
            )
        words.append(data[at:space])
        starts.append(space + 1)
        at = end + newline
    return words, starts, min(at, size)


def _gathered(data: bytes, starts: list[int], width: int) -> Any:
    """Copy the vectors that start at the given bytes, aligned or not: [rows, dim]."""
    everywhere = np.ndarray((len(data) - width + 1,), f"V{width}", data, strides=(1,))
    return everywhere[np.array(starts)].view(FLOAT32).reshape(len(starts), -1)


def _refuse_rest(file: File, window: _Window, end: int) -> None:
    window.move(end)
    if window.data:
        raise file.error(
            f"byte {window.begins:,}",
            f"more bytes ({window.data[:20]!r}...)",
            "the end, after the rows of line 1",
            "allow_count_mismatch reads further rows",
        )


def _ended(file: File, window: _Window, end: int, rows: int, promised: int | None) -> None:
    rest = window.data[end:]
    if not rest and promised is None:
        return
    actual = f"the file ends after {rows:,} rows" + (f" and {len(rest):,} bytes" if rest else "")
    expected = "a whole row" if promised is None else f"the {promised:,} rows of line 1"
    hint = "" if rest else "allow_count_mismatch reads what is there"
    raise file.error(f"byte {window.begins + end:,}", actual, expected, hint)


def _refuse_others(file: File, window: _Window, header: headers.Header) -> None:
    """Raise FormatError if the first records are clearly text, or numbers of another type."""
    data = window.data
    if sane(data, header, FLOAT32):
        return
    if looks_like_text(data):
        hint = "format='word2vec-text' reads it"
        raise file.error("line 2", "text", "a word, a space and binary numbers", hint)
    for kind, name in _OTHERS.items():
        if sane(data, header, kind):
            actual = f"numbers that are plausible as {name} only"
            raise file.error(f"byte {window.begins:,}", actual, "little-endian float32")


def looks_like_text(data: bytes) -> bool:
    """Whether the bytes after a header are mostly decimals, or lines without control characters."""
    sample = data[: 1 << 16]
    rest = sample.translate(None, b"0123456789+-.eE \t\r\n")
    text = not rest.translate(bytes(range(256)), bytes(range(32, 256)))  # no control characters
    return bool(sample) and (2 * len(rest) <= len(sample) or (text and b"\n" in sample))


def sane(data: bytes, header: headers.Header, kind: str = FLOAT32) -> bool:
    """Whether the first records are printable words and numbers of ordinary size."""
    width, at, values = np.dtype(kind).itemsize * header.dim, 0, []
    tried = min(header.rows, _TRIED)
    while len(values) < tried:
        space = data.find(b" ", at, at + LONGEST_WORD)
        if space < 0 or space + 1 + width > len(data) or not _printable(data[at:space]):
            return False
        values.append(np.frombuffer(data, kind, header.dim, space + 1))
        at = space + 1 + width
    if tried == header.rows:
        follows = data[at:] in (b"", b"\n")
    else:
        follows = _printable(data[at:].partition(b" ")[0])
    with np.errstate(all="ignore"):  # the bytes may not be numbers at all
        sizes = np.abs(np.concatenate(values).astype(np.float64))
    everyday = ((sizes > 1e-8) & (sizes < 1e5)) | (sizes == 0)  # false for NaN
    return follows and bool(everyday.mean() > 0.9)


def _printable(word: bytes) -> bool:
    try:
        text = word.removeprefix(b"\n").decode("utf-8")
    except UnicodeDecodeError:
        return False
    return bool(text) and text.isprintable()
