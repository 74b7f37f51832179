"""Objectives compared by one measure: the log likelihood of held-out pairs under full softmax.

One model per objective is trained in memory on the same text with the same settings. The measure is
the model's log p(context | word) over the whole vocabulary, averaged over windows of held-out text.
"""

import functools
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxemb.counts import cooccurrence
from jaxemb.errors import InputError
from jaxemb.functional import sampling
from jaxemb.lab.runs.static import run, steps
from jaxemb.lab.runs.static.config import StaticConfig
from jaxemb.lab.studies.likelihood.config import ComparisonConfig, Contender
from jaxemb.static import hierarchical, segments, trees
from jaxemb.structs import InOut, Vocab
from jaxemb.text.corpus import Corpus
from jaxemb.training import fitting, loop

LogProb = Callable[[Any, Any], Array]  # (hidden [n, dim], outputs) -> log p [n, vocab]


class Likelihood(NamedTuple):
    """Mean log-likelihood of held-out pairs under one model, in nats per pair (0 = certainty)."""

    name: str
    as_scored: float  # by the model's `log_prob`
    corrected: float | None  # by its second function, if it has one
    normalizer: tuple[float, float] | None  # mean and deviation of log sum_w e^score, over words
    seconds: float  # of training


def scores(config: StaticConfig, vocab: Vocab) -> LogProb:
    """Return the function (hidden [n, dim], outputs) -> log p [n, vocab]: scores' log softmax."""
    del config, vocab
    return lambda hidden, outputs: jax.nn.log_softmax(_products(hidden, outputs), axis=1)


def scores_above_noise(config: StaticConfig, vocab: Vocab) -> LogProb:
    """Return the function (hidden, outputs) -> log p: the log softmax of score + log(k P_n).

    The score that negative sampling learns is PMI - log k, where P_n is the context distribution.

    Source:
        Levy and Goldberg 2014.
    """
    noise = sampling.alias_table(vocab.counts, config.noise_power).probability
    raised = jnp.log(config.negatives * noise)
    return lambda hidden, outputs: jax.nn.log_softmax(
        _products(hidden, outputs) + raised[None, :], axis=1
    )


def tree(config: StaticConfig, vocab: Vocab) -> LogProb:
    """Return the function (hidden, outputs) -> log p of hierarchical softmax, which is exact."""
    word_tree = (config.tree or trees.huffman)(vocab.counts)
    return functools.partial(hierarchical.log_probabilities, tree=word_tree)


def _products(hidden, outputs):
    return jnp.matmul(hidden, outputs.T, precision=jax.lax.Precision.HIGHEST)


def train(config: StaticConfig, corpus: Corpus) -> InOut[Array]:
    """Train the tables of one objective in memory.

    Raises:
        NumericalError: the tables are not finite.
    """
    objective = config.build_objective()
    resources, rows = objective.prepare(corpus.vocab)
    config, _ = steps.settled(config, objective, resources, corpus)
    plan = run.plan_of(config, objective, config.build_learner(objective))
    text = _side(config, plan.key, corpus, held=False, cost=objective.cost(resources))
    return fitting.whole(plan, resources, rows, text)


def _side(config: StaticConfig, key, corpus: Corpus, *, held: bool, cost=None):
    share = config.corpus.held_out
    keep = config.kept(corpus)
    return loop.split_of(key, corpus.ids, keep, held_out=share, held=held, cost=cost)


def pairs(config: StaticConfig, corpus: Corpus, *, held: bool) -> Float[np.ndarray, "vocab vocab"]:
    """Expected co-occurrence counts, word x context, in one part of the text.

    A pair at distance d counts (window - d + 1) / window, the probability that a dynamic window
    includes it; it counts 1 if windows are fixed.

    Args:
        held: whether to count the held-out part; else the training part.

    Returns:
        float64 [vocab, vocab].
    """
    text = _side(config, jax.random.key(config.seed), corpus, held=held)
    parts = [segments.kept(text, 0, i)[0] for i in range(segments.segment_count(text))]
    size, weight = len(corpus.vocab.words), cooccurrence.of_windows(dynamic=config.dynamic_window)
    cells = cooccurrence.cooccurrence(
        np.concatenate(parts), size, cooccurrence.Window(config.window, weight)
    )
    counts = np.zeros((size, size))
    counts[cells.rows, cells.columns] = cells.values
    return counts


def compare(
    config: ComparisonConfig, corpus: Corpus, say: Callable[[str], None] = lambda line: None
) -> list[Likelihood]:
    """Train every model and measure it; unigram frequencies come first, as a baseline.

    Args:
        say: called with the name of each model before it is trained.

    Raises:
        InputError: no pairs in the held-out text.
        NumericalError: the tables of a model are not finite.
    """
    held = pairs(config.static, corpus, held=True)
    if not held.sum():
        raise InputError(
            "no pairs of words in the held-out text: give more text or a larger held_out"
        )
    seen = pairs(config.static, corpus, held=False).sum(axis=0) + 1.0  # a word may be unseen
    shares = np.log(seen / seen.sum())
    floor = float((held.sum(axis=0) * shares).sum() / held.sum())
    likelihoods = [Likelihood("frequencies alone", floor, None, None, 0.0)]
    for model in config.contenders:
        say(model.name)
        likelihoods.append(_measured(config, model, corpus, held))
    return likelihoods


def _measured(config: ComparisonConfig, model: Contender, corpus: Corpus, held) -> Likelihood:
    settings, start = config.of(model), time.perf_counter()
    tables = jax.block_until_ready(train(settings, corpus))
    seconds = time.perf_counter() - start
    vocab = corpus.vocab

    def likelihood(log_prob: Any) -> float:
        logs = log_prob(settings, vocab)(tables.input, tables.output)
        return float((held * np.float64(logs)).sum() / held.sum())

    sizes = None
    if len(tables.output) == len(vocab.words):
        sums = jax.nn.logsumexp(_products(tables.input, tables.output), axis=1)
        sizes = float(jnp.mean(sums)), float(jnp.std(sums))
    corrected = likelihood(model.corrected) if model.corrected else None
    return Likelihood(model.name, likelihood(model.log_prob), corrected, sizes, seconds)
