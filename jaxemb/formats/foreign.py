"""Recognise files that hold no word vectors, and name what they are."""

import re
from pathlib import Path

from jaxemb.formats import headers, lines
from jaxemb.formats.options import File

SAMPLE = 1 << 16  # bytes examined at the start of a file
PICKLES = (  # how to convert them
    "in Python: gensim.models.KeyedVectors.load(PATH).save_word2vec_format('vectors.bin', "
    "binary=True); of a whole .model: Word2Vec.load(PATH).wv"
)


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


# protocols 2 and later; protocols 0 and 1, which begin with a class, a list or a dict
_PICKLE = re.compile(
    rb"\x80[\x02-\x05]|c[A-Za-z_][\w.]*\n[A-Za-z_]\w*\n|\([dl]p[0-9]+\n|[\]}]q[\0\x01]"
)


def refuse_foreign(file: File, data: bytes) -> None:
    """Raise FormatError for a file that is empty or clearly of another kind."""
    if not data:
        raise file.error("byte 0", "an empty file", "word vectors")
    # a safetensors file begins with a number, a row with a word: both may look like another kind
    if is_safetensors(data) or _begins_with_row(data):
        return
    kinds = [name for magic, name in _FOREIGN.items() if data.startswith(magic)]
    start = data[:512].lstrip(b" \t\r\n" + headers.BOM).lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        kinds.append("an HTML or XML page: a download that went to a web page")
    hint = ""
    if _PICKLE.match(data):
        kinds.append("a pickle, which can run code and is never read (gensim's .model and .kv are)")
        hint = PICKLES
    if data[257:262] == b"ustar":
        kinds.append("a tar archive: unpack it")
    if kinds:
        raise file.error("byte 0", kinds[0], "word vectors", hint)


def _begins_with_row(data: bytes) -> bool:
    """Whether the first line is a header, or a word and numbers."""
    line, end, _ = data.removeprefix(headers.BOM).partition(b"\n")
    fields = re.split(b"[ \t]", line.rstrip(b" \t\r"))
    numbers = fields[1:] if end else fields[1:-1]  # the last one may be truncated
    row = bool(numbers) and all(map(lines.NUMBER.fullmatch, numbers))
    return row or headers.parse(line) is not None


def check(path: Path) -> None:
    """Raise FormatError for a path whose file is empty or clearly of another kind."""
    with File(path) as file:
        refuse_foreign(file, file.read(SAMPLE))


def is_safetensors(data: bytes) -> bool:
    """Whether a file that begins with this data is safetensors: a header size, then JSON."""
    size = int.from_bytes(data[:8], "little")
    return data[8:9] == b"{" and 2 <= size <= 100_000_000
