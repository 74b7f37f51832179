"""Spectra and ranks by every method. Oracles: planted values; numpy's SVD in float64."""

import functools
import re
import sys

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest
from jax.sharding import AxisType, NamedSharding, PartitionSpec as P

from jaxemb import linalg
from jaxemb.errors import InputError
from jaxemb.linalg import reductions
from jaxemb.linalg.rounding import rounded
from tests import rounding
from tests.linalg.tables import METHODS, SHARE, deficient, planted

BY_METHOD = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
# the same method in float32 on a device: what jit, vmap and meshes use
ON_DEVICE = pytest.mark.parametrize("method", [linalg.qr, linalg.sketch], ids=["qr", "sketch"])


def _f64(table):
    return np.linalg.svd(np.asarray(table, np.float64), compute_uv=False)


def _close(spectrum, values, share):
    """Each value within the backward error, and within a share of itself."""
    error = np.abs(np.asarray(spectrum.values, np.float64) - values)
    assert (error <= float(spectrum.backward_error) + share * values).all()


@functools.cache
def _deficient(smallest):
    return planted(0, 10_000, deficient(smallest)).astype(np.float32)


@BY_METHOD
@pytest.mark.parametrize("smallest", [1e-1, 1e-4, 1e-6])
def test_a_planted_rank_is_found_and_certified(method, smallest):
    table = _deficient(smallest)
    spectrum = linalg.spectrum(table, method=method)
    report = linalg.rank(spectrum)
    assert (int(report.rank), bool(report.certified)) == (250, True)
    bounded = linalg.certify(table, spectrum)
    assert (int(bounded.rank), bool(bounded.certified)) == (250, True)


@BY_METHOD
@pytest.mark.parametrize("smallest", [1e-8, 1e-10])
@pytest.mark.parametrize("seed", range(3))
def test_what_rounding_hides_is_never_certified(method, smallest, seed):
    table = planted(seed, 400, deficient(smallest, 25, 30)).astype(np.float32)
    report = linalg.rank(linalg.spectrum(table, method=method))
    assert int(report.rank) == 25 or not report.certified


@BY_METHOD
@pytest.mark.parametrize("smallest", [1e-1, 1e-3, 1e-5])
def test_a_planted_spectrum_is_found_again(method, smallest):
    values = np.geomspace(1, smallest, 20)
    table = planted(1, 500, values).astype(np.float32)
    spectrum = linalg.spectrum(table, method=method)
    _close(spectrum, values, SHARE["sketch"])
    # and the basis diagonalizes the Gram matrix: A v_i has length s_i
    along = np.linalg.norm(np.float64(table) @ np.asarray(spectrum.basis, np.float64), axis=0)
    np.testing.assert_allclose(along, values, atol=2 * float(spectrum.backward_error), rtol=1e-5)


@BY_METHOD
@pytest.mark.parametrize("mean", [0.0, 1.0, 100.0])
def test_centred_values_survive_any_mean(method, mean):
    table = planted(2, 3000, np.geomspace(300, 0.3, 12)) + mean
    table = table.astype(np.float32)
    spectrum = linalg.spectrum(table, center=True, method=method)
    _close(spectrum, _f64(np.float64(table) - np.float64(table).mean(axis=0)), 1e-4)
    np.testing.assert_allclose(spectrum.mean, np.float64(table).mean(axis=0), rtol=1e-6, atol=1e-5)
    np.testing.assert_allclose(spectrum.frobenius, np.linalg.norm(np.float64(table)), rtol=1e-6)


def test_a_gram_matrix_corrected_for_the_mean_is_wrong_and_ours_is_not():
    table = (planted(2, 3000, np.geomspace(50, 0.05, 12)) + 100).astype(np.float32)
    true = _f64(np.float64(table) - np.float64(table).mean(axis=0))
    mean = table.mean(axis=0)
    downdated = table.T @ table - len(table) * np.outer(mean, mean)
    naive = np.sqrt(np.maximum(np.linalg.eigvalsh(downdated)[::-1], 0))
    assert np.abs(naive / true - 1).max() > 0.5
    ours = linalg.spectrum(table, center=True, method=linalg.sketch).values
    np.testing.assert_allclose(ours, true, rtol=1e-3)


