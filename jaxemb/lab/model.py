"""A model holds words and their vectors together: a thin value over the library's functions."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from jaxemb import formats, linalg
from jaxemb.evaluation import neighbours
from jaxemb.evaluation.neighbours import Neighbours
from jaxemb.formats import WordVectors
from jaxemb.lab.tables import inspection, scores
from jaxemb.structs import InOut, Vocab
from jaxemb.text import vocabulary

Words = str | Sequence[str]


class Report(dict[str, Any]):
    """Values by name for programs, and Markdown for people."""

    def __init__(self, values: dict[str, Any], markdown: str) -> None:
        super().__init__(values)
        self.markdown = markdown

    def __repr__(self) -> str:
        return self.markdown

    def _repr_markdown_(self) -> str:
        return self.markdown


@dataclasses.dataclass(frozen=True)
class Model:
    """Words and their vectors, with the questions that are asked of them.

    Attributes:
        vocab: the words, by id, and their counts (0 where a file has none).
        tables: NumPy [words, dim] each; the output table is None where a file has none.
        history: what each chunk of training measured.
        unknown: makes vectors of words beyond the vocabulary, if the model has subwords.
    """

    vocab: Vocab
    tables: InOut[Any]
    history: tuple[dict[str, Any], ...] = ()
    unknown: Callable[[Sequence[str]], Any] | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """All words, by id."""
        return self.vocab.words

    @property
    def vectors(self) -> Float[Any, "words dim"]:
        """The vectors of all words: the input table."""
        return self.tables.input

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: object) -> bool:
        return word in vocabulary.numbers(self.words)

    def __iter__(self) -> Iterator[str]:
        return iter(self.words)

    def __getitem__(self, words: Words) -> Float[Any, "..."]:
        """The vector [dim] of a word, or [n, dim] of several.

        Raises:
            InputError: an unknown word that no subwords compose, with words spelled like it.
        """
        several = [words] if isinstance(words, str) else list(words)
        mixed = neighbours.composed(self.vocab, several, self.unknown) if self.unknown else several
        known = [word for word in mixed if isinstance(word, str)]
        rows = iter(self.vectors[vocabulary.index(self.vocab, known)])
        vectors = np.stack([next(rows) if isinstance(word, str) else word for word in mixed])
        return vectors[0] if isinstance(words, str) else vectors

    def most_similar(self, words: Words, minus: Words = (), n: int = 10) -> Neighbours:
        """The n words of largest cosine with the sum of some words, less others."""
        plus, less = ([w] if isinstance(w, str) else list(w) for w in (words, minus))
        return neighbours.most_similar(
            self.vocab, self.vectors, plus, less, n, unknown=self.unknown
        )

    def similarity(self, one: str, other: str) -> float:
        """The cosine of two words."""
        return neighbours.similarity(self.vocab, self.vectors, self[one], self[other])

    def analogy(self, a: str, b: str, c: str, n: int = 5) -> Neighbours:
        """Answers to "a is to b as c is to what?", by 3CosAdd."""
        return self.most_similar([b, c], [a], n)

    def rank(self) -> linalg.RankReport:
        """The rank of the table of vectors, with its margin."""
        return linalg.rank(self.vectors)

    def spectrum(self) -> linalg.Spectrum:
        """The singular values of the table of vectors."""
        return linalg.spectrum(self.vectors)

    def summary(self) -> Report:
        """What matrix the table is: rank, spectrum, isotropy, axes, as the report of a run."""
        description = inspection.describe(self.vectors, self.words)
        return Report(description, inspection.markdown(description))

    def evaluate(self) -> Report:
        """Scores against human judgement with 95 % intervals, on the tests that are installed."""
        tests = scores.at_hand()
        values = scores.describe(scores.ask(self.vocab, self.vectors, tests), tests)
        return Report(values, scores.markdown(values, sections=False))

    def save(self, path: str | Path) -> None:
        """Write words and vectors in the format that the name says: .vec, .safetensors, .bin, ...

        Raises:
            InputError: a name of no format, or words that the format cannot hold.
        """
        formats.write(path, WordVectors(self.words, self.vectors))

    def __repr__(self) -> str:
        (rows, dim), source = self.vectors.shape, "trained" if self.history else "read"
        loss = f", loss {self.history[-1]['loss']:.4f}" if self.history else ""
        first = ", ".join(self.words[:5])
        return f"Model of {rows:,} words in {dim} dimensions, {source}{loss}: {first}, ..."

    def _repr_markdown_(self) -> str:
        return f"{self!r}\n\n{self.vocab._repr_markdown_()}"
