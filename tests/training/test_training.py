"""Training: bit-identical whatever the chunk length and however often interrupted."""

import inspect

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import jaxemb
from jaxemb.errors import InputError, NumericalError
from jaxemb.functional import subsampling
from jaxemb.static import objectives
from jaxemb.structs import InOut
from jaxemb.training import fitting, learners, loop, monitor, optimizers, prefetch
from tests import covering

SMALL = {"window": 2, "negatives": 2, "block_length": 4, "shared_negatives": 2}


@pytest.fixture(scope="module")
def text():
    """Two topics that never meet: words 0..5 and words 6..11."""
    random = np.random.default_rng(0)
    lines = []
    for i in range(300):
        words = [f"{'ab'[i % 2]}{j}" for j in random.integers(0, 6, 12)]
        lines.append(" ".join(words))
    return jaxemb.text.encode(lines, min_count=1, tokenizer=str.split)


def _fit(text, objective=None, **options):
    vocab, ids = text
    options = {"dim": 8, "epochs": 2, "batch": 4, "chunk": 8, "subsample": 0.02, **options}
    key = jax.random.key(options.pop("seed", 0))
    return fitting.fit(key, ids, vocab, objective or objectives.skipgram(**SMALL), **options)


def _same(one, other) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_the_same_key_gives_the_same_bits_twice_and_another_key_others(text):
    first = _fit(text)
    assert _same(first, _fit(text))
    assert not _same(first, _fit(text, seed=1))


@pytest.mark.as_users_compile(always=False)
@pytest.mark.parametrize("chunk", covering.first(1, [3, 1, 1000]))
def test_the_chunk_length_changes_no_bit(text, chunk):
    assert _same(_fit(text), _fit(text, chunk=chunk))


@pytest.mark.parametrize("objective", [objectives.skipgram, objectives.cbow])
def test_words_of_one_topic_end_up_alike(text, objective):
    vocab, _ = text
    rate = 0.1 if objective is objectives.skipgram else 0.4
    tables = _fit(text, objective(**SMALL), epochs=30, learning_rate=rate, subsample=0)
    cosines = np.asarray(jaxemb.similarity.cosine(tables.input, tables.input))
    topic = np.array([word[0] == "a" for word in vocab.words])
    alike = topic[:, None] == topic[None, :]
    off = ~np.eye(12, dtype=bool)
    assert cosines[alike & off].mean() > cosines[~alike].mean() + 0.5


def _plan_and_text(text, epochs=2, chunk=8):
    vocab, ids = text
    objective = objectives.skipgram(**SMALL)
    learner = learners.row_sparse(objective)
    plan = loop.Plan(jax.random.key(0), objective, learner, 8, epochs, 0.025, 4, chunk)
    keep = subsampling.keep_word2vec(vocab.counts, 0.02)
    split = loop.split_of(plan.key, ids, keep, held_out=0.25)._replace(segment=700)
    return plan, objective.prepare(vocab), split


