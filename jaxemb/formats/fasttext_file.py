"""The layout of fastText's .bin, versions 11 and 12, field by field.

Source:
    fastText: `FastText::loadModel`, `Args::load`, `Dictionary::load`, `DenseMatrix::load`.
"""

import struct
from typing import Any, NamedTuple

import numpy as np

from jaxemb.formats.headers import LARGEST_DIM
from jaxemb.formats.options import BLOCK, LONGEST_WORD, File, Options

MAGIC = 793712314
_SUPERVISED = 3
_INT32 = (1 << 31) - 1
_COUNT = struct.Struct("<qb")
_ARGUMENTS = struct.Struct("<12id")
_ENTRY = 10  # bytes of a word's count, type and final NUL; the word itself comes before
_CHECKED = 1 << 12  # rows checked at once


class Settings(NamedTuple):
    """The training settings in a .bin file, in the order and with the names of fastText."""

    dim: int
    ws: int
    epoch: int
    minCount: int
    neg: int
    wordNgrams: int
    loss: int
    model: int
    bucket: int
    minn: int
    maxn: int
    lrUpdateRate: int
    t: float


class Dictionary(NamedTuple):
    """The bytes of each word, its count, and its position in the file."""

    raw: list[bytes]
    counts: list[int]
    places: list[int]


def read(file: File, options: Options) -> tuple[Settings, Dictionary, Any, Any]:
    """Read the settings, the words, the input matrix and the output matrix."""
    settings = _settings(file)
    kinds = ["supervised"] * (settings.model == _SUPERVISED)
    dictionary, pruned = _dictionary(file)
    at = file.at
    kinds += ["pruned"] * pruned + ["quantised"] * _flag(file)
    if kinds:
        actual = f"a {', '.join(kinds)} model"
        raise file.error(f"byte {at:,}", actual, "an unsupervised, dense one (skipgram or cbow)")
    words = len(dictionary.raw)
    rows = _matrix(file, "input", words + settings.bucket, settings.dim)
    if not options.allow_nonfinite:
        _check_finite(file, rows)
    at = file.at
    if _flag(file):
        raise file.error(f"byte {at:,}", "a quantised output matrix", "a dense one")
    output = _matrix(file, "output", words, settings.dim)
    at = file.at
    if rest := file.read(20):
        raise file.error(f"byte {at:,}", f"more bytes ({rest!r}...)", "the end of the model")
    return settings, dictionary, rows, output


def write(out: Any, settings: Settings, dictionary: Dictionary, tokens: int, matrices: Any) -> None:
    """Write a dense, unsupervised model of version 12.

    Args:
        out: a binary file open for writing.
        dictionary: words and counts; `places` is not used.
        tokens: the number of tokens in which the words were counted.
        matrices: (number of rows, iterable of blocks) of the input and of the output matrix.
    """
    out.write(struct.pack("<ii", MAGIC, 12) + _ARGUMENTS.pack(*settings))
    words = len(dictionary.raw)
    out.write(struct.pack("<iiiqq", words, words, 0, tokens, -1))
    for raw, count in zip(dictionary.raw, dictionary.counts, strict=True):
        out.write(raw + b"\0" + _COUNT.pack(count, 0))
    for rows, blocks in matrices:
        out.write(struct.pack("<Bqq", 0, rows, settings.dim))
        for block in blocks:
            out.write(np.ascontiguousarray(block, "<f4").tobytes())


def refuse_old(file: File, data: bytes) -> None:
    """Raise FormatError for a model from before version 11, which begins with no mark."""
    if len(data) < _ARGUMENTS.size:
        return
    settings = Settings(*_ARGUMENTS.unpack_from(data))
    everyday = (
        1 <= settings.dim <= 4096
        and 1 <= settings.ws <= 100
        and 0 <= settings.minn <= settings.maxn <= 100
    )
    if everyday and 1 <= settings.loss <= 4 and 1 <= settings.model <= _SUPERVISED:
        actual = "a fastText model from before version 11"
        raise file.error("byte 0", actual, "version 11 or 12", "train it again, or use its .vec")


