"""Which format a file is in, by its content; and what it is, where it is none."""

import re
import struct
from pathlib import Path

from jaxemb.errors import FormatError
from jaxemb.formats import arrays, binary, fasttext_file, headers, lines
from jaxemb.formats.options import File, existing

_SAMPLE = 1 << 16
_FOREIGN = {
    b"PK\x03\x04": "a zip archive (.npz is one): unpack it",
    b"PK\x05\x06": "an empty zip archive",
    b"version https://git-lfs.github.com/spec": "a git-LFS pointer: run git lfs pull",
    b"\x89HDF": "an HDF5 file",
    b"%PDF": "a PDF",
    b"\xff\xfe": "UTF-16 text: save it as UTF-8",
    b"\xfe\xff": "UTF-16 text: save it as UTF-8",
    b"\x00\x00\xfe\xff": "UTF-32 text: save it as UTF-8",
    b"PAR1": "a parquet file alone: name the folder that has its .npy too",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive: unpack it",
}
# of protocol 2 and later; of the first two, which begin with a class, a list or a dict
_PICKLE = re.compile(
    rb"\x80[\x02-\x05]|c[A-Za-z_][\w.]*\n[A-Za-z_]\w*\n|\([dl]p[0-9]+\n|[\]}]q[\0\x01]"
)


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
        data = file.read(_SAMPLE)
        refuse_foreign(file, data)
        if data.startswith(arrays.NPY):
            return "npy"
        if data.startswith(struct.pack("<i", fasttext_file.MAGIC)):
            return "fasttext-bin"
        if _is_safetensors(data):
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


def refuse_foreign(file: File, data: bytes) -> None:
    """Raises FormatError for a file that is empty or clearly something else."""
    if not data:
        raise file.error("byte 0", "an empty file", "word vectors")
    # a safetensors file begins with a number, and a row with a word, which may look like anything
    if _is_safetensors(data) or _begins_with_row(data):
        return
    kinds = [name for magic, name in _FOREIGN.items() if data.startswith(magic)]
    start = data[:512].lstrip(b" \t\r\n" + headers.BOM).lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        kinds.append("an HTML or XML page: a download that went to a web page")
    hint = ""
    if _PICKLE.match(data):
        kinds.append("a pickle, which can run code and is never read (gensim's .model and .kv are)")
        hint = arrays.PICKLES
    if data[257:262] == b"ustar":
        kinds.append("a tar archive: unpack it")
    if kinds:
        raise file.error("byte 0", kinds[0], "word vectors", hint)


def _begins_with_row(data: bytes) -> bool:
    """Whether the first line is a header, or a word and numbers."""
    line, end, _ = data.removeprefix(headers.BOM).partition(b"\n")
    fields = re.split(b"[ \t]", line.rstrip(b" \t\r"))
    numbers = fields[1:] if end else fields[1:-1]  # the last one may be cut
    row = bool(numbers) and all(map(lines.NUMBER.fullmatch, numbers))
    return row or headers.parse(line) is not None


def _is_safetensors(data: bytes) -> bool:
    size = int.from_bytes(data[:8], "little")
    return data[8:9] == b"{" and 2 <= size <= 100_000_000


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


def check(path: Path) -> None:
    """Raises FormatError for a file that is empty or clearly something else than word vectors."""
    with File(path) as file:
        refuse_foreign(file, file.read(_SAMPLE))
