"""Encodes a corpus: text to ids and a vocabulary on disk, for training runs to share.

Usage: python scripts/prepare.py FOLDER --corpus.path TEXT [--corpus.min-count 5 ...]
           [--phrases 2 --phrase-score word2phrase --phrase-threshold 200 100]
           [--dask HOST:PORT] [--help]

Then train on it: python scripts/train.py CONFIG.py --corpus.path TEXT --corpus.prepared FOLDER
"""

import contextlib
import dataclasses

import tyro

from jaxemb.lab import command_line, corpus as preparation
from jaxemb.lab.runs.static.config import Corpus
from jaxemb.text import cluster, phrases


@dataclasses.dataclass(frozen=True)
class Prepare:
    """Text to ids and a vocabulary on disk."""

    folder: tyro.conf.Positional[str]
    """Where ids.bin, vocab.txt and manifest.json go."""
    corpus: Corpus = dataclasses.field(default_factory=Corpus)
    dask: str | None = None
    """HOST:PORT of a Dask scheduler whose workers read; by default processes of this machine do."""

    def check(self) -> None:
        self.corpus.check()


def main() -> None:
    asked = command_line.parse(Prepare)
    here = contextlib.nullcontext(cluster.Cluster())
    with cluster.dask(asked.dask) if asked.dask else here as found:
        corpus = preparation.prepare_corpus(
            asked.corpus, asked.folder, executor=found.executor, workers=found.workers
        )
    tokens = corpus.tokens
    dropped = ", ".join(f"{count:,} {cause}" for cause, count in tokens.dropped.items())
    print(f"{asked.folder}: {len(corpus.vocab.words):,} words")
    print(f"tokens: {tokens.read:,} read = {tokens.kept:,} kept + dropped ({dropped})")
    print(f"{corpus.replaced:,} bad characters replaced")
    if asked.corpus.phrases:
        found = phrases.read(corpus.folder / phrases.FILE)
        best = sorted(found, key=lambda each: -each.score)[:10]
        named = ", ".join(f"{each.phrase} {each.score:.4g}" for each in best)
        print(f"{len(found):,} phrases ({phrases.FILE}), the first: {named}")


if __name__ == "__main__":
    command_line.run(main)
