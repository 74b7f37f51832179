"""Word vectors from one format into another, bit for bit.

Usage: python scripts/convert.py IN OUT [--to FORMAT] [--only LIST] [--unwritable rename] [--help]

IN is any file that scripts/inspect_table.py takes, or a finished run. The format of OUT is told by
its name (.bin, .vec, .npy, .safetensors) or said with --to. IN has to be a file: a pipe can be read
only once. Exit codes: 0 done, 2 input that cannot be used.
"""

import dataclasses
from pathlib import Path
from typing import Annotated, Literal

import tyro

from jaxemb.lab import command_line


@dataclasses.dataclass(frozen=True)
class Convert:
    """Word vectors from one format into another, bit for bit."""

    source: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="IN")]
    """The vectors to read."""
    target: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="OUT")]
    """The file to write; text and binary are compressed if it ends in .gz, .bz2 or .xz."""
    to: str | None = None
    """word2vec-binary, word2vec-text, glove, fasttext-vec, npy, safetensors or parquet."""
    format: str | None = None
    """The format of IN; by default told by its content."""
    words: str | None = None
    """The words of an .npy's rows: a text with a word a line, or .parquet (wants pyarrow)."""
    limit: int | None = None
    """Only the first so many rows."""
    only: str | None = None
    """Only the words of this text, which has one a line."""
    sep: Literal["space", "tab"] = "space"
    """What stands between the fields of a text."""
    on_bad_utf8: Literal["error", "surrogateescape"] = "error"
    """surrogateescape keeps bytes that are not UTF-8, and writes them as they were."""
    allow_nonfinite: bool = False
    """Take NaN and infinity."""
    allow_count_mismatch: bool = False
    """Take more or fewer rows than the header says."""
    allow_numeric_pieces: bool = False
    """Take a number within a word of several pieces."""
    unwritable: Literal["error", "skip", "rename"] = "error"
    """What becomes of a word that the format of OUT cannot hold: its row is left out, or another
    word is written; which ones is said, and stands in OUT.unwritable.json."""


def main() -> None:
    asked = command_line.parse(Convert)
    from jaxemb import formats
    from jaxemb.errors import one_line
    from jaxemb.formats import unwritable
    from jaxemb.lab import progress, vectors
    from jaxemb.text import word_lists

    ways = {"error": None, "skip": formats.skip, "rename": formats.rename}

    options = dataclasses.asdict(asked)
    for name in ("source", "target", "to", "format", "unwritable"):
        options.pop(name)
    errors = "strict" if asked.on_bad_utf8 == "error" else asked.on_bad_utf8
    listed = word_lists.read(asked.only, errors) if asked.only else None
    options["only"] = listed and listed.words
    loaded = vectors.word_vectors(asked.source, asked.format, **options)
    among = f"the first {asked.limit:,} rows of {asked.source}" if asked.limit else asked.source
    missing = word_lists.remarks(listed, loaded.found.words or (), among) if listed else []
    for remark in (*loaded.remarks, *missing):
        print(f"warning: {one_line(remark)}")
    with progress.bar("writing") as bar:
        task = bar.add_task("", total=None)
        changes = formats.write(
            asked.target,
            loaded.found,
            asked.to,
            lambda done, total: bar.update(task, completed=done, total=total),
            ways[asked.unwritable],
        )
    for remark in unwritable.remarks(Path(asked.target), changes):
        print(f"warning: {one_line(remark)}")
    rows, dim = loaded.found.vectors.shape
    rows -= sum(each.written is None for each in changes)
    print(f"{asked.source} ({loaded.format}) -> {asked.target}: {rows:,} x {dim}")


if __name__ == "__main__":
    command_line.run(main)
