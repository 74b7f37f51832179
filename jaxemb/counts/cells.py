"""Co-occurrence cells on disk: sorted runs of sums, their merge in bounded memory, and the files.

A run holds the sums of one block of text: packed keys, ascending, each once, with float64 values.
Runs are read piece by piece, never memory-mapped, so that what was read does not stay in memory.
"""

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int, Int64

from jaxemb import files
from jaxemb.errors import InputError
from jaxemb.structs import Sparse

FORMAT = 1
MANIFEST = "cells.json"
FILES = Sparse._make(("cells.rows", "cells.columns", "cells.values"))
DTYPES = Sparse._make((np.int32, np.int32, np.float32))
MERGED = 1 << 21  # entries of all runs in memory at a time
_SCRATCH = "*.cells-tmp"


class Run(NamedTuple):
    """Sums by key: the keys ascend, each once."""

    keys: Int64[np.ndarray, " cells"]
    values: Float[np.ndarray, " cells"]  # float64


class Packing(NamedTuple):
    """Word, context and distance in one integer, ordered by word, then context, then distance."""

    word: int  # bits of a word's id
    distance: int  # bits of a distance

    def pack(
        self, word: Int64[np.ndarray, " pairs"], context: Int64[np.ndarray, " pairs"], distance: int
    ) -> Int64[np.ndarray, " pairs"]:
        """The keys of (word, context, distance)."""
        return (((word << self.word) | context) << self.distance) | distance

    def without_distance(
        self, keys: Int64[np.ndarray, " pairs"]
    ) -> tuple[Int64[np.ndarray, " pairs"], Int64[np.ndarray, " pairs"]]:
        """The keys of (word, context), and the distances."""
        return keys >> self.distance, keys & ((1 << self.distance) - 1)

    def unpack(
        self, keys: Int64[np.ndarray, " cells"]
    ) -> tuple[Int64[np.ndarray, " cells"], Int64[np.ndarray, " cells"]]:
        """Words and contexts of keys without distance."""
        return keys >> self.word, keys & ((1 << self.word) - 1)

    def transposed(self, run: Run) -> Run:
        """The run with words and contexts exchanged, sorted again; keys without distance."""
        word, context = self.unpack(run.keys)
        keys = (context << self.word) | word
        order = np.argsort(keys)
        return Run(keys[order], run.values[order])


def packing(vocab: int, window: int) -> Packing:
    """The packing of pairs of `vocab` words, at distances up to `window`, into 63 bits.

    Raises:
        InputError: they do not fit.
    """
    layout = Packing(max(vocab - 1, 1).bit_length(), (window - 1).bit_length())
    if 2 * layout.word + layout.distance > 63:
        raise InputError(
            f"pairs of {vocab:,} words at distances up to {window:,} do not fit into 63 bits: "
            "lower window, or max_vocab"
        )
    return layout


def firsts(keys: Int64[np.ndarray, " pairs"]) -> Int[np.ndarray, " cells"]:
    """Where each run of equal keys begins."""
    begins = np.ones(len(keys), bool)
    np.not_equal(keys[1:], keys[:-1], out=begins[1:])
    return np.flatnonzero(begins)


def add_up(keys: Int64[np.ndarray, " pairs"], values: Any) -> Run:
    """The run of sorted keys: each key once, with the sum of its values."""
    first = firsts(keys)
    if not len(first):
        return Run(keys, values)
    return Run(keys[first], np.add.reduceat(values, first))


def summed(runs: Sequence[Run]) -> Run:
    """The sum of several runs, in memory."""
    if not runs:
        return Run(np.zeros(0, np.int64), np.zeros(0))
    keys = np.concatenate([run.keys for run in runs])
    values = np.concatenate([run.values for run in runs])
    order = np.argsort(keys, kind="stable")  # a stable sort merges sorted pieces
    return add_up(keys[order], values[order])


def cells(run: Run, how: Packing) -> Sparse:
    """The cells of a run: keys unpacked, values rounded to float32."""
    rows, columns = how.unpack(run.keys)
    return Sparse(rows.astype(np.int32), columns.astype(np.int32), run.values.astype(np.float32))


def write_run(folder: Path, number: int, run: Run) -> Path:
    """Write a run to a scratch file: its keys, then its values.

    Raises:
        InputError: the file cannot be written, as on a full disk.
    """
    path = folder / f"run-{number:06d}.cells-tmp"
    with files.arrays_into(path) as write:
        write(run.keys)
        write(run.values)
    return path


