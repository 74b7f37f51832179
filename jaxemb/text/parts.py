"""A text read in parts: each part numbers its own words; parts are merged, and written as ids.

The task that reads a part numbers the part's words in order of first occurrence, and writes files
to a folder that all workers see. The words of all parts, in text order, then get common numbers:
any cut of the text gives the same corpus.
"""

import contextlib
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, wait
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int32, Int64

from jaxemb import files
from jaxemb.text import vocabulary
from jaxemb.text.vocabulary import SENTENCE_END, Numbered, Renumbering

POLL = 0.2  # seconds between checks on the progress of tasks
_BLOCK = 1 << 20  # numbers read back at a time
# files of a part: its text as int32, -1 at sentence ends; its words by number; their counts, int64;
# their numbers in the whole text, int32, and -1 behind them for sentence ends
_NUMBERS, _WORDS, _COUNTS, _COMMON = "numbers", "words.json", "counts.npy", "common.npy"


class Part(NamedTuple):
    """What one task read: files in a new folder for each try, so that a task may be run twice."""

    folder: Path
    replaced: int
    host: str
    code: str  # identifies the code that read it: another version might read another text


class Writer:
    """Writes a part: its numbers as they come, then its words."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files = contextlib.ExitStack()
        self._write = self._files.enter_context(files.arrays_into(folder / _NUMBERS))
        self._counts = np.zeros(0, np.int64)

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, *error: Any) -> None:
        self._files.close()

    def add(self, numbers: list[int]) -> None:
        """Append numbers to the part, and count them."""
        array = np.array(numbers, np.int32)
        self._write(array)
        seen, times = np.unique(array[array >= 0], return_counts=True)
        if len(seen):
            self._counts = _longer(self._counts, int(seen[-1]) + 1)
            self._counts[seen] += times

    def end(self, words: list[str]) -> None:
        """Write the part's words, by number, and their counts."""
        (self.folder / _WORDS).write_text(json.dumps(words))
        np.save(self.folder / _COUNTS, _longer(self._counts, len(words))[: len(words)])


def together(parts: Iterable[Part]) -> tuple[Numbered, list[Part]]:
    """Merge the parts into one text, whose words are numbered in order of first occurrence.

    Memory holds the distinct words of the whole text, and those of one part at a time.
    """
    numbering, counts, seen = vocabulary.Numbering(), np.zeros(0, np.int64), []
    for part in parts:
        common = numbering(json.loads((part.folder / _WORDS).read_text()))
        np.save(part.folder / _COMMON, np.array([*common, SENTENCE_END], np.int32))
        if common:
            counts = _longer(counts, max(common) + 1)
            counts[common] += np.load(part.folder / _COUNTS)
        seen.append(part)
    words = numbering.words()

    def blocks() -> Iterator[Int32[np.ndarray, " block"]]:
        for part in seen:
            common = np.load(part.folder / _COMMON)
            for block in _blocks(part.folder / _NUMBERS):
                yield common[block]  # -1 reads the last entry

    return Numbered(words, counts[: len(words)], blocks), seen


def encode(parts: list[Part], chosen: Renumbering, out: Path, run: Callable[..., Any]) -> None:
    """Write final ids: `run` renumbers each part, and this process concatenates the results.

    Args:
        parts: in text order.
        chosen: the final vocabulary.
        out: the file to write, in a folder that all workers see.
        run: an executor's `map`.
    """
    table = out.with_name("table.npy")
    np.save(table, chosen.table)
    with files.arrays_into(out) as write:
        for path in run(_renumbered, [part.folder for part in parts], [table] * len(parts)):
            for block in _blocks(path):
                write(block)
            path.unlink()


def _renumbered(folder: Path, table: Path) -> Path:
    """Write the ids of one part to a new file, and return its path: a task may be run twice."""
    final = np.load(table, mmap_mode="r")[np.load(folder / _COMMON)]
    handle, path = tempfile.mkstemp(dir=folder)
    os.close(handle)
    with files.arrays_into(Path(path)) as write:
        for block in _blocks(folder / _NUMBERS):
            write(vocabulary.kept(final[block]))
    return Path(path)


def in_order(futures: list[Future[Any]], look: Callable[[], None] = lambda: None) -> Iterator[Any]:
    """Results in the order of their futures; after an exception the others are cancelled.

    Args:
        look: called while waiting, every `POLL` seconds.

    Raises:
        Exception: that of the first failed task, in the order of `futures` and not in time.
    """
    try:
        for future in futures:
            while not wait([future], POLL).done:
                look()
            yield future.result()
    finally:
        for future in futures:
            future.cancel()


def _blocks(path: Path) -> Iterator[Int32[np.ndarray, " block"]]:
    with path.open("rb") as file:
        while (block := np.fromfile(file, np.int32, _BLOCK)).size:
            yield block


def _longer(counts: Int64[np.ndarray, " words"], size: int) -> Int64[np.ndarray, " longer"]:
    """Counts with room for `size` words; room is doubled, so that growing costs little."""
    if size <= len(counts):
        return counts
    return np.concatenate([counts, np.zeros(2 * size - len(counts), np.int64)])
