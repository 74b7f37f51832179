"""Objectives compared by one measure: the log likelihood of held-out pairs under full softmax.

Each is trained in memory on the same text with the same settings. Then every word predicts every
word: log p(context | word) as the model believes it, averaged over the windows of text held out.
"""

import functools
import time
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxemb.counts import cooccurrence
from jaxemb.errors import InputError
from jaxemb.functional import sampling
from jaxemb.lab import report, workdir
from jaxemb.lab.runs.static import run, steps
from jaxemb.lab.runs.static.config import StaticConfig
from jaxemb.lab.studies.likelihood.config import ComparisonConfig, Contender
from jaxemb.static import hierarchical, segments, trees
from jaxemb.structs import InOut, Vocab
from jaxemb.text.corpus import Corpus
from jaxemb.training import fitting, loop

HEAD = (
    "objective",
    "nats per pair",
    "with + log(k P_n)",
    "perplexity",
    "log sum e^score",
    "time",
)


class Likelihood(NamedTuple):
    """How well a contender foretells pairs held out, in nats per pair; 0 is certainty."""

    name: str
    as_scored: float
    corrected: float | None
    normalizer: tuple[float, float] | None  # mean and deviation of log sum_w e^score, over words
    seconds: float


def scores(config: StaticConfig, vocab: Vocab):
    """log p is the scores' log softmax."""
    del config, vocab
    return lambda hidden, outputs: jax.nn.log_softmax(_products(hidden, outputs), axis=1)


def scores_above_noise(config: StaticConfig, vocab: Vocab):
    """log p is the log softmax of score + log(k P_n): negative sampling's score is PMI - log k.

    Source:
        Levy and Goldberg 2014.
    """
    noise = sampling.alias_table(vocab.counts, config.noise_power).probability
    raised = jnp.log(config.negatives * noise)
    return lambda hidden, outputs: jax.nn.log_softmax(
        _products(hidden, outputs) + raised[None, :], axis=1
    )


def tree(config: StaticConfig, vocab: Vocab):
    """log p is the sum along each word's path: hierarchical softmax has it exactly."""
    made = (config.tree or trees.huffman)(vocab.counts)
    return functools.partial(hierarchical.log_probabilities, tree=made)


def _products(hidden, outputs):
    return jnp.matmul(hidden, outputs.T, precision=jax.lax.Precision.HIGHEST)


def train(config: StaticConfig, corpus: Corpus) -> InOut:
    """The tables of one objective, trained in memory.

    Raises:
        NumericalError: the tables left the finite range.
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


def pairs(config: StaticConfig, corpus: Corpus, *, held: bool):
    """How often each word meets each in the windows of one side: float64 [vocab, vocab].

    Distance d counts (window - d + 1) / window, its share of the windows drawn; or 1, if windows
    are not dynamic.
    """
    text = _side(config, jax.random.key(config.seed), corpus, held=held)
    parts = [segments.kept(text, 0, i)[0] for i in range(segments.segment_count(text))]
    size, weight = len(corpus.vocab.words), cooccurrence.of_windows(dynamic=config.dynamic_window)
    cells = cooccurrence.cooccurrence(
        np.concatenate(parts), size, cooccurrence.Window(config.window, weight)
    )
    found = np.zeros((size, size))
    found[cells.rows, cells.columns] = cells.values
    return found


def compare(config: ComparisonConfig, corpus: Corpus, say=lambda line: None) -> list[Likelihood]:
    """Trains every contender and measures it; the frequencies of words come first, as a floor.

    Raises:
        InputError: no pairs in the text held out.
        NumericalError: tables that are not finite.
    """
    held = pairs(config.static, corpus, held=True)
    if not held.sum():
        raise InputError("no pairs of words in the text held out: more text, or a larger held_out")
    seen = pairs(config.static, corpus, held=False).sum(axis=0) + 1.0  # a word may be unseen
    shares = np.log(seen / seen.sum())
    floor = float((held.sum(axis=0) * shares).sum() / held.sum())
    found = [Likelihood("frequencies alone", floor, None, None, 0.0)]
    for contender in config.contenders:
        say(contender.name)
        found.append(_measured(config, contender, corpus, held))
    return found


def _measured(config: ComparisonConfig, contender: Contender, corpus: Corpus, held) -> Likelihood:
    settings, start = config.of(contender), time.perf_counter()
    whole = jax.block_until_ready(train(settings, corpus))
    seconds = time.perf_counter() - start
    vocab = corpus.vocab

    def likelihood(believed: Any) -> float:
        logs = believed(settings, vocab)(whole.input, whole.output)
        return float((held * np.float64(logs)).sum() / held.sum())

    sizes = None
    if len(whole.output) == len(vocab.words):
        sums = jax.nn.logsumexp(_products(whole.input, whole.output), axis=1)
        sizes = float(jnp.mean(sums)), float(jnp.std(sums))
    corrected = likelihood(contender.corrected) if contender.corrected else None
    return Likelihood(contender.name, likelihood(contender.believed), corrected, sizes, seconds)


def markdown(found: list[Likelihood]) -> str:
    """The table for people."""
    rows = []
    for each in found:
        best = max(filter(None, (each.as_scored, each.corrected)))
        corrected = "" if each.corrected is None else f"{each.corrected:.4f}"
        sizes = "{:.2f} +- {:.2f}".format(*each.normalizer) if each.normalizer else ""
        scored, perplexity = f"{each.as_scored:.4f}", f"{np.exp(-best):.1f}"
        rows.append((each.name, scored, corrected, perplexity, sizes, f"{each.seconds:.1f} s"))
    return report.table(HEAD, rows)


def write(folder: Path, found: list[Likelihood]) -> str:
    """Writes likelihoods.json, likelihoods.md and the picture; returns the Markdown."""

    def draw() -> list[str]:
        from jaxemb.lab.studies.likelihood import pictures

        return pictures.draw(folder / "likelihoods.png", found)

    values = {**workdir.environment(), "objectives": [each._asdict() for each in found]}
    return report.write(
        folder, "likelihoods", values, lambda shown: f"{markdown(found)}\n\n{shown}", draw
    )
