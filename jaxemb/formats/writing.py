"""Tables into files. What is written is read back bit for bit, here and by gensim."""

import bz2
import contextlib
import gzip
import lzma
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from jaxemb.errors import InputError
from jaxemb.formats import arrays, lines
from jaxemb.formats.options import LONGEST_WORD, WordVectors
from jaxemb.provenance import replacing

COMPRESSED: dict[str, Callable] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
_BLOCK = 1 << 12  # rows
Progress = Callable[[int, int], None]


def text(path: Path, found: WordVectors, progress: Progress, *, header: bool) -> None:
    """Words and numbers a line; nine digits are enough for float32 to come back as it was."""
    words, table = _checked(path, found, spaces=not header)
    line = "%s " + " ".join(["%.9g"] * table.shape[1]) + "\n"
    with _opened(path) as out:
        if header:
            out.write(f"{len(words)} {table.shape[1]}\n".encode())
        for start, block in _blocks(table, progress):
            some = words[start : start + len(block)]
            rows = (line % (w, *row) for w, row in zip(some, block.tolist(), strict=True))
            out.write("".join(rows).encode("utf-8", "surrogateescape"))


def binary(path: Path, found: WordVectors, progress: Progress) -> None:
    """word2vec's binary, as gensim and GoogleNews have it: no newline after a vector."""
    words, table = _checked(path, found, spaces=False)
    with _opened(path) as out:
        out.write(f"{len(words)} {table.shape[1]}\n".encode())
        for start, block in _blocks(table, progress):
            data, width = block.astype("<f4").tobytes(), 4 * block.shape[1]
            parts = []
            for i, word in enumerate(words[start : start + len(block)]):
                raw = f"{word} ".encode("utf-8", "surrogateescape")
                parts += (raw, data[i * width : (i + 1) * width])
            out.write(b"".join(parts))


def npy(path: Path, found: WordVectors, progress: Progress) -> None:
    """The table as .npy; its words, if it has any, a line each in NAME.words.txt beside it."""
    if found.words is not None:
        words, _ = _checked(path, found, spaces=True, typed=True)
        data = "".join(f"{word}\n" for word in words).encode("utf-8", "surrogateescape")
        with _opened(arrays.words_beside(path)) as out:
            out.write(data)
    with _opened(path) as out:
        np.save(out, np.asarray(found.vectors), allow_pickle=False)
    progress(1, 1)


def safetensors(path: Path, found: WordVectors, progress: Progress) -> None:
    """The table `vectors`, and its words in the same file."""
    held = {"vectors": np.ascontiguousarray(found.vectors)}
    if found.words is not None:
        words, _ = _checked(path, found, spaces=True, typed=True)
        held.update(arrays.packed(words))
    with replacing(path) as unfinished:
        save_file(held, unfinished)
    progress(1, 1)


def parquet(path: Path, found: WordVectors, progress: Progress) -> None:
    """A folder with words.parquet and vectors.npy."""
    words, table = _checked(path, found, spaces=True, typed=True)
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise InputError(f"{path}: wants pyarrow: pip install 'jaxemb[parquet]'") from None
    path.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"word": list(words)}), path / "words.parquet")
    npy(path / "vectors.npy", WordVectors(None, table), progress)


def _checked(
    path: Path, found: WordVectors, *, spaces: bool, typed: bool = False
) -> tuple[tuple[str, ...], Any]:
    """Words and table, if the format can hold them; `typed` formats hold any kind of float.

    Raises:
        InputError: no words; words that would not come back as they are; numbers that float32
            would change.
    """
    words, table = found.words, found.vectors
    if words is None or len(words) != len(table):
        held = "no words" if words is None else f"{len(words):,} words"
        raise InputError(f"{path}: {held} for {len(table):,} rows: this format wants a word a row")
    if len(set(words)) < len(words):
        raise InputError(f"{path}: {len(words) - len(set(words)):,} words stand twice")
    unfit = re.compile("[\\0\\n]|\\r$|^$" if spaces else "[\\0\\n ]|\\r$|^$")
    for i, word in enumerate(words):
        pieces = word.encode("utf-8", "surrogateescape").split(b" ")
        torn = len(pieces) > 1 and (not all(pieces) or any(map(lines.NUMBER.fullmatch, pieces)))
        if unfit.search(word) or torn or len(word) > LONGEST_WORD // 4:
            raise InputError(f"{path}: row {i:,}: this format cannot hold the word {word!r}")
    other = table.dtype != np.float32 and not typed
    if other and not np.array_equal(table, table.astype(np.float32)):
        raise InputError(f"{path}: {table.dtype} would lose digits: make it float32 first")
    return words, table


def _blocks(table: Any, progress: Progress) -> Iterator[tuple[int, np.ndarray]]:
    for start in range(0, len(table), _BLOCK):
        yield start, np.asarray(table[start : start + _BLOCK], np.float32)
        progress(min(start + _BLOCK, len(table)), len(table))


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """A file to write, compressed as its name says; whole when it has its name, or not there."""
    with (
        replacing(path) as unfinished,
        COMPRESSED.get(path.suffix, open)(unfinished, "wb") as file,
    ):
        yield file
