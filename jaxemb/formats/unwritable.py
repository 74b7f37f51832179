"""Words that a format cannot hold: a reader would return other words.

A fault is a function (word, row, dim) -> why the format cannot hold this word in this row, or "". A
way is a function from such a word to the word to write in its place, or None to omit the row.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jaxemb import files
from jaxemb.errors import InputError
from jaxemb.formats import lines
from jaxemb.formats.options import LONGEST_WORD, WordVectors
from jaxemb.formats.text import AGREEING
from jaxemb.text import compression

Fault = Callable[[str, int, int], str]
Way = Callable[[str], str | None]
_RENAMED = 200  # characters at most
_HINT = "leave such rows out or rename them: unwritable=formats.skip or formats.rename"


class Unwritable(NamedTuple):
    """A word that the format could not hold, and the word written in its place."""

    row: int  # of the given table
    word: str
    why: str
    written: str | None  # None: the row was omitted


def skip(word: str) -> None:
    """Omit the row of the word."""


def rename(word: str) -> str:
    """Return the first 200 characters with `_` for white space, controls and lone surrogates.

    If that changes nothing or leaves nothing, return the word after a `_`.
    """
    kept = "".join("_" if _odd(c) else c for c in word[:_RENAMED])
    return kept if kept and kept != word else f"_{kept}"


def _odd(character: str) -> bool:
    return not character.isprintable() or character.isspace() or character == "\ufeff"


def anywhere(word: str, row: int, dim: int) -> str:
    """Fault of every format: an empty word, NUL, a line break, a lone surrogate, over 64 KiB."""
    if not word:
        return "it is empty"
    for character, name in (("\0", "NUL"), ("\n", "a line break")):
        if character in word:
            return f"it holds {name}"
    try:
        raw = word.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return "it holds half a character (a lone surrogate), which UTF-8 cannot encode"
    if raw.decode("utf-8", "surrogateescape") != word:
        return "its escaped bytes are UTF-8, and would be read as another word"
    return f"it has {len(raw):,} bytes" if len(raw) > LONGEST_WORD else ""


def binary(word: str, row: int, dim: int) -> str:
    """Fault of word2vec's binary: a space, which ends a word."""
    return anywhere(word, row, dim) or ("it holds a space" if " " in word else "")


def text(word: str, row: int, dim: int) -> str:
    """Fault of text with a header: a space, or a tab, at which other readers end a word."""
    return binary(word, row, dim) or ("it holds a tab" if "\t" in word else "")


def glove(word: str, row: int, dim: int) -> str:
    """Fault of text without a header: a tab, two spaces in a row, a piece that is a number."""
    if fault := anywhere(word, row, dim):
        return fault
    if "\t" in word:
        return "it holds a tab"
    pieces = word.encode("utf-8", "surrogateescape").split(b" ")
    if len(pieces) > 1:
        if not all(pieces):
            return "it holds two spaces in a row, or one at an end"
        if any(lines.NUMBER.fullmatch(p) or lines.NONFINITE.fullmatch(p) for p in pieces):
            return "a piece of it is a number"
        if row < AGREEING and re.search("[0-9]", word):
            return f"it has pieces and digits, in the {AGREEING} lines that tell the dimension"
    if row == 0 and dim == 1 and re.fullmatch("[0-9]+", word):
        return "before a single number, it would be read as a header"
    return "" if row else _first(word)


def beside(word: str, row: int, dim: int) -> str:
    """Fault of a list of words: spaces, tabs or carriage returns around a word."""
    if fault := anywhere(word, row, dim):
        return fault
    if word != word.strip(" \t\r"):
        return "white space surrounds it"
    return "" if row else _first(word)


def column(word: str, row: int, dim: int) -> str:
    """Fault of parquet's strings: bytes that are not UTF-8."""
    fault = anywhere(word, row, dim)
    return fault or ("its bytes are not UTF-8" if re.search("[\ud800-\udfff]", word) else "")


def metadata(word: str, row: int, dim: int) -> str:
    """Fault of the Projector's metadata: a tab, which parts columns; bytes that are not UTF-8."""
    fault = beside(word, row, dim) or column(word, row, dim)
    return fault or ("it holds a tab" if "\t" in word else "")


