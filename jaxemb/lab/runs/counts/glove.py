"""GloVe as a method of `scripts/factor.py`: from cells of any number to vectors and biases."""

import functools
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxemb.counts import factorizations, glove as glove_lib, shuffling
from jaxemb.counts.factorizations import Factored, Progress
from jaxemb.errors import above_zero, at_least, called_with, seeds
from jaxemb.lab import progress as progress_lib, workdir as identity
from jaxemb.lab.durable import loop, tensors
from jaxemb.structs import Cells, InOut, LearnerState, Refused, Vocab
from jaxemb.training import fitting, learners, prefetch

BIASES = "biases.safetensors"


class Cursor(NamedTuple):
    """Where training stands; with the settings and the cells it decides all that follows."""

    epoch: int = 0
    segment: int = 0
    first: int = 0  # the next step of that segment
    step: int = 0  # steps so far
    trained: int = 0  # cells so far
    losses: tuple[Any, ...] = ()  # of each epoch: the sum of those measured, and how many

    @property
    def subsampled(self) -> int:
        """No cell is left out."""
        return 0


def glove(
    cells: Cells,
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
    """GloVe: vectors and biases whose sums of product and biases are the logarithms of counts.

    Args:
        cells: co-occurrence counts of words (rows) and contexts (columns), > 0; memory-mapped ones
            stream by.
        dim: of the vectors.
        x_max, weight_power: of f, how much a cell matters: `counts.glove.weight`.
        epochs: how often every cell is trained, in another order each time.
        learning_rate: of AdaGrad, which lowers its own.
        optimizer: from the learning rate to an optax transformation whose update is taken away,
            such as `learners.adagrad_stanford`, that of GloVe's program; by default
            `learners.adagrad`, stepped with the learning rate.
        batch: cells of a step. What they do to a row adds up.
        chunk: steps in one jitted call: changes no bit of the result.
        add_contexts: whether the input table is w + c, as the program exports it (-model 2), or w.
        seed: of the first tables and of the order of the cells.
        workdir: where checkpoints are written, so that Ctrl-C saves and a second call goes on, and
            the biases in the end; none in a notebook.
        checkpoint_every: seconds.
        progress: called with cells done and in all.

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
    # what is given has the rate in it
    descent, rate = (
        (optimizer(learning_rate), 1.0) if optimizer else (learners.adagrad, learning_rate)
    )
    learner = learners.row_sparse(objective, optimizer=descent)
    tables_key, order_key = jax.random.split(jax.random.key(seed))
    rows = objective.prepare(vocab)[1]
    order = int(jax.random.bits(order_key, dtype=jax.numpy.uint32))
    settings = {"batch": batch, "steps": chunk, "epochs": epochs, "seed": order}
    chunks = functools.partial(shuffling.chunks, cells, **settings)
    train = functools.partial(glove_lib.events, objective, learner, learning_rate=rate)
    how = loop.Training(
        start=lambda: learner.init(glove_lib.init(tables_key, rows, dim)),
        events=functools.partial(_events, train, chunks),
        cursor=Cursor,
        where=lambda event: f"step {event.began.step + 1:,}, in epoch {event.began.epoch + 1}",
    )
    folder, total = Path(workdir) if workdir else None, epochs * len(cells.values)
    if folder is None:
        state, cursor = how.start(), Cursor()
        for event in how.events(state, cursor):
            state, cursor = event.state, event.cursor
            progress(cursor.trained, total)
        fitting.refuse_bad(state)
    else:
        with identity.alone(folder), progress_lib.stop_requests() as stop:
            place, say = identity.place(folder), progress_lib.say
            run = loop.Durable(how, place, every=checkpoint_every, stop=stop, say=say)
            for event, _ in run.events():
                progress(event.cursor.trained, total)
        state, cursor = run.state, run.cursor
    return _factored(state, cursor, folder, len(cells.values), add_contexts)


class Event(NamedTuple):
    """What one chunk did."""

    state: LearnerState
    began: Cursor
    cursor: Cursor
    done: float
    refused: Refused


def _events(train, chunks, state: LearnerState, at: Cursor) -> Iterator[Event]:
    """Trains on from a cursor."""
    ahead = prefetch.ahead(chunks(epoch=at.epoch, segment=at.segment, first=at.first))
    for event in train(state, ahead):
        began, at = at, _after(at, event)
        refused = jax.tree.map(jax.numpy.copy, event.state.refused)
        yield Event(event.state, began, at, event.chunk.done, refused)


def _after(cursor: Cursor, event: glove_lib.Event) -> Cursor:
    """Where the next chunk begins; a loss that is not finite is not in the mean of its epoch."""
    chunk, loss = event.chunk, float(event.loss)
    losses = [*cursor.losses, *[(0.0, 0)] * (chunk.epoch + 1 - len(cursor.losses))]
    if math.isfinite(loss):
        losses[-1] = (losses[-1][0] + loss, losses[-1][1] + 1)
    return Cursor(
        epoch=chunk.epoch,
        segment=chunk.segment + chunk.ends_segment,  # beyond the last: that of the next epoch
        first=0 if chunk.ends_segment else chunk.first + chunk.real,
        step=cursor.step + chunk.real,
        trained=cursor.trained + chunk.trained,
        losses=tuple(losses),
    )


def _factored(
    state: LearnerState, cursor: Cursor, folder: Path | None, cells: int, add_contexts: bool
) -> Factored:
    whole = InOut(*(np.asarray(table) for table in state.tables))
    vectors, biases = glove_lib.split(whole)
    if folder:
        tensors.save(folder / BIASES, biases, {})
    if add_contexts:
        vectors = vectors._replace(input=factorizations.both(vectors))
    losses = [total / max(count, 1) for total, count in cursor.losses]
    account = {"cells": cells, "trained": cursor.trained, "losses": losses}
    trained = (
        f"{cursor.trained:,} cells trained in {cursor.step:,} steps, each of {cells:,} "
        f"{len(losses)} times; loss a cell {losses[0]:.4f} in the first epoch, {losses[-1]:.4f} in "
        "the last, measured before cells are trained"
    )
    export = "the input table is w + c, the output table c" if add_contexts else "w and c"
    kept = f"; biases in {BIASES}" if folder else ""
    return Factored(vectors, account, (trained, f"GloVe: {export}{kept}"))
