"""The LSTM's recurrence. Oracles: a loop in float64 NumPy; torch's and flax's cells; autodiff."""

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxemb.contextual import recurrence
from jaxemb.contextual.members.grus import gru_cell
from jaxemb.contextual.members.lstms import lstm_cell
from jaxemb.contextual.recurrence import Carry, Rule, Weights
from tests.rounding import NETWORK, close

PLAIN_AND_JIT = pytest.mark.parametrize("transform", [lambda f: f, jax.jit], ids=["plain", "jit"])
RULES = {
    "plain": Rule(),
    "ELMo": Rule(cell_clip=0.4, projection_clip=0.2),
    "reversed": Rule(cell_clip=0.3, forget_bias=0.0, reverse=True),
}


def _problem(seed: int, cell: int, out: int, batch=(3,), time: int = 7):
    keys = jax.random.split(jax.random.key(seed), 8)
    weights = Weights(
        jax.random.normal(keys[0], (out, 4 * cell)),
        jax.random.normal(keys[1], (cell, out)) if out != cell else None,
    )
    gates = jax.random.normal(keys[2], (time, *batch, 4 * cell))
    mask = (jax.random.uniform(keys[3], (time, *batch)) < 0.8).astype(jnp.float32)
    reset = (jax.random.uniform(keys[4], (time, *batch)) < 0.2).astype(jnp.float32) * mask
    carry = Carry(
        jax.random.normal(keys[5], (*batch, cell)) * 0.3, jax.random.normal(keys[6], (*batch, out))
    )
    return weights, gates, mask, reset, carry


def _loop(rule: Rule, weights: Weights, gates, mask, reset, carry: Carry):
    """The definition in float64, one row and one step at a time."""
    sigmoid = lambda x: 1 / (1 + np.exp(-x))  # noqa: E731
    clip = lambda x, b: x if b is None else np.clip(x, -b, b)  # noqa: E731
    gates, mask, reset = (np.float64(x) for x in (gates, mask, reset))
    u = np.float64(weights.recurrent)
    outputs = np.zeros((*mask.shape, u.shape[0]))
    last = [np.float64(state).copy() for state in carry]
    order = range(len(gates))[:: -1 if rule.reverse else 1]
    for row in np.ndindex(mask.shape[1:]):
        c, h = (state[row] for state in last)
        for t in order:
            position = (t, *row)
            if not mask[position]:
                continue
            if reset[position]:
                c, h = 0 * c, 0 * h
            i, j, f, o = np.split(gates[position] + h @ u, 4)
            c = clip(sigmoid(f + rule.forget_bias) * c + sigmoid(i) * np.tanh(j), rule.cell_clip)
            h = sigmoid(o) * np.tanh(c)
            if weights.projection is not None:
                h = clip(h @ np.float64(weights.projection), rule.projection_clip)
            outputs[position] = h
        last[0][row], last[1][row] = c, h
    return outputs, last


@PLAIN_AND_JIT
@pytest.mark.parametrize("recur", [recurrence.plain, recurrence.fast], ids=["plain", "fast"])
@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
@pytest.mark.parametrize(("out", "batch"), [(4, ()), (5, (2, 2))])
def test_the_recurrence_is_the_loop(transform, recur, rule, out, batch):
    problem = _problem(0, 5, out, batch)
    outputs, last = transform(lambda *p: recur(rule, *p))(*problem)
    expected, carried = _loop(rule, *problem)
    close(outputs, expected, ulps=NETWORK)
    for state, expected_state in zip(last, carried, strict=True):
        close(state, expected_state, ulps=NETWORK)
    np.testing.assert_array_equal(np.asarray(outputs)[np.asarray(problem[2]) == 0], 0.0)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("scale", [1.0, 1e4])
def test_outputs_are_at_most_1_and_cells_at_most_the_steps(seed, scale):
    weights, gates, mask, _, carry = _problem(seed, 5, 5)
    zeros, ones = jax.tree.map(jnp.zeros_like, carry), jnp.ones_like(mask)
    weights = jax.tree.map(lambda w: scale * w, weights)
    for t in range(1, len(gates) + 1):  # not strict: tanh and sigmoid round to 1
        inputs = scale * gates[:t], ones[:t], jnp.zeros_like(ones[:t])
        outputs, last = recurrence.fast(Rule(), weights, *inputs, zeros)
        assert np.abs(outputs).max() <= 1
        assert np.abs(last.cell).max() <= t


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("scale", [1.0, 1e4])
def test_clips_bound_outputs_and_cells_and_are_reached(seed, scale):
    weights, gates, mask, reset, _ = _problem(seed, 5, 4)
    weights = jax.tree.map(lambda w: scale * w, weights)
    carry = Carry(jnp.zeros((3, 5)), jnp.zeros((3, 4)))
    outputs, last = recurrence.fast(RULES["ELMo"], weights, scale * gates, mask, reset, carry)
    assert np.abs(outputs).max() == np.float32(0.2)
    assert np.abs(last.cell).max() == np.float32(0.4)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
