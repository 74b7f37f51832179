"""Lists of words, one a line, as people write them: the one reader of all lists of words.

A line ends in LF or CRLF; in a file without any LF, in CR. No other character ends a line, because
a word may hold what Unicode calls a line end. A byte-order mark before the first word, and spaces
and tabs around a word, are no part of it; spaces within a word (`New York`) are.
"""

import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from jaxemb.errors import FormatError, InputError
from jaxemb.text import compression, vocabulary

BOM = b"\xef\xbb\xbf"
_AROUND = b" \t\r"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_SHOWN = 5  # missing words that a message names


class WordList(NamedTuple):
    """The words of a file, each once, in the order of the file."""

    path: Path
    words: tuple[str, ...]
    repeated: int  # lines that repeat a word


def read(path: str | Path, errors: str = "strict") -> WordList:
    """Read a list of words; empty lines are skipped.

    Args:
        path: a text, compressed or not, or a pipe.
        errors: how bytes that are not UTF-8 are decoded, as in `bytes.decode`.

    Raises:
        InputError: no such file; no word in it; a line that is not UTF-8 or holds NUL.
    """
    if not isinstance(path, str | os.PathLike):
        raise InputError(f"a list of words is {path!r:.60}; wanted the name of a file")
    path, listed = Path(path), []
    for number, line in enumerate(lines(content(path)), start=1):
        if b"\0" in line and not (number == 1 and _utf16(line)):
            raise FormatError(path, f"line {number:,}", f"{line[:40]!r} holds NUL", "a word")
        try:
            word = line.decode("utf-8", errors)
        except UnicodeDecodeError as error:
            hint = "UTF-16 text: save it as UTF-8" if number == 1 and _utf16(line) else ""
            problem = f"{line[:40]!r} is not UTF-8 ({error.reason} at its byte {error.start})"
            raise FormatError(path, f"line {number:,}", problem, "a word", hint) from None
        if word:
            listed.append(word)
    if not listed:
        raise InputError(f"{path}: no words in it: wanted a word a line")
    words = tuple(dict.fromkeys(listed))
    return WordList(path, words, len(listed) - len(words))


def _utf16(line: bytes) -> bool:
    return line.startswith(_UTF16)


def lines(data: bytes) -> list[bytes]:
    """The word of each line of a file's bytes; empty for a blank line."""
    end = b"\n" if b"\n" in data else b"\r"
    return [line.strip(_AROUND) for line in data.removeprefix(BOM).removesuffix(end).split(end)]


def content(path: Path) -> bytes:
    """The plain bytes of a file, compressed or not, in memory.

    Raises:
        InputError: no such file, or compressed data that is damaged.
    """
    try:
        with path.open("rb") as file:  # read at once, because a pipe cannot seek
            raw = io.BytesIO(file.read())
        return compression.opened(path, raw, compression.Tally()).read()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None
    except compression.errors() as error:
        raise InputError(f"{path}: compressed data is damaged ({error})") from None


def remarks(word_list: WordList, known: Sequence[str], where: str) -> list[str]:
    """Messages about a list: words that are not known, lines that repeat a word.

    Args:
        word_list: from `read`.
        known: the words that the list chooses from.
        where: the name of `known` in messages.

    Raises:
        InputError: none of the words is known.
    """
    present = frozenset(known)
    missing = [word for word in word_list.words if word not in present]
    if len(missing) == len(word_list.words):
        raise InputError(
            f"{word_list.path}: none of its {len(missing):,} words is in {where}: "
            f"{_named(missing, known)}"
        )
    messages = []
    if missing:
        share = f"{len(missing):,} of its {len(word_list.words):,} words are not in {where}"
        messages.append(f"{word_list.path}: {share}: {_named(missing, known)}")
    if word_list.repeated:
        messages.append(f"{word_list.path}: {word_list.repeated:,} lines repeat a word")
    return messages


def _named(missing: Sequence[str], known: Sequence[str]) -> str:
    near = vocabulary.spelled_like(known, missing[0])
    alike = f" (near it: {', '.join(map(repr, near))})" if near else ""
    others = [repr(word) for word in missing[1:_SHOWN]]
    more = [f"and {len(missing) - _SHOWN:,} more"] * (len(missing) > _SHOWN)
    return ", ".join([repr(missing[0]) + alike, *others, *more])
