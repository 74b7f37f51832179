"""Tables into files. What is written is read back bit for bit, here and by gensim."""

import bz2
import contextlib
import gzip
import lzma
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from jaxemb.errors import InputError, each_a_word
from jaxemb.files import replacing
from jaxemb.formats import arrays
from jaxemb.formats.options import WordVectors

COMPRESSED: dict[str, Callable] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
_BLOCK = 1 << 12  # rows
_WHOLE = 1 << 24  # float32 holds every whole number up to it
Progress = Callable[[int, int], None]


def text(path: Path, found: WordVectors, progress: Progress, *, header: bool) -> None:
    """Words and numbers a line; nine digits are enough for float32 to come back as it was."""
    words, table = found
    assert words is not None
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
    words, table = found
    assert words is not None
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
    beside = arrays.words_beside(path)
    if found.words is None:
        beside.unlink(missing_ok=True)  # those of a table that was here before
    else:
        data = "".join(f"{word}\n" for word in found.words).encode("utf-8", "surrogateescape")
        with _opened(beside) as out:
            out.write(data)
    with _opened(path) as out:
        np.save(out, np.asarray(found.vectors), allow_pickle=False)
    progress(1, 1)


def safetensors(path: Path, found: WordVectors, progress: Progress) -> None:
    """The table `vectors`, and its words in the same file."""
    held = {"vectors": np.ascontiguousarray(found.vectors)}
    if found.words is not None:
        held.update(arrays.packed(found.words))
    with replacing(path) as unfinished:
        save_file(held, unfinished)
    progress(1, 1)


def parquet(path: Path, found: WordVectors, progress: Progress) -> None:
    """A folder with words.parquet and vectors.npy."""
    words, table = found
    assert words is not None
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise InputError(f"{path}: wants pyarrow: pip install 'jaxemb[parquet]'") from None
    path.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"word": list(words)}), path / "words.parquet")
    npy(path / "vectors.npy", WordVectors(None, table), progress)


def table_of(path: Path, found: Any, *, words: bool, typed: bool) -> WordVectors:
    """Words and a table [rows, dim] of floats that may be written; `typed` formats hold any kind.

    Raises:
        InputError: no table of a word a row; words that are no strings, or stand twice; no rows;
            numbers that float32 would change.
    """
    if not isinstance(found, WordVectors):
        said = f"got {type(found).__name__} to write"
        raise InputError(f"{path}: {said}; wanted formats.WordVectors(words, vectors)")
    table = found.vectors if isinstance(found.vectors, np.ndarray) else np.asarray(found.vectors)
    if table.ndim != 2 or not all(table.shape):
        said = f"a table of shape {table.shape}"
        raise InputError(f"{path}: {said}; wanted [rows, dim] with at least one of each")
    if found.words is None and words:
        raise InputError(
            f"{path}: no words for {len(table):,} rows: this format wants a word a row"
        )
    if found.words is not None:
        _check_words(path, found.words, len(table))
    kept = typed and _is_float(table)
    return found._replace(vectors=table if kept else _float32(path, table))


def _check_words(path: Path, words: Any, rows: int) -> None:
    if not isinstance(words, Sequence):
        raise InputError(f"{path}: words are {type(words).__name__}; wanted them in order, by row")
    each_a_word(f"{path}: words", words)
    if len(words) != rows:
        said = f"{len(words):,} words for {rows:,} rows"
        raise InputError(f"{path}: {said}: this format wants a word a row")
    if twice := len(words) - len(set(words)):
        raise InputError(f"{path}: {twice:,} words stand twice")


def _float32(path: Path, table: Any) -> Any:
    """The table, if float32 holds each of its numbers; it is cast when it is written."""
    if table.dtype == np.float32:
        return table
    if not all(map(_exact, (table[i : i + _BLOCK] for i in range(0, len(table), _BLOCK)))):
        raise InputError(f"{path}: {table.dtype} would lose digits: make it float32 first")
    return table if _is_float(table) else table.astype(np.float32)


def _is_float(table: Any) -> bool:
    """Whether it is of a kind that arrays on disk are read in."""
    return table.dtype.kind == "f" and table.dtype.itemsize in (2, 4, 8)


def _exact(block: Any) -> bool:
    """Whether float32 holds each of these numbers."""
    if block.dtype.kind in "iub":
        return bool((block <= _WHOLE).all() and (block >= -_WHOLE).all())
    if block.dtype.kind == "f" or block.dtype.name == "bfloat16":
        with np.errstate(all="ignore"):  # what overflows is not equal
            cast = block.astype(np.float32)
            return bool(((cast == block) | (np.isnan(cast) & np.isnan(block))).all())
    return False


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