@pytest.mark.as_users_compile(always=False)
def test_training_goes_on_from_any_event_to_the_same_bits(text):
    plan, (resources, rows), split = _plan_and_text(text)
    whole = [
        (jax.device_get(event.state), event.cursor)
        for event in loop.events(plan, loop.start(plan, rows), resources, split)
    ]
    for state, cursor in whole[:: max(len(whole) // 6, 1)]:
        state = jax.tree.map(jnp.asarray, state)
        other = plan._replace(chunk=5)
        for event in loop.events(other, state, resources, split, cursor):
            state = event.state
        assert _same(state.tables, whole[-1][0].tables)


def test_an_epoch_ends_as_often_as_there_are_epochs_and_all_words_are_counted(text):
    plan, (resources, rows), split = _plan_and_text(text, epochs=3)
    events = list(loop.events(plan, loop.start(plan, rows), resources, split))
    assert [e.cursor.epoch for e in events if e.ends_epoch] == [1, 2, 3]
    last = events[-1].cursor
    assert last.trained + last.subsampled == 3 * loop.segments.words(split)
    assert events[-1].done == 1.0


def test_the_learning_rate_falls_linearly_from_its_start(text):
    plan, (resources, rows), split = _plan_and_text(text, chunk=1)
    events = list(loop.events(plan, loop.start(plan, rows), resources, split))
    rates = np.array([e.learning_rate for e in events])
    before = np.array([0.0, *(e.done for e in events[:-1])])
    np.testing.assert_allclose(rates, 0.025 * np.maximum(1 - before, 1e-4), rtol=1e-6)
    assert (np.diff(rates) < 0).all()


def test_held_out_loss_is_the_same_at_every_call_and_starts_at_log_2_per_score(text):
    plan, (resources, rows), split = _plan_and_text(text)
    held = monitor.texts(plan, split._replace(held=True))
    tables = loop.start(plan, rows).tables
    loss = monitor.loss(plan, tables, resources, held)
    assert loss == monitor.loss(plan, tables, resources, held)
    np.testing.assert_allclose(loss, (1 + SMALL["negatives"]) * np.log(2), rtol=1e-5)
    assert monitor.loss(plan, tables, resources, []) is None


def test_held_out_loss_does_not_depend_on_the_chunk_length(text):
    plan, (resources, _), split = _plan_and_text(text)
    tables = _fit(text)
    losses = []
    for chunk in (2, 8):
        other = plan._replace(chunk=chunk)
        parts = monitor.texts(other, split._replace(held=True))
        losses.append(monitor.loss(other, tables, resources, parts))
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-6)


def test_held_out_text_of_many_segments_is_read_in_few_steps_of_padding(text):
    """Each segment holds out a part of a chunk: the loss takes them together."""
    plan, _, split = _plan_and_text(text, chunk=8)
    small = split._replace(held=True, segment=500)
    alone = [
        part.texts[: part.real]
        for part in loop.segments.chunks(small, plan.objective.reads, plan.batch, 1, 0)
        if part.trained
    ]
    parts = monitor.texts(plan, small)
    assert len(alone) > 10
    assert len(parts) == -(-len(alone) // 8)
    together = np.concatenate(parts)
    np.testing.assert_array_equal(together[: len(alone)], np.concatenate(alone))
    assert (together[len(alone) :] == -1).all()
    few = monitor.texts(plan._replace(chunk=1000), small)
    assert [len(alone) <= len(part) < 2 * len(alone) for part in few] == [True]


def test_frozen_tables_do_not_move(text):
    vocab, _ = text
    plan_key, size = jax.random.key(0), len(vocab.words)
    frozen = _fit(text, trainable=InOut(jnp.zeros(size), jnp.ones(size)))
    start = loop.tables.init(jax.random.fold_in(plan_key, 0), InOut(size, size), 8)
    np.testing.assert_array_equal(frozen.input, start.input)
    assert np.abs(frozen.output).max() > 0


def test_the_dense_learner_trains_to_the_same_tables(text):
    objective = objectives.skipgram(**SMALL)
    dense = _fit(text, objective, learner=learners.dense(objective))
    for one, other in zip(_fit(text, objective), dense, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)  # 400 steps of rounding


def test_numbers_that_run_away_end_in_an_error(text):
    with pytest.raises(NumericalError, match="lower learning_rate"):
        _fit(text, learning_rate=1e38)


@pytest.mark.parametrize(
    ("ids", "message"),
    [([], "no ids of words"), ([0, 12], "from -1 to 12; wanted -1"), ([-2, 3], "from -2 to 3")],
)
def test_ids_that_are_no_words_are_refused(text, ids, message):
    with pytest.raises(InputError, match=message):
        _fit((text[0], np.array(ids, np.int32)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"learning_rate": 0.0}, "learning_rate is 0.0; it must be above 0"),
        ({"learning_rate": float("nan")}, "learning_rate is nan"),
        ({"trainable": InOut(jnp.ones(3), jnp.ones(12))}, "trainable has shapes"),
        ({"objective": objectives.skipgram}, "wanted a built one"),
    ],
)
def test_options_that_cannot_be_used_are_refused(text, options, message):
    with pytest.raises(InputError, match=message):
        _fit(text, **options)