HARD = {
    "one value far above the rest": lambda r: r.normal(size=(3000, 30)) + 1000,
    "a low rank under a mean": lambda r: r.normal(size=(3000, 9)) @ r.normal(size=(9, 30)) + 100,
    "every row many times": lambda r: np.repeat(r.normal(size=(20, 30)), 150, axis=0),
    "few rows far above the rest": lambda r: (
        r.normal(size=(3000, 30)) * np.where(np.arange(3000) % 100 == 7, 1e6, 1)[:, None]
    ),
    "columns of many sizes": lambda r: r.normal(size=(3000, 30)) * np.geomspace(1, 1e-9, 30),
    "heavy tails": lambda r: r.standard_cauchy(size=(3000, 30)) ** 3,
    "the identity among zeros": lambda r: np.pad(np.eye(30), ((100, 2870), (0, 0))),
    "whole numbers": lambda r: r.integers(-2, 3, (3000, 7)) @ r.integers(-2, 3, (7, 30)),
    "more columns than rows": lambda r: r.normal(size=(9, 30)),
    "one row": lambda r: r.normal(size=(1, 30)),
    "one column": lambda r: r.normal(size=(300, 1)),
}


@ON_DEVICE
@pytest.mark.parametrize("name", HARD)
def test_float32_on_a_device_is_as_good_on_hard_tables(method, name):
    """Small values within 2 u ||A||_F (1.4 measured), so that the verdict at 4 u ||A||_F holds."""
    table = HARD[name](np.random.default_rng(0)).astype(np.float32)
    true = np.pad(_f64(table), (0, max(table.shape[1] - len(table), 0)))
    spectrum = linalg.spectrum(jnp.asarray(table), method=method)
    error = np.abs(np.asarray(spectrum.values, np.float64) - true)
    assert (error <= 2 * float(spectrum.backward_error) + 3e-5 * true).all()
    ranks = [int(linalg.rank(one).rank) for one in (spectrum, linalg.spectrum(table))]
    assert ranks[0] == ranks[1]


def test_a_sketch_that_missed_a_direction_is_taken_again(monkeypatch):
    """The sketch is replaced by one that never saw the direction that all rows share."""
    random = np.random.default_rng(0)
    rest = random.normal(size=(500, 7)).astype(np.float32)
    table = (rest[:, :6] + 1e4 * random.normal(size=(500, 1)) @ np.ones((1, 6))).astype(np.float32)
    unseeing = lambda rows, key: jnp.linalg.qr(rest[:, : rows.width], mode="r")  # noqa: E731
    monkeypatch.setattr(reductions, "_count_sketch", unseeing)
    spectrum = linalg.spectrum(jnp.asarray(table), method=linalg.sketch)
    np.testing.assert_allclose(spectrum.backward_error, 2**-24 * np.linalg.norm(table), rtol=1e-3)
    error = np.abs(np.asarray(spectrum.values, np.float64) - _f64(table))
    assert (error <= 2 * float(spectrum.backward_error) + 3e-5 * _f64(table)).all()


def test_float32_qr_alone_would_miss_the_rank_of_repeated_rows():
    """Why `qr` refines its R on a device: alike rows round alike, and the errors add up."""
    table = np.repeat(np.random.default_rng(0).normal(size=(50, 100)), 300, axis=0)
    table = table.astype(np.float32)
    tolerance = float(linalg.spectrum(table).tolerance)
    alone = _f64(jnp.linalg.qr(jnp.asarray(table), mode="r"))
    assert alone[50] > tolerance
    report = linalg.rank(linalg.spectrum(jnp.asarray(table), method=linalg.qr))
    assert (int(report.rank), bool(report.certified)) == (50, True)


@BY_METHOD
@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
@pytest.mark.parametrize("rank", [0, 7, 20])
def test_rank_is_the_number_of_planted_values_at_any_scale(method, rank, scale):
    values = np.concatenate([np.geomspace(1, 1e-4, rank), np.zeros(20 - rank)])
    table = (planted(rank, 300, values) * scale).astype(np.float32)
    report = linalg.rank(linalg.spectrum(table, method=method))
    assert (int(report.rank), bool(report.certified)) == (rank, True)
    assert report.above > 1 > report.below


def test_numbers_too_small_for_a_device_are_seen_on_the_host_and_never_certified_as_there():
    table = (np.random.default_rng(0).normal(size=(40, 3)) * 1e-42).astype(np.float32)
    assert int(linalg.rank(table).rank) == 3
    flushed = linalg.spectrum(table, method=linalg.sketch)
    assert float(flushed.tolerance) > _f64(table)[0]


