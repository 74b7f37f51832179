"""What context changed: two embedders, at least one of them contextual, on the same running words.

Usage: python scripts/compare_embedders.py A B [TEXT] [--out FOLDER] [--sentences 500] [--help]
       python scripts/compare_embedders.py runs/elmo runs/quickstart

A and B are each a finished run of scripts/train_contextual.py (all its layers), or static vectors:
a finished run of scripts/train.py, or a file of any format. TEXT has one sentence a line, tokens
separated by spaces; without it, the held-out text of the contextual run is read. Exit codes: 0
done, 2 input that cannot be used.
"""

import dataclasses
from pathlib import Path
from typing import Annotated

import tyro

from jaxemb import files
from jaxemb.lab import command_line


@dataclasses.dataclass(frozen=True)
class Compare:
    """What context changed between two embedders."""

    left: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="A")]
    """A finished run, contextual or static, or a file of vectors."""
    right: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="B")]
    """Another, or the same."""
    text: Annotated[str | None, tyro.conf.Positional, tyro.conf.arg(metavar="TEXT")] = None
    """Sentences, one a line; by default those that the contextual run held out."""
    out: str | None = None
    """Where the report goes; by default runs/compare/A-B."""
    sentences: int = 500
    """Sentences to read, from all over the text."""


def main() -> None:
    asked = command_line.parse(Compare)
    from jaxemb.lab import progress
    from jaxemb.lab.studies.context import report

    found = report.compare(asked.left, asked.right, asked.text, asked.sentences)
    names = "-".join(side.source.name for side in found.sides)
    out = files.writable(asked.out or Path("runs/compare") / names)
    progress.show(report.write(out, found))


if __name__ == "__main__":
    command_line.run(main)
