"""Which format a file is in, by its content; and what it is, where it is none."""

import struct
from pathlib import Path

from jaxemb.errors import FormatError
from jaxemb.formats import arrays, binary, fasttext_file, foreign, headers
from jaxemb.formats.options import File, existing


def recognise(path: str | Path) -> str:
    """The name of a file's format.

    Raises:
        InputError: no such file, or a pipe.
        FormatError: another kind of file, by its name where it is known; a file that two formats
            fit.
    """
    path = existing(path, "word vectors")
    if path.is_dir():
        return _folder(path)
    with File(path) as file:
        data = file.read(foreign.SAMPLE)
        foreign.refuse_foreign(file, data)
        if data.startswith(arrays.NPY):
            return "npy"
        if data.startswith(struct.pack("<i", fasttext_file.MAGIC)):
            return "fasttext-bin"
        if foreign.is_safetensors(data):
            return "safetensors"
        fasttext_file.refuse_old(file, data)
        return _lines(file, data.removeprefix(headers.BOM))


def _folder(path: Path) -> str:
    if (path / arrays.TABLES).is_file():
        return "run"
    if any(path.glob("*.parquet")):
        return "parquet"
    held = ", ".join(sorted(each.name for each in path.iterdir())[:5]) or "nothing"
    expected = f"a finished run ({arrays.TABLES}) or .parquet with .npy"
    raise FormatError(path, "folder", f"holds {held}", expected)


def _lines(file: File, data: bytes) -> str:
    """Text or binary rows, with a header or without."""
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
        found = f"{line!r} is a header, or a word with its one number"
        hint = "format='word2vec-text' or format='glove'"
        raise file.error("line 1", found, "one reading", hint)
    return "word2vec-text"
