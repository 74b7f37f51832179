"""Print the nearest neighbours of words in any table of vectors.

Usage: python scripts/neighbors.py VECTORS WORD... [--tensor NAME] [--k 10] [--euclidean]
           [--minus WORD...] [--help]

VECTORS is the folder of a finished run, or a file of vectors; a file inside a Python package is
package:NAME/FILE. Each word has its own column; with --minus, all words form one query:
`VECTORS king woman --minus man` searches near king and woman and far from man. A word that is not
in the vocabulary is an error that names similar spellings, unless the file is fastText's .bin: then
its vector is composed of n-grams.
"""

import dataclasses
from typing import Annotated

import tyro

from jaxemb.lab import command_line


@dataclasses.dataclass(frozen=True)
class Neighbors:
    """Print the nearest neighbours of words."""

    vectors: Annotated[str, tyro.conf.Positional]
    """A finished run, or a file of vectors."""
    words: Annotated[tuple[str, ...], tyro.conf.Positional]
    """Query words, whose neighbours are wanted."""
    tensor: str | None = None
    """The name of the matrix, where a .safetensors or a folder of them has several."""
    minus: tuple[str, ...] = ()
    """Words to be far from; all words then form one query, as in an analogy."""
    k: Annotated[int, tyro.conf.arg(aliases=["--n"])] = 10
    """Number of neighbours."""
    euclidean: bool = False
    """Use Euclidean distance instead of the cosine."""

    def check(self) -> None:
        if not self.words:
            raise command_line.InputError("no word is given: wanted VECTORS WORD...")


def main() -> None:
    settings = command_line.parse(Neighbors)
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from jaxemb.evaluation import neighbours
    from jaxemb.functional import similarity
    from jaxemb.lab import vectors as loading

    loaded = loading.word_vectors(settings.vectors, tensor=settings.tensor)
    vocab, measure = (
        loaded.word_vectors,
        similarity.closeness if settings.euclidean else similarity.cos_add,
    )
    together = [neighbours.Query(settings.words, settings.minus)]
    queries = together if settings.minus else [neighbours.Query([word]) for word in settings.words]
    answers = neighbours.most_similar_of_each(
        vocab, vocab.vectors, queries, settings.k, measure, loaded.unknown
    )
    heading, sign = ("distance", -1) if settings.euclidean else ("cosine", 1)
    shown = Table()
    for query in answers:
        shown.add_column(escape(query.word))
        shown.add_column(heading, justify="right")
    for row in range(max(len(query.words) for query in answers)):
        cells = [(escape(q.words[row]), f"{sign * q.values[row]:.3f}") for q in answers]
        shown.add_row(*(cell for pair in cells for cell in pair))
    Console().print(shown)


if __name__ == "__main__":
    command_line.run(main)
