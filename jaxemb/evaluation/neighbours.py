"""Questions about words: neighbours, analogies, the odd one out, similarity and distance.

Where the type is `Word`, a vector [dim] may stand for a word: one made of subwords, a mean, any.
"""

import dataclasses
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, SupportsIndex

import numpy as np
from jaxtyping import Float, Int

from jaxemb import linalg
from jaxemb.errors import InputError, at_least, each_a_word
from jaxemb.evaluation import search
from jaxemb.functional import similarity as functional
from jaxemb.structs import AnyArray, displayed
from jaxemb.text import vocabulary
from jaxemb.text.vocabulary import HasWords

Word = str | Float[AnyArray, " dim"]
Compose = Callable[[Sequence[str]], Float[AnyArray, "words dim"]]


@displayed
@dataclasses.dataclass(frozen=True, repr=False)
class Neighbours:
    """The neighbours of a word, nearest first: a sequence of (word, cosine or distance)."""

    word: str
    words: tuple[str, ...]
    values: tuple[float, ...]

    def __len__(self) -> int:
        return len(self.words)

    def __iter__(self) -> Iterator[tuple[str, float]]:
        return zip(self.words, self.values, strict=True)

    def __getitem__(self, at: SupportsIndex) -> tuple[str, float]:
        return self.words[at], self.values[at]

    def __str__(self) -> str:
        near = ", ".join(f"{w} {v:.2f}" for w, v in self)
        return f"{self.word}: {near}"


class Query(NamedTuple):
    """The words that an answer should be near to, and those it should be far from."""

    positive: Sequence[Word]
    negative: Sequence[Word] = ()

    def __str__(self) -> str:
        near, far = ([w if isinstance(w, str) else "(vector)" for w in side] for side in self)
        return " - ".join([" + ".join(near), *far])


def nearest(
    vocab: HasWords, table: Float[AnyArray, "vocab dim"], word: Word, k: int = 10
) -> Neighbours:
    """The k words of largest cosine with `word`, itself left out.

    Raises:
        InputError: the word is not in the vocabulary; the message names words spelled like it.
    """
    return most_similar(vocab, table, [word], k=k)


def nearest_euclidean(
    vocab: HasWords, table: Float[AnyArray, "vocab dim"], word: Word, k: int = 10
) -> Neighbours:
    """The k words at the smallest Euclidean distance from `word`, itself left out."""
    nearest_words = most_similar(vocab, table, [word], k=k, answer=functional.closeness)
    values = tuple(-value for value in nearest_words.values)
    return dataclasses.replace(nearest_words, values=values)


def most_similar(
    vocab: HasWords,
    table: Float[AnyArray, "vocab dim"],
    positive: Sequence[Word],
    negative: Sequence[Word] = (),
    k: int = 10,
    answer: search.Answer = functional.cos_add,
    unknown: Compose | None = None,
) -> Neighbours:
    """The k words nearest to some words and far from others, those words left out.

    Args:
        vocab: what names the rows.
        table: NumPy (memory-mapped too) or jax; of any size, because it is read in blocks.
        positive: words or vectors to be near to.
        negative: words or vectors to be far from.
        k: how many.
        answer: how a row is scored: `similarity.cos_add`, `cos_mul`, `closeness`, or your own.
        unknown: makes the vectors of words that are not in the vocabulary. Without it, or where it
            makes zeros, such words raise InputError.

    Raises:
        InputError: a word is not in the vocabulary; the message names words spelled like it.
    """
    return most_similar_of_each(vocab, table, [Query(positive, negative)], k, answer, unknown)[0]


