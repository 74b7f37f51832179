"""Train every architecture on the text of one seed, and measure what it does to words."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax

from jaxemb.evaluation import contextuality
from jaxemb.evaluation.contextuality import Contextuality
from jaxemb.lab import progress
from jaxemb.lab.studies.architectures.config import Architecture, ArchitecturesConfig
from jaxemb.lab.studies.context import tokens
from jaxemb.lab.studies.polysemy import run, text
from jaxemb.lab.studies.polysemy.config import OnMergedText
from jaxemb.lab.studies.polysemy.run import STATIC, Scores, Trained

Measured = dict[str, Any]  # of one architecture and one seed: plain JSON values


def compare(config: ArchitecturesConfig, say: Callable[[str], Any]) -> dict[str, list[Measured]]:
    """The measures of every architecture, for each seed; trained now, resumed, or read again.

    Args:
        say: takes a line for the user.

    Raises:
        InputError, NumericalError, Interrupted: as `polysemy.run.train`.
    """
    counted = text.count(config)
    measured: dict[str, list[Measured]] = {own.name: [] for own in config.architectures}
    for seed in range(config.seeds):
        folder = text.merge(config, counted, seed)
        for architecture in config.architectures:
            say(f"seed {seed}: {architecture.name}")
            measured[architecture.name].append(_measured(config, architecture, folder, seed))
            jax.clear_caches()  # no program of one model serves another
    return measured


def _measured(
    config: ArchitecturesConfig, architecture: Architecture, folder: Path, seed: int
) -> Measured:
    study = config.of(architecture)
    sample, trained = text.sample(study, folder, seed), run.train(study, folder, seed)
    vectors = run.vectors(study, trained, sample)
    scores = {name: run.score(layer, sample, seed) for name, layer in vectors.items()}
    layers = _described(study, trained, config.sentences)
    reached, baselines = trained.contextual.perplexity, trained.contextual.baselines
    return {
        "perplexity": reached.by_direction,
        "baseline": {name: own._asdict() for name, own in baselines.items()},
        "predictions": trained.contextual.tokens["predictions"],
        "predictions_per_second": progress.rate(trained.contextual.metrics),
        "static_sense": float(scores[STATIC].sense.accuracy.value),
        "layers": [
            _layer(layer, scores[f"layer {i}"], len(layer.spectrum))
            for i, layer in enumerate(layers)
        ],
    }


def _described(study: OnMergedText, trained: Trained, sentences: int) -> list[Contextuality]:
    """The effect of context in every layer, on held-out sentences."""
    source = tokens.contextual(trained.workdir, study.contextual)
    gathered = tokens.gather([source], tokens.some(tokens.held_out(trained.workdir), sentences))
    layers = gathered.layers[0]
    key = jax.random.key(0)
    return contextuality.describe(key, layers, layers[0], gathered.types, gathered.sentences)


def _layer(of: Contextuality, scores: Scores, dim: int) -> Measured:
    return {
        "sense": float(scores.sense.accuracy.value),
        "context_share": of.context_share_corrected,
        "self_similarity": of.self_similarity_beyond,
        "anisotropy": of.anisotropy,
        "rank": int(of.rank.rank),
        "effective_rank": of.effective_rank,
        "dim": dim,
    }
