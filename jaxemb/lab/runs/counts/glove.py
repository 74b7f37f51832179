"""GloVe as a method of `scripts/factor.py`: from any number of cells to vectors and biases."""

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jaxemb.counts import factorizations, glove as glove_lib, shuffling
from jaxemb.counts.factorizations import Factored, Progress
from jaxemb.errors import above_zero, at_least, called_with, seeds
from jaxemb.lab import progress as progress_lib
from jaxemb.lab.durable import loop, tensors
from jaxemb.lab.workdir import Workdir
from jaxemb.structs import (
    Cursor,
    Event,
    InOut,
    LearnerState,
    Objective,
    Sparse,
    Training,
    Vocab,
)
from jaxemb.training import fitting, learners, prefetch

BIASES = "biases.safetensors"


def glove(
    cells: Sparse,
    vocab: Vocab,
    *,
    dim: int = 100,
    x_max: float = 10.0,
    weight_power: float = 0.75,
    epochs: int = 8,
    learning_rate: float = 0.15,
    optimizer: Callable[[float], Any] | None = None,
    batch: int = 1024,
    chunk: int = 64,
    add_contexts: bool = True,
    seed: int = 0,
    workdir: str | Path | None = None,
    checkpoint_every: float = 60.0,
    progress: Progress = lambda done, total: None,
) -> Factored:
    """Fit GloVe: w . c plus the biases of w and c approximates the logarithm of a count.

    Args:
        cells: co-occurrence counts of words (rows) and contexts (columns), > 0; memory-mapped
            ones are read as a stream.
        dim: of the vectors.
        x_max, weight_power: of the weight f of a cell: `counts.glove.weight`.
        epochs: how often every cell is trained, in another order each time.
        learning_rate: of AdaGrad, whose steps shrink by themselves.
        optimizer: from the learning rate to an optax transformation whose update is subtracted,
            such as `learners.adagrad_stanford`, that of GloVe's program; by default
            `learners.adagrad`, stepped with the learning rate.
        batch: cells of a step. Their updates of a row are summed.
        chunk: steps in one jitted call: does not change the result.
        add_contexts: whether the input table is w + c, as the program exports it (-model 2), or w.
        seed: of the first tables and of the order of the cells.
        workdir: where checkpoints are written, so that Ctrl-C saves and a second call resumes, and
            at the end the biases; None: nothing is written.
        checkpoint_every: seconds.
        progress: called with the numbers of cells done and in all.

    Raises:
        InputError: settings or cells that cannot be used.
        NumericalError: a loss that is not finite.
        Interrupted: with a workdir, when the chunk is finished and saved.

    Source:
        Pennington et al. 2014, "GloVe: global vectors for word representation".
    """
    at_least(1, dim=dim, epochs=epochs, batch=batch, chunk=chunk)
    seeds(seed=seed)
    called_with("learning_rate", optimizer=optimizer)
    above_zero(learning_rate=learning_rate)
    objective = glove_lib.glove(x_max=x_max, weight_power=weight_power)
    sizes = {"dim": dim, "batch": batch, "chunk": chunk, "epochs": epochs, "seed": seed}
    training = _training(cells, vocab, objective, optimizer, learning_rate, **sizes)
    folder = Path(workdir) if workdir else None
    every, total = checkpoint_every, epochs * len(cells.values)
    state, cursor, losses = _trained(training, folder, every, lambda done: progress(done, total))
    means = _means(losses, len(cells.values), epochs)
    return _factored(state, cursor, folder, len(cells.values), means, add_contexts)


Losses = list[tuple[int, float | None]]  # of each chunk: the cells trained so far, the loss


def _trained(
    training: Training, folder: Path | None, every: float, show: Callable[[int], None]
) -> tuple[LearnerState, Cursor, Losses]:
    """Train in a folder, or in memory."""
    if folder:

        def meter(event: Event, loss: float) -> None:
            show(event.cursor.trained)

        state, cursor = loop.run(training, Workdir.of(folder), every=every, meter=meter)
        logged = progress_lib.logged(folder / progress_lib.METRICS)
        return state, cursor, [(row["words"], row["loss"]) for row in logged if "loss" in row]
    state, cursor, losses = training.start(), Cursor(), []
    for event in fitting.sound(training.events(state, cursor)):
        state, cursor = event.state, event.cursor
        losses.append((cursor.trained, float(event.loss)))
        show(cursor.trained)
    fitting.refuse_bad(state, cursor)
    return state, cursor, losses


def _training(
    cells: Sparse,
    vocab: Vocab,
    objective: Objective,
    optimizer: Callable[[float], Any] | None,
    learning_rate: float,
    *,
    dim: int,
    batch: int,
    chunk: int,
    epochs: int,
    seed: int,
) -> Training:
    # the rate is in an optimizer that is given
    descent, rate = (
        (optimizer(learning_rate), 1.0) if optimizer else (learners.adagrad, learning_rate)
    )
    learner, rows = learners.row_sparse(objective, optimizer=descent), objective.prepare(vocab)[1]
    tables_key, order_key = jax.random.split(jax.random.key(seed))
    order = int(jax.random.bits(order_key, dtype=jax.numpy.uint32))
    settings = {"batch": batch, "steps": chunk, "epochs": epochs, "seed": order}

    def start() -> LearnerState:
        return learner.init(glove_lib.init(tables_key, rows, dim))

    def events(state: LearnerState, at: Cursor) -> Iterator[Event]:
        place = {"epoch": at.epoch, "segment": at.segment, "first": at.segment_step}
        ahead = prefetch.ahead(shuffling.chunks(cells, **settings, **place))
        return glove_lib.events(objective, learner, state, at, ahead, rate)

    return Training(start, events, glove_lib.where)


def _means(losses: Losses, cells: int, epochs: int) -> list[float]:
    """The mean loss of each epoch, without losses that are not finite."""
    by_epoch: list[list[float]] = [[] for _ in range(epochs)]
    for trained, loss in losses:
        if loss is not None and math.isfinite(loss):
            by_epoch[(trained - 1) // cells].append(loss)
    return [float(np.mean(epoch)) if epoch else math.nan for epoch in by_epoch]


def _factored(
    state: LearnerState,
    cursor: Cursor,
    folder: Path | None,
    cells: int,
    losses: list[float],
    add_contexts: bool,
) -> Factored:
    whole = InOut(*(np.asarray(table) for table in state.tables))
    vectors, biases = glove_lib.split(whole)
    if folder:
        tensors.save(folder / BIASES, biases, {})
    if add_contexts:
        vectors = vectors._replace(input=factorizations.both(vectors))
    account = {"cells": cells, "trained": cursor.trained, "losses": losses}
    trained = (
        f"{cursor.trained:,} cells trained in {cursor.step:,} steps, each of {cells:,} "
        f"{len(losses)} times; loss a cell {losses[0]:.4f} in the first epoch, {losses[-1]:.4f} in "
        "the last, measured before cells are trained"
    )
    export = "the input table is w + c, the output table c" if add_contexts else "w and c"
    kept = f"; biases in {BIASES}" if folder else ""
    return Factored(vectors, account, (trained, f"GloVe: {export}{kept}"))
