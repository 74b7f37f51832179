"""Encode a corpus: write ids and a vocabulary to disk, for training runs to share.

Usage: python scripts/prepare.py FOLDER --corpus.path TEXT [--corpus.min-count 5 ...]
           [--phrases 2 --phrase-score word2phrase --phrase-threshold 200 100]
           [--dask HOST:PORT] [--help]

Then train on it: python scripts/train.py CONFIG.py --corpus.path TEXT --corpus.prepared FOLDER
"""

import contextlib
import dataclasses
import sys

import tyro

from jaxemb.lab import command_line, corpus as preparation, outcome
from jaxemb.lab.runs.static.config import Corpus
from jaxemb.text import cluster, phrases


@dataclasses.dataclass(frozen=True)
class Prepare:
    """Write the ids and the vocabulary of a text to disk."""

    folder: tyro.conf.Positional[str]
    """The folder of ids.bin, vocab.txt and manifest.json."""
    corpus: Corpus = dataclasses.field(default_factory=Corpus)
    dask: str | None = None
    """HOST:PORT of a Dask scheduler whose workers read the text; by default local processes do."""

    def check(self) -> None:
        self.corpus.check()


def main() -> None:
    settings = command_line.parse(Prepare)
    local = contextlib.nullcontext(cluster.Cluster())
    with cluster.dask(settings.dask) if settings.dask else local as pool:
        corpus = preparation.prepare_corpus(
            settings.corpus, settings.folder, executor=pool.executor, workers=pool.workers
        )
    tokens = corpus.tokens
    dropped = ", ".join(f"{count:,} {cause}" for cause, count in tokens.dropped.items())
    print(f"{settings.folder}: {len(corpus.vocab.words):,} words")
    print(f"tokens: {tokens.read:,} read = {tokens.kept:,} kept + dropped ({dropped})")
    print(f"{corpus.replaced:,} bad characters replaced")
    if settings.corpus.phrases:
        scored = phrases.read(corpus.folder / phrases.FILE)
        best = sorted(scored, key=lambda phrase: -phrase.score)[:10]
        named = ", ".join(f"{phrase.phrase} {phrase.score:.4g}" for phrase in best)
        print(f"{len(scored):,} phrases ({phrases.FILE}), the first: {named}")
    outcome.end(settings.folder, trained_on(settings))


def trained_on(settings: Prepare) -> outcome.Command:
    """The command that trains on the folder: it repeats the options of the corpus."""
    options = list(sys.argv[1:])
    options.remove(settings.folder)
    if settings.dask:
        at = next(i for i, option in enumerate(options) if option.startswith("--dask"))
        del options[at : at + (1 if "=" in options[at] else 2)]
    prepared = ("--corpus.prepared", settings.folder)
    return ("train", outcome.config("quickstart"), *options, *prepared)


if __name__ == "__main__":
    command_line.run(main)
