"""Measurements during training. Oracles: NumPy in float64; the algebra of the loss."""

import json

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest

from jaxemb import linalg
from jaxemb.lab.tables import inspection
from jaxemb.structs import Cursor, Event, InOut
from jaxemb.training import monitor
from jaxemb.training.loop import Plan


def _tables(seed):
    random = np.random.default_rng(seed)
    return InOut(*(jnp.asarray(random.normal(size=(50, 6)), jnp.float32) for _ in range(2)))


@pytest.mark.parametrize("seed", range(3))
def test_what_is_measured_is_numpys(seed):
    tables = _tables(seed)
    measured = monitor.measure(tables)
    u, c = (np.float64(table) for table in tables)
    values = np.linalg.svd(u, compute_uv=False)
    np.testing.assert_allclose(measured["singular_values"], values, rtol=1e-5)
    share = values / values.sum()
    np.testing.assert_allclose(
        measured["effective_rank"], np.exp(-(share * np.log(share)).sum()), 1e-5
    )
    np.testing.assert_allclose(measured["imbalance"], np.linalg.norm(u.T @ u - c.T @ c), rtol=1e-4)
    norms = np.quantile(np.linalg.norm(u, axis=1), monitor.QUANTILES)
    np.testing.assert_allclose(measured["norms"], norms, rtol=1e-5)
    json.dumps(monitor.plain(measured))


@pytest.mark.parametrize("rate", [1e-1, 1e-2])
def test_a_step_of_gradient_descent_changes_the_balance_by_its_rate_squared(rate):
    """Linalg reference, invariant 27: U^T U - C^T C moves by rate^2 (gU^T gU - gC^T gC) only."""
    tables = _tables(0)

    def loss(t):
        return jnp.sum(jax.nn.softplus(t.input @ t.output.T)) / 50

    gradient = jax.grad(loss)(tables)
    moved = jax.tree.map(lambda t, g: t - rate * g, tables, gradient)

    def balance(t):
        u, c = (np.float64(table) for table in t)
        return u.T @ u - c.T @ c

    change = balance(moved) - balance(tables)
    expected = rate**2 * balance(gradient)
    # float32 tables round at 6e-8 of entries near 1, over 50 rows
    np.testing.assert_allclose(change, expected, atol=2e-5)
    assert np.abs(expected).max() > 2e-4 * (rate / 1e-1) ** 2


def _event(before, after, ends=False):
    cursor = Cursor(epoch=int(ends), trained=after)
    state, loss = None, jnp.zeros(())
    return Event(state, Cursor(trained=before), cursor, loss, 0.5, ends, jnp.int32(0), 0.1)


def test_measurements_are_due_early_then_at_every_interval_and_at_the_end():
    plan = Plan(jax.random.key(0), None, None, 8, 1, 0.1, 1, 1)  # type: ignore[arg-type]
    steps = [(i, i + 10) for i in range(0, 400, 10)]
    due = [after for before, after in steps if monitor.due(_event(before, after), 160, plan)]
    assert due == [10, 40, 160, 320]
    assert monitor.due(_event(400, 401, ends=True), 160, plan)


@pytest.mark.parametrize("rows", [1, 2, 40])
def test_any_table_can_be_described_and_said(rows):
    table = np.random.default_rng(0).normal(size=(rows, 5)).astype(np.float32)
    description = inspection.describe(table)
    json.dumps(description)
    markdown = inspection.markdown(description)
    assert f"rank {min(rows, 5)} of" in markdown
    assert description["spectrum"]["smallest"] > 0


@pytest.mark.parametrize("dtype", [np.float32, ml_dtypes.bfloat16])
def test_isotropy_without_the_top_is_that_of_the_table_without_it(dtype):
    """Oracle: the measures of `linalg.all_but_the_top`, with a spectrum of its own."""
    table = np.random.default_rng(0).normal(size=(300, 120)) * np.geomspace(1, 0.1, 120) + 0.3
    table = table.astype(np.float32).astype(dtype)
    isotropy = inspection.describe(table)["isotropy"]
    rest = linalg.all_but_the_top(table, 1)
    assert isotropy["removed"] == 1
    after = isotropy["after"]
    for name in ("mean_cosine", "isoscore", "partition_isotropy"):
        expected = float(getattr(linalg, name)(rest))
        np.testing.assert_allclose(after[name], expected, rtol=1e-4, atol=1e-6)


def test_a_named_axis_is_found_with_its_words():
    random = np.random.default_rng(0)
    table = random.normal(size=(3000, 6))
    table[:12, 4] += 40
    axes = inspection.describe(table, [f"word{i}" for i in range(3000)])["axes"]
    assert axes["most_peaked"][0]["axis"] == 4
    assert set(axes["most_peaked"][0]["words"]) <= {f"word{i}" for i in range(12)}


def test_the_longest_row_of_any_matrix_is_found():
    draw = np.random.default_rng(0)
    tree = {"a": draw.normal(size=(9, 4)), "b": 3 * draw.normal(size=(2, 5, 3)), "c": np.ones(7)}
    tree = jax.tree.map(np.float32, tree)
    longest = max(np.linalg.norm(tree[name], axis=-1).max() for name in "ab")
    np.testing.assert_allclose(monitor.largest_norm(tree), longest, rtol=1e-6)
