"""Collect the rows of a table as they are read: words in order of first occurrence, vectors."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jaxemb.errors import FormatError
from jaxemb.formats.options import LONGEST_WORD, File, Options, WordVectors, warn

LARGE = 1e6  # larger entries are read with a warning
_GROWTH = 1 << 22  # bytes by which a table grows, at least


class Rows:
    """Collects words with their vectors, checks both, and returns the table.

    Args:
        file: the file that is read, for errors.
        options: how the file is read.
        dim: the length of a vector.
        rows: the number of rows, if the size of the file confirms it. Memory for an unknown number
            grows by an eighth at a time.
    """

    def __init__(self, file: File, options: Options, dim: int, rows: int | None) -> None:
        self._file, self._options = file, options
        self._wanted = None if options.only is None else frozenset(options.only)
        bounds = [rows, options.limit if rows else None]
        if self._wanted is not None:
            bounds.append(len(self._wanted))
        known = min((bound for bound in bounds if bound is not None), default=0)
        self._table = np.empty((known, dim), np.float32)
        self._words: dict[str, None] = {}
        self._doubles = self._large = 0
        self._first_double = self._first_large = ""
        self.read: int = 0  # rows of the file, kept or not

    @property
    def complete(self) -> bool:
        """Whether every requested row has been read, so that reading may end."""
        limit, wanted = self._options.limit, self._wanted
        has_all = wanted is not None and len(self._words) == len(wanted)
        return has_all or (limit is not None and self.read >= limit)

    def add(self, raw: Sequence[bytes], vectors: Any, where: Callable[[int], str]) -> None:
        """Add those rows that are wanted and whose word is new.

        Args:
            raw: the bytes of each word.
            vectors: float32 [rows, dim].
            where: a function from the number of a row, among these, to its place in the file.

        Raises:
            FormatError: a word or a number is not valid.
        """
        if self._options.limit is not None:
            room = self._options.limit - self.read
            raw, vectors = raw[:room], vectors[:room]
        if not raw:
            return
        self.read += len(raw)
        self._check_numbers(vectors, where)
        words = decoded(self._file.path, self._options, raw, where)
        if (chosen := self._chosen(words, where)) is not None:
            words, vectors = [words[i] for i in chosen], vectors[chosen]
        start = len(self._words)
        self._words.update(dict.fromkeys(words))
        self._make_room(len(self._words))
        self._table[start : len(self._words)] = vectors

    def finish(self) -> WordVectors:
        """Return the table, with warnings about repeated words and large numbers."""
        path = self._file.path
        if self._doubles:
            warn(
                path, self._first_double, f"{self._doubles:,} rows repeat a word: the first is kept"
            )
        if self._large:
            warn(path, self._first_large, f"{self._large:,} numbers are beyond {LARGE:g}")
        self._resize(len(self._words))
        return WordVectors(tuple(self._words), self._table)

    def _make_room(self, rows: int) -> None:
        if (have := len(self._table)) < rows:
            width = max(self._table.shape[1] * 4, 1)
            self._resize(max(rows, have + have // 8, have + _GROWTH // width))

    def _resize(self, rows: int) -> None:
        # in place: the pages move, they are not copied
        self._table.resize((rows, self._table.shape[1]), refcheck=False)

    def _check_numbers(self, vectors: Any, where: Callable[[int], str]) -> None:
        largest = max(float(vectors.max()), -float(vectors.min()))
        if largest <= LARGE:  # false for NaN
            return
        finite = np.isfinite(vectors)
        if not finite.all() and not self._options.allow_nonfinite:
            row, column = np.argwhere(~finite)[0]
            raise self._file.error(
                where(int(row)),
                f"value {column + 1} is {vectors[row, column]} in float32",
                "a finite number",
                "allow_nonfinite takes it",
            )
        large = (np.abs(vectors) > LARGE) & finite
        if large.any() and not self._large:
            self._first_large = where(int(np.argmax(large.any(axis=1))))
        self._large += int(large.sum())

    def _chosen(self, words: list[str], where: Callable[[int], str]) -> list[int] | None:
        """Return the rows to keep: wanted, and the first of their word; None means all rows."""
        fresh = dict.fromkeys(words)
        # of two views isdisjoint iterates over the shorter; of a view and a dict, over the dict
        if len(fresh) == len(words) and fresh.keys().isdisjoint(self._words.keys()):
            if self._wanted is None:
                return None
            return [i for i, word in enumerate(words) if word in self._wanted]
        chosen, here = [], set()
        for i, word in enumerate(words):
            if self._wanted is not None and word not in self._wanted:
                continue
            if word in self._words or word in here:
                self._doubles += 1
                self._first_double = self._first_double or f"{where(i)}, {word!r}"
            else:
                here.add(word)
                chosen.append(i)
        return chosen


def decoded(
    path: Path, options: Options, raw: Sequence[bytes], where: Callable[[int], str]
) -> list[str]:
    """Decode words; `where` maps the number of a word to its place in the file.

    Raises:
        FormatError: a word is empty, too long or not UTF-8, or holds NUL or a line break.
    """
    joined = b"\n".join(raw)
    whole = joined.count(b"\n") == len(raw) - 1 and b"\0" not in joined
    if whole and all(raw) and max(map(len, raw)) <= LONGEST_WORD:
        try:
            return joined.decode("utf-8", options.errors).split("\n")
        except UnicodeDecodeError:
            pass  # the loop below names the word
    return [_word(path, options, word, where(i)) for i, word in enumerate(raw)]


def _word(path: Path, options: Options, raw: bytes, where: str) -> str:
    shown = f"the word {raw[:40]!r}"
    if not raw:
        raise FormatError(path, where, "an empty word", "a word before the numbers")
    if len(raw) > LONGEST_WORD:
        actual = f"a word of {len(raw):,} bytes ({raw[:20]!r}...)"
        raise FormatError(path, where, actual, f"at most {LONGEST_WORD:,}")
    for byte, name in ((b"\0", "NUL"), (b"\n", "a line break")):
        if byte in raw:
            hint = "not this format, or another number of dimensions"
            raise FormatError(path, where, f"{shown} holds {name}", "text", hint)
    try:
        return raw.decode("utf-8", options.errors)
    except UnicodeDecodeError as error:
        hint = "on_bad_utf8='surrogateescape' keeps the bytes"
        actual = f"{shown} is not UTF-8 ({error.reason} at its byte {error.start})"
        raise FormatError(path, where, actual, "UTF-8", hint) from None
