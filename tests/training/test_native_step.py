"""Laws of the native step. Oracle: `learners.row_sparse`, which XLA compiles."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxemb import objectives, text, training
from jaxemb.errors import InputError
from jaxemb.functional import losses
from jaxemb.static import tables
from jaxemb.structs import InOut
from jaxemb.training import learners, loop, native_step
from tests.laws import zoo
from tests.laws.members import OBJECTIVES, SMALL, hinge
from tests.laws.test_objectives import batch_of

LOGISTIC = {n: o for n, o in OBJECTIVES.items() if o.loss is losses.logistic}
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module", autouse=True)
def _built(tmp_path_factory):
    if shutil.which("c++") is None:
        pytest.skip("no C++ compiler")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        script = ROOT / "scripts" / "build_native.py"
        if not native_step.library().exists():
            done = subprocess.run([sys.executable, script], capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
        yield


def _random_tables(objective, vocab, dim, seed):
    """Tables of unit entries, in which scores are of the size of trained ones."""
    rows = objective.prepare(vocab)[1]
    keys = jax.random.split(jax.random.key(seed))
    return InOut(*(jax.random.normal(k, (n, dim)) for k, n in zip(keys, rows, strict=True)))


def _step(learner, start, batch, rate=0.05, trainable=None):
    return jax.jit(learner.step)(learner.init(start), batch, rate, trainable)


def _equal(one, other):
    for left, right in zip(one, other, strict=True):
        # sums of up to a hundred products in another order, of entries of size 1
        np.testing.assert_allclose(left, right, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("cap", [None, 0.05])
@pytest.mark.parametrize("name", LOGISTIC)
def test_it_equals_row_sparse_in_every_dimension(name, cap, vocab):
    objective = LOGISTIC[name]
    for dim in (1, 7, 16, 33):
        _, batch = batch_of(objective, vocab, dim)
        start = _random_tables(objective, vocab, dim, seed=dim)
        plain = _step(learners.row_sparse(objective, cap=cap), start, batch)
        native = _step(native_step.row_sparse(objective, cap=cap), start, batch)
        _equal(plain.tables, native.tables)
        assert any(np.any(a != b) for a, b in zip(native.tables, start, strict=True))


def test_scores_of_every_size_give_the_gradient_of_the_logistic_loss(vocab):
    """Beyond 87 the exponential is held: sigma is 0 or 1 there to every digit of float32."""
    objective = objectives.skipgram(**SMALL)
    _, batch = batch_of(objective, vocab, 0)
    start = _random_tables(objective, vocab, 8, seed=0)
    for size in (1e-3, 1.0, 4.0, 30.0):
        scaled = InOut(start.input * size, start.output)
        plain, native = (
            _step(kind(objective), scaled, batch).tables
            for kind in (learners.row_sparse, native_step.row_sparse)
        )
        for one, other in zip(plain, native, strict=True):
            np.testing.assert_allclose(one, other, rtol=2e-5, atol=2e-5 * max(size, 1.0))


def test_a_step_that_is_not_finite_changes_nothing_and_is_counted(vocab):
    objective = objectives.skipgram(**SMALL)
    start, batch = batch_of(objective, vocab, 0)
    for bad in (jnp.nan, jnp.inf):
        spoilt = batch._replace(weight=batch.weight.at[1, 0, 0].set(bad))
        state = _step(native_step.row_sparse(objective), start, spoilt)
        for one, other in zip(state.tables, start, strict=True):
            np.testing.assert_array_equal(one, other)
        assert (int(state.refused.in_a_row), int(state.refused.in_all)) == (1, 1)


def test_every_repetition_has_the_same_bits_whichever_thread_took_which_block(vocab):
    objective = objectives.cbow(**SMALL)
    _, batch = batch_of(objective, vocab, 0)
    many = jax.tree.map(lambda leaf: jnp.tile(leaf, (40,) + (1,) * (leaf.ndim - 1)), batch)
    start = _random_tables(objective, vocab, 65, seed=1)
    learner = native_step.row_sparse(objective)
    first, *others = (_step(learner, start, many, 1e-3).tables for _ in range(6))
    for other in others:
        jax.tree.map(np.testing.assert_array_equal, first, other)


@pytest.mark.filterwarnings("ignore:the text is small")
def test_a_text_of_few_words_gets_the_step_that_row_sparse_gets():
    vocab, ids = text.encode(zoo.TEXTS["one sentence"])
    objective = objectives.skipgram(**SMALL)
    plain, native = (
        training.fit(jax.random.key(0), ids, vocab, objective, dim=8, epochs=2, learner=learner)
        for learner in (None, native_step.row_sparse)
    )
    for one, other in zip(plain, native, strict=True):  # rounding, over a hundred steps
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-3)


def test_frozen_rows_are_left_to_row_sparse(vocab):
    objective = objectives.skipgram(**SMALL)
    start, batch = batch_of(objective, vocab, 0)
    masks = jax.tree.map(lambda table: jnp.arange(len(table)) % 2, start)
    plain, native = (
        _step(kind(objective), start, batch, trainable=masks).tables
        for kind in (learners.row_sparse, native_step.row_sparse)
    )
    jax.tree.map(np.testing.assert_array_equal, plain, native)


def test_several_models_are_stepped_as_each_alone(vocab):
    objective = objectives.skipgram(**SMALL)
    _, batch = batch_of(objective, vocab, 0)
    learner = native_step.row_sparse(objective)
    starts = [_random_tables(objective, vocab, 5, seed) for seed in range(3)]
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *starts)
    states = jax.vmap(learner.init)(stacked)
    together = jax.jit(jax.vmap(learner.step, in_axes=(0, None, None)))(states, batch, 0.05)
    for i, start in enumerate(starts):
        alone = _step(learner, start, batch).tables
        jax.tree.map(lambda all_, one, i=i: np.testing.assert_array_equal(all_[i], one),
                     together.tables, alone)  # fmt: skip


def test_a_chunk_of_steps_copies_no_table(vocab):
    objective = objectives.skipgram(**SMALL)
    resources, _ = objective.prepare(vocab)
    learner, many = native_step.row_sparse(objective), 100_000
    state = jax.eval_shape(
        lambda: learner.init(tables.init(jax.random.key(0), InOut(many, many), 32))
    )
    texts = jax.ShapeDtypeStruct((5, 2, SMALL["block_length"] + 2 * SMALL["window"]), jnp.int32)
    rates = jax.ShapeDtypeStruct((5,), jnp.float32)
    how = {"objective": objective, "learner": learner}
    chunk = jax.jit(loop.steps, static_argnames=("objective", "learner"), donate_argnames="state")
    program = chunk.lower(state, jax.random.key(0), 0, 5, texts, rates, resources, None, **how)
    assert program.compile().memory_analysis().temp_size_in_bytes < 4 * many


def test_what_it_does_not_know_is_refused(vocab, monkeypatch, tmp_path):
    with pytest.raises(InputError, match=r"the native step knows the logistic loss: take"):
        native_step.row_sparse(objectives.skipgram(loss=hinge, **SMALL))
    largest = objectives.cbow(mean=lambda rows, mask: mask @ jnp.maximum(rows, 0), **SMALL)
    with pytest.raises(InputError, match=r"the native step knows centers as they are and the mean"):
        native_step.row_sparse(largest)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(InputError, match=r"run python scripts/build_native.py, which needs a C"):
        native_step.row_sparse(objectives.skipgram(**SMALL))


def test_a_compiler_that_is_not_there_or_fails_is_named():
    script = [sys.executable, ROOT / "scripts" / "build_native.py", "--compiler"]
    for compiler, message in (("no_such", "apt install g++"), ("false", "false -std=c++17")):
        done = subprocess.run([*script, compiler], capture_output=True, text=True, env=os.environ)
        assert done.returncode == 2
        assert message in done.stderr
