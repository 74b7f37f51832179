"""What models that count words reach: bigrams with add-k smoothing, in NumPy.

Source:
    Add-k smoothing: Jurafsky and Martin, Speech and Language Processing, 3rd ed., section 3.6.3.
"""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int

from jaxemb.structs import AnyArray

KS = (1.0, 0.1, 0.01, 0.001)  # of add-k smoothing, of which the best on the dev text is used


class Baseline(NamedTuple):
    """The perplexity of a model without context, of the same text and vocabulary."""

    name: str
    perplexity: float
    k: float  # of add-k smoothing: the best on the dev text


class Bigrams(NamedTuple):
    """Counts of word pairs and of their first words."""

    pairs: Any  # int64 [different pairs]: first * vocab + second, sorted
    counts: Any  # [different pairs]
    firsts: Any  # [vocab]: how often each word is first
    vocab: int


def counted(first: Int[AnyArray, " pairs"], second: Int[AnyArray, " pairs"], vocab: int) -> Bigrams:
    """Count the pairs of a text, in which each `first` predicts its `second`."""
    pairs, counts = np.unique(np.int64(first) * vocab + second, return_counts=True)
    return Bigrams(pairs, counts, np.bincount(first, minlength=vocab), vocab)


def nats(
    of: Bigrams, first: Int[AnyArray, " pairs"], second: Int[AnyArray, " pairs"], k: float
) -> Any:
    """-log p(second | first), p = (count of the pair + k) / (count of first + k vocab)."""
    wanted = np.int64(first) * of.vocab + second
    places = np.minimum(np.searchsorted(of.pairs, wanted), len(of.pairs) - 1)
    pair_counts = np.where(of.pairs[places] == wanted, of.counts[places], 0)
    return np.log(of.firsts[first] + k * of.vocab) - np.log(pair_counts + k)


def best_perplexity(
    train: tuple[Any, ...], dev: tuple[Any, ...], held_out: tuple[Any, ...], vocab: int
) -> tuple[float, float]:
    """(perplexity of held-out pairs, the k of KS that is best on `dev`).

    Args:
        train, dev, held_out: (first, second) ids of all pairs of each text.
        vocab: the number of ids.
    """
    bigrams = counted(train[0], train[1], vocab)
    k = min(KS, key=lambda candidate: float(nats(bigrams, dev[0], dev[1], candidate).mean()))
    return float(np.exp(nats(bigrams, held_out[0], held_out[1], k).mean())), k
