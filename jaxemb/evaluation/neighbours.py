"""The words nearest to a word, by cosine or by Euclidean distance."""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from jaxemb.functional import similarity
from jaxemb.structs import Vocab
from jaxemb.text import vocabulary


class Neighbours(NamedTuple):
    """Words by falling nearness, with their cosine or distance."""

    word: str
    words: tuple[str, ...]
    values: tuple[float, ...]

    def __str__(self) -> str:
        near = ", ".join(f"{w} {v:.2f}" for w, v in zip(self.words, self.values, strict=True))
        return f"{self.word}: {near}"


def nearest(vocab: Vocab, table: Float[Any, "vocab dim"], word: str, k: int = 10) -> Neighbours:
    """The k words of largest cosine with `word`, itself left out.

    Raises:
        InputError: the word is not in the vocabulary, with words that look like it.
    """
    row, at = _row(vocab, table, word)
    return _best(vocab, word, at, np.asarray(similarity.cosine(row, jnp.asarray(table)))[0], k, -1)


def nearest_euclidean(
    vocab: Vocab, table: Float[Any, "vocab dim"], word: str, k: int = 10
) -> Neighbours:
    """The k words at the smallest Euclidean distance from `word`, itself left out."""
    row, at = _row(vocab, table, word)
    distances = np.asarray(similarity.euclidean(row, jnp.asarray(table)))[0]
    return _best(vocab, word, at, distances, k, 1)


def _row(vocab: Vocab, table, word: str):
    (at,) = vocabulary.index(vocab, [word])
    return jnp.asarray(table[at])[None, :], at


def _best(vocab: Vocab, word: str, at: int, values, k: int, sign: int) -> Neighbours:
    order = np.argsort(sign * np.delete(values, at), kind="stable")[:k]
    order = order + (order >= at)
    return Neighbours(
        word, tuple(vocab.words[i] for i in order), tuple(float(values[i]) for i in order)
    )
