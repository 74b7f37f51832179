"""Show the ladder of word vectors: each rung as a matrix, and the nearest neighbours of a word.

Usage: python scripts/ladder.py WORD [--run runs/quickstart | --vectors FILE]
           [--contextual runs/elmo] [--picture ladder.png] [--help]

The static rung is a finished run of scripts/train.py, or any file of vectors; the contextual rung a
finished run of scripts/train_contextual.py, whose text is read again.
"""

import dataclasses
from pathlib import Path
from typing import Annotated

import tyro

from jaxemb.errors import InputError
from jaxemb.lab import command_line, report, workdir


@dataclasses.dataclass(frozen=True)
class Ladder:
    """Show each rung as a matrix, and the nearest neighbours of a word on it."""

    word: Annotated[str, tyro.conf.Positional]
    """The word to look at."""
    run: str = "runs/quickstart"
    """The folder of a finished run."""
    vectors: str | None = None
    """A file of vectors instead of a run."""
    tensor: str | None = None
    """With --vectors: the name of the matrix, where a .safetensors or a folder of them has
    several."""
    contextual: str | None = None
    """The folder of a finished language model, for the third rung."""
    config: str | None = None
    """The config that trained the language model, where its model is not one of jaxemb's."""
    picture: str | None = None
    """The file of the picture; by default ladder.png in the run's folder, or in the current one."""


def main() -> None:
    settings = command_line.parse(Ladder)
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from jaxemb.lab import outcome, vectors as loading
    from jaxemb.lab.studies.ladder import rungs as ladder

    if settings.vectors:
        vocab = loading.word_vectors(settings.vectors, tensor=settings.tensor).word_vectors
        table = vocab.vectors
    else:
        vocab, tables = workdir.load(settings.run)
        table = tables.input
    path = Path(settings.picture or Path("." if settings.vectors else settings.run) / "ladder.png")
    if path.suffix not in (".png", ".pdf", ".svg") or not path.parent.is_dir():
        raise InputError(f"{path}: wanted a .png, .pdf or .svg file in an existing folder")
    rungs, third = ladder.ladder(vocab, table, settings.word), None
    if settings.contextual:
        from jaxemb.lab.runs.contextual import embed
        from jaxemb.lab.studies.ladder import cloud

        config = embed.config_of(settings.config)
        third = cloud.rung(settings.contextual, settings.word, config)
    shown = Table("rung", "m", "n", "rank", "law of distances", escape(f"near {settings.word}"))
    for rung in (*rungs, *([third.rung] if third else [])):
        size = f"{rung.rows:,}", f"{rung.dim:,}", f"{rung.rank:,}"
        shown.add_row(rung.name, *size, rung.law, escape(rung.near))
    Console().print(shown)

    def draw() -> list[str]:
        from jaxemb.lab.studies.ladder import pictures

        return [pictures.draw(path, rungs, third)]

    if report.drawn(draw) is None:
        print(report.INSTALL)
    else:
        source = settings.vectors or settings.run
        outcome.end(path, *outcome.about_words(source, [settings.word], settings.tensor))


if __name__ == "__main__":
    command_line.run(main)