class _Reader:
    """The front of a run on disk, of at most `room` entries."""

    def __init__(self, path: Path, room: int) -> None:
        self.path, self.room, self.at = path, room, 0
        self.length = path.stat().st_size // 16
        self.head = Run(np.zeros(0, np.int64), np.zeros(0))

    def fill(self) -> None:
        more = min(self.room - len(self.head.keys), self.length - self.at)
        if more <= 0:
            return
        keys = np.fromfile(self.path, np.int64, more, offset=8 * self.at)
        values = np.fromfile(self.path, np.float64, more, offset=8 * (self.length + self.at))
        self.at += more
        self.head = Run(*map(np.concatenate, zip(self.head, (keys, values), strict=True)))

    @property
    def whole(self) -> bool:
        """Whether all that is left of the run is in the head."""
        return self.at == self.length

    def take(self, bound: int | None) -> Run:
        """Remove and return the entries up to key `bound`; all entries if it is None."""
        keys, values = self.head
        n = len(keys) if bound is None else int(np.searchsorted(keys, bound, side="right"))
        self.head = Run(keys[n:], values[n:])
        return Run(keys[:n], values[:n])


def merge(
    paths: Sequence[Path],
    progress: Callable[[float], None] = lambda done: None,
    room: int | None = None,
) -> Iterator[Run]:
    """The sum of runs on disk, piece by piece, by ascending key.

    A piece goes up to the smallest of the last keys in memory, one a run: below it, no run holds a
    key that has not been read.

    Args:
        paths: the files of the runs.
        progress: called with the share of the work that is done.
        room: entries in memory at a time, of all runs; by default MERGED.
    """
    readers = [_Reader(path, max((room or MERGED) // max(len(paths), 1), 1)) for path in paths]
    total = sum(reader.length for reader in readers)
    while readers:
        for reader in readers:
            reader.fill()
        bounds = [int(r.head.keys[-1]) for r in readers if not r.whole]
        bound = min(bounds) if bounds else None
        yield summed([reader.take(bound) for reader in readers])
        readers = [r for r in readers if not r.whole or len(r.head.keys)]
        left = sum(r.length - r.at + len(r.head.keys) for r in readers)
        progress(1 - left / max(total, 1))


def write_cells(folder: Path, merged: Iterable[Run], how: Packing) -> Sparse:
    """Write cells to temporary files, and rename these when all are complete.

    Raises:
        InputError: a file cannot be written, as on a full disk.
    """
    unfinished = [folder / f"{name}.cells-tmp" for name in FILES]
    count = 0
    with contextlib.ExitStack() as opened:
        writers = [opened.enter_context(files.arrays_into(path)) for path in unfinished]
        for run in merged:
            for write, array in zip(writers, cells(run, how), strict=True):
                write(array)
            count += len(run.keys)
    (folder / MANIFEST).unlink(missing_ok=True)  # without a manifest, `load` finds no cells
    for path, name in zip(unfinished, FILES, strict=True):
        os.replace(path, folder / name)
    files.write_json(folder / MANIFEST, {"format": FORMAT, "cells": count})
    return load(folder)


def load(folder: str | Path) -> Sparse:
    """Load cells from their files, memory-mapped.

    Raises:
        InputError: the folder holds no cells, or files that do not fit their manifest.
    """
    folder = Path(folder)
    manifest = files.read_json(folder / MANIFEST)
    wanted = manifest.get("cells") if isinstance(manifest, dict) else None
    if not isinstance(wanted, int) or manifest.get("format") != FORMAT:
        raise InputError(f"{folder / MANIFEST}: not of this version: delete {folder}, count again")
    arrays = []
    for name, dtype in zip(FILES, DTYPES, strict=True):
        size = (folder / name).stat().st_size if (folder / name).exists() else -1
        if size != 4 * wanted:
            raise InputError(
                f"{folder / name}: has {size} bytes, but {MANIFEST} promises {4 * wanted}: delete "
                f"{folder} and count again"
            )
        path = folder / name
        arrays.append(np.memmap(path, dtype, mode="r") if size else np.zeros(0, dtype))
    return Sparse(*arrays)


def sweep(folder: Path) -> None:
    """Remove the scratch files of a folder."""
    for path in folder.glob(_SCRATCH):
        path.unlink(missing_ok=True)