def test_a_norm_beyond_float32_is_said_and_not_called_zero():
    report = linalg.rank(linalg.spectrum(np.full((400, 5), 1e37, np.float32), method=linalg.sketch))
    assert not report.certified
    assert "overflows" in str(report)
    assert int(linalg.rank(np.full((400, 5), 1e37, np.float32)).rank) == 1


def test_rank_does_not_fall_with_the_number_of_rows_as_numpys_and_jaxs_does():
    random = np.random.default_rng(0)
    table = (random.normal(size=(2_000_000, 2)) * [1, 0.1] + [1, 0]).astype(np.float32)
    assert np.linalg.matrix_rank(table) == 1
    assert jnp.linalg.matrix_rank(table) == 1
    for method in METHODS.values():
        report = linalg.rank(linalg.spectrum(table, method=method))
        assert (int(report.rank), bool(report.certified)) == (2, True)


def test_jaxs_relative_tolerance_is_absolute_and_nan_has_rank_0_but_not_here():
    diagonal = np.diag([1000, 1, 0.01]).astype(np.float32)
    assert np.linalg.matrix_rank(diagonal, rtol=1e-3) == 1
    assert jnp.linalg.matrix_rank(diagonal, rtol=1e-3) == 3
    assert int(linalg.rank(diagonal, tolerance=2e-3 * 1000).rank) == 1
    assert jnp.linalg.matrix_rank(jnp.full((5, 3), jnp.nan)) == 0
    report = linalg.rank(jnp.full((5, 3), jnp.nan))
    assert not report.certified
    assert str(report) == "no rank: row 0 holds NaN or infinity"


def test_equal_rows_centred_are_zero_although_rounding_leaves_a_residue():
    table = np.tile(np.random.default_rng(0).normal(size=(1, 30)) + 10, (500, 1))
    for method in METHODS.values():
        spectrum = linalg.spectrum(table.astype(np.float32), center=True, method=method)
        assert int(linalg.rank(spectrum).rank) == 0


def test_a_value_at_the_tolerance_is_undecided():
    tolerance = linalg.spectrum(planted(0, 300, [1.0, 0.5, 0.0]).astype(np.float32)).tolerance
    report = linalg.rank(planted(0, 300, [1.0, 0.5, tolerance]).astype(np.float32))
    assert not report.certified
    assert "undecided: s_" in str(report)


@BY_METHOD
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("row", [0, 4321, 19_999])
def test_a_table_that_is_not_finite_has_no_rank_and_says_which_row(method, bad, row):
    table = np.ones((20_000, 3), np.float32)
    table[row, 1] = bad
    spectrum = linalg.spectrum(table, method=method)
    assert np.isnan(spectrum.values).all()
    report = linalg.rank(spectrum)
    assert not report.certified
    assert str(report) == f"no rank: row {row:,} holds NaN or infinity"
    assert not linalg.certify(table, spectrum).certified


def test_the_verdict_is_one_sentence():
    report = linalg.rank(planted(0, 300, [1.0, 0.5, 0.25]).astype(np.float32))
    assert str(report).startswith("rank 3 of 3, certified: s_3 is ")
    report = linalg.rank(planted(0, 300, [1.0, 0.5, 0.0]).astype(np.float32))
    assert re.fullmatch(r"rank 2 of 3, certified: s_2 is \de\d, s_3 0.\d+ times .*", str(report))
    assert str(linalg.rank(np.zeros((5, 2), np.float32))).startswith("rank 0 of 2, certified")


@BY_METHOD
@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
def test_the_tolerance_is_that_of_the_stored_type(method, dtype):
    if method.host is None and not rounding.converts(dtype):
        pytest.skip(f"XLA reads no {np.dtype(dtype)} on this processor")
    values = np.concatenate([np.ones(5), np.full(3, 1e-4), np.zeros(2)])
    table = planted(1, 400, values)

    def rank(stored, **settings):
        return int(linalg.rank(linalg.spectrum(stored, method=method, **settings)).rank)

    assert rank(table.astype(np.float32)) == 8
    assert rank(table.astype(dtype)) == 5
    # cast up again, the table still holds the rounding of what it was
    assert rank(table.astype(dtype).astype(np.float32)) == 10
    assert rank(table.astype(dtype).astype(np.float32), storage_dtype=dtype) == 5


