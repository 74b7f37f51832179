"""Perplexity of a bidirectional language model on held-out text, and of a bigram baseline.

Source:
    The baseline, add-k smoothing: Jurafsky and Martin, Speech and Language Processing, 3rd ed.,
    section 3.6.3.
"""

import functools
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Int

from jaxemb.contextual import language_model, windows
from jaxemb.contextual.training import Plan, Resources, Rule, Text
from jaxemb.contextual.windows import Window
from jaxemb.errors import InputError
from jaxemb.structs import AnyArray

KS = (1.0, 0.1, 0.01, 0.001)  # of add-k smoothing, of which the best on the dev text is used


class Perplexity(NamedTuple):
    """Perplexity of held-out text, by the full softmax over the vocabulary and the marks."""

    forward: float
    backward: float
    predictions: tuple[int, int]

    @property
    def mean(self) -> float:
        """Geometric mean of both directions, exp of the mean loss, as ELMo's papers report it."""
        return float(np.sqrt(self.forward * self.backward))


def of(plan: Plan, params: Any, text: Text, resources: Resources) -> Perplexity:
    """The perplexity of each direction, exp(nats per prediction); states begin at zero."""
    rule = plan.rule
    carry = rule.model.bilm.start(text.ids.shape[1:])
    sums, counts = np.zeros(2), np.zeros(2)
    for pair in windows.windows(*text, rule.unroll, plan.carried):
        nats, predictions, carry = _losses(rule, params, resources, carry, *pair)
        sums, counts = sums + np.float64(nats), counts + np.float64(predictions)
    if not counts.all():
        raise InputError("the held-out text has nothing to predict: hold out more")
    ahead, back = np.exp(sums / counts)
    return Perplexity(float(ahead), float(back), (int(counts[0]), int(counts[1])))


@functools.partial(jax.jit, static_argnums=0)
def _losses(rule: Rule, params, resources: Resources, carry, forward: Window, backward: Window):
    return language_model.losses(rule.model, params, forward, backward, carry, resources.characters)


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
