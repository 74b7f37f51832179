"""Write tables to files that jaxemb and gensim read back bit for bit."""

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
from jaxemb.formats import arrays, safetensors_file, stored
from jaxemb.formats.options import WordVectors

COMPRESSED: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
_BLOCK = 1 << 12  # rows written at once
_WHOLE = 1 << 24  # float32 represents every whole number up to it
Progress = Callable[[int, int], None]


def text(path: Path, word_vectors: WordVectors, progress: Progress, *, header: bool) -> None:
    """Write a word and its numbers per line, with nine digits, which determine a float32."""
    words, table = word_vectors
    assert words is not None
    line = "%s " + " ".join(["%.9g"] * table.shape[1]) + "\n"
    with _opened(path) as out:
        if header:
            out.write(f"{len(words)} {table.shape[1]}\n".encode())
        for start, block in row_blocks(table, progress):
            some = words[start : start + len(block)]
            rows = (line % (w, *row) for w, row in zip(some, block.tolist(), strict=True))
            out.write("".join(rows).encode("utf-8", "surrogateescape"))


def binary(path: Path, word_vectors: WordVectors, progress: Progress) -> None:
    """Write word2vec's binary as gensim does: no newline after a vector."""
    words, table = word_vectors
    assert words is not None
    with _opened(path) as out:
        out.write(f"{len(words)} {table.shape[1]}\n".encode())
        for start, block in row_blocks(table, progress):
            data, width = block.astype("<f4").tobytes(), 4 * block.shape[1]
            parts = []
            for i, word in enumerate(words[start : start + len(block)]):
                raw = f"{word} ".encode("utf-8", "surrogateescape")
                parts += (raw, data[i * width : (i + 1) * width])
            out.write(b"".join(parts))


def npy(path: Path, word_vectors: WordVectors, progress: Progress) -> None:
    """Write the table as .npy, and its words, if any, to NAME.words.txt, one a line."""
    beside = arrays.words_beside(path)
    if word_vectors.words is None:
        beside.unlink(missing_ok=True)  # the words of an earlier table
    else:
        data = "".join(f"{word}\n" for word in word_vectors.words).encode(
            "utf-8", "surrogateescape"
        )
        with _opened(beside) as out:
            out.write(data)
    with _opened(path) as out:
        np.save(out, np.asarray(word_vectors.vectors), allow_pickle=False)
    progress(1, 1)


def safetensors(path: Path, word_vectors: WordVectors, progress: Progress) -> None:
    """Write the table `vectors` and its words to one file."""
    held = {"vectors": np.ascontiguousarray(word_vectors.vectors)}
    if word_vectors.words is not None:
        held.update(safetensors_file.packed(word_vectors.words))
    with replacing(path) as unfinished:
        save_file(held, unfinished)
    progress(1, 1)


def parquet(path: Path, word_vectors: WordVectors, progress: Progress) -> None:
    """Write a folder with words.parquet and vectors.npy."""
    words, table = word_vectors
    assert words is not None
    pa, pq = stored.pyarrow(path)
    path.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"word": list(words)}), path / "words.parquet")
    npy(path / "vectors.npy", WordVectors(None, table), progress)


def table_of(
    path: Path, word_vectors: Any, *, words: bool, typed: bool, narrow: bool = False
) -> WordVectors:
    """Check a table and return it with floats [rows, dim] that the format can hold.

    Args:
        path: the file to write, for errors.
        word_vectors: the table to write; anything but a WordVectors is an error.
        words: whether the format needs words.
        typed: whether the format stores float16 and float64; others store float32 only.
        narrow: whether the format stores bfloat16 and 8-bit floats; others store them as float32.

    Raises:
        InputError: there is not one word per row; a word is no string, or is repeated; there are
            no rows; float32 would change a number.
    """
    if not isinstance(word_vectors, WordVectors):
        actual = f"got {type(word_vectors).__name__} to write"
        raise InputError(f"{path}: {actual}; wanted formats.WordVectors(words, vectors)")
    table = (
        word_vectors.vectors
        if isinstance(word_vectors.vectors, np.ndarray)
        else np.asarray(word_vectors.vectors)
    )
    if table.ndim != 2 or not all(table.shape):
        actual = f"a table of shape {table.shape}"
        raise InputError(f"{path}: {actual}; wanted [rows, dim] with at least one of each")
    if word_vectors.words is None and words:
        raise InputError(
            f"{path}: no words for {len(table):,} rows: this format wants a word a row"
        )
    if word_vectors.words is not None:
        _check_words(path, word_vectors.words, len(table))
    kept = (typed and _is_float(table)) or (narrow and stored.is_narrow(table))
    return word_vectors._replace(vectors=table if kept else _float32(path, table))


def _check_words(path: Path, words: Any, rows: int) -> None:
    if not isinstance(words, Sequence):
        raise InputError(f"{path}: words are {type(words).__name__}; wanted them in order, by row")
    each_a_word(f"{path}: words", words)
    if len(words) != rows:
        actual = f"{len(words):,} words for {rows:,} rows"
        raise InputError(f"{path}: {actual}: this format wants a word a row")
    if twice := len(words) - len(set(words)):
        raise InputError(f"{path}: {twice:,} words are repeated")


def _float32(path: Path, table: Any) -> Any:
    """Return the table if float32 represents all its numbers; floats are cast when written."""
    if table.dtype == np.float32:
        return table
    if not all(map(_exact, (table[i : i + _BLOCK] for i in range(0, len(table), _BLOCK)))):
        raise InputError(f"{path}: {table.dtype} would lose digits: make it float32 first")
    return table if _is_float(table) else table.astype(np.float32)


def _is_float(table: Any) -> bool:
    """Whether the table has a type of float that .npy files are read in."""
    return table.dtype.kind == "f" and table.dtype.itemsize in (2, 4, 8)


def _exact(block: Any) -> bool:
    """Whether float32 represents each of these numbers."""
    if block.dtype.kind in "iub":
        return bool((block <= _WHOLE).all() and (block >= -_WHOLE).all())
    if stored.is_narrow(block):
        return True
    if block.dtype.kind == "f":
        with np.errstate(all="ignore"):  # a number that overflows is not equal
            cast = block.astype(np.float32)
            return bool(((cast == block) | (np.isnan(cast) & np.isnan(block))).all())
    return False


def row_blocks(table: Any, progress: Progress) -> Iterator[tuple[int, np.ndarray]]:
    """Yield the rows of a table in float32, some at a time, each with the number of its first."""
    for start in range(0, len(table), _BLOCK):
        yield start, np.asarray(table[start : start + _BLOCK], np.float32)
        progress(min(start + _BLOCK, len(table)), len(table))


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Open a file for an atomic write, compressed if its suffix says so."""
    with (
        replacing(path) as unfinished,
        COMPRESSED.get(path.suffix, open)(unfinished, "wb") as file,
    ):
        yield file
