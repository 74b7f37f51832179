"""Every format by its name; `read` recognises a file by content, `write` by its suffix."""

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
    safetensors_file,
    text,
    unwritable as unwritable_lib,
    viewers,
    writing,
)
from jaxemb.formats.options import Options, WordVectors, existing, named
from jaxemb.formats.recognition import recognise
from jaxemb.formats.unwritable import Unwritable


class Format(NamedTuple):
    """How files of one format are read and written; `suffix` is that of the files written."""

    read: Callable[[Path, Options], WordVectors]
    write: Callable[[Path, WordVectors, Callable[[int, int], None]], None] | None
    suffix: str
    fault: unwritable_lib.Fault = unwritable_lib.anywhere  # why it cannot hold a word, or ""
    typed: bool = False  # stores float16, float64, and tables without words
    packed: bool = True  # may be compressed
    narrow: bool = False  # stores bfloat16 and 8-bit floats
    several: bool = False  # one of several tensors is read by its name


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
        safetensors_file.read,
        writing.safetensors,
        ".safetensors",
        typed=True,
        packed=False,
        narrow=True,
        several=True,
    ),
    "model": Format(safetensors_file.read_folder, None, "", several=True),
    "parquet": Format(arrays.read_parquet, writing.parquet, "", unwritable_lib.column, True, False),
    "projector": Format(
        viewers.read_projector, viewers.write_projector, "", unwritable_lib.metadata, packed=False
    ),
    "atlas": Format(
        viewers.read_atlas, viewers.write_atlas, ".parquet", unwritable_lib.column, packed=False
    ),
    "run": Format(arrays.read_run, None, "", several=True),
}
_FOLDERS = ("model", "parquet", "projector", "run")


def read(path: str | Path, format: str | None = None, **options: Any) -> WordVectors:
    """Read words and their vectors from a file.

    Args:
        path: a file, plain or compressed (gzip, bz2, xz or zstd, recognised by content); the
            folder of a finished run; a folder with model.safetensors, or with shards and their
            model.safetensors.index.json; or one with .parquet and .npy, or with tensors.tsv.
        format: one of FORMATS; by default the format is recognised by content (see `recognise`).
            A file is read in the format named here, whatever it looks like.
        options: fields of `Options`, all strict by default:
            limit: read only the first `limit` rows.
            only: keep only the rows of these words; other rows are not held in memory.
            tensor: the name of the matrix to read, where a .safetensors or a folder of them has
                several. By default `input`, `vectors` or the only one.
            words: for .npy and .safetensors, a text file with one word a line, a .parquet file or
                a tokenizer.json. By default the words of NAME.npy are looked for in
                NAME.words.txt, and those of .safetensors in it or in a tokenizer.json beside it.
            sep: "tab" for text with tabs between its fields.
            on_bad_utf8: "surrogateescape" keeps bytes that are not UTF-8, losslessly.
            allow_nonfinite: accept NaN and infinity.
            allow_count_mismatch: accept more or fewer rows than the header says.
            allow_numeric_pieces: accept a number as one of several pieces of a word.
            progress: called with (bytes read, bytes in all).

    Returns:
        Words, each once, and vectors [words, dim]: float32, or for .npy and .safetensors the
        stored type (bfloat16 and 8-bit floats too, of ml_dtypes), in this machine's byte order.

    Raises:
        FormatError: the file breaks a rule of its format; the error names the line or byte. Rows
            are never dropped or truncated.
        InputError: there is no such file; it is a pipe, which can be read only once; the format
            or an option is unknown.

    Warns:
        FormatWarning: a word is repeated (its first row is kept); a number exceeds 1e6; the last
            line has no line end; there is a byte-order mark; rows have no token, or tokens are no
            text; numbers have factors that are not applied.
    """
    unknown = options.keys() - set(Options._fields)
    if unknown:
        raise InputError(f"option {sorted(unknown)[0]!r}; wanted {', '.join(Options._fields)}")
    settings = Options(**options)
    settings.check()
    path = existing(path, "word vectors")
    name = recognise(path) if format is None else format
    _check_format(name, list(FORMATS))
    if path.is_dir() != (name in _FOLDERS):
        held, wanted = ("a folder", "file") if path.is_dir() else ("a file", "folder")
        raise InputError(f"{path}: is {held}: wanted the {wanted} of format {name}")
    if settings.tensor is not None and not FORMATS[name].several:
        several = ", ".join(other for other, kind in FORMATS.items() if kind.several)
        held = f"tensor is {settings.tensor!r:.80}, and {name} holds one table"
        raise InputError(f"{path}: {held}: wanted no tensor, or one of these formats: {several}")
    try:
        return FORMATS[name].read(path, settings)
    except FormatError:
        if format is not None and path.is_file():
            foreign.check(path)  # a file that is clearly of another kind is named as such
        raise


