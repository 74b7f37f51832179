"""Compare two embedders on the same tokens: what context changes. Or architectures, by a config.

Usage: python scripts/compare_embedders.py A B [TEXT] [--out FOLDER] [--sentences 500] [--help]
       python scripts/compare_embedders.py runs/elmo runs/quickstart
       python scripts/compare_embedders.py configs/architectures.py [--seconds 420 ...] [--help]

A and B are each a finished run of scripts/train_contextual.py (all its layers), or static vectors:
a finished run of scripts/train.py, or a file of any format. TEXT has one sentence a line, tokens
separated by spaces; without it, the held-out text of the contextual run is read.

A config of architectures trains each of its models for the same seconds on the same text, for every
seed, and writes one report and one picture of what they do to words. Ctrl-C saves a checkpoint and
stops; rerun the same command to resume. Exit codes: 0 done, 2 input that cannot be used, 3 numbers
that are not finite, 130 interrupted, 143 terminated.
"""

import dataclasses
import sys
from pathlib import Path
from typing import Annotated

import tyro

from jaxemb import files
from jaxemb.lab import command_line, shipped
from jaxemb.lab.studies.architectures.config import ArchitecturesConfig


@dataclasses.dataclass(frozen=True)
class Compare:
    """Compare two embedders: what context changes."""

    left: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="A")]
    """A finished run, contextual or static, or a file of vectors."""
    right: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="B")]
    """The embedder to compare A with; it may be A itself."""
    text: Annotated[str | None, tyro.conf.Positional, tyro.conf.arg(metavar="TEXT")] = None
    """A file with one sentence a line; by default the held-out sentences of the contextual run."""
    out: str | None = None
    """The folder of the report; by default runs/compare/A-B."""
    config: str | None = None
    """The config that trained A or B, where its model is not one of jaxemb's."""
    sentences: int = 500
    """Number of sentences to read, spread over the whole text."""


def main() -> None:
    if shipped.is_config(sys.argv[1:2]):
        architectures()
    else:
        pair()


def pair() -> None:
    settings = command_line.parse(Compare)
    from jaxemb.lab import outcome, progress, report as reports
    from jaxemb.lab.runs.contextual import embed
    from jaxemb.lab.studies.context import report

    paths, config = (settings.left, settings.right), embed.config_of(settings.config)
    comparison = report.compare(*paths, settings.text, settings.sentences, config)
    names = "-".join(side.source.name for side in comparison.sides)
    given = [path for path in (*paths, settings.text) if path]
    out = files.writable(settings.out or reports.folder_of("compare", given, names))
    with progress.measuring():
        markdown = report.write(out, comparison)
    progress.show(markdown)
    outcome.end(out, *outcome.of_demo("polysemy", "polysemy"), report="comparison.md")


def architectures() -> None:
    config = command_line.from_command_line(ArchitecturesConfig)
    # imported after --help, which needs no device
    from jaxemb.lab import outcome, progress
    from jaxemb.lab.studies.architectures import report, run

    measured = run.compare(config, say=progress.say)
    progress.show(report.write(config, measured))
    first = Path(config.workdir) / "seed_0"
    runs = [first / own.name for own in config.architectures[:2]]
    outcome.end(config.workdir, ("compare_embedders", runs[0], runs[-1]), report="architectures.md")


if __name__ == "__main__":
    command_line.run(main)