@pytest.mark.parametrize("ids", [np.array([0.7, 1.7]), np.zeros((2, 2), int), [[0, 1]]])
def test_ids_of_another_type_or_shape_are_refused(text, ids):
    with pytest.raises(InputError, match="wanted integers in one row"):
        fitting.fit(jax.random.key(0), ids, text[0], objectives.skipgram(**SMALL))


OF_ANOTHER_TYPE = {
    "learning_rate is fast; it must be above 0": {"learning_rate": "fast"},
    "cap is small; it must be above 0": {"cap": "small"},
    r"trainable is 1; wanted InOut\(input, output\)": {"trainable": 1},
    r"initial is \(1, 2\); wanted InOut": {"initial": (1, 2)},
    "learner is 1; wanted a function of the objective": {"learner": 1},
    r"learner is GradientTr.*wanted a function.*optimizer=": {"learner": optax.scale_by_adam()},
    "cap is 1.0, but dense has no cap": {"learner": learners.dense, "cap": 1.0},
    r"learner is .*lambda.* called learner\(objective\)": {"learner": lambda: None},
    "learner is .*lambda.*gave 3": {"learner": lambda objective: 3},
    "learner was built for another objective, whose loss is logistic": {
        "learner": learners.dense(objectives.skipgram()),
        "objective": objectives.skipgram(**SMALL, loss=lambda *block: 0.0),
    },
    r"vocab is .*; wanted Vocab\(words, counts\)": {"vocab": ("a", "b")},
    "rows of several lengths": {"ids": [[0], [1, 2]]},
}


@pytest.mark.parametrize("message", OF_ANOTHER_TYPE)
def test_arguments_of_another_type_are_refused_where_types_are_not_checked(text, message):
    given = dict(zip(("vocab", "ids"), text, strict=True))
    given |= {"objective": objectives.skipgram(**SMALL), **OF_ANOTHER_TYPE[message]}
    fit = inspect.unwrap(fitting.fit)  # as users call it, without jaxtyping's type checks
    with pytest.raises(InputError, match=message):
        fit(jax.random.key(0), **given)


@pytest.mark.parametrize("threshold", [None, "few", -1.0, float("nan")])
def test_a_threshold_that_is_no_number_is_refused(threshold):
    with pytest.raises(InputError, match="it must be >= 0"):
        inspect.unwrap(subsampling._threshold_over_frequency)(np.ones(3, int), threshold)


@pytest.mark.parametrize("optimizer", [optax.adam, "adam", None])
def test_what_makes_an_optimizer_is_none(optimizer):
    with pytest.raises(InputError, match="wanted an optax transformation"):
        inspect.unwrap(optimizers.begun)(optimizer, jnp.ones((3, 2)))


@pytest.mark.parametrize("kind", [np.uint8, np.uint32, np.uint64, np.int64])
def test_integers_of_any_width_and_sign_train_alike(text, kind):
    ids = np.arange(60) % 12
    tables = (_fit((text[0], ids.astype(dtype))) for dtype in (np.int32, kind))
    for one, other in zip(*tables, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("setting", ["dim", "epochs", "batch", "chunk"])
def test_a_setting_below_one_is_refused(text, setting):
    with pytest.raises(InputError, match=f"{setting} is 0; it must be at least 1"):
        _fit(text, **{setting: 0})


def test_the_thread_that_prepares_text_hands_on_its_errors():
    def broken():
        yield 1
        raise InputError("broken")

    ahead = prefetch.ahead(broken())
    assert next(ahead) == 1
    with pytest.raises(InputError, match="broken"):
        next(ahead)


def test_a_run_traces_its_program_once(text, monkeypatch):
    """Segments, epochs and their short last chunks all have the same shapes."""
    plan, (resources, rows), split = _plan_and_text(text)
    once = jax.jit(
        chex.assert_max_traces(loop.steps, n=1),
        static_argnames=("objective", "learner"),
        donate_argnames="state",
    )
    monkeypatch.setattr(loop, "_train_chunk", once)
    events = list(loop.events(plan, loop.start(plan, rows), resources, split))
    assert len({event.cursor.segment for event in events}) > 1
    assert events[-1].cursor.epoch == 2
