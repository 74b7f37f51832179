"""Rank, dependence, coherence. Oracles: planted spectra; numpy's SVD; structure known exactly."""

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest

from jaxemb import linalg


def planted(seed: int, rows: int, values):
    """A float64 table with these singular values."""
    random = np.random.default_rng(seed)
    left, _ = np.linalg.qr(random.normal(size=(rows, len(values))))
    right, _ = np.linalg.qr(random.normal(size=(len(values), len(values))))
    return (left * np.asarray(values)) @ right.T


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("smallest", [1e-1, 1e-3, 1e-5])
def test_a_planted_spectrum_is_found_again(seed, smallest):
    values = np.geomspace(1, smallest, 20)
    found = linalg.spectrum(planted(seed, 500, values).astype(np.float32))
    # rounding to float32 moves a value by at most u ||A||_F; measured far below it
    np.testing.assert_allclose(found.values, values, atol=found.backward_error)
    assert found.backward_error < 1e-6


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
@pytest.mark.parametrize("rank", [0, 1, 7, 20])
def test_rank_is_the_number_of_planted_values_at_any_scale(rank, scale):
    values = np.concatenate([np.geomspace(1, 1e-4, rank), np.zeros(20 - rank)])
    found = linalg.rank((planted(rank, 300, values) * scale).astype(np.float32))
    assert (found.rank, bool(found)) == (rank, True)
    assert found.above > 1 > found.below


def test_rank_does_not_fall_with_the_number_of_rows():
    random = np.random.default_rng(0)
    table = (random.normal(size=(200_000, 20)) + 20).astype(np.float32)
    assert linalg.rank(table).rank == 20


def test_a_value_at_the_tolerance_is_undecided():
    tolerance = linalg.spectrum(planted(0, 300, [1.0, 0.5, 0.0]).astype(np.float32)).tolerance
    found = linalg.rank(planted(0, 300, [1.0, 0.5, tolerance]).astype(np.float32))
    assert not found
    assert "undecided" in str(found)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_table_that_is_not_finite_has_no_rank(bad):
    table = np.ones((10, 3), np.float32)
    table[4, 1] = bad
    found = linalg.rank(table)
    assert not found
    assert str(found) == "no rank: the table holds NaN or infinity"


def test_the_verdict_is_one_sentence():
    found = linalg.rank(planted(0, 300, [1.0, 0.5, 0.25]).astype(np.float32))
    assert str(found).startswith("rank 3 of 3, certified: s_3 is ")
    assert str(linalg.rank(np.zeros((5, 2), np.float32))).startswith("rank 0 of 2, certified")


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
def test_the_tolerance_is_that_of_the_stored_type(dtype):
    values = np.concatenate([np.ones(5), np.full(3, 1e-4), np.zeros(2)])
    table = planted(1, 400, values)
    assert linalg.rank(table.astype(np.float32)).rank == 8
    assert linalg.rank(table.astype(dtype)).rank == 5


@pytest.mark.parametrize("seed", range(3))
def test_a_certificate_holds_for_float64_too(seed):
    """A Gram matrix cannot see below 1.5e-8: no verdict may rest on what it shows there."""
    random = np.random.default_rng(seed)
    found = linalg.rank(random.normal(size=(1000, 10)) @ random.normal(size=(10, 20)))
    assert (found.rank, bool(found)) == (10, True)


def test_nan_is_found_in_any_block():
    table = np.ones((20_000, 3), np.float32)
    table[19_000, 1] = np.nan
    assert not linalg.rank(table).finite


def test_a_zero_table_has_effective_rank_zero_and_infinite_condition():
    of = linalg.spectrum(np.zeros((5, 3), np.float32))
    assert linalg.effective_rank(of) == 0
    assert linalg.condition(of) == np.inf


def test_jax_arrays_are_taken_as_they_are():
    table = jax.random.normal(jax.random.key(0), (50, 4))
    ours, numpys = linalg.spectrum(table).values, np.linalg.svd(np.asarray(table))[1]
    np.testing.assert_allclose(ours, numpys, rtol=1e-5)


@pytest.mark.parametrize(("rows", "dim"), [(6, 5), (101, 100), (40, 8)])
def test_more_rows_than_dimensions_have_an_explicit_dependence(rows, dim):
    a = np.random.default_rng(rows).normal(size=(rows, dim)).astype(np.float32)
    found = linalg.dependence(a)
    assert found
    np.testing.assert_allclose(np.linalg.norm(found.coefficients), 1)
    np.testing.assert_allclose(found.coefficients @ a, 0, atol=1e-13 * np.linalg.norm(a))


def test_independent_rows_have_none_and_a_planted_one_is_found():
    a = np.random.default_rng(0).normal(size=(5, 30))
    assert not linalg.dependence(a)
    a[4] = a[0] - 2 * a[2]
    found = linalg.dependence(a)
    assert found
    expected = np.array([1, 0, -2, 0, -1]) / np.sqrt(6)
    np.testing.assert_allclose(np.abs(found.coefficients), np.abs(expected), atol=1e-12)


@pytest.mark.parametrize("entries", [1, 64, 1 << 20])
@pytest.mark.parametrize("rows", [2, 3, 17])
def test_coherence_is_over_every_pair_once_whatever_the_blocks(entries, rows):
    table = jax.random.normal(jax.random.key(rows), (rows, 4))
    found = linalg.coherence(table, entries=entries)
    unit = np.float64(table) / np.linalg.norm(table, axis=1, keepdims=True)
    cosines = np.abs(unit @ unit.T)
    off = cosines[~np.eye(rows, dtype=bool)]
    np.testing.assert_allclose(found.mean, off.mean(), rtol=1e-5)
    np.testing.assert_allclose(found.largest, off.max(), rtol=1e-5)
    np.testing.assert_allclose(cosines[found.pair], found.largest, rtol=1e-5)
    assert found.pair[0] != found.pair[1]
    assert found.largest >= found.welch - 1e-6


def test_the_welch_bound_is_reached_by_the_simplex():
    simplex = jnp.eye(6) - 1 / 6
    q, _ = np.linalg.qr(np.asarray(simplex)[:, :5])
    found = linalg.coherence(jnp.asarray(simplex @ q))
    np.testing.assert_allclose(found.largest, found.welch, atol=1e-5)


@pytest.mark.parametrize("rank", [1, 4, 10])
def test_effective_rank_of_equal_values_is_their_number(rank):
    values = np.concatenate([np.ones(rank), np.zeros(10 - rank)])
    of = linalg.spectrum(planted(0, 60, values))
    np.testing.assert_allclose(linalg.effective_rank(of), rank, rtol=1e-5)


def test_condition_is_the_ratio_of_the_planted_ends():
    of = linalg.spectrum(planted(0, 60, [8.0, 3.0, 2.0]))
    np.testing.assert_allclose(linalg.condition(of), 4.0, rtol=1e-10)


def test_a_summary_says_it_all_of_one_table():
    table = planted(3, 200, np.geomspace(1, 0.1, 10)).astype(np.float32)
    found = linalg.summary(table)
    assert (found.rows, found.dim, found.rank.rank) == (200, 10, 10)
    assert len(found.dependence.coefficients) == 11
