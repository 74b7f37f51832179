"""Programs of GloVe, and of the search for neighbours."""

import functools

import jax
import jax.numpy as jnp

from benchmarks.ahead.programs.calls import Call, Place, Program, float32, int32
from jaxemb.counts import glove
from jaxemb.evaluation import search
from jaxemb.functional import similarity
from jaxemb.structs import InOut, Sparse
from jaxemb.training import learners

ROWS, DIM = 100_000, 100


def trained(place: Place, *, first: bool) -> Call:
    """A chunk of GloVe's steps, or the loss of its first."""
    objective = glove.glove()
    learner = learners.row_sparse(objective, learners.adagrad_stanford(0.05))
    rows = place.size(ROWS, 500)
    whole = InOut(float32(rows, DIM + 1), float32(rows, DIM + 1))
    state = jax.eval_shape(learner.init, whole)
    steps, batch = 16, place.size(2_048, 16)
    cells = Sparse(int32(steps, batch, 1), int32(steps, batch, 1), float32(steps, batch, 1))
    table = (rows, DIM + 1)
    if first:
        return Call(glove._first_loss, (whole, cells), {"objective": objective}, table)
    functions = {"objective": objective, "learner": learner}
    return Call(glove._train, (state, cells, None, float32()), functions, table, batch)


def neighbours(place: Place) -> Call:
    """The ten best rows of a block for a hundred queries."""
    queries, rows = 100, place.size(ROWS, 512)
    earlier = search.Best(float32(queries, 10), int32(queries, 10))
    near, far = float32(queries, 1, 300), float32(queries, 0, 300)
    excluded = jax.ShapeDtypeStruct((queries, 1), jnp.int32)
    arguments = (earlier, float32(rows, 300), int32(), int32(), near, far, excluded)
    how = {"answer": similarity.cos_add, "k": 10}
    return Call(search._step, arguments, how, (rows, 300))


PROGRAMS = {
    "counts/GloVe 100, 2,048 cells": Program(
        functools.partial(trained, first=False), "counts.glove._train"
    ),
    "counts/GloVe 100, first loss": Program(
        functools.partial(trained, first=True), "counts.glove._first_loss"
    ),
    "evaluation/100 queries": Program(neighbours, "evaluation.search._step"),
}
