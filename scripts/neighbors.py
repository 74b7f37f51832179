"""The words nearest to some words, in any table of vectors.

Usage: python scripts/neighbors.py VECTORS WORD... [--k 10] [--euclidean] [--minus WORD...] [--help]

VECTORS is the folder of a finished run, or a file of vectors; a file inside a Python package is
package:NAME/FILE. Each word has a column of its own; with --minus, all words make one question:
`VECTORS king woman --minus man` asks what is near to king and woman and far from man. A word that
is not there is refused, with near spellings; fastText's .bin makes its vector of n-grams.
"""

import dataclasses
from typing import Annotated

import tyro

from jaxemb.lab import command_line


@dataclasses.dataclass(frozen=True)
class Neighbors:
    """The words nearest to some words."""

    vectors: Annotated[str, tyro.conf.Positional]
    """A finished run, or a file of vectors."""
    words: Annotated[tuple[str, ...], tyro.conf.Positional]
    """What is to be near."""
    minus: tuple[str, ...] = ()
    """What is to be far; then all words make one question, as an analogy does."""
    k: int = 10
    """How many."""
    euclidean: bool = False
    """By Euclidean distance, not by cosine."""

    def check(self) -> None:
        if not self.words:
            raise command_line.InputError("no word is given: wanted VECTORS WORD...")


def main() -> None:
    asked = command_line.parse(Neighbors)
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from jaxemb.evaluation import neighbours
    from jaxemb.functional import similarity
    from jaxemb.lab import vectors as loading

    loaded = loading.word_vectors(asked.vectors)
    vocab, measure = loaded.found, similarity.closeness if asked.euclidean else similarity.cos_add
    together = [neighbours.Query(asked.words, asked.minus)]
    queries = together if asked.minus else [neighbours.Query([word]) for word in asked.words]
    found = neighbours.most_similar_of_each(
        vocab, vocab.vectors, queries, asked.k, measure, loaded.unknown
    )
    said, sign = ("distance", -1) if asked.euclidean else ("cosine", 1)
    shown = Table()
    for query in found:
        shown.add_column(escape(query.word))
        shown.add_column(said, justify="right")
    for row in range(max(len(query.words) for query in found)):
        cells = [(escape(q.words[row]), f"{sign * q.values[row]:.3f}") for q in found]
        shown.add_row(*(cell for pair in cells for cell in pair))
    Console().print(shown)


if __name__ == "__main__":
    command_line.run(main)