def _first(word: str) -> str:
    if word.startswith("\ufeff"):
        return "at the beginning of a file U+FEFF is a byte-order mark"
    start = f"{word} ".encode("utf-8", "surrogateescape")
    return "" if compression.kind(start) == "plain" else "the file would look compressed"


def fitted(
    path: Path, word_vectors: WordVectors, fault: Fault, way: Way | None
) -> tuple[WordVectors, tuple[Unwritable, ...]]:
    """Return a table that the format can hold, and the words that were changed for it.

    No new word equals another word of the table, old or new: a number is appended if needed.

    Args:
        path: the file to write, for errors.
        word_vectors: words and vectors; without words nothing is changed.
        fault: why the format cannot hold a word.
        way: what to write in place of such a word; None: such a word is an error.

    Raises:
        InputError: there is no way for a word that the format cannot hold; no row is left; the way
            returns a word that the format cannot hold.
    """
    words, table = word_vectors
    if words is None:
        return word_vectors, ()
    dim = table.shape[1]
    taken, changes, rows, kept = set(words), [], [], []
    for i, word in enumerate(words):
        row = len(kept)
        everyday = row and word.isalnum() and len(word) <= LONGEST_WORD // 4
        why = "" if everyday else fault(word, row, dim)
        if why and way is None:
            message = f"this format cannot hold the word {_shown(word)}: {why}"
            raise InputError(f"{path}: row {i:,}: {message} ({_HINT})")
        written: str | None = word
        if why and way is not None:
            written = way(word)
            if written is not None:
                written = _free(path, written, lambda new, row=row: fault(new, row, dim), taken)
                taken.add(written)
            changes.append(Unwritable(i, word, why, written))
        if written is not None:
            kept.append(written)
            rows.append(i)
    if not kept:
        raise InputError(f"{path}: this format can hold none of the {len(words):,} words")
    if len(kept) < len(words):
        table = np.asarray(table)[rows]
    return WordVectors(tuple(kept), table), tuple(changes)


def _free(path: Path, word: str, fault: Callable[[str], str], taken: set[str]) -> str:
    """Return the word, with the first number appended that makes it differ from those taken."""
    if not isinstance(word, str):
        raise InputError(f"{path}: unwritable gave {_shown(word)}; wanted a word or None")
    new, number = word, 1
    while new in taken:
        number += 1
        new = f"{word}_{number}"
    if why := fault(word) or fault(new):
        raise InputError(f"{path}: unwritable gave {_shown(new)}, which cannot be written: {why}")
    return new


def _shown(word: Any) -> str:
    return f"{word!r:.60}"


def map_beside(path: Path) -> Path:
    """Return the path of the list of changed words: NAME.unwritable.json beside NAME."""
    return path.with_name(path.name + ".unwritable.json")


def write_map(path: Path, changes: tuple[Unwritable, ...]) -> None:
    """Write the list of changed words as JSON, {old: new, or null}; without any, remove the list.

    The JSON is ASCII, so that it can hold any word.
    """
    if changes:
        pairs = {change.word: change.written for change in changes}
        files.write_text(map_beside(path), json.dumps(pairs, indent=1) + "\n")
    else:
        map_beside(path).unlink(missing_ok=True)  # the list of an earlier file


def remarks(path: Path, changes: tuple[Unwritable, ...]) -> list[str]:
    """Describe the changed words in one line, with a count and examples; [] without changes."""
    if not changes:
        return []
    examples = [
        f"{_shown(change.word)} ({change.why})"
        + ("" if change.written is None else f" as {_shown(change.written)}")
        for change in changes[:5]
    ]
    done = "renamed" if any(change.written is not None for change in changes) else "left out"
    more = f", and {len(changes) - 5:,} more" if len(changes) > 5 else ""
    count = f"{len(changes):,} words that this format cannot hold were {done}"
    return [f"{path}: {count}: {', '.join(examples)}{more}: all are in {map_beside(path).name}"]
