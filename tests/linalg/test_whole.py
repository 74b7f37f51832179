"""Tables of whole numbers. Oracle: their rational rank, by elimination in Python's integers."""

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest

from jaxemb import linalg
from jaxemb.errors import InputError
from jaxemb.linalg import whole


def rational_rank(table) -> int:
    """By elimination without fractions (Bareiss 1968)."""
    rows = [[int(entry) for entry in row] for row in np.asarray(table).tolist()]
    rank, before = 0, 1
    for column in range(len(rows[0])):
        pivot = next((i for i in range(rank, len(rows)) if rows[i][column]), None)
        if pivot is None:
            continue
        rows[rank], rows[pivot] = rows[pivot], rows[rank]
        top = rows[rank]
        for i in range(rank + 1, len(rows)):
            head = rows[i][column]
            rows[i] = [
                (top[column] * x - head * y) // before for x, y in zip(rows[i], top, strict=True)
            ]
        before, rank = top[column], rank + 1
        if rank == len(rows):
            break
    return rank


def drawn(random: np.random.Generator) -> np.ndarray:
    """A table of entries up to 2^60, of any sizes side by side, often with planted dependences."""
    m, n = random.integers(1, 9, 2)
    kind = random.integers(5)
    bits = random.integers(1, 60, (m, n) if kind == 0 else 1)
    table = random.integers(-(2**bits), 2**bits + 1, (m, n))
    if kind == 1:  # a product: the inner dimension is the rank, as a rule
        k = int(random.integers(1, min(m, n) + 1))
        half = 2 ** int(random.integers(1, 28))
        table = random.integers(-half, half, (m, k)) @ random.integers(-half, half, (k, n))
    elif kind == 2 and m > 1:  # a sum of other rows
        table = random.integers(-(2**55), 2**55, (m, n))
        table[-1] = table[:-1].sum(axis=0)
    elif kind == 3:  # a row again, but for 1
        i, j = random.integers(0, m, 2)
        table[i] = table[j]
        table[i, random.integers(n)] += random.integers(0, 2)
    elif kind == 4:  # nearly one multiple of another
        row = random.integers(1, 2**29, n)
        table = random.integers(1, 2**29, (m, 1)) * row[None, :] + random.integers(0, 2, (m, n))
    return table


