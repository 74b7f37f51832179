"""Laws of GloVe. Oracles: the paper's formulas and Stanford's program in float64 NumPy; algebra."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxemb.counts import glove, shuffling
from jaxemb.errors import InputError
from jaxemb.functional import losses
from jaxemb.static import batches, tables
from jaxemb.structs import Cursor, InOut, Sparse
from jaxemb.training import learners

WORDS, DIM = 12, 3
OBJECTIVE = glove.glove(x_max=10.0)
OPTIMIZERS = {
    "sgd": learners.sgd,
    "adagrad": learners.adagrad,
    "stanford": learners.adagrad_stanford(0.05),
}


def _cells(count: int = 40, seed: int = 0) -> Sparse:
    random = np.random.default_rng(seed)
    keys = np.sort(random.permutation(WORDS**2)[:count])
    values = random.gamma(1.0, 8.0, count).astype(np.float32) + 0.1
    return Sparse((keys // WORDS).astype(np.int32), (keys % WORDS).astype(np.int32), values)


def _tables(scale: float = 1.0, seed: int = 1) -> InOut:
    random = np.random.default_rng(seed)
    start = (random.normal(size=(WORDS, DIM + 1)).astype(np.float32) for _ in range(2))
    return InOut(*(jnp.asarray(scale * table) for table in start))


@jax.jit
def _batch(cells: Sparse):
    whole = Sparse(*(jnp.asarray(side)[None, :, None] for side in cells))
    return glove.blocks(OBJECTIVE, whole, 0)


@jax.jit
def _loss(whole: InOut, batch):
    return batches.total(OBJECTIVE, tables.gather(whole, batch.ids), batch)


def _trained(state, learner, cells, rate=1.0, batch=1, **options):
    every = shuffling.chunks(cells, batch=batch, steps=16, epochs=1, seed=0, **options)
    for event in glove.events(OBJECTIVE, learner, state, Cursor(), every, rate):
        state = event.state
    return state


def test_weights_are_the_golden_values():
    """(1/100)^.75 and so on, capped at 1."""
    weights = glove.weight(jnp.array([0.0, 1, 10, 50, 99, 100, 101]), x_max=100.0, power=0.75)
    expected = [0, 0.0316228, 0.177828, 0.594604, 0.992491, 1, 1]
    np.testing.assert_allclose(weights, expected, atol=1e-6)  # six digits


def test_one_cell_costs_the_papers_equation():
    whole, cells = _tables(), _cells(1)
    w, c = (np.asarray(t, np.float64) for t in whole)
    i, j, x = int(cells.rows[0]), int(cells.columns[0]), float(cells.values[0])
    apart = w[i, :-1] @ c[j, :-1] + w[i, -1] + c[j, -1] - np.log(x)
    expected = 0.5 * min((x / 10) ** 0.75, 1) * apart**2
    f = glove.weight(jnp.float32(x), x_max=10.0, power=0.75)
    left, right = whole.input[i], whole.output[j]
    loss = losses.glove(left[:-1], right[:-1], left[-1], right[-1], jnp.float32(x), f)
    np.testing.assert_allclose(loss, expected, rtol=1e-5)


def test_a_batch_costs_the_sum_of_its_cells():
    whole, cells = _tables(), _cells()
    batch = _batch(cells)
    w, c = whole.input[cells.rows], whole.output[cells.columns]
    counts = jnp.asarray(cells.values)
    f = glove.weight(counts, x_max=10.0, power=0.75)
    textbook = jax.jit(jax.vmap(losses.glove))
    costs = textbook(w[:, :-1], c[:, :-1], w[:, -1], c[:, -1], counts, f)
    np.testing.assert_allclose(_loss(whole, batch), np.sum(costs), rtol=1e-5)


def test_the_loss_knows_vectors_through_their_products_alone():
    """A common rotation changes nothing, and U^T dU = (C^T dC)^T; biases are not turned."""
    whole, batch = _tables(), _batch(_cells())
    turn = np.eye(DIM + 1, dtype=np.float32)
    turn[:DIM, :DIM] = np.linalg.qr(whole.input[:DIM, :DIM])[0]
    turned = InOut(*(jnp.asarray(np.asarray(table) @ turn) for table in whole))
    np.testing.assert_allclose(_loss(turned, batch), _loss(whole, batch), rtol=1e-5)
    gradient = jax.jit(jax.grad(_loss))(whole, batch)
    one, other = (
        np.asarray(table)[:, :DIM].T @ np.asarray(slope)[:, :DIM]
        for table, slope in zip(whole, gradient, strict=True)
    )
    np.testing.assert_allclose(one, other.T, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_row_sparse_equals_dense_on_cells(name):
    batch = _batch(_cells())  # of 12 rows: all are repeated
    after = []
    for kind in (learners.dense, learners.row_sparse):
        learner = kind(OBJECTIVE, optimizer=OPTIMIZERS[name])
        state, step = learner.init(_tables()), jax.jit(learner.step)
        for _ in range(3):
            state = step(state, batch, 0.05, None)
        after.append(state.tables)
    for dense, sparse in zip(*after, strict=True):
        np.testing.assert_allclose(dense, sparse, rtol=1e-4, atol=1e-5)


def _stanford(w, c, cells, rate, clip):
    """glove_thread of Stanford's glove.c, one cell after another, in float64."""
    w, c = w.copy(), c.copy()
    gw, gc = np.ones_like(w), np.ones_like(c)
    for i, j, x in zip(*cells, strict=True):
        apart = w[i, :-1] @ c[j, :-1] + w[i, -1] + c[j, -1] - np.log(np.float64(x))
        slope = apart * (1.0 if x > 10 else (x / 10) ** 0.75)
        one = np.clip(slope * c[j, :-1], -clip, clip) * rate
        other = np.clip(slope * w[i, :-1], -clip, clip) * rate
        w[i, :-1] -= one / np.sqrt(gw[i, :-1])
        c[j, :-1] -= other / np.sqrt(gc[j, :-1])
        gw[i, :-1] += one**2
        gc[j, :-1] += other**2
        w[i, -1] -= slope / np.sqrt(gw[i, -1])
        c[j, -1] -= slope / np.sqrt(gc[j, -1])
        gw[i, -1] += slope**2
        gc[j, -1] += slope**2
    return w, c


