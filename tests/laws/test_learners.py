"""Laws of the learners. Oracle: the dense learner, which is autodiff and optax and nothing else."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxemb import learners
from jaxemb.errors import InputError
from jaxemb.static import tables
from jaxemb.structs import InOut
from tests.laws.members import OBJECTIVES
from tests.laws.test_objectives import batch_of

OPTIMIZERS = {"sgd": learners.sgd, "adagrad": learners.adagrad}


def _after(learner, start, batch, steps=3, trainable=None):
    state, step = learner.init(start), jax.jit(learner.step)
    for _ in range(steps):
        state = step(state, batch, 0.05, trainable)
    return state.tables


# every objective by one optimizer; what else an optimizer sees of it is what its rows are
ROWS = ("skipgram, logistic", "cbow, logistic", "subword cbow, logistic", "cbow hs")
EVERY_OBJECTIVE_AND_OPTIMIZER = pytest.mark.parametrize(
    ("objective", "optimizer"),
    [
        pytest.param(objective, optimizer, id=f"{optimizer}-{name}")
        for optimizer in OPTIMIZERS
        for name, objective in OBJECTIVES.items()
        if optimizer == "sgd" or name in ROWS
    ],
)


@EVERY_OBJECTIVE_AND_OPTIMIZER
def test_row_sparse_equals_dense_repeated_ids_included(objective, optimizer, vocab):
    start, batch = batch_of(objective, vocab, 2)
    assert len(np.unique(batch.ids.output)) < batch.ids.output.size  # there are repeats
    kinds = (learners.dense, learners.row_sparse)
    dense, sparse = (
        _after(kind(objective, optimizer=OPTIMIZERS[optimizer]), start, batch) for kind in kinds
    )
    for one, other in zip(dense, sparse, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)  # sums in another order


@pytest.mark.parametrize("name", ["skipgram, logistic", "cbow, logistic"])
def test_parts_and_the_way_rows_are_added_change_nothing(name, vocab):
    objective = OBJECTIVES[name]
    start, batch = batch_of(objective, vocab, 2)
    whole = _after(learners.row_sparse(objective, parts=1), start, batch)
    for parts in (2, 3):  # of a batch of two blocks
        for one, other in zip(
            whole, _after(learners.row_sparse(objective, parts=parts), start, batch), strict=True
        ):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
    ordered = _after(learners.row_sparse(objective, ops=tables.SORTED), start, batch)
    for one, other in zip(whole, ordered, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)  # sums in another order


def test_a_cap_keeps_a_step_of_a_whole_text_finite(vocab):
    """Twelve words, and a thousand blocks in one step: without a cap the sums explode."""
    objective = OBJECTIVES["skipgram, logistic"]
    start, batch = batch_of(objective, vocab)
    many = jax.tree.map(lambda leaf: jnp.repeat(leaf, 500, axis=0), batch)
    sizes = []
    for cap in (None, 0.25):
        tables_after = _after(learners.row_sparse(objective, cap=cap), start, many, steps=30)
        sizes.append(max(float(np.abs(table).max()) for table in tables_after))
    assert not sizes[0] < 1e3  # NaN, or far away
    assert sizes[1] < 10  # 30 steps of at most 1/4 from numbers of size 3


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("name", ["skipgram, logistic", "cbow, logistic"])
def test_rows_that_were_not_read_keep_their_bits(name, optimizer, vocab):
    objective = OBJECTIVES[name]
    start, batch = batch_of(objective, vocab)
    learner = learners.row_sparse(objective, optimizer=OPTIMIZERS[optimizer], cap=0.1)
    for side, after in enumerate(_after(learner, start, batch)):
        unread = np.setdiff1d(np.arange(12), np.asarray(batch.ids[side]))
        np.testing.assert_array_equal(after[unread], start[side][unread])


@pytest.mark.parametrize("kind", [learners.dense, learners.row_sparse])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_frozen_rows_keep_their_bits_and_the_others_do_not_notice(kind, optimizer, vocab):
    objective = OBJECTIVES["skipgram, logistic"]
    start, batch = batch_of(objective, vocab)
    mask = InOut(jnp.ones(12).at[3].set(0.0), jnp.zeros(12))
    learner = kind(objective, optimizer=OPTIMIZERS[optimizer])
    frozen = _after(learner, start, batch, steps=1, trainable=mask)
    free = _after(learner, start, batch, steps=1)
    np.testing.assert_array_equal(frozen.output, start.output)
    np.testing.assert_array_equal(frozen.input[3], start.input[3])
    others = np.arange(12) != 3
    np.testing.assert_allclose(frozen.input[others], free.input[others], rtol=1e-6)


def test_a_cap_bounds_what_a_step_adds_to_a_row_and_leaves_small_updates_alone(vocab):
    objective = OBJECTIVES["skipgram, logistic"]
    start, batch = batch_of(objective, vocab)
    free = _after(learners.row_sparse(objective), start, batch, steps=1)
    moved = [
        np.linalg.norm(after - before, axis=1) for after, before in zip(free, start, strict=True)
    ]
    cap = float(np.median(np.concatenate(moved)[np.concatenate(moved) > 0]))
    capped = _after(learners.row_sparse(objective, cap=cap), start, batch, steps=1)
    for after, before, whole, free_side in zip(capped, start, moved, free, strict=True):
        step = np.linalg.norm(after - before, axis=1)
        np.testing.assert_allclose(step, np.minimum(whole, cap), rtol=1e-4, atol=1e-6)
        small = whole < cap
        np.testing.assert_allclose(after[small], free_side[small], rtol=1e-5, atol=1e-6)


def test_row_sparse_refuses_an_optimizer_with_state_that_is_no_rows(vocab):
    objective = OBJECTIVES["skipgram, logistic"]
    start, _ = batch_of(objective, vocab)
    with pytest.raises(InputError, match=r"use learners\.dense"):
        learners.row_sparse(objective, optimizer=optax.scale_by_adam()).init(start)


def test_dense_takes_any_optax_transformation(vocab):
    objective = OBJECTIVES["cbow, logistic"]
    start, batch = batch_of(objective, vocab)
    ours = _after(learners.dense(objective, optimizer=optax.scale_by_adam()), start, batch, 1)
    moved = np.abs(np.asarray(ours.input - start.input))
    np.testing.assert_allclose(moved[moved > 1e-6], 0.05, rtol=1e-2)  # Adam's first step


def test_an_update_is_the_learning_rate_times_the_summed_gradient_of_the_pairs(vocab):
    """The unit of `learning_rate`: one skip-gram step by hand, in float64."""
    objective = OBJECTIVES["skipgram, logistic"]
    start, batch = batch_of(objective, vocab)
    v, u = (np.float64(t) for t in start)
    expected = v.copy()
    for b in range(2):
        center, out = np.asarray(batch.ids.input[b]), np.asarray(batch.ids.output[b])
        weight, target = np.asarray(batch.weight[b]), np.asarray(batch.target[b])
        error = -target * weight / (1 + np.exp(target * (v[center] @ u[out].T)))
        np.add.at(expected, center, -0.05 * (error @ u[out]))
    # in one part: a mean over parts of one block would be their sum
    ours = _after(learners.row_sparse(objective, parts=1), start, batch, steps=1)
    np.testing.assert_allclose(ours.input, expected, rtol=1e-4, atol=1e-5)
