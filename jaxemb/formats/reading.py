"""A table of vectors from .npy, .safetensors, or text as word2vec, GloVe and fastText write it."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from safetensors import SafetensorError, safe_open

from jaxemb.errors import InputError


class WordVectors(NamedTuple):
    """A table, and the word of each row where the file tells."""

    words: tuple[str, ...] | None
    vectors: Any  # [words, dim]; memory-mapped where the file allows


def read(path: str | Path, words: str | Path | None = None) -> WordVectors:
    """A table and its words.

    Args:
        path: .npy, .safetensors (its table `input`, or the only one), or a text: a word and its
            numbers a line, separated by one space, with or without a first line `rows dim`.
        words: for .npy and .safetensors: a text with a word a line, or a .parquet file whose first
            column of strings is meant (wants pyarrow).

    Raises:
        InputError: no such file, or what is wrong with it and on which line.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file: wanted .npy, .safetensors or a text of vectors")
    if path.suffix == ".npy":
        found = WordVectors(None, _npy(path))
    elif path.suffix == ".safetensors":
        found = WordVectors(None, _safetensors(path))
    else:
        found = _text(path)
    if words is None:
        return found
    named = _words(Path(words))
    if len(named) != len(found.vectors):
        raise InputError(f"{words}: {len(named):,} words of {len(found.vectors):,} rows in {path}")
    return WordVectors(named, found.vectors)


def _npy(path: Path):
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise InputError(f"{path}: not a table of numbers in NumPy's format: {error}") from None


def _safetensors(path: Path):
    try:
        with safe_open(path, "np") as file:
            names = list(file.keys())
            tables = [name for name in names if len(file.get_slice(name).get_shape()) == 2]
            chosen = "input" if "input" in tables else tables[0] if len(tables) == 1 else None
            if chosen is None:
                raise InputError(f"{path}: holds {names}; wanted one table, or one named `input`")
            return file.get_tensor(chosen)
    except SafetensorError as error:
        raise InputError(f"{path}: not a safetensors file: {error}") from None


def _text(path: Path) -> WordVectors:
    words: list[str] = []
    rows: list[np.ndarray] = []
    with path.open("rb") as file:
        first = file.readline().split()
        header = [int(each) for each in first] if _is_header(first) else None
        dim = header[1] if header else len(first) - 1
        if dim < 1:
            raise InputError(f"{path}: line 1: wanted a word and its numbers, separated by spaces")
        if not header:
            file.seek(0)
        for number, line in enumerate(file, start=2 if header else 1):
            word, row = _line(path, number, line, dim)
            words.append(word)
            rows.append(row)
    if header and header[0] != len(rows):
        raise InputError(f"{path}: line 1 says {header[0]:,} rows, the file has {len(rows):,}")
    return WordVectors(tuple(words), np.stack(rows))


def _is_header(fields: list[bytes]) -> bool:
    return len(fields) == 2 and all(field.isdigit() for field in fields)


def _line(path: Path, number: int, line: bytes, dim: int) -> tuple[str, np.ndarray]:
    """A word, which may hold spaces, and its numbers: the last `dim` of the line."""
    fields = line.rstrip(b" \r\n").rsplit(b" ", dim)
    if len(fields) != dim + 1:
        raise InputError(f"{path}: line {number:,}: {len(fields) - 1} numbers; wanted {dim}")
    try:
        return fields[0].decode("utf-8"), np.array(fields[1:], np.float32)
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: line {number:,}: a word that is not UTF-8 ({error})") from None
    except ValueError as error:
        raise InputError(f"{path}: line {number:,}: {error}") from None


def _words(path: Path) -> tuple[str, ...]:
    if path.suffix != ".parquet":
        try:
            return tuple(path.read_text("utf-8").rstrip("\n").split("\n"))
        except UnicodeDecodeError as error:
            raise InputError(f"{path}: not UTF-8 ({error}); wanted a word a line") from None
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise InputError(f"{path}: wants pyarrow: pip install 'jaxemb[parquet]'") from None
    columns = pq.read_table(path)
    texts = [c for c in columns.columns if pa.types.is_string(c.type) or _is_large(pa, c.type)]
    if not texts:
        raise InputError(f"{path}: no column of words: {columns.schema.names}")
    return tuple(texts[0].to_pylist())


def _is_large(pa, kind) -> bool:
    return pa.types.is_large_string(kind)
