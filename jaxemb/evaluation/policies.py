"""Choices besides the vectors that change a score: case, unknown words, and size of vocabulary.

The scores of the same vectors differ by several points between programs that choose differently, so
every report names the choices. The default is gensim's.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from jaxemb.errors import InputError
from jaxemb.evaluation import search
from jaxemb.structs import AnyArray
from jaxemb.text import vocabulary

BLOCK = 16384  # rows that `mean` sums at a time

# (words, table) -> vectors [words, dim] for words that the vocabulary does not have
Unknown = Callable[[Sequence[str], Any], Float[AnyArray, "words dim"]]


class Policy(NamedTuple):
    """How words of a test are looked up among those of a table. The default is gensim's.

    Case is folded by `str.upper`: the most frequent form of a word stands for all its forms; `str`
    leaves words as they are. An item with an unknown word is skipped, unless `unknown` makes the
    word's vector: `zero` (gensim's dummy4unknown), `mean`, or your own function, for subwords.
    """

    fold: Callable[[str], str] = str.upper
    unknown: Unknown | None = None
    restrict: int | None = 300_000  # the most frequent words, which alone are known; None: all

    def described(self) -> dict[str, Any]:
        """The policy as JSON values, for a report."""
        case = {str.upper: "folded (upper)", str: "exact"}
        return {
            "case": case.get(self.fold, getattr(self.fold, "__name__", repr(self.fold))),
            "unknown": self.unknown.__name__ if self.unknown else "skip",
            "restrict_vocab": self.restrict,
        }


GENSIM = Policy()


class Found(NamedTuple):
    """Where words are in a table, and their vectors."""

    ids: Int[AnyArray, " words"]  # rows of the table; -1: unknown
    at: Int[AnyArray, " words"]  # rows of `vectors`; -1: skipped
    vectors: Float[AnyArray, "distinct dim"]


def zero(words: Sequence[str], table: Float[AnyArray, "vocab dim"]) -> Float[AnyArray, "words dim"]:
    """Zeros for unknown words: cosine 0, and no analogy is right. gensim's dummy4unknown."""
    return np.zeros((len(words), table.shape[1]), np.float32)


def mean(words: Sequence[str], table: Float[AnyArray, "vocab dim"]) -> Float[AnyArray, "words dim"]:
    """The mean row of the table for every word."""
    blocks = range(0, len(table), BLOCK)
    total = sum(
        np.asarray(search.taken(table, slice(i, i + BLOCK)), np.float64).sum(axis=0) for i in blocks
    )
    row = np.asarray(total / len(table), np.float32)
    return np.repeat(row[None, :], len(words), axis=0)


def ngrams(compose: Callable[[Sequence[str]], Any] | None) -> Unknown:
    """An `unknown` of a policy that makes a word's vector from its n-grams.

    Args:
        compose: from words to vectors, as `formats.unknown_words` gives it for fastText's .bin.

    Raises:
        InputError: `compose` is None.
    """
    if compose is None:
        raise InputError("no n-grams are there to make unknown words of: wanted a .bin of fastText")

    def ngrams(words, table):
        del table
        return compose(words)

    return ngrams


def find(
    vocab: vocabulary.HasWords,
    table: Float[AnyArray, "vocab dim"],
    words: Sequence[str],
    policy: Policy = GENSIM,
) -> Found:
    """Look up the words of a test under a policy; each distinct vector is returned once.

    Raises:
        InputError: the table has no words.
    """
    number = vocabulary.numbers(vocabulary.named(vocab), policy.fold, policy.restrict)
    folded = [policy.fold(word) for word in words]
    ids = np.array([number.get(word, -1) for word in folded], np.int64)
    rows, at = np.unique(ids, return_inverse=True)
    first = int(len(rows) > 0 and rows[0] < 0)
    vectors = np.asarray(search.taken(table, rows[first:]))
    at = at - first  # -1 where unknown
    missing = list(dict.fromkeys(w for w, i in zip(words, ids, strict=True) if i < 0))
    if policy.unknown and missing:
        made = policy.unknown(missing, search.taken(table, slice(policy.restrict)))
        place = {word: len(vectors) + i for i, word in enumerate(missing)}
        at = np.array([place.get(w, i) if i < 0 else i for w, i in zip(words, at, strict=True)])
        vectors = np.concatenate([vectors, made])
    return Found(ids, at, vectors)