@pytest.mark.parametrize("r", [1, 3, 5, 8])
@pytest.mark.parametrize("seed", range(3))
def test_a_certificate_is_courant_and_fischers_for_a_wrong_basis_too(seed, r):
    random = np.random.default_rng(seed)
    table, wrong = random.normal(size=(30, 8)), np.eye(8) + 0.1 * random.normal(size=(8, 8))
    of = linalg.spectrum(table)
    of = of._replace(basis=of.basis @ wrong, tolerance=np.float64(1.0))
    stretch = np.linalg.svd(of.basis, compute_uv=False)
    smallest = np.linalg.svd(table @ of.basis[:, :r] / of.values[:r], compute_uv=False)[-1]
    report = linalg.certify(table, of, r)
    np.testing.assert_allclose(report.above, of.values[r - 1] * smallest / stretch[0], rtol=1e-12)
    if r < 8:
        norm = np.linalg.norm(table @ of.basis[:, r:], 2)
        np.testing.assert_allclose(report.below, norm / stretch[-1], rtol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_a_certificate_holds_for_float64_too(seed):
    """A Gram matrix cannot see below 1.5e-8: no verdict may rest on what it shows there."""
    random = np.random.default_rng(seed)
    table = random.normal(size=(1000, 10)) @ random.normal(size=(10, 20))
    for report in (linalg.rank(table), linalg.rank(linalg.spectrum(table, method=linalg.gram64))):
        assert (int(report.rank), bool(report.certified)) == (10, True)


def test_a_float64_table_shows_values_that_no_gram_matrix_would():
    table = planted(0, 300, np.geomspace(1, 1e-11, 20))
    report = linalg.rank(table)
    assert (int(report.rank), bool(report.certified)) == (20, True)
    assert int(linalg.rank(linalg.spectrum(table, method=linalg.gram64)).rank) < 20


@ON_DEVICE
def test_plain_jit_and_vmap_give_the_same_spectrum(method):
    tables = jnp.stack([planted(s, 200, np.geomspace(1, 1e-3, 8)) for s in range(3)])
    tables = tables.astype(jnp.float32)
    spectrum = lambda table: linalg.spectrum(table, method=method)  # noqa: E731
    batch = jax.vmap(spectrum)(tables)
    for i, table in enumerate(tables):
        plain, jitted = spectrum(table), jax.jit(spectrum)(table)
        for other in (jitted.values, batch.values[i]):
            np.testing.assert_allclose(plain.values, other, rtol=2e-4)
    verdicts = jax.jit(jax.vmap(linalg.rank))(batch)
    np.testing.assert_array_equal(verdicts.rank, 8)
    assert np.asarray(verdicts.certified).all()
    assert str(verdicts).count("rank 8 of 8, certified") == 3


def test_under_jit_the_default_is_the_sketch_and_a_verdict_is_no_python_bool():
    table = jnp.asarray(planted(0, 300, np.ones(5)), jnp.float32)
    assert int(jax.jit(lambda t: linalg.rank(t).rank)(table)) == 5
    with pytest.raises(jax.errors.TracerBoolConversionError):
        jax.jit(lambda t: bool(linalg.rank(t).certified))(table)
    with pytest.raises(InputError, match="gram64 works on the host"):
        jax.jit(lambda t: linalg.spectrum(t, method=linalg.gram64))(table)


def test_a_memory_map_and_whole_numbers_are_tables_too(tmp_path):
    np.save(tmp_path / "table.npy", planted(0, 500, np.ones(4)).astype(np.float32))
    assert int(linalg.rank(np.load(tmp_path / "table.npy", mmap_mode="r")).rank) == 4
    assert int(linalg.rank(np.array([[1, 2], [2, 4], [3, 6]])).rank) == 1
    assert int(linalg.rank([[True, False], [False, True]]).rank) == 2


BAD = {
    "one axis": (np.ones(5), r"shape \(5,\); wanted two axes"),
    "no rows": (np.ones((0, 5)), r"empty: shape \(0, 5\)"),
    "no columns": (np.ones((5, 0)), r"empty: shape \(5, 0\)"),
    "complex": (np.ones((5, 2), np.complex64), "complex64; wanted real numbers"),
    "words": (np.array([["a", "b"]]), "wanted real numbers"),
}


@pytest.mark.parametrize(
    "ask",
    [linalg.rank, linalg.dependence, linalg.coherence, linalg.orthogonality, linalg.mean_cosine],
)
@pytest.mark.parametrize("name", BAD)
def test_what_is_no_table_is_refused_with_what_was_got(ask, name):
    table, message = BAD[name]
    with pytest.raises(InputError, match=message):
        ask(table)


# --- memory and devices ------------------------------------------------------------------------


def _temporary(function, rows, dim):
    shape = jax.ShapeDtypeStruct((rows, dim), jnp.float32)
    return jax.jit(function).lower(shape).compile().memory_analysis().temp_size_in_bytes


@pytest.mark.as_users_compile
@ON_DEVICE
@pytest.mark.parametrize("rows", [50_000, 1_000_000])
def test_memory_beyond_the_table_does_not_grow_with_it(method, rows):
    temporary = _temporary(lambda t: linalg.spectrum(t, method=method).values, rows, 300)
    assert temporary < 64e6 + 40 * 4 * 300**2


@pytest.mark.as_users_compile
def test_jaxs_own_singular_values_would_take_ten_gigabytes():
    assert _temporary(jnp.linalg.svdvals, 50_000, 300) > 10e9


def _cut(table, devices):
    mesh = jax.make_mesh((devices,), ("data",), axis_types=(AxisType.Auto,))
    return jax.device_put(table, NamedSharding(mesh, P("data")))


@ON_DEVICE
@pytest.mark.parametrize(("devices", "center"), [(2, False), (4, True)])
def test_a_table_cut_by_rows_has_the_same_verdict(method, devices, center):
    table = planted(0, 400, deficient(1e-4, 10, 16)).astype(np.float32) + np.float32(0.1)
    one = linalg.spectrum(jnp.asarray(table), method=method, center=center)
    many = linalg.spectrum(_cut(table, devices), method=method, center=center)
    assert int(linalg.rank(one).rank) == int(linalg.rank(many).rank)
    assert linalg.rank(one).certified
    assert linalg.rank(many).certified
    _close(many, np.asarray(one.values, np.float64), 1e-4)
    np.testing.assert_allclose(many.mean, one.mean, rtol=1e-4, atol=1e-6)
    assert int(many.rows) == 400


def test_a_bad_row_is_named_by_its_place_in_the_whole_table():
    table = np.ones((80, 3), np.float32)
    table[65, 2] = np.nan
    assert int(linalg.spectrum(_cut(table, 4)).bad_row) == 65


def test_a_table_cut_by_columns_is_cut_anew_or_refused_with_the_remedy():
    table = planted(0, 64, np.ones(8)).astype(np.float32)
    mesh = jax.make_mesh((4,), ("model",), axis_types=(AxisType.Auto,))
    columns = NamedSharding(mesh, P(None, "model"))
    assert int(linalg.rank(jax.device_put(table, columns)).rank) == 8
    with pytest.raises(InputError, match="wanted cut by rows"):
        linalg.rank(jax.device_put(table[:63], columns))


@pytest.mark.as_users_compile
@ON_DEVICE
def test_only_small_arrays_travel_between_devices(method):
    rows, dim, devices = 64_000, 16, 4
    table = _cut(jnp.zeros((rows, dim)), devices)
    program = _program_over_mesh(table, method)
    moved = re.findall(
        r"= \(?(\w+\[[\d,]*\])[^=]*? (all-gather|all-reduce|all-to-all|collective-permute|"
        r"reduce-scatter)(?:-start)?\(",
        program,
    )
    assert moved
    sizes = [
        np.prod([int(n) for n in re.findall(r"\d+", s.split("[")[1])] or [1]) for s, _ in moved
    ]
    assert max(sizes) <= 2 * 4 * (dim + 1) * (dim + 1) * devices
    assert "f32[64000" not in program


def _program_over_mesh(table, method):
    module = sys.modules["jaxemb.linalg.spectra"]
    rounding = rounded(table.dtype, None, jnp.dtype(jnp.float32), 0.0)
    program = module.over_mesh(table.sharding.mesh, "data", (method.device, rounding, False))
    return program.lower(table, jax.random.key(0)).compile().as_text()
