"""Perplexity of a language model on held-out text."""

import functools
from collections.abc import Iterable
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxemb.contextual import language_model
from jaxemb.contextual.training import Plan, Resources, Rule, Text
from jaxemb.contextual.windows import Window
from jaxemb.errors import InputError


class Perplexity(NamedTuple):
    """Perplexity of held-out text, by the full softmax over the vocabulary and the marks."""

    by_direction: dict[str, float]
    predictions: dict[str, int]

    @property
    def mean(self) -> float:
        """Geometric mean of all directions, exp of the mean loss, as ELMo's papers report it."""
        return geometric_mean(self.by_direction.values())


def geometric_mean(perplexities: Iterable[float]) -> float:
    """exp of the mean of the logarithms: of the losses in nats."""
    return float(np.exp(np.mean(np.log(list(perplexities)))))


def of(plan: Plan, params: Any, text: Text, resources: Resources) -> Perplexity:
    """The perplexity of each direction, exp(nats per prediction); states begin at zero.

    What is drawn for it, such as hidden words, depends on the text alone: it is the draw of seed 0.
    """
    rule = plan.rule
    names = rule.model.objective.directions
    carry = rule.model.context.start(text.ids.shape[1:])
    sums, counts = np.zeros(len(names)), np.zeros(len(names))
    cut = rule.model.objective.windows(*text, rule.unroll, plan.carried, (0, 0))
    for k in range(cut.total):
        nats, predictions, carry = _losses(rule, params, resources, carry, cut.at(k))
        sums, counts = sums + np.float64(nats), counts + np.float64(predictions)
    if not counts.all():
        raise InputError("the held-out text has nothing to predict: hold out more")
    reached = np.exp(sums / counts).tolist()
    return Perplexity(
        dict(zip(names, reached, strict=True)),
        dict(zip(names, counts.astype(int).tolist(), strict=True)),
    )


@functools.partial(jax.jit, static_argnums=0)
def _losses(rule: Rule, params, resources: Resources, carry, windows: tuple[Window, ...]):
    with jax.default_matmul_precision("highest"):
        return language_model.losses(rule.model, params, windows, carry, resources.characters)
