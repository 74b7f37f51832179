"""What is this matrix? Rank, shape and axes of any table of vectors, in words and pictures.

Usage: python scripts/inspect_table.py PATH [--words FILE] [--out FOLDER] [--help]

PATH is the folder of a finished run, .npy, .safetensors, or a text as word2vec, GloVe and fastText
write it. A file inside a Python package is package:NAME/FILE.
"""

import dataclasses
from pathlib import Path
from typing import Annotated

import tyro

from jaxemb import command_line


@dataclasses.dataclass(frozen=True)
class Inspect:
    """Rank, shape and axes of a table of vectors."""

    path: Annotated[str, tyro.conf.Positional]
    """The table."""
    words: str | None = None
    """The words of its rows: a text with a word a line, or .parquet (wants pyarrow)."""
    out: str | None = None
    """Where the report and its pictures go; by default runs/inspect/NAME."""


def main() -> None:
    asked = command_line.parse(Inspect)
    from jaxemb import formats, inspection, preparation, progress, report, runs
    from jaxemb.text import sources

    if Path(asked.path).is_dir():
        vocab, tables = runs.load(asked.path)
        words, table = vocab.words, tables.input
    else:
        [path], named = sources.resolve([asked.path]), asked.words
        words, table = formats.read(path, sources.resolve([named])[0] if named else None)
    name = Path(asked.path).stem
    out = preparation.writable(asked.out or f"runs/inspect/{name}")
    progress.show(report.write_table(out, name, inspection.describe(table, words)))


if __name__ == "__main__":
    command_line.run(main)
