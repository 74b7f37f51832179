"""Word vectors for scripts: from any file or finished run, with a progress bar."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from jaxemb import formats, progress
from jaxemb.formats import FormatWarning, WordVectors
from jaxemb.text import sources


class Loaded(NamedTuple):
    """Words and vectors, and what a script says of their file."""

    found: WordVectors
    name: str  # of the file or folder, for a report
    format: str
    remarks: tuple[str, ...]  # what the file should be known for
    unknown: Callable[[Any], Any] | None  # vectors of words that are not in it, if it has n-grams


def word_vectors(path: str | Path, format: str | None = None, **options: Any) -> Loaded:
    """Reads a file, a finished run, or "package:NAME/FILE"; options as in `formats.read`.

    Raises:
        InputError: what is wrong with it, and where.
    """
    place = sources.place(path)
    if options.get("words"):
        options["words"] = sources.place(options["words"])
    with progress.bar(f"reading {place.name}") as bar, warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", FormatWarning)
        name = format or formats.recognise(place)
        task = bar.add_task("", total=None)

        def show(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        found = formats.read(place, name, progress=show, **options)
        unknown = formats.unknown_words(place) if name == "fasttext-bin" else None
    remarks = tuple(str(each.message) for each in said if each.category is FormatWarning)
    return Loaded(found, place.stem, name, remarks, unknown)