@pytest.mark.parametrize("out", [5, 4])
def test_the_fast_derivative_is_that_of_the_plain_form(rule, out):
    random = np.random.default_rng(9)
    wanted = random.normal(size=(7, 3, out)).astype(np.float32)
    ends = [random.normal(size=(3, n)).astype(np.float32) for n in (5, out)]

    def loss(recur, weights, gates, carry, mask, reset):
        outputs, last = recur(rule, weights, gates, mask, reset, carry)
        return jnp.sum(outputs * wanted) + sum(
            jnp.sum(a * b) for a, b in zip(last, ends, strict=True)
        )

    slopes = [
        jax.jit(jax.grad(functools.partial(loss, recur), argnums=(0, 1, 2)))
        for recur in (recurrence.plain, recurrence.fast)
    ]
    for seed in range(2):
        weights, gates, mask, reset, carry = _problem(seed, 5, out)
        grads = (slope(weights, gates, carry, mask, reset) for slope in slopes)
        for ours, theirs in zip(*map(jax.tree.leaves, grads), strict=True):
            close(ours, theirs, ulps=NETWORK)  # sums in another order


def test_the_plain_cell_is_torchs():
    torch = pytest.importorskip("torch")
    cell = lstm_cell(6, forget_bias=0.0)
    params = cell.init(jax.random.key(0), 4)
    vectors = jax.random.normal(jax.random.key(1), (9, 3, 4))
    ones, zeros = jnp.ones((9, 3)), jnp.zeros((9, 3))
    ours, last = cell.run(params, vectors, ones, zeros, cell.start((3,)))
    theirs = torch.nn.LSTM(4, 6)
    order = [0, 2, 1, 3]  # i, f, g, o of ours, which are i, j, f, o

    def turned(kernel):
        blocks = np.split(np.asarray(kernel), 4, axis=-1)
        return torch.tensor(np.concatenate([blocks[k] for k in order], axis=-1).T.copy())

    with torch.no_grad():
        theirs.weight_ih_l0.copy_(turned(params.kernel))
        theirs.weight_hh_l0.copy_(turned(params.recurrent))
        theirs.bias_ih_l0.copy_(turned(params.bias))
        theirs.bias_hh_l0.zero_()
        expected, (h, c) = theirs(torch.tensor(np.asarray(vectors)))
    close(ours, expected.numpy(), ulps=NETWORK)
    close(last.out, h[0].numpy(), ulps=NETWORK)
    close(last.cell, c[0].numpy(), ulps=NETWORK)


def test_the_gru_is_flaxs():
    cell, theirs = gru_cell(5), nn.GRUCell(features=5)
    vectors = jax.random.normal(jax.random.key(1), (6, 2, 4))
    params = cell.init(jax.random.key(0), 4)
    params = params._replace(recurrent_bias=jnp.arange(5.0), bias=jnp.arange(15.0) / 9)
    ones, zeros = jnp.ones((6, 2)), jnp.zeros((6, 2))
    ours, last = cell.run(params, vectors, ones, zeros, cell.start((2,)))
    w, u = (
        np.split(np.asarray(weights), 3, axis=1) for weights in (params.kernel, params.recurrent)
    )
    b = np.split(np.asarray(params.bias), 3)
    renamed = {f"i{name}": {"kernel": w[k], "bias": b[k]} for k, name in enumerate("rzn")}
    renamed |= {f"h{name}": {"kernel": u[k]} for k, name in enumerate("rz")}
    renamed["hn"] = {"kernel": u[2], "bias": params.recurrent_bias}
    h = jnp.zeros((2, 5))
    for t, vector in enumerate(vectors):
        h, _ = theirs.apply({"params": renamed}, h, vector)
        close(ours[t], h, ulps=NETWORK)
    close(last, h, ulps=NETWORK)
