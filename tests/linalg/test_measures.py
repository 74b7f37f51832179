"""Dependence, coherence, one-hot, axes, summary. Oracles: structure; dense numpy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxemb import linalg
from jaxemb.errors import InputError
from tests import covering
from tests.linalg.tables import planted
from tests.transforms import PLAIN_AND_JIT


def test_a_zero_table_has_effective_rank_zero_and_infinite_condition():
    spectrum = linalg.spectrum(np.zeros((5, 3), np.float32))
    assert linalg.effective_rank(spectrum) == 0
    assert linalg.condition(spectrum) == np.inf


def test_jax_arrays_are_taken_as_they_are():
    table = jax.random.normal(jax.random.key(0), (50, 4))
    ours, numpys = linalg.spectrum(table).values, np.linalg.svd(np.asarray(table))[1]
    np.testing.assert_allclose(ours, numpys, rtol=1e-5)


@pytest.mark.parametrize(("rows", "dim"), [(6, 5), (101, 100), (40, 8)])
def test_more_rows_than_dimensions_have_an_explicit_dependence(rows, dim):
    a = np.random.default_rng(rows).normal(size=(rows, dim)).astype(np.float32)
    report = linalg.dependence(a)
    assert report
    np.testing.assert_allclose(np.linalg.norm(report.coefficients), 1)
    np.testing.assert_allclose(report.coefficients @ a, 0, atol=1e-13 * np.linalg.norm(a))


def test_independent_rows_have_none_and_a_planted_one_is_found():
    a = np.random.default_rng(0).normal(size=(5, 30))
    assert not linalg.dependence(a)
    a[4] = a[0] - 2 * a[2]
    report = linalg.dependence(a)
    assert report
    expected = np.array([1, 0, -2, 0, -1]) / np.sqrt(6)
    np.testing.assert_allclose(np.abs(report.coefficients), np.abs(expected), atol=1e-12)


@pytest.mark.parametrize("side", [1, 2, 5, 2048])
@pytest.mark.parametrize("rows", [2, 17])
def test_coherence_is_over_every_pair_once_whatever_the_blocks(side, rows):
    table = jax.random.normal(jax.random.key(rows), (rows, 4))
    report = linalg.coherence(table, side=side)
    unit = np.float64(table) / np.linalg.norm(table, axis=1, keepdims=True)
    cosines = np.abs(unit @ unit.T)
    off = cosines[~np.eye(rows, dtype=bool)]
    np.testing.assert_allclose(report.mean, off.mean(), rtol=1e-5)
    np.testing.assert_allclose(report.largest, off.max(), rtol=1e-5)
    np.testing.assert_allclose(cosines[tuple(report.pair)], report.largest, rtol=1e-5)
    assert report.pair[0] != report.pair[1]
    assert report.largest >= report.welch - 1e-6


def test_the_welch_bound_is_reached_by_the_simplex():
    simplex = jnp.eye(6) - 1 / 6
    q, _ = np.linalg.qr(np.asarray(simplex)[:, :5])
    report = linalg.coherence(jnp.asarray(simplex @ q))
    np.testing.assert_allclose(report.largest, report.welch, atol=1e-5)


@pytest.mark.parametrize("rank", [1, 4, 10])
def test_effective_rank_of_equal_values_is_their_number(rank):
    values = np.concatenate([np.ones(rank), np.zeros(10 - rank)])
    spectrum = linalg.spectrum(planted(0, 60, values))
    np.testing.assert_allclose(linalg.effective_rank(spectrum), rank, rtol=1e-5)


def test_condition_is_the_ratio_of_the_planted_ends():
    spectrum = linalg.spectrum(planted(0, 60, [8.0, 3.0, 2.0]))
    np.testing.assert_allclose(linalg.condition(spectrum), 4.0, rtol=1e-10)


def test_a_summary_says_it_all_of_one_table():
    table = (planted(3, 200, np.geomspace(1, 0.1, 10)) + 0.1).astype(np.float32)
    summary, whole = linalg.summary(table), np.float64(table)
    assert (summary.rows, summary.dim, summary.rank.rank) == (200, 10, 10)
    assert len(summary.dependence.coefficients) == 11
    length = np.linalg.norm(whole, axis=1)
    unit, mean = whole / length[:, None], whole.mean(axis=0)
    between = unit @ unit.T - np.eye(200)
    s, apart = (np.linalg.svd(array, compute_uv=False) ** 2 for array in (whole, whole - mean))
    expected = {
        "mean_share": 200 * (mean @ mean) / (length @ length),
        "mean_cosine": between.sum() / (200 * 199),
        "stable_rank": s.sum() / s[0],
        "condition": np.sqrt(s[0] / s[-1]),
    }
    for name, value in expected.items():
        np.testing.assert_allclose(getattr(summary, name), value, rtol=1e-4, err_msg=name)
    np.testing.assert_allclose(summary.explained_variance, apart / apart.sum(), rtol=1e-4)
    np.testing.assert_allclose(summary.coherence.largest, np.abs(between).max(), rtol=1e-4)
    shares = [0, 0.05, 0.25, 0.5, 0.75, 0.95, 1]
    np.testing.assert_allclose(summary.norms, np.quantile(length, shares), rtol=1e-4)


def test_rows_beyond_those_needed_have_coefficient_zero():
    a = np.random.default_rng(0).normal(size=(50, 4))
    report = linalg.dependence(a)
    assert report
    np.testing.assert_array_equal(report.coefficients[5:], 0)


@PLAIN_AND_JIT
def test_a_dependence_rounded_to_float32_is_still_one(transform):
    a = np.random.default_rng(0).normal(size=(5, 30))
    a[4] = a[0] - 2 * a[2]
    report = transform(linalg.dependence)(jnp.asarray(a, jnp.float32))
    assert bool(report.dependent)
    assert not bool(transform(linalg.dependence)(jnp.asarray(a[:4], jnp.float32)).dependent)


def test_coherence_over_several_blocks_is_that_of_one():
    table = jax.random.normal(jax.random.key(0), (4500, 3))  # three blocks, the last overlapping
    report = linalg.coherence(table)
    unit = np.float64(table) / np.linalg.norm(table, axis=1, keepdims=True)
    cosines = np.abs(unit @ unit.T)
    np.fill_diagonal(cosines, 0)
    np.testing.assert_allclose(report.mean, cosines.sum() / (4500 * 4499), rtol=1e-5)
    np.testing.assert_allclose(report.largest, cosines.max(), rtol=1e-6)
    np.testing.assert_allclose(cosines[tuple(report.pair)], cosines.max(), rtol=1e-6)


@PLAIN_AND_JIT
@pytest.mark.parametrize("rows", [False, True])
def test_unit_and_orthogonal_are_different_faults(transform, rows):
    q = linalg.random_orthogonal(jax.random.key(1), 6)

    def ask(table):
        report = transform(lambda t: linalg.orthogonality(t, rows=rows))(table)
        return bool(report.orthogonal), bool(report.unit)

    assert ask(q) == (True, True)
    assert ask(3 * q) == (True, False)
    turned = q.at[:, 1].set(q[:, 1] * np.cos(0.1) + q[:, 0] * np.sin(0.1))
    turned = turned if not rows else turned.T
    assert ask(turned) == (False, True)
    tiny = q.at[0].multiply(1e-6) if rows else q.at[:, 0].multiply(1e-6)
    assert ask(tiny) == (True, False)
    both = turned.at[1].multiply(1e-6) if rows else turned.at[:, 1].multiply(1e-6)
    assert ask(both) == (False, False)


@pytest.mark.parametrize("tilt", [0.5, 2.0])
def test_a_tilt_is_seen_from_the_tolerance_on_and_placed(tilt):
    q = np.linalg.qr(np.random.default_rng(0).normal(size=(200, 8)))[0]
    tolerance = float(linalg.orthogonality(q.astype(np.float32)).tolerance)
    q[:, 5] += tilt * tolerance * q[:, 2]
    report = linalg.orthogonality(q.astype(np.float32))
    assert bool(report.orthogonal) == (tilt < 1)
    assert tuple(map(int, report.pair)) == (2, 5)
    np.testing.assert_allclose(report.largest, tilt * tolerance, rtol=0.2)


def test_orthogonality_of_many_rows_goes_by_blocks_to_the_same_answer():
    table = np.random.default_rng(0).normal(size=(5000, 4)).astype(np.float32)
    report = linalg.orthogonality(table, rows=True)
    assert not report.orthogonal
    np.testing.assert_allclose(report.largest, linalg.coherence(table).largest)
    squares = (np.float64(table) ** 2).sum(axis=1)
    np.testing.assert_allclose(report.norm, np.abs(squares - 1).max(), rtol=1e-5)


@PLAIN_AND_JIT
@pytest.mark.parametrize("seed", range(3))
def test_one_hot_is_judged_as_its_dense_table_would_be(transform, seed):
    ids = np.append(np.random.default_rng(seed).integers(-1, 9, 6), [3, 3])
    ids = np.arange(9) if seed == 2 else ids
    report = transform(lambda i: linalg.one_hot(i, 9))(jnp.asarray(ids))
    dense = np.float64(jax.nn.one_hot(ids, 9))
    assert int(report.rank) == np.linalg.matrix_rank(dense)
    np.testing.assert_array_equal(dense.T @ dense, np.diag(np.asarray(report.counts)))
    assert bool(report.orthonormal) == np.array_equal(dense @ dense.T, np.eye(len(ids)))
    assert bool(report.identity) == np.array_equal(dense.T @ dense, np.eye(9))
    np.testing.assert_array_equal(linalg.one_hot(ids, 9).counts, report.counts)


def test_the_identity_of_ten_million_words_is_never_formed():
    report = linalg.one_hot(np.arange(10_000_000), 10_000_000)
    assert report.orthonormal
    assert int(report.rank) == 10_000_000
    assert "exactly" in str(report)


def test_planted_axes_are_special_and_those_of_a_rotation_of_them_are_not():
    random = np.random.default_rng(0)
    table = random.laplace(size=(3000, 12)) * (random.random((3000, 12)) < 0.2)
    axes = linalg.axes(table, rotations=30)
    assert axes.special
    assert "more than other directions" in str(axes)
    rotation = np.asarray(linalg.random_orthogonal(jax.random.key(5), 12))
    assert not linalg.axes(table @ rotation, rotations=30).special
    assert not linalg.axes(random.normal(size=(3000, 12)), rotations=30).special


def test_kurtosis_and_sparsity_are_scipys_and_hoyers():
    from scipy import stats

    table = np.random.default_rng(0).laplace(size=(500, 5))
    axes = linalg.axes(table, rotations=1, k=3)
    np.testing.assert_allclose(axes.kurtosis, stats.kurtosis(table), rtol=1e-4)
    x = np.abs(table - table.mean(axis=0))
    share = x.sum(axis=0) / np.linalg.norm(x, axis=0)
    root = np.sqrt(500)
    np.testing.assert_allclose(axes.sparsity, (root - share) / (root - 1), rtol=1e-4)
    np.testing.assert_array_equal(axes.top[2], np.argsort(-(table[:, 2]))[:3])


@pytest.mark.parametrize("table", [np.zeros((5, 3)), np.zeros((5, 3), np.float32), np.ones((1, 1))])
def test_a_zero_table_or_a_single_number_has_a_defined_answer_everywhere(table):
    report = linalg.summary(table)
    zero = not table.any()
    assert int(report.rank.rank) == (0 if zero else 1)
    assert report.effective_rank == report.stable_rank == report.participation_ratio == (not zero)


def test_a_summary_refuses_nan_and_names_its_row():
    table = np.ones((10, 3))
    table[7, 0] = np.nan
    with pytest.raises(InputError, match="row 7"):
        linalg.summary(table)


_OTHER = np.random.default_rng(1).normal(size=(40, 5)).astype(np.float32)
_SCALE_FREE = {
    "participation_ratio": linalg.participation_ratio,
    "isoscore": linalg.isoscore,
    "effective_rank": linalg.effective_rank,
    "mean_cosine": linalg.mean_cosine,
    "cka": lambda table: linalg.cka(table, _OTHER),
    "biased cka": lambda table: linalg.cka(_OTHER, table, unbiased=False),
    "procrustes": lambda table: linalg.procrustes(table, _OTHER).rotation,
    "dependence": lambda table: linalg.dependence(table[:3]).residual,
    "orthogonality": lambda table: linalg.orthogonality(table).largest,
    "orthogonal rows": lambda table: linalg.orthogonality(table, rows=True).largest,
    "coherence": lambda table: linalg.coherence(table).largest,
    "whiten": linalg.whiten,
}


@PLAIN_AND_JIT
@pytest.mark.parametrize("name", covering.every(2, _SCALE_FREE))
def test_a_measure_of_shape_does_not_notice_the_scale_of_a_device_table(name, transform):
    """The squares of 2^70 and 2^-70 leave float32."""
    table = np.random.default_rng(0).normal(size=(40, 5)).astype(np.float32)
    measure = _SCALE_FREE[name]
    transformed = transform(measure)
    expected = measure(table.astype(np.float64))
    for power in (-100, -70, 0, 70, 100):
        result = transformed(jnp.asarray(np.ldexp(table, power)))
        np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-5, err_msg=f"2^{power}")


@pytest.mark.parametrize("power", [-60, -40, 40, 60])
def test_a_distance_of_tables_scales_with_them(power):
    left, right = np.random.default_rng(0).normal(size=(2, 40, 5)).astype(np.float32)
    big = [jnp.asarray(np.ldexp(table, power)) for table in (left, right)]
    residual = np.float64(linalg.procrustes(*big).residual) * 2.0**-power
    distance = np.float64(linalg.pip_distance(*big)) * 2.0 ** (-2 * power)
    left, right = np.float64(left), np.float64(right)
    apart = np.linalg.norm(left @ left.T - right @ right.T)
    np.testing.assert_allclose(distance, apart, rtol=1e-5)
    np.testing.assert_allclose(residual, linalg.procrustes(left, right).residual, rtol=1e-5)


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_a_truncated_svd_is_not_of_squares_that_float32_does_not_have(scale):
    with pytest.raises(InputError, match="whose square float32 does not hold"):
        linalg.operators.dense(jnp.asarray(_OTHER * np.float32(scale)))
