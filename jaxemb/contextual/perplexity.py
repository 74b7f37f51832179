"""How well a bidirectional language model foretells text that it was not trained on."""

import functools
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxemb.contextual import language_model, windows
from jaxemb.contextual.training import Plan, Resources, Rule, Text
from jaxemb.contextual.windows import Window
from jaxemb.errors import InputError


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
