"""Train static vectors and a language model on a merged text; score how they separate senses."""

import dataclasses
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from jaxemb.contextual import reader
from jaxemb.errors import InputError
from jaxemb.evaluation import polysemy
from jaxemb.evaluation.polysemy import SenseAccuracy, WicAccuracy
from jaxemb.lab.runs.contextual import embed, run
from jaxemb.lab.runs.static import prepare, run as runs
from jaxemb.lab.studies.polysemy.config import OnMergedText
from jaxemb.lab.studies.polysemy.text import TEXT, Sample
from jaxemb.text import tokenizers, vocabulary

STATIC = "static"


class Trained(NamedTuple):
    """The training runs of one seed."""

    static: runs.Result
    contextual: run.Result
    workdir: Path  # of the language model


class Scores(NamedTuple):
    """How well the vectors of one layer separate the senses of test occurrences."""

    sense: SenseAccuracy
    wic: WicAccuracy
    silhouette: float  # of the two senses of a form by cosine distance, the mean over forms


def train(config: OnMergedText, folder: Path, seed: int) -> Trained:
    """Run, or resume, both training runs on the merged text of a folder.

    Raises:
        InputError, NumericalError, Interrupted: as `run.train`.
    """
    workdir = folder / config.static.workdir
    static = dataclasses.replace(
        config.static, corpus=_merged(config.static.corpus, folder), workdir=str(workdir), seed=seed
    )
    objective = static.build_objective()
    result = runs.train(static, objective, static.build_learner(objective), prepare.prepare(static))
    contextual = dataclasses.replace(
        config.contextual,
        corpus=_merged(config.contextual.corpus, folder),
        vectors=None if config.contextual.characters else str(workdir),
        workdir=str(folder / config.contextual.workdir),
        seed=seed,
    )
    corpus = run.prepare(contextual)
    model = run.build(contextual, corpus.vocab)
    return Trained(result, run.train(contextual, model, corpus), Path(contextual.workdir))


def _merged(settings: Any, folder: Path) -> Any:
    """The settings of a corpus, changed to read the merged text."""
    return dataclasses.replace(
        settings,
        path=(str(folder / TEXT),),
        tokenizer=tokenizers.whitespace,
        bad_utf8="error",
        prepared=None,
    )


def vectors(
    config: OnMergedText, trained: Trained, sample: Sample
) -> dict[str, Float[np.ndarray, "occurrences dim"]]:
    """The vector of every occurrence in the static table and in each layer of the language model.

    Raises:
        InputError: a form is too rare for one of the vocabularies.
    """
    tokens = sample.tokens
    number = vocabulary.numbers(trained.static.vocab.words)
    known = set(number) & set(trained.contextual.vocab.words)
    if missing := sorted(set(tokens) - known):
        raise InputError(f"{missing[0]!r} is not among the words: lower the corpus's min_count")
    model = embed.of_run(trained.workdir, config.contextual)
    layers = np.zeros((model.layers, len(tokens), model.dim), np.float32)
    for i, sentence in reader.vectors(model, sample.texts):
        layers[:, i] = sentence[:, sample.at[i]]
    table = np.asarray(trained.static.tables.input)[[number[token] for token in tokens]]
    return {STATIC: table} | {f"layer {i}": layer for i, layer in enumerate(layers)}


def score(vectors: Float[np.ndarray, "occurrences dim"], sample: Sample, seed: int) -> Scores:
    """Fit centroids and a threshold to the training half, and score the test half."""
    senses, forms, (train, test) = sample.senses, sample.forms, sample.split
    sense = polysemy.sense_accuracy(
        vectors[train], senses[train], vectors[test], senses[test], forms[train], forms[test]
    )

    def pairs(at: Any) -> polysemy.Compared:
        rows, same = polysemy.wic_pairs(senses, forms, at, seed)
        return polysemy.compared(vectors[rows[:, 0]], vectors[rows[:, 1]], same)

    wic = polysemy.wic_accuracy(pairs(train), pairs(test), seed=seed)
    return Scores(sense, wic, _silhouette(vectors[test], senses[test], forms[test]))


def _silhouette(vectors: Any, senses: Any, forms: Any) -> float:
    """The mean silhouette of forms, which have equally many rows each, one form after another."""
    number = len(np.unique(forms))

    def one(rows, labels):
        return polysemy.silhouette(rows, labels, 2, _distance)

    by_form = vectors.reshape(number, -1, vectors.shape[1]), senses.reshape(number, -1)
    return float(np.mean(jax.vmap(one)(*by_form)))


def _distance(left: Any, right: Any) -> Any:
    """Cosine distance, with rounding errors set to exactly 0: a silhouette divides by it."""
    far = polysemy.cosine_distance(left, right)
    return jnp.where(far <= polysemy.TIE, 0.0, far)
