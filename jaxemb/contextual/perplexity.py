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

KS = (1.0, 0.1, 0.01, 0.001)  # of add-k smoothing: the best on the dev text is taken


class Perplexity(NamedTuple):
    """Of held-out text, with the full softmax over the vocabulary and the marks."""

    forward: float
    backward: float
    predictions: tuple[int, int]

    @property
    def mean(self) -> float:
        """The geometric mean of both, exp of the mean loss: what ELMo's papers report."""
        return float(np.sqrt(self.forward * self.backward))


def of(plan: Plan, params: Any, text: Text, resources: Resources) -> Perplexity:
    """exp(nats per prediction) of each direction; states begin at zero."""
    rule = plan.rule
    carry = rule.model.bilm.start(text.ids.shape[1:])
    sums, counts = np.zeros(2), np.zeros(2)
    for pair in windows.windows(*text, rule.unroll, plan.carried):
        nats, asked, carry = _asked(rule, params, resources, carry, *pair)
        sums, counts = sums + np.float64(nats), counts + np.float64(asked)
    if not counts.all():
        raise InputError("the text held out has nothing to predict: hold out more")
    ahead, back = np.exp(sums / counts)
    return Perplexity(float(ahead), float(back), (int(counts[0]), int(counts[1])))


@functools.partial(jax.jit, static_argnums=0)
def _asked(rule: Rule, params, resources: Resources, carry, forward: Window, backward: Window):
    return language_model.losses(rule.model, params, forward, backward, carry, resources.characters)


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
