"""What is read, how it is asked for, and the plain bytes of a file with its place in errors."""

import json
import os
import warnings
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, Literal, NamedTuple, NoReturn

import numpy as np

from jaxemb.errors import FormatError, FormatWarning, InputError, at_least, each_a_word
from jaxemb.text import compression

BLOCK = 1 << 22  # bytes read at once
LONGEST_WORD = 1 << 16  # bytes
LONGEST_LINE = 1 << 24  # bytes; longer is not a line of any table


class WordVectors(NamedTuple):
    """A table, and the word of each row where the file tells."""

    words: tuple[str, ...] | None
    vectors: Any  # [words, dim]; memory-mapped where the file allows


class Options(NamedTuple):
    """How a file is read. The strict choice is always the default."""

    limit: int | None = None
    only: Collection[str] | None = None
    words: str | Path | None = None
    sep: Literal["space", "tab"] = "space"
    on_bad_utf8: Literal["error", "surrogateescape"] = "error"
    allow_nonfinite: bool = False
    allow_count_mismatch: bool = False
    allow_numeric_pieces: bool = False
    progress: Callable[[int, int], None] = lambda done, total: None

    def check(self) -> None:
        """Raises InputError for an option that is not among its choices."""
        if self.limit is not None:
            at_least(1, limit=self.limit)
        if self.words is not None:
            named("words", self.words)
        if self.only is not None:
            each_a_word("only", self.only)
        if not callable(self.progress):
            raise InputError(f"progress is {self.progress!r:.60}; wanted a function of two numbers")
        if self.sep not in ("space", "tab"):
            raise InputError(f"sep is {self.sep!r}; wanted 'space' or 'tab'")
        if self.on_bad_utf8 not in ("error", "surrogateescape"):
            raise InputError(
                f"on_bad_utf8 is {self.on_bad_utf8!r}; wanted 'error' or 'surrogateescape'"
            )

    @property
    def errors(self) -> str:
        return "strict" if self.on_bad_utf8 == "error" else self.on_bad_utf8


def named(what: str, path: Any) -> Path:
    """What was given as the name of a file.

    Raises:
        InputError: something that is no name.
    """
    if not isinstance(path, str | os.PathLike) or not str(path):
        raise InputError(f"{what} is {path!r:.60}; wanted the name of a file, as str or Path")
    return Path(path)


def existing(path: Any, wanted: str) -> Path:
    """The name of a file or folder that is there and can be read from anywhere, again and again.

    Raises:
        InputError: none; a pipe or a device, which gives its bytes once.
    """
    path = named("path", path)
    try:
        if path.is_file() or path.is_dir():
            return path
        there = path.exists()
    except OSError as error:  # a name too long, a folder that is not ours
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    if there:
        raise InputError(
            f"{path}: a pipe or a device, which can be read only once: wanted a file of {wanted}: "
            "save it first (COMMAND > FILE)"
        )
    raise InputError(f"{path}: no such file: wanted {wanted}")


def warn(path: Any, where: str, what: str) -> None:
    """Says what about a file should be known; the file is read all the same."""
    warnings.warn(f"{path}: {where}: {what}", FormatWarning, stacklevel=2)


class File:
    """The plain bytes of a file, compressed or not; every failure names the file and the byte.

    Attributes:
        at: how many plain bytes have been read.
        left: how many are left; None in a compressed file, which tells it only by being read.
    """

    def __init__(self, path: Path, progress: Callable[[int, int], None] | None = None) -> None:
        self.path, self.at = path, 0
        self._progress, self._tally = progress, compression.Tally()
        self._raw = path.open("rb")
        self._size = path.stat().st_size
        self.plain = compression.is_plain(path)
        self._back = b""
        self._raw.seek(0)
        self._stream = self._raw if self.plain else compression.opened(path, self._raw, self._tally)

    def __enter__(self) -> "File":
        return self

    def __exit__(self, *_: Any) -> None:
        self._raw.close()

    @property
    def left(self) -> int | None:
        return self._size - self.at if self.plain else None

    def read(self, size: int) -> bytes:
        """Up to `size` bytes; fewer only at the end of the file."""
        data, self._back = self._back[:size], self._back[size:]
        try:
            data += self._stream.read(size - len(data))
        except compression.errors() as error:
            raise self.error(f"byte {self.at:,}", f"compressed data is damaged ({error})") from None
        self.at += len(data)
        if self._progress is not None:
            self._progress(self.at if self.plain else self._tally.bytes, self._size)
        return data

    def unread(self, data: bytes) -> None:
        """Gives back what was read last; it is read again."""
        self._back = data + self._back
        self.at -= len(data)

    def mapped(self, count: int, what: str) -> Any:
        """float32 [count], little-endian; memory-mapped, or read where the file is compressed."""
        size = 4 * count
        if self.left is None:
            return np.frombuffer(self._all(size, what), "<f4")
        if size > self.left:
            self._cut_short(size, what, self.left)
        found = np.memmap(self.path, "<f4", "r", self.at, (count,))
        self._back, self.at = b"", self.at + size
        self._raw.seek(self.at)
        return found

    def _all(self, size: int, what: str) -> bytearray:
        """`size` bytes; memory grows with what is there, not with what was promised."""
        found = bytearray()
        while len(found) < size:
            found += self.exactly(min(BLOCK, size - len(found)), what)
        return found

    def exactly(self, size: int, what: str) -> bytes:
        """`size` bytes, or an error that says what they were to be."""
        if self.left is not None and size > self.left:
            self._cut_short(size, what, self.left)
        data = self.read(size)
        if len(data) < size:
            self._cut_short(size, what, len(data))
        return data

    def _cut_short(self, size: int, what: str, got: int) -> NoReturn:
        raise self.error(
            f"byte {self.at:,}",
            f"the file ends after {got:,} more bytes",
            f"{size:,} bytes of {what}",
            "cut short, or a size that is wrong",
        )

    def error(self, where: str, found: str, expected: str = "", hint: str = "") -> FormatError:
        return FormatError(self.path, where, found, expected, hint)


def loads(path: Path, text: str, **hooks: Any) -> Any:
    """What JSON says.

    Raises:
        FormatError: a key that stands twice in one object.
        ValueError, RecursionError: no JSON, as `json.loads` has it.
    """

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in pairs]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise FormatError(path, f"{twice:.80}", "the key twice", "every key once")
        return dict(pairs)

    return json.loads(text, object_pairs_hook=once, **hooks)
