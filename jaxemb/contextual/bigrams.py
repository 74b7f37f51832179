"""A bigram model with add-k smoothing: what a neural language model has to beat.

Source:
    Jurafsky and Martin, Speech and Language Processing, 3rd ed., section 3.6.3.
"""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int

KS = (1.0, 0.1, 0.01, 0.001)


class Bigrams(NamedTuple):
    """Counts of pairs and of their first words, of each direction."""

    pairs: Any  # sorted, first * vocab + second
    counts: Any
    firsts: Any  # [vocab]
    vocab: int


def counted(first: Int[Any, " pairs"], second: Int[Any, " pairs"], vocab: int) -> Bigrams:
    """The pairs of a text: `second` is to be predicted from `first`."""
    pairs, counts = np.unique(np.int64(first) * vocab + second, return_counts=True)
    return Bigrams(pairs, counts, np.bincount(first, minlength=vocab), vocab)


def nats(of: Bigrams, first: Int[Any, " pairs"], second: Int[Any, " pairs"], k: float) -> Any:
    """-log p(second | first), p = (count of the pair + k) / (count of first + k vocab)."""
    wanted = np.int64(first) * of.vocab + second
    at = np.minimum(np.searchsorted(of.pairs, wanted), len(of.pairs) - 1)
    found = np.where(of.pairs[at] == wanted, of.counts[at], 0)
    return np.log(of.firsts[first] + k * of.vocab) - np.log(found + k)


def best_perplexity(train: tuple, dev: tuple, held_out: tuple, vocab: int) -> tuple[float, float]:
    """(perplexity of held-out pairs, the k of KS that is best on `dev`).

    Args:
        train: (first, second) of all training pairs; so `dev` and `held_out`.
    """
    of = counted(train[0], train[1], vocab)
    k = min(KS, key=lambda each: float(nats(of, dev[0], dev[1], each).mean()))
    return float(np.exp(nats(of, held_out[0], held_out[1], k).mean())), k