def _settings(file: File) -> Settings:
    magic, version = struct.unpack("<ii", file.exactly(8, "a fastText header"))
    if magic != MAGIC:
        hint = "models from before fastText 0.1 have no such mark: train or convert them again"
        raise file.error("byte 0", f"the mark {magic}", f"{MAGIC}", hint)
    if version not in (11, 12):
        raise file.error("byte 4", f"version {version}", "11 or 12")
    at = file.at
    settings = Settings(*_ARGUMENTS.unpack(file.exactly(_ARGUMENTS.size, "training settings")))
    ranges = {
        "dim": (1, LARGEST_DIM),
        "loss": (1, 4),
        "model": (1, _SUPERVISED),
        "bucket": (1 if settings.maxn else 0, _INT32),
        "minn": (0, settings.maxn or _INT32),
    }
    for i, (name, value) in enumerate(settings._asdict().items()):
        least, most = ranges.get(name, (0, _INT32))
        if not least <= value <= most:  # false for NaN
            where = f"byte {at + 4 * i:,}"
            raise file.error(where, f"{name} is {value}", f"{least:,} to {most:,}")
    return settings


def _dictionary(file: File) -> tuple[Dictionary, bool]:
    """Read the words with their counts and places; and whether n-grams have been pruned."""
    at = file.at
    size, words, labels, tokens, pruned = struct.unpack("<iiiqq", file.exactly(28, "sizes"))
    if words < 1 or labels < 0 or size != words + labels or tokens < 0 or pruned < -1:
        contents = (
            f"{size} entries, {words} words, {labels} labels, {tokens} tokens, pruned {pruned}"
        )
        raise file.error(
            f"byte {at:,}", contents, "entries = words + labels, all >= 0, pruned >= -1"
        )
    least = size * (_ENTRY + 1) + max(pruned, 0) * 8
    if file.left is not None and least > file.left:
        contents = f"{size:,} entries and {max(pruned, 0):,} pairs, at least {least:,} bytes"
        raise file.error(f"byte {at:,}", contents, f"no more than the {file.left:,} that follow")
    contents, entries = Dictionary([], [], []), _Entries(file)
    for i in range(size):
        place, raw, count, kind = entries.next()
        if count < 0 or kind != (i >= words):
            actual = f"{raw[:40]!r} with count {count} and type {kind}"
            raise file.error(f"byte {place:,}", actual, "words (0), then labels (1), counts >= 0")
        contents.raw.append(raw)
        contents.counts.append(count)
        contents.places.append(place)
    entries.close()
    for _ in range(max(pruned, 0)):
        file.exactly(8, "pruned n-grams")
    return contents, pruned >= 0


class _Entries:
    """Reads the entries of a dictionary: a word, NUL, an int64 count and an int8 type."""

    def __init__(self, file: File) -> None:
        self._file, self._data, self._at = file, b"", 0

    def next(self) -> tuple[int, bytes, int, int]:
        """Return (place in the file, word, count, type) of the next entry."""
        while True:
            nul = self._data.find(b"\0", self._at, self._at + LONGEST_WORD + 1)
            if nul >= 0 and nul + _ENTRY <= len(self._data):
                break
            self._more(nul)
        place = self._file.at - len(self._data) + self._at
        word = self._data[self._at : nul]
        count, kind = _COUNT.unpack_from(self._data, nul + 1)
        self._at = nul + _ENTRY
        return place, word, count, kind

    def _more(self, nul: int) -> None:
        rest, more = self._data[self._at :], self._file.read(BLOCK)
        place = f"byte {self._file.at - len(more) - len(rest):,}"
        if nul < 0 and len(rest) > LONGEST_WORD:
            expected = f"the end of a word within {LONGEST_WORD:,} bytes"
            raise self._file.error(place, f"{rest[:20]!r}...", expected)
        if not more:
            raise self._file.error(place, "the end of the file", "a word, its count and type")
        self._data, self._at = rest + more, 0

    def close(self) -> None:
        """Return the bytes after the last entry to the file."""
        self._file.unread(self._data[self._at :])


def _flag(file: File) -> bool:
    at, value = file.at, file.exactly(1, "a mark for quantised matrices")[0]
    if value > 1:
        raise file.error(f"byte {at:,}", f"the mark {value} for a quantised matrix", "0 or 1")
    return bool(value)


def _matrix(file: File, name: str, rows: int, dim: int) -> Any:
    at = file.at
    shape = struct.unpack("<qq", file.exactly(16, f"the size of the {name} matrix"))
    if shape != (rows, dim):
        actual = f"an {name} matrix of {shape[0]:,} x {shape[1]:,}"
        raise file.error(f"byte {at:,}", actual, f"{rows:,} x {dim:,}")
    return file.mapped(rows * dim, f"the {name} matrix").reshape(rows, dim)


def _check_finite(file: File, rows: Any) -> None:
    for start in range(0, len(rows), _CHECKED):
        bad = ~np.isfinite(rows[start : start + _CHECKED])
        if bad.any():
            row = start + int(np.argwhere(bad)[0][0])
            raise file.error(f"row {row:,} of the input matrix", "NaN or infinity", "numbers")
