"""Word vectors from files and into files: what Google, Stanford and Facebook published, exactly.

    found = formats.read("GoogleNews-vectors-negative300.bin")
    found.words, found.vectors

Nothing is unpickled, evaluated or fetched, and a file is read as it is or refused with its place.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from jaxemb.errors import FormatError, FormatWarning, InputError
from jaxemb.formats import arrays, binary, elmo, fasttext, recognition, text, writing
from jaxemb.formats.options import Options, WordVectors
from jaxemb.formats.recognition import recognise

__all__ = [
    "FORMATS",
    "Format",
    "FormatError",
    "FormatWarning",
    "Options",
    "WordVectors",
    "elmo",
    "fasttext",
    "read",
    "recognise",
    "unknown_words",
    "with_ngrams",
    "write",
]


class Format(NamedTuple):
    """How a kind of file is read and written; `suffix` is the name it is written under."""

    read: Callable[[Path, Options], WordVectors]
    write: Callable[[Path, WordVectors, Callable[[int, int], None]], None] | None
    suffix: str


TABLES = arrays.TABLES
MODEL = "model.bin"  # of a finished run with subwords, in fastText's format
FORMATS = {
    "word2vec-binary": Format(binary.read, writing.binary, ".bin"),
    "word2vec-text": Format(text.read_with_header, partial(writing.text, header=True), ".w2v"),
    "glove": Format(text.read_without_header, partial(writing.text, header=False), ".glove"),
    "fasttext-vec": Format(text.read_with_header, partial(writing.text, header=True), ".vec"),
    "fasttext-bin": Format(fasttext.read, None, ".bin"),
    "npy": Format(arrays.read_npy, writing.npy, ".npy"),
    "safetensors": Format(arrays.read_safetensors, writing.safetensors, ".safetensors"),
    "parquet": Format(arrays.read_parquet, writing.parquet, ""),
    "run": Format(arrays.read_run, None, ""),
}


def read(path: str | Path, format: str | None = None, **options: Any) -> WordVectors:
    """Words and their vectors.

    Args:
        path: a file, compressed or not (gzip, bz2, xz, zstd, told by content); the folder of a
            finished run; a folder with .parquet and .npy.
        format: one of FORMATS; by default told by content (`recognise` says which).
        options: as in `Options`, all strict by default:
            limit: only the first so many rows.
            only: only the rows of these words; the others are read past, not held.
            words: for .npy and .safetensors: a text with a word a line, or a .parquet file. The
                words of NAME.npy are also looked for in NAME.words.txt.
            sep: "tab" for text with tabs between its fields.
            on_bad_utf8: "surrogateescape" keeps bytes that are not UTF-8, losslessly.
            allow_nonfinite: takes NaN and infinity.
            allow_count_mismatch: takes more or fewer rows than the header says.
            allow_numeric_pieces: takes a number within a word of several pieces.
            progress: called with (bytes read, bytes in all).

    Returns:
        Words, each once, and vectors [words, dim]: float32; .npy and .safetensors as stored.

    Raises:
        FormatError: what is wrong, and on which line or byte; rows are never dropped or cut.
        InputError: no such file; an unknown format or option.

    Warns:
        FormatWarning: a word twice (the first is kept); a number beyond 1e6; a last line without
            an end; a byte-order mark.
    """
    unknown = options.keys() - set(Options._fields)
    if unknown:
        raise InputError(f"option {sorted(unknown)[0]!r}; wanted {', '.join(Options._fields)}")
    asked = Options(**options)
    asked.check()
    path = Path(path)
    if not path.exists():
        raise InputError(f"{path}: no such file: wanted word vectors")
    name = recognise(path) if format is None else format
    if name not in FORMATS:
        raise InputError(f"format {name!r}; wanted one of {', '.join(FORMATS)}")
    if format is not None and path.is_file():
        recognition.check(path)
    return FORMATS[name].read(path, asked)


def unknown_words(path: str | Path) -> Callable[[Any], Any] | None:
    """From words to vectors [words, dim], in the file or not, if it has rows for n-grams.

    Of the folder of a finished run, by the model in it.
    """
    model = with_ngrams(path)
    return model and partial(fasttext.vectors, fasttext.model(model))


def with_ngrams(path: str | Path) -> Path | None:
    """The fastText model of a file or of a finished run, if it has one."""
    path = Path(path)
    if recognise(path) == "run":
        path = path / MODEL
        return path if path.is_file() else None
    return path if recognise(path) == "fasttext-bin" else None


def write(
    path: str | Path,
    found: WordVectors,
    format: str | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Words and their vectors into a file, which is whole or not there.

    Args:
        path: text and binary are compressed if it ends in .gz, .bz2 or .xz.
        found: words, each once, and a table of floats.
        format: one of FORMATS; by default told by the name: .bin, .vec, .npy, .safetensors.

    Raises:
        InputError: a format that cannot hold these words or numbers; a name that tells no format.
    """
    path = Path(path)
    suffix = next((s for s in reversed(path.suffixes) if s not in writing.COMPRESSED), "")
    by_name = [name for name, each in FORMATS.items() if each.write and each.suffix == suffix != ""]
    name = format or (by_name[0] if by_name else None)
    writable = [each for each in FORMATS if FORMATS[each].write]
    if name not in writable:
        told = f"format {format!r}" if format else f"{path}: the name tells no format"
        raise InputError(f"{told}; wanted one of {', '.join(writable)}")
    save = FORMATS[name].write
    assert save is not None
    save(path, found, progress)