HARD = {
    "large beside small": np.diag([10**8, 1, 1]),
    "a difference of 1 in 2^60": [[2**60, 1], [2**60 + 1, 1]],
    "a difference of 1 in 2^53": [[2**53, 2**53], [2**53 + 1, 2**53]],
    "a determinant of -1": [[2**53, 2**53 - 1], [2**53 - 1, 2**53 - 2]],
    "a determinant of 1": [[2**27, 2**27 + 1], [2**27 - 1, 2**27]],
    "a determinant of 1, of int32": np.array([[46341, 46342], [46340, 46341]], np.int32),
    "multiples of the first prime": np.diag([1, 2**31 - 1, 1]),
    "rank 1 modulo every prime used": [[2**31 - 1, 0], [0, 2**31 - 19]],
    "the least int8": np.array([[-128, -128], [127, 127]], np.int8),
    "the least int64": np.array([[-(2**63), 1], [1, 0]]),
    "the least int64, twice": np.array([[-(2**63), -(2**63)], [-(2**62), -(2**62)]]),
    "the largest uint64": np.array([[2**64 - 1, 1], [2**64 - 2, 1]], np.uint64),
    "the largest uint64, twice": np.array([[2**64 - 1, 2**64 - 1], [1, 1]], np.uint64),
    "bool": np.array([[True, False, True], [False, True, True], [True, True, False]]),
    "bool, dependent": np.array([[True, False, True], [True, False, True]]),
    "Hilbert's, times 360360": [[360360 // (i + j + 1) for i in range(7)] for j in range(7)],
    "powers": [[i**j for j in range(8)] for i in range(1, 9)],
    "zeros": np.zeros((3, 4), np.int32),
    "one row of ones": np.ones((1, 5), np.uint8),
    "many equal rows": np.ones((300, 20), np.int16),
}


def _same_or_undecided(table, report) -> bool:
    true = rational_rank(table)
    assert int(report.rank) == true or not report.certified, (table, true, str(report))
    return bool(report.certified)


@pytest.mark.parametrize("name", HARD)
def test_no_rank_of_whole_numbers_is_certified_but_the_rational_one(name):
    """Plain, centred, certified; and as a jax array, plain and jitted, if int32 holds it."""
    table = np.asarray(HARD[name])
    spectrum = linalg.spectrum(table)
    report = linalg.rank(spectrum)
    _same_or_undecided(table, report)
    assert linalg.certify(table, spectrum).certified <= report.certified
    less_mean = table.astype(object) * len(table) - table.astype(object).sum(axis=0)
    _same_or_undecided(less_mean, linalg.rank(linalg.spectrum(table, center=True)))
    _same_or_undecided(table, linalg.rank(linalg.spectrum(table, method=linalg.gram64)))
    narrow = np.array_equal(table, table.astype(np.int32).astype(object))
    for array in [jnp.asarray(table)] if narrow else []:
        for judge in (linalg.rank, JITTED):
            _same_or_undecided(table, judge(array))


JITTED = jax.jit(lambda table: linalg.rank(linalg.spectrum(table, method=linalg.qr)))


def test_of_many_tables_up_to_2_60_none_is_certified_wrongly(pytestconfig):
    random = np.random.default_rng(0)
    number = pytestconfig.getoption("--whole")
    tables = [drawn(random) for _ in range(number)]
    certified = sum(_same_or_undecided(table, linalg.rank(table)) for table in tables)
    print(f"\n{number:,} tables of whole numbers: {certified:,} certified, the others undecided")
    assert certified > 0.5 * number  # 1,2xx of 2,000


@pytest.mark.parametrize("name", ["large beside small", "bool", "the least int8", "powers"])
def test_small_whole_numbers_are_decided(name):
    table = np.asarray(HARD[name])
    report = linalg.rank(table)
    assert (int(report.rank), bool(report.certified)) == (rational_rank(table), True)


def test_planted_dependences_are_proven_modulo_primes_on_the_host():
    random = np.random.default_rng(0)
    table = random.integers(-2, 3, (3000, 7)) @ random.integers(-2, 3, (7, 30))
    for center in (False, True):
        report = linalg.rank(linalg.spectrum(table, center=center))
        assert (int(report.rank), bool(report.certified)) == (7, True)
    report = linalg.rank(table.astype(np.float32))
    assert not report.exact


def test_what_is_not_proven_says_so():
    report = linalg.rank(HARD["a determinant of -1"])
    assert str(report).endswith("(of whole numbers, which are exact: not proven to be 0)")
    with pytest.raises(AssertionError, match="wanted rank at most 1"):
        linalg.assert_rank_at_most(HARD["a determinant of -1"], 1)
    linalg.assert_rank_at_most([[1, 2], [2, 4]], 1)


@pytest.mark.parametrize("rank", range(6))
def test_a_proof_modulo_primes_is_of_the_rational_rank(rank):
    random = np.random.default_rng(rank)
    for prime in (1, 2**31 - 1):  # modulo that prime alone its multiples are 0
        table = random.integers(-9, 10, (9, rank)) @ random.integers(-9, 10, (rank, 6)) * prime
        true = rational_rank(table)
        assert [whole.proves(table, r) for r in range(7)] == [true <= r for r in range(7)]


def test_a_device_does_not_wrap_what_int32_cannot_hold():
    table = np.array(
        [[2**32 + 1, 2**33], [2**34, -(2**35)], [3, 5]]
    )  # [1, 0], 0 and [3, 5] in int32
    spectrum = linalg.spectrum(table, method=linalg.sketch)
    np.testing.assert_allclose(spectrum.values, np.linalg.svd(table.astype(float))[1], rtol=1e-5)
    unit = table / np.linalg.norm(table.astype(float), axis=1, keepdims=True)
    cosines = np.abs(unit @ unit.T)[np.triu_indices(3, 1)]
    np.testing.assert_allclose(linalg.coherence(table).largest, cosines.max(), rtol=1e-6)
    spread = linalg.axes(table, rotations=1).kurtosis
    np.testing.assert_allclose(
        spread, linalg.axes(table / 2.0**30, rotations=1).kurtosis, rtol=1e-4
    )
    projected = linalg.project(table, jnp.eye(2))
    np.testing.assert_allclose(projected, table, rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.int8, np.uint16, np.int32, np.int64, np.uint64, bool])
def test_every_measure_of_whole_numbers_is_that_of_the_same_floats(dtype):
    table = np.random.default_rng(0).integers(0, 2, (40, 5)).astype(dtype)
    same = table.astype(np.float64)
    measures = [linalg.gram, linalg.center, linalg.effective_rank, linalg.isoscore]
    measures += [linalg.stable_rank, linalg.condition, linalg.whiten, linalg.mean_cosine]
    for measure in measures:
        np.testing.assert_allclose(measure(table), measure(same), rtol=1e-12, atol=1e-12)
    assert linalg.dependence(table).residual == linalg.dependence(same).residual
    actual, wanted = (linalg.orthogonality(array, tolerance=1) for array in (table, same))
    np.testing.assert_array_equal(actual.largest, wanted.largest)
    assert linalg.basis(table).shape == (5, 5)


def test_a_dependence_of_whole_numbers_has_the_tolerance_of_float64():
    assert not linalg.dependence(np.diag([10**8, 1, 1]))
    assert linalg.dependence([[10**8, 1], [2 * 10**8, 2]])


def test_integers_beyond_64_bits_are_refused():
    with pytest.raises(InputError, match="whole numbers beyond 64 bits"):
        linalg.rank([[2**70, 1], [1, 1]])
    assert int(linalg.rank(np.eye(3, dtype=ml_dtypes.int4)).rank) == 3


def test_whole_numbers_on_a_device_are_measured_exactly_on_the_host():
    table = jnp.asarray(np.random.default_rng(0).integers(-9, 9, (30, 4)) @ np.ones((4, 6), int))
    assert table.dtype == jnp.int32
    spectrum = linalg.spectrum(table)
    assert spectrum.values.dtype == np.float64
    assert bool(linalg.rank(spectrum).exact)