@pytest.mark.parametrize(("scale", "clip"), [(1.0, 100.0), (3.0, 2.0)])
def test_one_cell_a_step_is_stanfords_program(scale, clip):
    start, cells = _tables(scale), _cells()
    [chunk] = shuffling.chunks(cells, batch=1, steps=40, epochs=1, seed=0)
    ordered = Sparse(*(side[:, 0, 0] for side in chunk.cells))
    w, c = (np.asarray(table, np.float64) for table in start)
    expected = _stanford(w, c, ordered, 0.05, clip)
    learner = learners.row_sparse(OBJECTIVE, optimizer=learners.adagrad_stanford(0.05, clip))
    trained = _trained(learner.init(start), learner, cells).tables
    for ours, theirs in zip(trained, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)  # 40 steps in float32


def test_at_full_rank_products_and_biases_become_the_logarithms_of_counts():
    cells = _cells(WORDS**2)
    learner = learners.row_sparse(OBJECTIVE, optimizer=learners.adagrad)
    state = learner.init(glove.init(jax.random.key(0), InOut(WORDS, WORDS), WORDS))
    every = shuffling.chunks(cells, batch=24, steps=6, epochs=120, seed=0)
    costs = []
    for event in glove.events(OBJECTIVE, learner, state, Cursor(), every, 0.5):
        state = event.state
        costs.append(float(event.loss))
    (w, c), (b, d) = glove.split(state.tables)
    assert w.shape == c.shape == (WORDS, WORDS)
    products = np.asarray(w @ c.T + b[:, None] + d[None, :])[cells.rows, cells.columns]
    np.testing.assert_allclose(products, np.log(cells.values), atol=0.02)
    assert costs[-1] < 1e-4 * costs[0]


def test_padding_trains_nothing():
    """One cell in a batch of 16: one row of each table moves."""
    learner = learners.row_sparse(OBJECTIVE, optimizer=learners.adagrad)
    cells = Sparse(*(side[7:8] for side in _cells()))
    after = _trained(learner.init(_tables()), learner, cells, batch=16).tables
    for moved, before, row in zip(after, _tables(), cells[:2], strict=True):
        np.testing.assert_array_equal(np.flatnonzero(np.any(moved != before, axis=1)), row)


@pytest.mark.parametrize("setting", ["x_max", "weight_power"])
def test_a_setting_that_is_not_above_zero_is_refused(setting):
    with pytest.raises(InputError, match=f"{setting} is 0"):
        glove.glove(**{setting: 0})
