"""Every format by its name; a file is read by what it is, and written by its suffix or name."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from jaxemb.errors import FormatError as FormatError, FormatWarning as FormatWarning, InputError
from jaxemb.formats import (
    arrays,
    binary,
    fasttext,
    foreign,
    text,
    unwritable as unwritable_lib,
    writing,
)
from jaxemb.formats.options import Options, WordVectors, existing, named
from jaxemb.formats.recognition import recognise
from jaxemb.formats.unwritable import Unwritable


class Format(NamedTuple):
    """How a kind of file is read and written; `suffix` is the name it is written under."""

    read: Callable[[Path, Options], WordVectors]
    write: Callable[[Path, WordVectors, Callable[[int, int], None]], None] | None
    suffix: str
    fault: unwritable_lib.Fault = unwritable_lib.anywhere  # words that it cannot hold
    typed: bool = False  # holds float16 and float64 as they are, and tables without words
    packed: bool = True  # read from a compressed file, too


def _text(header: bool) -> Callable[[Path, WordVectors, Callable[[int, int], None]], None]:
    return partial(writing.text, header=header)


TABLES = arrays.TABLES
MODEL = "model.bin"  # of a finished run with subwords, in fastText's format
_HEADED = text.read_with_header
FORMATS = {
    "word2vec-binary": Format(binary.read, writing.binary, ".bin", unwritable_lib.binary),
    "word2vec-text": Format(_HEADED, _text(True), ".w2v", unwritable_lib.text),
    "glove": Format(text.read_without_header, _text(False), ".glove", unwritable_lib.glove),
    "fasttext-vec": Format(_HEADED, _text(True), ".vec", unwritable_lib.text),
    "fasttext-bin": Format(fasttext.read, None, ".bin"),
    "npy": Format(arrays.read_npy, writing.npy, ".npy", unwritable_lib.beside, True, False),
    "safetensors": Format(
        arrays.read_safetensors, writing.safetensors, ".safetensors", typed=True, packed=False
    ),
    "parquet": Format(arrays.read_parquet, writing.parquet, "", unwritable_lib.column, True, False),
    "run": Format(arrays.read_run, None, ""),
}
_FOLDERS = ("parquet", "run")


def read(path: str | Path, format: str | None = None, **options: Any) -> WordVectors:
    """Words and their vectors.

    Args:
        path: a file, compressed or not (gzip, bz2, xz, zstd, told by content); the folder of a
            finished run; a folder with .parquet and .npy.
        format: one of FORMATS; by default told by content (`recognise` says which). A format that
            is named is not guessed: the file is read as that, whatever it looks like.
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
        Words, each once, and vectors [words, dim]: float32; .npy and .safetensors as stored, in
        this machine's byte order.

    Raises:
        FormatError: what is wrong, and on which line or byte; rows are never dropped or cut.
        InputError: no such file, or a pipe, which can be read only once; an unknown format or
            option.

    Warns:
        FormatWarning: a word twice (the first is kept); a number beyond 1e6; a last line without
            an end; a byte-order mark.
    """
    unknown = options.keys() - set(Options._fields)
    if unknown:
        raise InputError(f"option {sorted(unknown)[0]!r}; wanted {', '.join(Options._fields)}")
    asked = Options(**options)
    asked.check()
    path = existing(path, "word vectors")
    name = recognise(path) if format is None else format
    _check_format(name, list(FORMATS))
    if path.is_dir() != (name in _FOLDERS):
        held, wanted = ("a folder", "file") if path.is_dir() else ("a file", "folder")
        raise InputError(f"{path}: is {held}: wanted the {wanted} of format {name}")
    try:
        return FORMATS[name].read(path, asked)
    except FormatError:
        if format is not None and path.is_file():
            foreign.check(path)  # what is clearly something else is called by its name
        raise


def _check_format(name: Any, known: list[str], told: str = "") -> None:
    if not isinstance(name, str) or name not in known:
        raise InputError(f"{told or f'format {name!r}'}; wanted one of {', '.join(known)}")


def unknown_words(path: str | Path) -> Callable[[Any], Any] | None:
    """From words to vectors [words, dim], in the file or not, if it has rows for n-grams.

    Of the folder of a finished run, by the model in it.
    """
    model = with_ngrams(path)
    return model and partial(fasttext.vectors, fasttext.model(model))


def with_ngrams(path: str | Path) -> Path | None:
    """The fastText model of a file or of a finished run, if it has one."""
    kind, path = recognise(path), Path(path)
    if kind == "run":
        path = path / MODEL
        return path if path.is_file() else None
    return path if kind == "fasttext-bin" else None


def write(
    path: str | Path,
    found: WordVectors,
    format: str | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    unwritable: unwritable_lib.Way | None = None,
) -> tuple[Unwritable, ...]:
    """Words and their vectors into a file, which is whole or not there.

    What is written is read back as it was: the same words, and the same numbers bit for bit.

    Args:
        path: text and binary are compressed if it ends in .gz, .bz2 or .xz.
        found: words, each once, and a table of floats.
        format: one of FORMATS; by default told by the name: .bin, .vec, .npy, .safetensors.
        unwritable: what becomes of a word that the format cannot hold: `skip` leaves its row out,
            `rename` writes another word, or a function of yours from the word to what is written
            (None for nothing). By default it is an error. No new word equals another word.

    Returns:
        The words that were changed; every one stands in NAME.unwritable.json beside the file, too.

    Raises:
        InputError: a format that cannot hold these words or numbers; a name that tells no format.
    """
    path = named("path", path)
    suffix = next((s for s in reversed(path.suffixes) if s not in writing.COMPRESSED), "")
    by_name = [name for name, each in FORMATS.items() if each.write and each.suffix == suffix != ""]
    name = by_name[0] if format is None and by_name else format
    told = f"{path}: the name tells no format" if format is None else ""
    _check_format(name, [each for each in FORMATS if FORMATS[each].write], told)
    kind = FORMATS[str(name)]
    if path.suffix in writing.COMPRESSED and not kind.packed:
        raise InputError(f"{path}: {name} is not compressed: leave {path.suffix} out of the name")
    if unwritable is not None and not callable(unwritable):
        said = f"unwritable is {unwritable!r:.60}"
        raise InputError(f"{said}; wanted formats.skip, formats.rename or a function of a word")
    lone = kind.typed and name != "parquet"
    given = writing.table_of(path, found, words=not lone, typed=kind.typed)
    given, changes = unwritable_lib.fitted(path, given, kind.fault, unwritable)
    assert kind.write is not None
    kind.write(path, given, progress)
    unwritable_lib.write_map(path, changes)
    return changes
