"""Laws of tables with columns of zeros. Oracle: the same training without them."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxemb.structs import InOut
from jaxemb.training import columns, learners, loop
from tests.laws.members import OBJECTIVES
from tests.laws.test_objectives import batch_of

DIM = 5


def _plan(objective, learner, lanes):
    return loop.Plan(jax.random.key(0), objective, learner, DIM, 1, 0.05, 2, 2, lanes=lanes)


@pytest.mark.parametrize("optimizer", ["sgd", "adagrad"])
@pytest.mark.parametrize("name", OBJECTIVES)
def test_columns_of_zeros_stay_zero_and_change_nothing_else(name, optimizer, vocab):
    objective = OBJECTIVES[name]
    learner = learners.row_sparse(objective, optimizer=getattr(learners, optimizer))
    _, batch = batch_of(objective, vocab, 0)
    rows, ends = objective.prepare(vocab)[1], []
    for lanes in (1, 8):
        plan = _plan(objective, learner, lanes)._replace(initialize=_normal)
        state, step = loop.start(plan, rows), jax.jit(learner.step)
        assert (
            state.tables.input.shape[1] == plan.columns == (8 if objective.of_products else 5)
            or lanes == 1
        )
        for _ in range(3):
            state = step(state, batch, 0.05, None)
        assert not any(np.any(table[:, DIM:]) for table in state.tables)
        ends.append(columns.narrow(plan, state.tables))
    for plain, padded in zip(*ends, strict=True):
        # sums in another order; a score of 40 products of size 1, three times
        np.testing.assert_allclose(plain, padded, rtol=2e-5, atol=2e-5)


def _normal(key, rows, dim):
    keys = jax.random.split(key)
    return InOut(*(jax.random.normal(k, (n, dim)) for k, n in zip(keys, rows, strict=True)))


def test_only_losses_of_products_get_columns_of_zeros():
    for name, objective in OBJECTIVES.items():
        own = any(loss in name for loss in ("hinge", "squared"))  # they may look at more
        assert objective.of_products != own
        assert _plan(objective, learners.row_sparse(objective), 8).columns == (5 if own else 8)
        # any optimizer may move a zero
        assert _plan(objective, learners.dense(objective), 8).columns == 5


def test_rows_are_drawn_before_they_are_padded(vocab):
    objective = OBJECTIVES["skipgram, logistic"]
    learner, rows = learners.row_sparse(objective), objective.prepare(vocab)[1]
    begin = functools.partial(loop.start, rows=rows)
    plain, padded = (begin(_plan(objective, learner, lanes)).tables for lanes in (1, 128))
    assert padded.input.shape[1] == 128
    np.testing.assert_array_equal(plain.input, padded.input[:, :DIM])
    assert not jnp.any(padded.input[:, DIM:])
