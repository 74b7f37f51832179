"""The first rungs of the ladder of word vectors, one-hot and static, with the same measures."""

import math
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxemb import embedders, linalg
from jaxemb.evaluation import neighbours
from jaxemb.functional import similarity
from jaxemb.text import vocabulary

NEAR, OTHERS = 5, 5  # words shown with the word: its nearest, and the least similar
AMONG = 1000  # most frequent words, from which the least similar are chosen


class Rung(NamedTuple):
    """One kind of word vectors, as a matrix with `rows` rows and `dim` columns."""

    name: str
    rows: int
    dim: int
    rank: int
    law: str  # about the distances between words
    near: str  # the nearest neighbours of the word
    words: tuple[str, ...]  # the words of the picture; the first is the word itself
    cosines: Float[np.ndarray, "words words"]  # of the static rung's picture; else empty


def ladder(
    vocab: vocabulary.HasWords, table: Float[np.ndarray, "vocab dim"], word: str
) -> list[Rung]:
    """The first two rungs for one vocabulary: one-hot vectors and a static table.

    Args:
        vocab: the words of the table's rows.
        table: trained vectors.
        word: the word whose neighbours are shown.

    Raises:
        InputError: the word is not in the vocabulary.
    """
    m, n = table.shape
    near = neighbours.nearest(vocab, table, word, k=NEAR)
    shown = _shown(vocab, table, word, near)
    ids = jnp.asarray(vocabulary.index(vocab, shown))
    mask = jnp.ones(len(shown), jnp.float32)
    hot = embedders.one_hot(m).apply((), ids, mask)
    static = embedders.lookup(m, n).apply(jnp.asarray(table, jnp.float32), ids, mask)
    nothing, rank = "no word more than any other", int(linalg.rank(table).rank)
    return [
        Rung("one-hot", m, m, m, _law(hot), nothing, shown, np.zeros((0, 0))),
        Rung("static", m, n, rank, _law(static), str(near), shown, _cosines(static)),
    ]


def _shown(
    vocab: vocabulary.HasWords, table, word: str, near: neighbours.Neighbours
) -> tuple[str, ...]:
    """The word, its nearest neighbours, and the frequent words least similar to it."""
    frequent = jnp.asarray(table[:AMONG], jnp.float32)
    row = jnp.asarray(table[vocabulary.index(vocab, [word])[0]], jnp.float32)[None, :]
    unlike = np.argsort(np.asarray(similarity.cosine(row, frequent))[0], kind="stable")
    words = vocabulary.named(vocab)
    others = [words[i] for i in unlike if words[i] not in (word, *near.words)]
    return (word, *near.words, *others[:OTHERS])


def _law(vectors: Float[Array, "words dim"]) -> str:
    """One line on the distances between the shown words."""
    apart = np.asarray(similarity.euclidean(vectors, vectors))[np.triu_indices(len(vectors), 1)]
    if np.ptp(apart) < 1e-6 and math.isclose(apart[0], math.sqrt(2), rel_tol=1e-6):
        return "every two words orthogonal, sqrt 2 apart"
    return f"distance carries meaning: {apart.min():.2f} to {apart.max():.2f} apart"


def _cosines(vectors: Float[Array, "words dim"]):
    return np.asarray(similarity.cosine(vectors, vectors))