def _check_format(name: Any, known: list[str], message: str = "") -> None:
    if not isinstance(name, str) or name not in known:
        raise InputError(f"{message or f'format {name!r}'}; wanted one of {', '.join(known)}")


def unknown_words(path: str | Path) -> Callable[[Any], Any] | None:
    """Return a function from any words to vectors [words, dim]; None without rows for n-grams.

    For the folder of a finished run, the function uses the fastText model in it.
    """
    model = with_ngrams(path)
    return model and partial(fasttext.vectors, fasttext.model(model))


def with_ngrams(path: str | Path) -> Path | None:
    """Return the path of the fastText model of a file or of a finished run, or None."""
    kind, path = recognise(path), Path(path)
    if kind == "run":
        path = path / MODEL
        return path if path.is_file() else None
    return path if kind == "fasttext-bin" else None


def by_name(path: str | Path) -> str | None:
    """The format that the name of a file to be written says; None if it says none.

    A name that ends with a slash is a folder for the Embedding Projector.
    """
    if isinstance(path, str) and path.endswith("/"):
        return "projector"
    suffixes = reversed(named("path", path).suffixes)
    suffix = next((s for s in suffixes if s not in writing.COMPRESSED), "")
    writable = (name for name, kind in FORMATS.items() if kind.write and kind.suffix == suffix)
    return next(writable, None) if suffix else None


def write(
    path: str | Path,
    word_vectors: WordVectors,
    format: str | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    unwritable: unwritable_lib.Way | None = None,
) -> tuple[Unwritable, ...]:
    """Write words and their vectors to a file, atomically.

    `read` returns the same words and bit-identical numbers.

    Args:
        path: text and binary formats are compressed if it ends in .gz, .bz2 or .xz; a name that
            ends in / is a folder for the Embedding Projector.
        word_vectors: words, each once, and a table of floats [words, dim].
        format: one of FORMATS; by default it follows from the suffix: .bin, .w2v, .glove, .vec,
            .npy, .safetensors or .parquet.
        progress: called with (rows written, rows in all).
        unwritable: what to do with a word that the format cannot hold: `skip` omits its row,
            `rename` writes another word; or a function from the word to the word to write, or to
            None to omit the row. By default such a word is an error. A new word that equals
            another word gets a number appended.

    Returns:
        The words that were changed. They are also listed in NAME.unwritable.json beside the file.

    Raises:
        InputError: the format cannot hold these words or numbers; no format is given, and the
            suffix names none.
    """
    name = by_name(path) if format is None else format
    path = named("path", path)
    message = f"{path}: the suffix names no format" if format is None else ""
    _check_format(name, [candidate for candidate in FORMATS if FORMATS[candidate].write], message)
    kind = FORMATS[str(name)]
    if path.suffix in writing.COMPRESSED and not kind.packed:
        raise InputError(f"{path}: {name} is not compressed: leave {path.suffix} out of the name")
    if unwritable is not None and not callable(unwritable):
        actual = f"unwritable is {unwritable!r:.60}"
        raise InputError(f"{actual}; wanted formats.skip, formats.rename or a function of a word")
    lone = kind.typed and name != "parquet"
    given = writing.table_of(
        path, word_vectors, words=not lone, typed=kind.typed, narrow=kind.narrow
    )
    given, changes = unwritable_lib.fitted(path, given, kind.fault, unwritable)
    assert kind.write is not None
    kind.write(path, given, progress)
    unwritable_lib.write_map(path, changes)
    return changes
