"""Load word vectors from any file or finished run, with a progress bar."""

import dataclasses
import functools
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int

from jaxemb import formats
from jaxemb.errors import InputError
from jaxemb.formats import FormatWarning, WordVectors
from jaxemb.lab import progress, shipped
from jaxemb.text import sources, vocabulary

QUICKSTART = Path("runs/quickstart")  # the run that other configs and the chapters start from


class Loaded(NamedTuple):
    """Word vectors, and a description of their file."""

    word_vectors: WordVectors
    name: str  # of the file or folder, and of the tensor if one was named, for a report
    format: str
    remarks: tuple[str, ...]  # warnings of the reader
    unknown: Callable[[Any], Any] | None  # from unknown words to vectors, if the file has n-grams
    whole_name: str  # with the ending of the file


def word_vectors(
    path: str | Path, format: str | None = None, *, named: str = "", **options: Any
) -> Loaded:
    """Read a file, a finished run, or "package:NAME/FILE"; options as in `formats.read`.

    Args:
        named: what names other vectors, such as " by --vectors", for an error.

    Raises:
        InputError: what is wrong with it, and where.
    """
    place = sources.place(path)
    if place == QUICKSTART and not place.exists():
        made = shipped.typed("train", shipped.typed_config(place.name))
        raise InputError(f"{path}: no such run: {made} makes it; or name other vectors{named}")
    if options.get("words"):
        options["words"] = sources.place(options["words"])
    with (
        progress.bar(f"reading {place.name}") as bar,
        warnings.catch_warnings(record=True) as caught,
    ):
        warnings.simplefilter("always", FormatWarning)
        name = format or formats.recognise(place)
        task = bar.add_task("", total=None)

        def show(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        loaded = formats.read(place, name, progress=show, **options)
    remarks = tuple(str(warning.message) for warning in caught if warning.category is FormatWarning)
    model = formats.with_ngrams(place) if name in ("fasttext-bin", "run") else None
    called = place.name if place.is_dir() else place.stem
    tensor = f".{options['tensor']}".replace("/", "_") if options.get("tensor") else ""
    names = called + tensor, place.name + tensor
    return Loaded(loaded, names[0], name, remarks, model and composed(model), names[1])


@dataclasses.dataclass(frozen=True)
class Subwords:
    """Vectors of unknown words, [words, dim], and the file that keeps what they are composed of."""

    vectors: Callable[[Sequence[str]], Any]
    write: Callable[[Path], None]  # a .bin file of fastText

    def __call__(self, words: Sequence[str]) -> Any:
        return self.vectors(words)


def composed(place: Path) -> Subwords:
    """The subwords of a fastText model, which is read when it is first needed."""
    model = functools.cache(functools.partial(formats.fasttext.model, place))

    def write(path: Path) -> None:
        of = model()
        tokens = sum(of.counts)
        formats.fasttext.write(path, of.settings, of.words, of.counts, tokens, [of.rows], of.output)

    return Subwords(lambda words: formats.fasttext.vectors(model(), words), write)


def rows_of(
    path: str | Path, words: tuple[str, ...], dim: int, **options: Any
) -> tuple[Loaded, Int[np.ndarray, " words"]]:
    """Load vectors for a vocabulary.

    Returns:
        What was loaded, and the row of each word in it, -1 for a missing word.

    Raises:
        InputError: as `word_vectors`; a table without words, or of another dimension, or without
            any of these words.
    """
    loaded = word_vectors(path, **options)
    known, table = loaded.word_vectors
    if known is None:
        raise InputError(f"{path}: has no words: training needs to know its rows")
    if table.shape[1] != dim:
        held = f"vectors of {table.shape[1]} dimensions"
        raise InputError(f"{path}: {held}, dim is {dim}: --dim {table.shape[1]}")
    number = vocabulary.numbers(known)
    rows = np.array([number.get(word, -1) for word in words])
    if (rows < 0).all():
        raise InputError(f"{path}: none of the {len(words):,} words of the text is in it")
    return loaded, rows
