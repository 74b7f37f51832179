"""Tables stored as arrays: the words of their rows, the rows that are wanted, their numbers."""

import math
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np

from jaxemb.errors import FormatError, InputError
from jaxemb.formats import tokenizer_words
from jaxemb.formats.options import Options, WordVectors, existing, warn
from jaxemb.formats.rows import LARGE, decoded
from jaxemb.text import vocabulary, word_lists

NARROW = tuple(map(np.dtype, (ml_dtypes.bfloat16, ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e5m2)))
_BLOCK = 1 << 14  # rows


def words_from(path: Path, options: Options, rows: int, table: Path) -> tuple[str, ...]:
    """Read a word for each of the rows of a table.

    Args:
        path: a text with a word a line, a .parquet, or the tokenizer.json of a model.
        options: how words are decoded.
        rows: the number of rows.
        table: the file of the rows, for errors.

    Raises:
        FormatError: not such a file, or another number of words.
    """
    if path.suffix == ".json":
        return tokenizer_words.read(existing(path, "words"), rows, table)
    if path.suffix == ".parquet":
        words = _column(existing(path, "words"))
    else:
        raw = word_lists.lines(word_lists.content(path))
        if b"" in raw:
            blank = f"line {raw.index(b'') + 1:,}"
            raise FormatError(path, blank, "a blank line", f"a word for each row of {table}")
        words = tuple(decoded(path, options, raw, lambda i: f"line {i + 1:,}"))
    if len(words) != rows:
        raise FormatError(
            path, "the end", f"{len(words):,} words", f"{rows:,}, as {table} has rows"
        )
    return words


def pyarrow(path: Path) -> tuple[Any, Any]:
    """The modules pyarrow and pyarrow.parquet, which only .parquet files want.

    Raises:
        InputError: they are not installed.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise InputError(f"{path}: wants pyarrow: pip install 'jaxemb[parquet]'") from None
    return pa, pq


def _column(path: Path) -> tuple[str, ...]:
    """Return the first column of strings of a parquet file."""
    pa, pq = pyarrow(path)
    try:
        table = pq.read_table(path)
        strings = (pa.types.is_string, pa.types.is_large_string)
        columns = [c for c in table.columns if any(is_kind(c.type) for is_kind in strings)]
        if not columns:
            raise FormatError(path, "schema", f"{table.schema.names}", "a column of strings")
        words = columns[0].to_pylist()
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise FormatError(path, "file", f"damaged ({error})", "a parquet file") from None
    for nothing, problem in ((None, "no word"), ("", "an empty word")):
        if nothing in words:
            raise FormatError(path, f"row {words.index(nothing):,}", problem, "a word for each row")
    return tuple(words)


def chosen(path: Path, options: Options, words: tuple[str, ...] | None, table: Any) -> WordVectors:
    """Select the requested rows, each word once; a table that keeps all rows stays mapped."""
    rows = min(len(table), options.limit or len(table))
    _check_numbers(path, options, table[:rows])
    if words is None:
        if options.only is not None:
            raise InputError(f"{path}: has no words to choose by: name them with words=")
        return WordVectors(None, _native(table[:rows]))
    first = vocabulary.numbers(words[:rows])
    if doubled := rows - len(first):
        warn(path, "words", f"{doubled:,} rows repeat a word: the first is kept")
    if options.only is None and not doubled:
        return WordVectors(words[:rows], _native(table[:rows]))
    wanted = first.keys() if options.only is None else first.keys() & frozenset(options.only)
    kept = sorted(first[word] for word in wanted)
    return WordVectors(tuple(words[i] for i in kept), _native(np.asarray(table[kept])))


def widened(block: Any) -> Any:
    """Return bfloat16 and 8-bit floats as float32, which holds them exactly; others unchanged."""
    if not is_narrow(block):
        return block
    with np.errstate(all="ignore"):  # a signalling NaN
        return block.astype(np.float32)


def is_narrow(table: Any) -> bool:
    """Whether the numbers are bfloat16 or 8-bit floats, which NumPy does not have of itself."""
    return table.dtype in NARROW


def _native(table: Any) -> Any:
    """Return the table in this machine's byte order, the only one that JAX accepts."""
    return table.astype(table.dtype.newbyteorder("="), copy=False)


def _check_numbers(path: Path, options: Options, table: Any) -> None:
    large = 0
    for start in range(0, len(table), _BLOCK):
        block = widened(table[start : start + _BLOCK])
        largest = max(float(block.max()), -float(block.min()))
        if math.isfinite(largest) and largest <= LARGE:
            continue
        finite = np.isfinite(block)
        if not finite.all() and not options.allow_nonfinite:
            row, column = np.argwhere(~finite)[0]
            value = block[row, column]
            place = f"row {start + row:,}, column {column:,}"
            raise FormatError(
                path, place, f"{value}", "a finite number", "allow_nonfinite takes it"
            )
        large += int((np.abs(block[finite].astype(np.float64)) > LARGE).sum())
    if large:
        warn(path, "numbers", f"{large:,} are beyond {LARGE:g}")
