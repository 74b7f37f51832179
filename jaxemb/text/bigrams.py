"""Counts of adjacent word pairs (bigrams) within sentences: exact, in bounded memory.

The first word of a pair decides its scratch file, so that all occurrences of a pair are in one
file. Each file is then sorted by itself. Nothing is pruned on the way.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int, Int64

from jaxemb import files
from jaxemb.text.vocabulary import Numbered

MOST = 1 << 23  # pairs sorted at a time: 64 MiB, and about three times that during a sort


class Counted(NamedTuple):
    """The frequent pairs by rising key, and the number of distinct pairs."""

    keys: Int64[np.ndarray, " pairs"]  # first word times the number of words, plus second
    times: Int64[np.ndarray, " pairs"]
    distinct: int  # pairs, the rare ones included


def count(text: Numbered, least: int, folder: Path | None = None) -> Counted:
    """Count pairs of adjacent words; no pair crosses a sentence end.

    Memory holds MOST pairs at a time (or the distinct pairs of one first word, if they are more),
    and in the end the pairs that occur `least` times, at most tokens / least. The disk holds 8
    bytes for every pair of the text.

    Args:
        text: words by number, with their counts.
        least: rarer pairs are counted, but not returned.
        folder: for scratch files; by default the system's folder for temporary files.

    Raises:
        InputError: a scratch file cannot be written, as on a full disk.
    """
    # a word begins at most as many pairs as it has occurrences
    file_of = np.cumsum(text.counts) // MOST
    with tempfile.TemporaryDirectory(dir=folder, prefix="pairs.") as scratch:
        inputs = [Path(scratch) / str(number) for number in np.unique(file_of)]
        for first, second in neighbours(text.blocks()):
            keys, numbers = first * len(text.words) + second, file_of[first]
            for number in np.unique(numbers):
                with files.arrays_into(Path(scratch) / str(number), "ab") as write:
                    write(keys[numbers == number])
        tallies = [_tally(file, least) for file in inputs if file.exists()]
    none = np.zeros(0, np.int64)
    return Counted(
        np.concatenate([none, *(keys for keys, _, _ in tallies)]),
        np.concatenate([none, *(times for _, times, _ in tallies)]),
        sum(distinct for _, _, distinct in tallies),
    )


def neighbours(blocks: Iterator[Int[np.ndarray, " block"]]) -> Iterator[tuple[Any, Any]]:
    """First and second words of all adjacent pairs, int64 [pairs], also of pairs across blocks."""
    last = np.zeros(0, np.int64)
    for block in blocks:
        words = np.concatenate([last, block])
        together = (words[:-1] >= 0) & (words[1:] >= 0)
        yield words[:-1][together], words[1:][together]
        last = words[-1:]


def _tally(file: Path, least: int):
    """The frequent pairs of one file by rising key, their counts, and the number of all pairs."""
    keys, times = np.zeros(0, np.int64), np.zeros(0, np.int64)
    with file.open("rb") as stream:
        while (block := np.fromfile(stream, np.int64, MOST)).size:
            distinct, counts = np.unique(block, return_counts=True)
            keys, places = np.unique(np.concatenate([keys, distinct]), return_inverse=True)
            both = np.concatenate([times, counts])
            times = np.zeros(len(keys), np.int64)
            np.add.at(times, places, both)
    frequent = times >= least
    return keys[frequent], times[frequent], len(keys)
