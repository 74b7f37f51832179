"""Word vectors from wherever a person has them: a finished run, a file, a file in a package."""

from pathlib import Path

from jaxemb import formats, runs
from jaxemb.errors import InputError
from jaxemb.formats import WordVectors
from jaxemb.text import sources


def vectors(path: str | Path) -> WordVectors:
    """The words and the vectors of a run's folder, of a file, or of package:NAME/FILE.

    Raises:
        InputError: nothing there, vectors that cannot be read, or rows without words.
    """
    if Path(path).is_dir():
        vocab, tables = runs.load(path)
        return WordVectors(vocab.words, tables.input)
    found = formats.read(sources.resolve(path)[0])
    if found.words is None:
        raise InputError(f"{path}: its rows have no words: wanted a run or a text of vectors")
    return found
