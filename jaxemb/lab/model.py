"""A model holds words and their vectors together: a thin value over the library's functions."""

import dataclasses
import functools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import numpy as np
from jaxtyping import Float

from jaxemb import formats, linalg
from jaxemb.errors import InputError, at_least, each_a_word, warn
from jaxemb.evaluation import bundled, neighbours
from jaxemb.evaluation.neighbours import Neighbours
from jaxemb.formats import WordVectors
from jaxemb.formats.unwritable import Way
from jaxemb.lab.tables import inspection, scores
from jaxemb.lab.vectors import Subwords
from jaxemb.structs import InOut, Vocab
from jaxemb.text import vocabulary

if TYPE_CHECKING:
    Words = str | Sequence[str]
else:
    Words = Any  # the methods themselves say best what is no word
P = ParamSpec("P")
T = TypeVar("T")


def shortly(function: Callable[P, T]) -> Callable[P, T]:
    """The function, whose InputErrors have no traceback: a notebook shows 20 lines a frame."""

    @functools.wraps(function)
    def called(*args: P.args, **named: P.kwargs) -> T:
        try:
            return function(*args, **named)
        except InputError as error:
            raise error.with_traceback(None) from None

    return called


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
        unknown: makes vectors of words beyond the vocabulary, if the model has subwords;
            `lab.vectors.Subwords` can be saved, too.
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
        """Whether a word is in the vocabulary; subwords may compose vectors of other words, too."""
        return word in vocabulary.numbers(self.words)

    def __iter__(self) -> Iterator[str]:
        return iter(self.words)

    @shortly
    def __getitem__(self, words: Words) -> Float[Any, "..."]:
        """The vector [dim] of a word, or [n, dim] of several.

        Raises:
            InputError: an unknown word that no subwords compose, with words spelled like it;
                something other than words.
        """
        several = _listed(words, "model[...]")
        if not several:
            return self.vectors[:0]
        mixed = neighbours.composed(self.vocab, several, self.unknown) if self.unknown else several
        known = [word for word in mixed if isinstance(word, str)]
        rows = iter(self.vectors[vocabulary.index(self.vocab, known)])
        vectors = np.stack([next(rows) if isinstance(word, str) else word for word in mixed])
        return vectors[0] if isinstance(words, str) else vectors

    @shortly
    def most_similar(
        self, words: Words = (), minus: Words = (), n: int = 10, **other: Any
    ) -> Neighbours:
        """The n words of largest cosine with the sum of some words, less others.

        Raises:
            InputError: no words, unknown ones, or arguments of other names, as gensim has them.
        """
        if other:
            raise InputError(
                f"most_similar has no {', '.join(other)}: wanted most_similar(words, minus, n), "
                "such as most_similar(['king', 'woman'], minus=['man'], n=5), which "
                "analogy('man', 'king', 'woman') is too"
            )
        at_least(1, n=n)
        plus, less = _listed(words, "words"), _listed(minus, "minus")
        return neighbours.most_similar(
            self.vocab, self.vectors, plus, less, n, unknown=self.unknown
        )

    @shortly
    def similarity(self, one: str, other: str) -> float:
        """The cosine of two words."""
        return neighbours.similarity(self.vocab, self.vectors, self[one], self[other])

    @shortly
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
        return Report(values, scores.markdown(values, sections=False) or bundled.HOW_TO_GET)

    @shortly
    def save(self, path: str | Path, unwritable: Way | None = None) -> None:
        """Write words and vectors in the format that the name says: .vec, .safetensors, .bin, ...

        A model with subwords is a .bin file of fastText, which composes unknown words; other
        formats keep the words' vectors alone.

        Args:
            unwritable: what is written of a word that the format cannot hold: `formats.skip`,
                `formats.rename`, or your own; see `formats.write`.

        Raises:
            InputError: a name of no format, or words that the format cannot hold.

        Warns:
            UserWarning: the file will not have the model's subwords.
        """
        if isinstance(self.unknown, Subwords) and Path(path).suffix == ".bin":
            if unwritable is not None:
                raise InputError(f"{path}: fastText's format takes every word or none: unwritable")
            return self.unknown.write(Path(path))
        formats.write(path, WordVectors(self.words, self.vectors), unwritable=unwritable)
        if self.unknown is not None:
            kept = "; NAME.bin keeps it" * isinstance(self.unknown, Subwords)
            warn(f"{path} has the words' vectors, not what composes unknown words{kept}")

    def __repr__(self) -> str:
        (rows, dim), source = self.vectors.shape, "trained" if self.history else "read"
        loss = f", loss {self.history[-1]['loss']:.4f}" if self.history else ""
        first = ", ".join([*self.words[:5], *["..."] * (rows > 5)])
        return f"Model of {rows:,} words in {dim} dimensions, {source}{loss}: {first}"

    def _repr_markdown_(self) -> str:
        return f"{self!r}\n\n{self.vocab._repr_markdown_()}"


def _listed(words: Any, what: str) -> list[str]:
    """Some words as a list, even one."""
    if isinstance(words, str):
        return [words]
    if np.ndim(words) == 0:  # a number, a slice
        rows = "; rows by number: model.vectors[...]"
        raise InputError(f"{what} got {words!r:.60}; wanted a word, or a list of words{rows}")
    several = list(words)
    each_a_word(what, several)
    return several
