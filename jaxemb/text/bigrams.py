"""How often every two words stand side by side in a sentence: exact, in bounded memory.

Pairs go to scratch files by their first word, so that all of a pair are in one file, and each file
is then sorted by itself. Nothing is pruned on the way.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int, Int64

from jaxemb import files as provenance
from jaxemb.text.vocabulary import Numbered

MOST = 1 << 23  # pairs sorted at a time: 64 MiB, and some three times that while they are


class Counted(NamedTuple):
    """The pairs that are frequent enough, by rising key, and how many there were at all."""

    keys: Int64[Any, " pairs"]  # first word times the number of words, plus second
    times: Int64[Any, " pairs"]
    distinct: int  # of all pairs, also the rare ones


def count(text: Numbered, least: int, folder: Path | None = None) -> Counted:
    """Counts pairs of neighbours; sentence ends part them.

    In memory at a time are MOST pairs, those of one word if they are more (each distinct one
    once), and in the end the pairs that occur `least` times, at most tokens / least. On disk are 8
    bytes for every pair of the text.

    Args:
        text: words by number, with their counts.
        least: rarer pairs are counted, but not returned.
        folder: where scratch files go; by default where temporary files do.

    Raises:
        InputError: they cannot be written there, as on a full disk.
    """
    # a word begins at most as many pairs as it has occurrences
    file_of = np.cumsum(text.counts) // MOST
    with tempfile.TemporaryDirectory(dir=folder, prefix="pairs.") as scratch:
        files = [Path(scratch) / str(number) for number in np.unique(file_of)]
        for first, second in neighbours(text.blocks()):
            keys, numbers = first * len(text.words) + second, file_of[first]
            for number in np.unique(numbers):
                with provenance.arrays_into(Path(scratch) / str(number), "ab") as write:
                    write(keys[numbers == number])
        tallies = [_tally(file, least) for file in files if file.exists()]
    none = np.zeros(0, np.int64)
    return Counted(
        np.concatenate([none, *(keys for keys, _, _ in tallies)]),
        np.concatenate([none, *(times for _, times, _ in tallies)]),
        sum(distinct for _, _, distinct in tallies),
    )


def neighbours(blocks: Iterator[Int[Any, " block"]]) -> Iterator[tuple[Any, Any]]:
    """First and second words of all pairs, int64 [pairs], also of those that blocks cut in two."""
    last = np.zeros(0, np.int64)
    for block in blocks:
        words = np.concatenate([last, block])
        together = (words[:-1] >= 0) & (words[1:] >= 0)
        yield words[:-1][together], words[1:][together]
        last = words[-1:]


def _tally(file: Path, least: int):
    """The frequent pairs of one file by rising key, their counts, and the number of all."""
    keys, times = np.zeros(0, np.int64), np.zeros(0, np.int64)
    with file.open("rb") as stream:
        while (found := np.fromfile(stream, np.int64, MOST)).size:
            own, often = np.unique(found, return_counts=True)
            keys, at = np.unique(np.concatenate([keys, own]), return_inverse=True)
            both = np.concatenate([times, often])
            times = np.zeros(len(keys), np.int64)
            np.add.at(times, at, both)
    frequent = times >= least
    return keys[frequent], times[frequent], len(keys)
