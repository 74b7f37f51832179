"""Options of reading, the table that is read, and a file's bytes with places for errors."""

import json
import os
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, Literal, NamedTuple, NoReturn

import numpy as np

from jaxemb import errors
from jaxemb.errors import FormatError, FormatWarning, InputError, at_least, each_a_word
from jaxemb.text import compression

BLOCK = 1 << 22  # bytes read at once
LONGEST_WORD = 1 << 16  # bytes
# why a table of integers is not read
WHOLE = (
    "whole numbers: save table.astype(numpy.float64), exact up to 2^53; "
    "jaxemb.linalg takes the array as it is"
)
LONGEST_LINE = 1 << 24  # bytes; longer is not a line of any table


class WordVectors(NamedTuple):
    """A table of vectors, and the word of each row if the file has words."""

    words: tuple[str, ...] | None
    vectors: np.ndarray  # [words, dim]; memory-mapped if the file allows


class Options(NamedTuple):
    """How a file is read (see `formats.read`). Every default is the strict choice."""

    limit: int | None = None
    only: Collection[str] | None = None
    words: str | Path | None = None
    tensor: str | None = None
    sep: Literal["space", "tab"] = "space"
    on_bad_utf8: Literal["error", "surrogateescape"] = "error"
    allow_nonfinite: bool = False
    allow_count_mismatch: bool = False
    allow_numeric_pieces: bool = False
    progress: Callable[[int, int], None] = lambda done, total: None

    def check(self) -> None:
        """Raise InputError for an option with an invalid value."""
        if self.limit is not None:
            at_least(1, limit=self.limit)
        if self.words is not None:
            named("words", self.words)
        if self.tensor is not None and (not isinstance(self.tensor, str) or not self.tensor):
            raise InputError(f"tensor is {self.tensor!r:.60}; wanted the name of a tensor")
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
        """The argument `errors` of `bytes.decode`."""
        return "strict" if self.on_bad_utf8 == "error" else self.on_bad_utf8


def named(what: str, path: Any) -> Path:
    """Return a file name given by the user as a Path; `what` names the argument.

    Raises:
        InputError: the value is not a non-empty str or Path.
    """
    if not isinstance(path, str | os.PathLike) or not str(path):
        raise InputError(f"{what} is {path!r:.60}; wanted the name of a file, as str or Path")
    return Path(path)


def existing(path: Any, wanted: str) -> Path:
    """Return the path of a file or folder that exists and can be read more than once.

    Args:
        path: a file name given by the user.
        wanted: what the file should hold, for the error.

    Raises:
        InputError: there is no such file, or it is a pipe or a device.
    """
    path = named("path", path)
    try:
        if path.is_file() or path.is_dir():
            return path
        there = path.exists()
    except OSError as error:  # the name is too long, or the folder forbids access
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    if there:
        raise InputError(
            f"{path}: a pipe or a device, which can be read only once: wanted a file of {wanted}: "
            "save it first (COMMAND > FILE)"
        )
    raise InputError(f"{path}: no such file: wanted {wanted}")


def warn(path: Any, where: str, what: str) -> None:
    """Issue a FormatWarning about a file that is read nonetheless."""
    errors.warn(f"{path}: {where}: {what}", FormatWarning)


class File:
    """The bytes of a file, decompressed if needed; every error names the file and the byte.

    Attributes:
        at: the number of (decompressed) bytes read.
        left: the number of bytes left; None in a compressed file, whose length is unknown.
    """

    def __init__(self, path: Path, progress: Callable[[int, int], None] | None = None) -> None:
        self.path: Path = path
        self.at: int = 0
        self._progress, self._tally = progress, compression.Tally()
        self._raw = path.open("rb")
        self._size = path.stat().st_size
        self.plain: bool = compression.is_plain(path)
        self._back = b""
        self._raw.seek(0)
        self._stream = self._raw if self.plain else compression.opened(path, self._raw, self._tally)

    def __enter__(self) -> "File":
        return self

    def __exit__(self, *_: Any) -> None:
        self._raw.close()

    @property
    def left(self) -> int | None:
        """The number of bytes left; None in a compressed file."""
        return self._size - self.at if self.plain else None

    def read(self, size: int) -> bytes:
        """Read up to `size` bytes; fewer only at the end of the file."""
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
        """Return the bytes read last to the file, so that they are read again."""
        self._back = data + self._back
        self.at -= len(data)

    def mapped(self, count: int, what: str) -> Any:
        """Return `count` little-endian float32: memory-mapped, or read from a compressed file."""
        size = 4 * count
        if self.left is None:
            return np.frombuffer(self._all(size, what), "<f4")
        if size > self.left:
            self._cut_short(size, what, self.left)
        array = np.memmap(self.path, "<f4", "r", self.at, (count,))
        self._back, self.at = b"", self.at + size
        self._raw.seek(self.at)
        return array

    def _all(self, size: int, what: str) -> bytearray:
        """Read `size` bytes; memory grows with the data there is, not with the size promised."""
        data = bytearray()
        while len(data) < size:
            data += self.exactly(min(BLOCK, size - len(data)), what)
        return data

    def exactly(self, size: int, what: str) -> bytes:
        """Read `size` bytes; if the file ends before, raise an error that says what they hold."""
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

    def error(self, where: str, actual: str, expected: str = "", hint: str = "") -> FormatError:
        """Return a FormatError about this file."""
        return FormatError(self.path, where, actual, expected, hint)


def loads(path: Path, text: str, **hooks: Any) -> Any:
    """Parse JSON, with every key at most once in an object.

    Args:
        path: the file that the text is from, for errors.
        hooks: keyword arguments of `json.loads`.

    Raises:
        FormatError: a key is repeated in one object.
        ValueError, RecursionError: the text is not JSON (from `json.loads`).
    """

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in pairs]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise FormatError(path, f"{twice:.80}", "the key twice", "every key once")
        return dict(pairs)

    return json.loads(text, object_pairs_hook=once, **hooks)
