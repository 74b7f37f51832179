"""Laws of the learners. Oracle: the dense learner, which is autodiff and optax and nothing else."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxemb.errors import InputError
from jaxemb.static import tables
from jaxemb.structs import InOut
from jaxemb.training import learners
from tests.laws.members import OBJECTIVES
from tests.laws.test_objectives import batch_of

OPTIMIZERS = {"sgd": learners.sgd, "adagrad": learners.adagrad}


def _after(learner, start, batch, steps=3, trainable=None):
    state, step = learner.init(start), jax.jit(learner.step)
    for _ in range(steps):
        state = step(state, batch, 0.05, trainable)
    return state.tables


# every objective with one optimizer; the others see no more of an objective than its rows
ROWS = ("skipgram, logistic", "cbow, logistic", "subword cbow, logistic", "cbow hs")
EVERY_OBJECTIVE_AND_OPTIMIZER = pytest.mark.parametrize(
    ("objective", "optimizer"),
    [
        pytest.param(
            objective,
            optimizer,
            id=f"{optimizer}-{name}",
            marks=[] if name in ROWS and optimizer in ("sgd", "adagrad") else pytest.mark.thorough,
        )
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


def _stateful(init, update=lambda gradient, state, params=None: (gradient, state)):
    return optax.GradientTransformation(init, update)


# an array that occurs twice in a state would be donated twice
ALIASED = {
    "one array for two leaves": _stateful(
        lambda params: 2 * (jax.tree.map(jnp.zeros_like, params),)
    ),
    "the parameters themselves": _stateful(lambda params: params),
}


@pytest.mark.parametrize("kind", [learners.dense, learners.row_sparse])
@pytest.mark.parametrize("optimizer", ALIASED)
def test_a_state_can_be_given_away_whatever_it_shares(kind, optimizer, vocab):
    """Both tables share one array, too. Oracle: the same steps without donation."""
    objective = OBJECTIVES["skipgram, logistic"]
    start, batch = batch_of(objective, vocab)
    learner = kind(objective, optimizer=ALIASED[optimizer])
    same = InOut(start.input, start.input)
    step = jax.jit(learner.step, donate_argnums=0)
    state = learner.init(InOut(*2 * (jnp.array(start.input),)))
    for _ in range(2):
        state = step(state, batch, 0.05, None)
    kept = learner.init(same)
    for _ in range(2):
        kept = jax.jit(learner.step)(kept, batch, 0.05, None)
    for ours, theirs in zip(state.tables, kept.tables, strict=True):
        np.testing.assert_array_equal(ours, theirs)


# they do the same to whole tables and to the rows read, as the first law of this file says
BY_ROWS = {
    "identity": optax.identity(),
    "rss": optax.scale_by_rss(),
    "clip of entries": optax.clip(0.01),
    "sign": optax.scale_by_sign(),
    "chain": optax.chain(optax.clip(0.1), optax.scale_by_rss(), optax.scale(2.0)),
}
NOT_BY_ROWS = {
    "momentum": (optax.trace(0.9), "leaves rows of gradient 0 and their state alone"),
    "nesterov": (optax.trace(0.9, nesterov=True), "leaves rows of gradient 0"),
    "decaying mean": (optax.scale_by_rms(), "leaves rows of gradient 0"),
    "clip of the norm": (optax.clip_by_global_norm(1e6), "treats each row by itself"),
    "clip of a table": (optax.clip_by_block_rms(1.0), "treats each row by itself"),
    "in a chain": (optax.chain(optax.clip(1.0), optax.trace(0.5)), "leaves rows of gradient 0"),
    "weight decay": (optax.add_decayed_weights(0.1), "no tables"),
    "trust ratio": (optax.scale_by_trust_ratio(), "no tables"),
    "adam": (optax.scale_by_adam(), "state has the shape of the table"),
    "mean": (optax.ema(0.9), "state has the shape of the table"),
    "schedule": (optax.scale_by_schedule(lambda step: 1.0), "state has the shape of the table"),
}


@pytest.mark.parametrize("name", BY_ROWS)
def test_what_row_sparse_takes_does_what_it_does_to_whole_tables(name, vocab):
    objective = OBJECTIVES["skipgram, logistic"]
    start, batch = batch_of(objective, vocab, 3)
    both = [
        _after(kind(objective, optimizer=BY_ROWS[name]), start, batch, steps=2)
        for kind in (learners.dense, learners.row_sparse)
    ]
    for one, other in zip(*both, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)  # sums in another order


@pytest.mark.parametrize("name", NOT_BY_ROWS)
def test_row_sparse_refuses_what_is_not_done_row_by_row_in_one_line(name, vocab):
    optimizer, message = NOT_BY_ROWS[name]
    objective = OBJECTIVES["skipgram, logistic"]
    start, _ = batch_of(objective, vocab)
    for transform in (lambda f: f, jax.jit):
        with pytest.raises(InputError, match=message) as raised:
            transform(learners.row_sparse(objective, optimizer=optimizer).init)(start)
        assert "\n" not in str(raised.value)
        assert "learners.dense" in str(raised.value)


@pytest.mark.parametrize("kind", [learners.dense, learners.row_sparse])
@pytest.mark.parametrize("optimizer", [optax.sgd(0.1), optax.adagrad(0.1), optax.scale(-1.0)])
def test_an_optimizer_with_a_sign_of_its_own_would_climb_and_is_refused(kind, optimizer, vocab):
    objective = OBJECTIVES["skipgram, logistic"]
    start, _ = batch_of(objective, vocab)
    with pytest.raises(InputError, match="goes down the gradient, and a learner takes it away"):
        kind(objective, optimizer=optimizer).init(start)


def test_weight_decay_leaves_frozen_rows_alone(vocab):
    objective = OBJECTIVES["skipgram, logistic"]
    start, batch = batch_of(objective, vocab)
    mask = InOut(np.arange(12) % 2, np.zeros(12))
    decay = optax.chain(optax.add_decayed_weights(0.1), optax.trace(0.9))
    after = _after(learners.dense(objective, optimizer=decay), start, batch, trainable=mask)
    np.testing.assert_array_equal(after.input[::2], start.input[::2])
    np.testing.assert_array_equal(after.output, start.output)
    assert (np.abs(after.input[1::2] - start.input[1::2]).max(axis=1) > 0).all()