def most_similar_of_each(
    vocab: HasWords,
    table: Float[AnyArray, "vocab dim"],
    queries: Iterable[Query],
    k: int = 10,
    answer: search.Answer = functional.cos_add,
    unknown: Compose | None = None,
) -> list[Neighbours]:
    """`most_similar` for many queries; the table is read once for each shape of the queries."""
    at_least(1, k=k)
    words, listed = vocabulary.named(vocab), list(queries)
    shapes = defaultdict(list)
    for i, query in enumerate(listed):
        for side in query:
            if isinstance(side, str):
                raise InputError(f"got the words {side!r:.60}; wanted a list, even of one word")
        shapes[len(query.positive), len(query.negative)].append(i)
    answers: dict[int, Neighbours] = {}
    for shape, places in shapes.items():
        if not sum(shape):
            raise InputError("the query is empty: wanted a word to be near to")
        flat = [word for i in places for side in listed[i] for word in side]
        flat = composed(vocab, flat, unknown) if unknown else flat
        ids, vectors = _rows(vocab, table, flat)
        ids, vectors = ids.reshape(len(places), -1), vectors.reshape(len(places), sum(shape), -1)
        near, far = np.split(vectors, [shape[0]], axis=1)
        best = search.best(table, near, far, ids, k, answer)
        for i, values, rows in zip(places, *best, strict=True):
            kept = np.isfinite(values)
            named = tuple(words[row] for row in rows[kept])
            answers[i] = Neighbours(str(listed[i]), named, tuple(values[kept].tolist()))
    return [answers[i] for i in range(len(listed))]


def analogy(
    vocab: HasWords,
    table: Float[AnyArray, "vocab dim"],
    a: Word,
    b: Word,
    c: Word,
    k: int = 5,
    answer: search.Answer = functional.cos_add,
) -> Neighbours:
    """a is to b as c is to what? By 3CosAdd, or by 3CosMul with `answer=similarity.cos_mul`."""
    return most_similar(vocab, table, [b, c], [a], k, answer)


def doesnt_match(vocab: HasWords, table: Float[AnyArray, "vocab dim"], words: Sequence[str]) -> str:
    """The odd one out: the word of least cosine with the mean of the unit vectors of all words.

    Raises:
        InputError: no word at all, or one that is not in the vocabulary.
    """
    each_a_word("words", words)
    if not words:
        raise InputError("no words are given: wanted some, of which one does not match")
    unit = linalg.unit_rows(_float64(vocab, table, words))
    return words[int(np.argmin(unit @ unit.mean(axis=0)))]


def similarity(
    vocab: HasWords, table: Float[AnyArray, "vocab dim"], left: Word, right: Word
) -> float:
    """The cosine of two words, in float64; 0 for a zero vector."""
    one, other = linalg.unit_rows(_float64(vocab, table, [left, right]))
    return float(one @ other)


def distance(
    vocab: HasWords, table: Float[AnyArray, "vocab dim"], left: Word, right: Word
) -> float:
    """The cosine distance of two words: 1 - cosine."""
    return 1.0 - similarity(vocab, table, left, right)


def euclidean_distance(
    vocab: HasWords, table: Float[AnyArray, "vocab dim"], left: Word, right: Word
) -> float:
    """The Euclidean distance of two words, in float64."""
    one, other = _float64(vocab, table, [left, right])
    return float(np.linalg.norm(one - other))


def composed(vocab: HasWords, words: Sequence[Word], unknown: Compose) -> list[Word]:
    """The words, with vectors in place of unknown words for which `unknown` makes one."""
    number = vocabulary.numbers(vocabulary.named(vocab))
    missing = [word for word in words if isinstance(word, str) and word not in number]
    made = dict(zip(missing, unknown(missing), strict=True)) if missing else {}
    made = {word: vector for word, vector in made.items() if np.any(vector)}
    return [made.get(word, word) if isinstance(word, str) else word for word in words]


def _float64(vocab: HasWords, table, words: Sequence[Word]) -> Float[AnyArray, "words dim"]:
    return np.asarray(_rows(vocab, table, words)[1], np.float64)


def _rows(
    vocab: HasWords, table, words: Sequence[Word]
) -> tuple[Int[AnyArray, " words"], Float[AnyArray, "words dim"]]:
    """The row number of each word, -1 for a vector, and all their vectors."""
    given = [i for i, word in enumerate(words) if not isinstance(word, str)]
    named = np.array([i for i, word in enumerate(words) if isinstance(word, str)], int)
    ids = np.full(len(words), -1)
    ids[named] = vocabulary.index(vocab, [word for word in words if isinstance(word, str)])
    vectors = np.zeros((len(words), table.shape[1]), np.float32)
    vectors[named] = np.asarray(search.taken(table, ids[named]))
    for i in given:
        if np.shape(words[i]) != vectors[i].shape:
            wanted = f"wanted a word or a vector [{table.shape[1]}]"
            raise InputError(f"got an array of shape {list(np.shape(words[i]))}: {wanted}")
        vectors[i] = np.asarray(words[i])
    return ids, vectors
