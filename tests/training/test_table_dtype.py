"""Laws of tables in bfloat16. Oracles: arithmetic over all random values; the float32 learner."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxemb import objectives, text, training
from jaxemb.errors import InputError
from jaxemb.functional import rounding
from jaxemb.lab import Corpus, StaticConfig
from jaxemb.lab.durable import checkpoints, snapshots
from jaxemb.static import tables
from jaxemb.structs import InOut
from jaxemb.training import learners, monitor
from tests.laws import zoo
from tests.laws.members import OBJECTIVES, SMALL
from tests.laws.test_objectives import batch_of

VALUES = [1.0, -1.0, 1.00001, -3.14159, 1e-30, -7.7e33, 0.0, 255.99, 1e-42]


def _low(**settings):
    return lambda objective: learners.row_sparse(objective, table_dtype="bfloat16", **settings)


def _start(objective, vocab, seed=0):
    rows = objective.prepare(vocab)[1]
    keys = jax.random.split(jax.random.key(seed))
    drawn = (jax.random.normal(k, (n, 8)) for k, n in zip(keys, rows, strict=True))
    # numbers of bfloat16, so that both learners begin with the same tables
    return InOut(*(t.astype(jnp.bfloat16).astype(jnp.float32) for t in drawn))


@pytest.mark.parametrize("value", VALUES)
def test_the_mean_over_all_random_numbers_is_the_value(value):
    value = np.float32(value)
    every = jnp.arange(1 << 16, dtype=jnp.uint32) | np.uint32(
        0xABCD0000
    )  # the upper bits are not read
    rounded = np.asarray(jax.jit(rounding.stochastic)(jnp.full(1 << 16, value), every), np.float64)
    np.testing.assert_allclose(rounded.mean(), value, rtol=1e-12)  # a sum of 65,536 in float64
    assert len(set(rounded)) <= 2


def test_numbers_of_bfloat16_and_what_is_not_finite_stay():
    every = jnp.full(4, 0xFFFF, jnp.uint32)
    kept = rounding.stochastic(jnp.array([1.5, -np.inf, np.inf, np.nan], jnp.float32), every)
    np.testing.assert_array_equal(np.asarray(kept, np.float32), [1.5, -np.inf, np.inf, np.nan])


def test_random_bits_are_even_and_differ_by_turn_row_and_column():
    rows = jnp.arange(64, dtype=jnp.int32)
    drawn = np.stack([np.asarray(rounding.bits(jnp.uint32(t), rows, 32)) for t in range(64)])
    assert len(np.unique(drawn)) > drawn.size - 40  # 131,072 of 2^32 meet twice in expectation
    ones = np.unpackbits(drawn.reshape(-1, 1).view(np.uint8), axis=1).mean(0)
    np.testing.assert_allclose(ones, 0.5, atol=0.5 * 6 / np.sqrt(drawn.size))  # six deviations
    for axis in range(3):  # neighbours in turn, row or column share no more bits than others
        first, second = (np.take(drawn, range(a, 64 if axis < 2 else 32, 2), axis) for a in (0, 1))
        alike = np.unpackbits((first ^ second).reshape(-1, 1).view(np.uint8)).mean()
        np.testing.assert_allclose(alike, 0.5, atol=6 * 0.5 / np.sqrt(16 * drawn.size))


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        *((name, {}) for name in OBJECTIVES),
        ("skipgram, logistic", {"cap": 0.05}),
        ("cbow, logistic", {"optimizer": learners.adagrad}),
    ],
)
def test_a_step_is_that_of_float32_rounded_to_a_neighbour(name, settings, vocab):
    objective = OBJECTIVES[name]
    start = _start(objective, vocab)
    _, batch = batch_of(objective, vocab, 0)
    plain = learners.row_sparse(objective, **settings)
    low = _low(**settings)(objective)
    exact = jax.jit(plain.step)(plain.init(start), batch, 0.05).tables
    state = jax.jit(low.step)(low.init(start), batch, 0.05)
    assert {t.dtype.name for t in state.tables} == {"bfloat16"}
    for begun, wanted, got in zip(start, exact, state.tables, strict=True):
        wanted, got = np.asarray(wanted), np.asarray(got, np.float32)
        # neighbours lie a 128th apart, relative to the power of two below
        assert (np.abs(got - wanted) <= 2.0**-7 * np.abs(wanted) + 1e-6).all()
        np.testing.assert_array_equal(got[wanted == begun], wanted[wanted == begun])
    assert any(np.any(a != b) for a, b in zip(state.tables, low.init(start).tables, strict=True))


def test_many_small_steps_add_up_where_rounding_to_nearest_would_drop_each(vocab):
    """Updates of a thousandth of an entry: bfloat16 rounds to a 256th."""
    objective = objectives.skipgram(**SMALL)
    _, batch = batch_of(objective, vocab, 0)
    plain, low = learners.row_sparse(objective), _low()(objective)

    def after(learner, steps=400):
        state = learner.init(_start(objective, vocab))
        advance = jax.jit(lambda s: learner.step(s, batch, 5e-4))
        for _ in range(steps):
            state = advance(state)
        return np.concatenate([np.asarray(t, np.float32).ravel() for t in state.tables])

    begun = np.concatenate([np.asarray(t).ravel() for t in _start(objective, vocab)])
    wanted, got = after(plain) - begun, after(low) - begun
    assert np.corrcoef(wanted, got)[0, 1] > 0.95
    np.testing.assert_allclose(got @ wanted / (wanted @ wanted), 1.0, atol=0.05)


def test_a_step_that_is_not_finite_and_frozen_rows_change_nothing(vocab):
    objective = objectives.skipgram(**SMALL)
    low = _low()(objective)
    begun = low.init(_start(objective, vocab))
    _, batch = batch_of(objective, vocab, 0)
    spoilt = batch._replace(weight=batch.weight.at[0, 0, 0].set(jnp.nan))
    frozen = jax.tree.map(lambda t: jnp.zeros(len(t)), begun.tables)
    refused = jax.jit(low.step)(begun, spoilt, 0.05)
    still = jax.jit(low.step)(begun, batch, 0.05, frozen)
    for state in (refused, still):
        jax.tree.map(np.testing.assert_array_equal, state.tables, begun.tables)
    assert int(refused.refused.in_all) == 1


def test_rows_are_read_in_float32_and_their_loss_is_that_of_their_values(vocab):
    for objective in (objectives.skipgram(**SMALL), OBJECTIVES["subword skipgram, logistic"]):
        start = _start(objective, vocab)
        low = _low()(objective).init(start)
        _, batch = batch_of(objective, vocab, 0)
        for read, wanted in zip(
            tables.gather(low.tables, batch.ids), tables.gather(start, batch.ids), strict=True
        ):
            assert read.dtype == jnp.float32
            np.testing.assert_allclose(read, wanted, rtol=1e-6)  # a mean in another order


def test_fit_returns_float32_and_a_checkpoint_keeps_every_bit(tmp_path):
    vocab, ids = text.encode(zoo.TEXTS["two topics"])
    objective = objectives.skipgram(**SMALL)
    kept = []
    fitted = training.fit(
        jax.random.key(0), ids, vocab, objective, dim=8, epochs=1, learner=_low(),
        callback=lambda event: kept.append(jax.tree.map(np.asarray, event.state)),
    )  # fmt: skip
    assert {table.dtype for table in fitted} == {np.dtype(np.float32)}
    state, place = kept[-1], checkpoints.Place(tmp_path, {})
    checkpoints.commit(place, snapshots.take(state, {"step": 1}))
    checkpoint = checkpoints.newest(place)
    assert checkpoint is not None
    back = snapshots.whole(checkpoint.restored(state))
    jax.tree.map(np.testing.assert_array_equal, back, state)
    assert set(monitor.measure(state.tables)) >= {"singular_values"}


def test_another_type_is_refused(vocab):
    with pytest.raises(InputError, match="table_dtype is float16; wanted float32 or bfloat16"):
        learners.row_sparse(objectives.skipgram(**SMALL), table_dtype=jnp.float16)


def test_tables_and_models_round_by_bits_of_their_own(vocab):
    objective = objectives.skipgram(**SMALL)
    turns = [
        int(side.turn)
        for seed in range(3)
        for side in _low()(objective).init(_start(objective, vocab, seed)).optimizer
    ]
    assert len(set(turns)) == len(turns)


def test_frozen_rows_and_bits_on_any_devices_want_float32():
    config = StaticConfig(Corpus(path=("x",)), "x", objectives.skipgram, learners.row_sparse)
    low = dataclasses.replace(config, table_dtype="bfloat16")
    low.check()
    for setting, value in (("freeze", "all"), ("exact_elastic", True)):
        changed = dataclasses.replace(low, **{setting: value})
        with pytest.raises(InputError, match=rf"{setting} wants tables in float32"):
            changed.check()
