"""Convert word vectors from one format to another without changing a bit.

Usage: python scripts/convert.py IN OUT [--to FORMAT] [--tensor NAME] [--only LIST]
           [--unwritable rename] [--help]

IN is any file that scripts/inspect_table.py takes, or a finished run. The format of OUT follows
from its name (.bin, .vec, .npy, .safetensors, .parquet, or FOLDER/) or from --to.
FOLDER/ is for TensorBoard's Embedding Projector, .parquet for Embedding Atlas (wants pyarrow).
IN has to be a file: a pipe can be read only once. Exit codes: 0 done, 2 input that cannot be used.
"""

import dataclasses
import shlex
from pathlib import Path
from typing import Annotated, Literal

import tyro

from jaxemb.lab import command_line


@dataclasses.dataclass(frozen=True)
class Convert:
    """Convert word vectors from one format to another without changing a bit."""

    source: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="IN")]
    """The vectors to read."""
    target: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="OUT")]
    """The file to write; text and binary are compressed if it ends in .gz, .bz2 or .xz. A name
    that ends in / is a folder for the Embedding Projector."""
    to: str | None = None
    """The format of OUT: word2vec-binary, word2vec-text, glove, fasttext-vec, npy, safetensors,
    parquet, projector or atlas."""
    format: str | None = None
    """The format of IN; by default recognised by its content."""
    tensor: str | None = None
    """The name of the matrix, where a .safetensors or a folder of them has several."""
    words: str | None = None
    """The words of the rows of an .npy or .safetensors: a text with a word a line, a .parquet
    (wants pyarrow) or a tokenizer.json."""
    limit: int | None = None
    """Number of rows to read, from the first; by default all."""
    only: str | None = None
    """A text with one word a line: only these words are converted."""
    sep: Literal["space", "tab"] = "space"
    """The separator of the fields of a text."""
    on_bad_utf8: Literal["error", "surrogateescape"] = "error"
    """surrogateescape keeps bytes that are not UTF-8, and writes them as they were."""
    allow_nonfinite: bool = False
    """Accept NaN and infinity."""
    allow_count_mismatch: bool = False
    """Accept more or fewer rows than the header says."""
    allow_numeric_pieces: bool = False
    """Accept a number within a word of several pieces."""
    unwritable: Literal["error", "skip", "rename"] = "error"
    """What to do with words that the format of OUT cannot hold: stop, leave their rows out, or
    write other words. The words are printed and listed in OUT.unwritable.json."""


SEEN = {  # how what was written is looked at
    "projector": "tensorboard --logdir {}",
    "atlas": "embedding-atlas {} --text word --vector vector",
}


def main() -> None:
    settings = command_line.parse(Convert)
    from jaxemb import formats
    from jaxemb.errors import one_line
    from jaxemb.formats import every, unwritable
    from jaxemb.lab import outcome, progress, vectors
    from jaxemb.text import word_lists

    ways = {"error": None, "skip": formats.skip, "rename": formats.rename}

    options = dataclasses.asdict(settings)
    for name in ("source", "target", "to", "format", "unwritable"):
        options.pop(name)
    errors = "strict" if settings.on_bad_utf8 == "error" else settings.on_bad_utf8
    listed = word_lists.read(settings.only, errors) if settings.only else None
    options["only"] = listed and listed.words
    loaded = vectors.word_vectors(settings.source, settings.format, **options)
    among = (
        f"the first {settings.limit:,} rows of {settings.source}"
        if settings.limit
        else settings.source
    )
    missing = word_lists.remarks(listed, loaded.word_vectors.words or (), among) if listed else []
    for remark in (*loaded.remarks, *missing):
        print(f"warning: {one_line(remark)}")
    with progress.bar("writing") as bar:
        task = bar.add_task("", total=None)
        changes = formats.write(
            settings.target,
            loaded.word_vectors,
            settings.to,
            lambda done, total: bar.update(task, completed=done, total=total),
            ways[settings.unwritable],
        )
    for remark in unwritable.remarks(Path(settings.target), changes):
        print(f"warning: {one_line(remark)}")
    rows, dim = loaded.word_vectors.vectors.shape
    rows -= sum(change.written is None for change in changes)
    print(f"{settings.source} ({loaded.format}) -> {settings.target}: {rows:,} x {dim}")
    if look := SEEN.get(settings.to or every.by_name(settings.target) or ""):
        print(f"look at it: {look.format(shlex.quote(settings.target))}")
    outcome.end(settings.target, ("inspect_table", settings.target))


if __name__ == "__main__":
    command_line.run(main)
