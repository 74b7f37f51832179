"""Recognise the format of a file by its content, and name files of other kinds."""

import struct
from pathlib import Path

from jaxemb.errors import FormatError
from jaxemb.formats import (
    arrays,
    binary,
    fasttext_file,
    foreign,
    headers,
    safetensors_file,
    viewers,
)
from jaxemb.formats.options import File, existing

UNFINISHED = "holds a run that is not finished"
GO_ON = "run the command that began it again, which continues it"
_RESULTS = (arrays.TABLES, safetensors_file.MODEL)


def recognise(path: str | Path) -> str:
    """Return the name of a file's format, one of FORMATS.

    Raises:
        InputError: there is no such file, or it is a pipe.
        FormatError: the file is of another kind, which is named if known; two formats fit.
    """
    path = existing(path, "word vectors")
    if path.is_dir():
        return _folder(path)
    with File(path) as file:
        if path.name == safetensors_file.INDEX:
            held, folder = "the index of shards, without numbers", f"their folder: {path.parent}"
            raise file.error("the file", held, folder)
        data = file.read(foreign.SAMPLE)
        if data.startswith(viewers.PARQUET):
            return "atlas"
        foreign.refuse_foreign(file, data)
        if data.startswith(arrays.NPY):
            return "npy"
        if data.startswith(struct.pack("<i", fasttext_file.MAGIC)):
            return "fasttext-bin"
        if foreign.is_safetensors(data):
            return "safetensors"
        fasttext_file.refuse_old(file, data)
        return _lines(file, data.removeprefix(headers.BOM))


def is_unfinished(folder: Path) -> bool:
    """Whether the folder holds a run of this project that was interrupted."""
    begun = all((folder / name).is_file() for name in ("config.json", arrays.VOCAB))
    return begun and not any((folder / name).is_file() for name in _RESULTS)


def _folder(path: Path) -> str:
    if (path / arrays.TABLES).is_file():
        return "run"
    if any((path / name).is_file() for name in (safetensors_file.INDEX, safetensors_file.MODEL)):
        return "model"
    if any(path.glob("*.parquet")):
        return "parquet"
    if (path / viewers.TENSORS).is_file():
        return "projector"
    if is_unfinished(path):
        raise FormatError(path, "folder", UNFINISHED, f"a finished one ({arrays.TABLES})", GO_ON)
    held = ", ".join(sorted(member.name for member in path.iterdir())[:5]) or "nothing"
    expected = f"a finished run ({arrays.TABLES}), {safetensors_file.MODEL} or .parquet with .npy"
    raise FormatError(path, "folder", f"holds {held}", expected)


def _lines(file: File, data: bytes) -> str:
    """Return the format of a file of rows: text or binary, with a header or without."""
    line, _, rest = data.partition(b"\n")
    header = headers.parse(line)
    if header is None:
        if binary.looks_like_text(data):
            return "glove"
        expected = "word2vec, GloVe, fastText, .npy, safetensors, or the folder of a run"
        raise file.error("byte 0", f"nothing known ({data[:16]!r})", expected)
    if not binary.looks_like_text(rest):
        return "word2vec-binary"
    second = rest.partition(b"\n")[0].removesuffix(b"\r").removesuffix(b" ")
    if header.dim == 1 and second.count(b" ") == 1:
        actual = f"{line!r} is a header, or a word with its one number"
        hint = "format='word2vec-text' or format='glove'"
        raise file.error("line 1", actual, "one reading", hint)
    return "word2vec-text"
