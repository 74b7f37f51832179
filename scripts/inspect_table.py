"""Report on any table of vectors as a matrix: rank, shape and axes, in words and pictures.

Usage: python scripts/inspect_table.py PATH [--tensor NAME] [--words FILE] [--out FOLDER] [--help]

PATH is the folder of a finished run, a file of word2vec, GloVe or fastText (recognised by its
content, compressed or not), .npy, .safetensors, or the folder of a model with .safetensors, whole
or in shards; --tensor names one matrix of several, such as model.embed_tokens.weight. A file inside
a Python package is package:NAME/FILE.
"""

import dataclasses
from typing import Annotated

import tyro

from jaxemb import files
from jaxemb.lab import command_line


@dataclasses.dataclass(frozen=True)
class Inspect:
    """Rank, shape and axes of a table of vectors."""

    path: Annotated[str, tyro.conf.Positional]
    """The table."""
    tensor: str | None = None
    """The name of the matrix, where a .safetensors or a folder of them has several."""
    words: str | None = None
    """The words of the rows of an .npy or .safetensors: a text with a word a line, a .parquet
    (wants pyarrow) or a tokenizer.json."""
    limit: int | None = None
    """Number of rows to read, from the first; by default all."""
    out: str | None = None
    """The folder of the report and its pictures; by default runs/inspect/NAME."""


def main() -> None:
    settings = command_line.parse(Inspect)
    from jaxemb.lab import outcome, progress, report, vectors
    from jaxemb.lab.tables import inspection

    options = {"tensor": settings.tensor, "words": settings.words, "limit": settings.limit}
    loaded = vectors.word_vectors(settings.path, **options)
    (words, table), name = loaded.word_vectors, loaded.name
    for remark in loaded.remarks:
        print(f"warning: {remark}")
    print(f"{settings.path}: {loaded.format}, {len(table):,} x {table.shape[1]}, {table.dtype}")
    names = name, loaded.whole_name
    out = files.writable(settings.out or report.folder_of("inspect", [settings.path], *names))
    with progress.measuring():
        markdown = inspection.write(out, name, inspection.describe(table, words))
    progress.show(markdown)
    shown = None if settings.words else report.words_to_show(words or ())
    outcome.end(
        out, *outcome.about_words(settings.path, shown, settings.tensor), report="report.md"
    )


if __name__ == "__main__":
    command_line.run(main)
