"""Decompression of gzip, bz2, xz and zstd files, recognised by their first bytes."""

import bz2
import gzip
import importlib.util
import io
import lzma
import re
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jaxemb.errors import InputError

BUFFER = 1 << 20
_ZSTD_READ = 1 << 10  # a kilobyte of zstd may hold 30 MB of zeros
_MAGIC = {b"\x1f\x8b": "gzip", b"\xfd7zXZ\x00": "xz", b"\x28\xb5\x2f\xfd": "zstd"}
# a text may begin with BZh: then comes a digit, and pi for a block or its root for the end
_BZ2 = re.compile(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)")
_LOOKED_AT = 10  # bytes that show the format


class Tally:
    """Counts that a reader updates while the text streams by; the caller keeps the object."""

    def __init__(self) -> None:
        self.bytes = 0  # read from disk, before decompression
        self.replaced = 0  # U+FFFD put in place of bytes that are not UTF-8


def errors() -> tuple[type[Exception], ...]:
    """The exception types that reading a broken file raises."""
    exceptions: tuple[type[Exception], ...] = (OSError, EOFError, lzma.LZMAError, zlib.error)
    if importlib.util.find_spec("zstandard") is not None:
        import zstandard

        exceptions = (*exceptions, zstandard.ZstdError)
    return exceptions


class _Counted(io.RawIOBase):
    """A file that counts the bytes read from disk in a tally, for progress reports."""

    def __init__(self, raw: io.BufferedIOBase, tally: Tally) -> None:
        self._raw, self._tally = raw, tally

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        data = self._raw.read(len(buffer))
        buffer[: len(data)] = data
        self._tally.bytes += len(data)
        return len(data)


def is_plain(path: Path) -> bool:
    """Whether a file is not compressed, so that it can be read from any byte on."""
    with path.open("rb") as raw:
        return kind(raw.read(_LOOKED_AT)) == "plain"


def kind(start: bytes) -> str:
    """The format by the first ten bytes of a file: gzip, bz2, xz, zstd or plain."""
    if _BZ2.match(start):
        return "bz2"
    return next((name for magic, name in _MAGIC.items() if start.startswith(magic)), "plain")


def opened(path: Path, raw: io.BufferedIOBase, tally: Tally, start: int = 0) -> io.BufferedIOBase:
    """The decompressed bytes of an open file, whose first bytes, not its name, decide the format.

    Args:
        path: for messages.
        raw: the open file.
        tally: counts the bytes read from disk.
        start: first byte to read, in a file that is not compressed.

    Raises:
        InputError: a zstd file, without the extra that reads it.
    """
    codec = kind(raw.read(_LOOKED_AT))
    raw.seek(start)
    counted = io.BufferedReader(_Counted(raw, tally), BUFFER)
    if codec == "zstd":
        if importlib.util.find_spec("zstandard") is None:
            raise InputError(f"{path}: zstd needs an extra: pip install 'jaxemb[zstd]'")
        import zstandard

        return io.BufferedReader(_Zstd(counted, zstandard.ZstdDecompressor()), BUFFER)
    openers: dict[str, Callable[..., Any]] = {"gzip": gzip.open, "bz2": bz2.open, "xz": lzma.open}
    return openers[codec](counted) if codec in openers else counted


class _Zstd(io.RawIOBase):
    """The frames of a zstd file; a frame that is cut short raises EOFError."""

    def __init__(self, raw: io.BufferedIOBase, decompressor: Any) -> None:
        self._raw, self._decompressor = raw, decompressor
        self._frame, self._compressed, self._text = None, b"", b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        while not self._text:
            self._compressed = self._compressed or self._raw.read(_ZSTD_READ)
            if not self._compressed:
                if self._frame is not None:
                    raise EOFError("the compressed file ends before its end is marked")
                return 0
            self._frame = self._frame or self._decompressor.decompressobj()
            self._text = self._frame.decompress(self._compressed)
            self._compressed = self._frame.unused_data
            self._frame = None if self._frame.eof else self._frame
        size = min(len(buffer), len(self._text))
        buffer[:size], self._text = self._text[:size], self._text[size:]
        return size
