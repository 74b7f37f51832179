"""Derivatives of spectra and of what is measured by them.

Oracles: central differences of the NumPy form in float64; autodiff of `jnp.linalg.svd` at distinct
values; closed forms where values repeat.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxemb import linalg
from tests import covering
from tests.linalg.tables import planted

DISTINCT = [3.0, 2.0, 1.2, 0.5, 0.1]
OTHER = planted(9, 40, DISTINCT)
WEIGHTS = np.cos(np.arange(40 * 5)).reshape(40, 5)


def _projector(x):
    basis = linalg.basis(x, 2)
    return (basis @ basis.T * WEIGHTS[:5]).sum()


MEASURES = {
    "values": lambda x: (linalg.spectrum(x).values * WEIGHTS[0]).sum(),
    "centred values": lambda x: (linalg.spectrum(x, center=True).values * WEIGHTS[0]).sum(),
    "mean": lambda x: (linalg.spectrum(x).mean * WEIGHTS[0]).sum(),
    "frobenius": lambda x: linalg.spectrum(x, center=True).frobenius,
    "condition": linalg.condition,
    "stable_rank": linalg.stable_rank,
    "effective_rank": linalg.effective_rank,
    "RankMe": lambda x: linalg.effective_rank(x, epsilon=1e-7),
    "explained_variance": lambda x: (linalg.explained_variance(x) * WEIGHTS[0]).sum(),
    "participation_ratio": linalg.participation_ratio,
    "participation_ratio of a spectrum": lambda x: linalg.participation_ratio(linalg.spectrum(x)),
    "isoscore": linalg.isoscore,
    "isoscore of a spectrum": lambda x: linalg.isoscore(linalg.spectrum(x, center=True)),
    "partition_isotropy": linalg.partition_isotropy,
    "mean_cosine": linalg.mean_cosine,
    "projector": _projector,
    "whiten": lambda x: (linalg.whiten(x) * WEIGHTS).sum(),
    "all_but_the_top": lambda x: (linalg.all_but_the_top(x, 2) * WEIGHTS).sum(),
    "dependence": lambda x: linalg.dependence(x[:3]).residual,
    "orthogonality": lambda x: linalg.orthogonality(x).largest,
    "membership": lambda x: linalg.membership(x[0], np.eye(5)[:, :2]).residual,
    "procrustes": lambda x: (linalg.procrustes(x, OTHER).rotation * WEIGHTS[:5]).sum(),
    "procrustes residual": lambda x: linalg.procrustes(x, OTHER).residual,
    "cka": lambda x: linalg.cka(x, OTHER),
    "pip_distance": lambda x: linalg.pip_distance(x, OTHER),
}


def _agrees(function, table, share=2e-3):
    """Along three directions, with central differences in float64.

    The gradient is of float32 numbers: what belongs to s_i is right to eps s_1 / s_i, 4e-6 here,
    times what the measure makes of it; a wrong rule is off by its own size.
    """
    gradient = np.float64(jax.jit(jax.grad(function))(jnp.asarray(table, jnp.float32)))
    for direction in np.random.default_rng(1).normal(size=(3, *table.shape)):
        ends = [np.float64(function(table + step * direction)) for step in (1e-6, -1e-6)]
        expected = (ends[0] - ends[1]) / 2e-6
        size = np.linalg.norm(gradient) * np.linalg.norm(direction)
        assert abs(np.sum(gradient * direction) - expected) <= share * size + 1e-6


@pytest.mark.parametrize("name", covering.every(3, MEASURES))
def test_every_measure_has_the_gradient_of_float64_differences(name):
    _agrees(MEASURES[name], planted(3, 40, DISTINCT) + 0.1)


@pytest.mark.parametrize("method", [linalg.qr, linalg.sketch], ids=["qr", "sketch"])
@pytest.mark.parametrize("rows", [40, 5, 3])
def test_values_and_spaces_have_the_derivatives_of_jaxs_svd(method, rows):
    table = jnp.asarray(planted(4, 40, DISTINCT)[:rows], jnp.float32)
    few = min(rows, 5)

    def ours(x):
        spectrum = linalg.spectrum(x, method=method)
        return spectrum.values[:few], spectrum.basis[:, :2] @ spectrum.basis[:, :2].T

    def jaxs(x):
        _, values, vt = jnp.linalg.svd(x, full_matrices=False)
        return values, vt[:2].T @ vt[:2]

    for derivative, expected in zip(jax.jacrev(ours)(table), jax.jacrev(jaxs)(table), strict=True):
        np.testing.assert_allclose(derivative, expected, atol=2e-5)  # eps s_1 / s_n and sums of 40


def test_the_gradient_of_the_sum_of_equal_values_is_the_orthogonal_factor():
    """The nuclear norm at Q S V^T has the gradient Q V^T; also where s_i = s_j."""
    for values in ([2.0, 2.0, 2.0, 1.0], [1.0, 1.0, 1.0, 1.0]):
        table = planted(5, 30, values)
        u, _, vt = np.linalg.svd(table, full_matrices=False)
        nuclear = jax.grad(lambda x: linalg.spectrum(x).values.sum())
        np.testing.assert_allclose(nuclear(jnp.asarray(table, jnp.float32)), u @ vt, atol=5e-6)


def test_a_whitening_of_equal_values_has_the_derivative_of_float64_differences():
    table = planted(6, 40, [2.0, 2.0, 2.0, 1.0, 1.0])
    table = table - table.mean(axis=0)
    u, _, vt = np.linalg.svd(table, full_matrices=False)
    _agrees(MEASURES["whiten"], u * [2.0, 2.0, 2.0, 1.0, 1.0] @ vt)


def test_a_value_not_told_from_zero_has_no_slope():
    table = jnp.asarray(planted(7, 30, [2.0, 1.0, 0.0, 0.0]), jnp.float32)
    slopes = jax.jacrev(lambda x: linalg.spectrum(x).values)(table)
    np.testing.assert_array_equal(slopes[2:], 0)
    assert np.abs(slopes[:2]).sum() > 1


def test_a_second_derivative_is_that_of_differences_and_nan_where_values_repeat():
    table = jnp.asarray(planted(3, 40, [3.0, 2.0, 1.2, 0.5, 0.3]), jnp.float32)
    along = jnp.asarray(WEIGHTS, jnp.float32)
    gradient = jax.jit(jax.grad(linalg.effective_rank))
    curved = jax.jvp(gradient, (table,), (along,))[1]
    step = 1e-3
    expected = (gradient(table + step * along) - gradient(table - step * along)) / (2 * step)
    # of the differences: eps / step of a gradient of size 1, and step^2
    np.testing.assert_allclose(curved, expected, atol=2e-3 * np.abs(expected).max())
    equal = jnp.asarray(planted(3, 40, np.ones(5)), jnp.float32)
    assert np.isfinite(gradient(equal)).all()
    assert np.isnan(jax.jvp(gradient, (equal,), (along,))[1]).any()


def test_a_few_steps_up_the_gradient_of_rankme_raise_it_from_a_collapsed_table():
    table = jnp.asarray(planted(8, 60, np.geomspace(1, 1e-3, 8)), jnp.float32)
    penalty = jax.jit(jax.value_and_grad(lambda x: -linalg.effective_rank(x, epsilon=1e-7)))
    before = -penalty(table)[0]
    for _ in range(20):
        table = table - 0.01 * penalty(table)[1]
    assert -penalty(table)[0] > before + 1


def test_a_batch_of_tables_has_the_gradients_of_each():
    tables = jnp.asarray([planted(seed, 20, DISTINCT) for seed in range(3)], jnp.float32)
    gradient = jax.grad(linalg.effective_rank)
    for one, batched in zip(tables, jax.vmap(gradient)(tables), strict=True):
        np.testing.assert_allclose(batched, gradient(one), atol=1e-5)  # other sums in a batch


def test_a_table_that_is_not_finite_has_no_finite_gradient():
    table = jnp.ones((6, 3)).at[2, 1].set(jnp.nan)
    for measure in (linalg.effective_rank, linalg.stable_rank):
        assert np.isnan(jax.grad(measure)(table)).all()
