"""Laws of the truncated SVD. Oracles: scipy's svds, numpy's svd, planted spectra, identities."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.sparse
from scipy.sparse.linalg import svds

from jaxemb import linalg
from jaxemb.errors import InputError
from jaxemb.linalg import operators

RANDOM = np.random.default_rng(0)


def planted(values, rows: int = 90, columns: int = 60):
    """A table whose singular values are these and zeros."""
    u, _ = np.linalg.qr(RANDOM.standard_normal((rows, len(values))))
    v, _ = np.linalg.qr(RANDOM.standard_normal((columns, len(values))))
    return u * np.asarray(values) @ v.T


def scattered(rows: int = 300, columns: int = 200, cells: int = 4000):
    """A sparse matrix with a heavy tail, as the co-occurrence of words has one."""
    places = np.unique(RANDOM.zipf(1.3, (cells, 2)) % [rows, columns], axis=0).astype(np.int32)
    return places[:, 0], places[:, 1], RANDOM.exponential(size=len(places)).astype(np.float32)


CELLS = scattered()
TABLE = np.zeros((300, 200))
TABLE[CELLS[0], CELLS[1]] = CELLS[2]
OPERATORS = {
    "sparse, host": operators.sparse(*CELLS, TABLE.shape),
    "dense, host": operators.dense(TABLE),
    "sparse, device": operators.sparse(*map(jnp.asarray, CELLS), TABLE.shape),
    "dense, device": operators.dense(jnp.asarray(TABLE, jnp.float32)),
}
every_operator = pytest.mark.parametrize("operator", OPERATORS.values(), ids=OPERATORS)


def tolerance(operator: linalg.Operator) -> float:
    return 1e-12 if operator.on_host else 2e-6


@every_operator
def test_products_and_norm_are_those_of_the_table(operator):
    x, y = RANDOM.standard_normal((200, 3)), RANDOM.standard_normal((300, 3))
    if not operator.on_host:
        x, y = jnp.asarray(x, jnp.float32), jnp.asarray(y, jnp.float32)
    close = {"rtol": tolerance(operator), "atol": 10 * tolerance(operator)}
    np.testing.assert_allclose(operator.times(operator.matrix, x), TABLE @ np.asarray(x), **close)
    np.testing.assert_allclose(
        operator.transposed_times(operator.matrix, y), TABLE.T @ np.asarray(y), **close
    )
    np.testing.assert_allclose(
        operator.square, np.linalg.norm(TABLE) ** 2, rtol=tolerance(operator)
    )


def test_a_product_on_a_device_is_the_same_in_pieces_of_any_size(monkeypatch):
    operator = OPERATORS["sparse, device"]
    x = jnp.asarray(RANDOM.standard_normal((200, 2)), jnp.float32)
    monkeypatch.setattr(operators, "_ROOM", 2 * 7)  # 7 cells at a time, the last piece padded
    operators._by_segments.clear_cache()
    np.testing.assert_allclose(
        operator.times(operator.matrix, x), TABLE @ np.asarray(x), rtol=1e-5, atol=1e-5
    )
    operators._by_segments.clear_cache()


@every_operator
def test_triplets_are_those_of_scipys_svds(operator):
    triplets = linalg.truncated_svd(operator, 6, block=4, steps=25)
    u, s, vt = svds(scipy.sparse.csr_matrix(TABLE), 6, random_state=0)
    u, s, v = u[:, ::-1], s[::-1], vt[::-1].T
    np.testing.assert_allclose(triplets.s, s, rtol=2 * tolerance(operator))
    # up to the sign that belongs to a pair of vectors
    ours = np.asarray(triplets.u) @ (np.asarray(triplets.s)[:, None] * np.asarray(triplets.v).T)
    np.testing.assert_allclose(ours, u @ (s[:, None] * v.T), atol=1e4 * tolerance(operator))


@every_operator
def test_what_the_triplets_say_of_themselves_is_true(operator):
    """Orthonormal, u^T A = s v^T, residuals, and the error by its identity: of a poor one too."""
    triplets = linalg.truncated_svd(operator, 6, block=4, steps=3)
    u, s, v = (np.asarray(array, np.float64) for array in triplets[:3])
    close = {"rtol": 0, "atol": 40 * tolerance(operator)}
    for basis in (u, v):
        np.testing.assert_allclose(basis.T @ basis, np.eye(6), **close)
    np.testing.assert_allclose(u.T @ TABLE, s[:, None] * v.T, **close)
    residuals = np.linalg.norm(TABLE @ v - u * s, axis=0)
    assert residuals[-1] > 1e-3  # three steps are not enough, and it says so
    np.testing.assert_allclose(triplets.residuals, residuals, **close)
    error = np.linalg.norm(TABLE - u * s @ v.T)
    np.testing.assert_allclose(triplets.error, error, rtol=1e-9 if operator.on_host else 1e-5)
    every = np.linalg.svd(TABLE, compute_uv=False)
    assert (s <= every[:6] + float(triplets.rounding)).all()
    nearest = np.abs(every[:, None] - s[None, :]).min(axis=0)
    assert (nearest <= residuals + float(triplets.rounding)).all()


EXHAUSTED = {
    "a repeated value": [3.0, 3, 3, 1],
    "rows of zeros": [1.0, 1, 1, 1, *[0] * 46],
    "rows of zeros, several values": [3.0, 3, 3, 2, 2, 1, *[0] * 20],
    "half of them": [*[1.0] * 25, *[0] * 25],
}


@pytest.mark.parametrize("values", EXHAUSTED.values(), ids=EXHAUSTED)
@pytest.mark.parametrize("place", [np.asarray, lambda matrix: jnp.asarray(matrix, jnp.float32)])
@pytest.mark.parametrize(("block", "steps"), [(2, 2), (2, 3), (4, 5), (1, 7)])
def test_where_the_products_have_no_new_direction_the_triplets_stay_orthonormal(
    values, place, block, steps
):
    """Rounding error lies in the rows that are not 0: another pass finds no direction in it."""
    matrix, rank = operators.dense(place(np.diag(values))), min(4, block * steps)
    triplets = linalg.truncated_svd(matrix, rank, block=block, steps=steps)
    close = {"rtol": 0, "atol": 40 * tolerance(matrix)}
    for basis in (np.asarray(triplets.u), np.asarray(triplets.v)):
        np.testing.assert_allclose(basis.T @ basis, np.eye(rank), **close)
    assert (np.asarray(triplets.s) <= np.asarray(values[:rank]) + float(triplets.rounding)).all()
    if block * steps >= len(values):
        np.testing.assert_allclose(triplets.s, values[:rank], **close)


@pytest.mark.parametrize("name", ["dense, host", "dense, device"])
def test_the_norm_outside_is_right_where_nothing_new_is_left(name):
    place = np.asarray if "host" in name else jnp.float32
    operator = operators.dense(place(np.diag([3.0, 2, 2, 2, *[0] * 40])))
    triplets = linalg.truncated_svd(operator, 1, block=4, steps=3)
    bounds = linalg.singular_bounds(operator, triplets, steps=20)  # of Lanczos, in 3 dimensions
    assert 2 - float(triplets.rounding) <= float(bounds.outside) <= 2 * 1.2


@pytest.mark.parametrize(
    ("name", "steps"),
    [(name, 3) for name in OPERATORS] + [("sparse, host", 25), ("sparse, device", 25)],
)
def test_the_singular_values_lie_within_their_bounds(name, steps):
    operator = OPERATORS[name]
    triplets = linalg.truncated_svd(operator, 6, block=4, steps=steps)
    bounds = linalg.singular_bounds(operator, triplets)
    every = np.linalg.svd(TABLE, compute_uv=False)[:6]
    assert (np.asarray(bounds.lower) <= every).all()
    assert (every <= np.asarray(bounds.upper)).all()
    u, s, v = (np.asarray(array, np.float64) for array in triplets[:3])
    rest = TABLE - u @ (u.T @ TABLE)
    norm = np.linalg.norm(rest - rest @ v @ v.T, 2)
    assert norm <= float(bounds.outside) <= 2 * norm
    residual = np.linalg.norm(TABLE @ v - u * s, 2)
    np.testing.assert_allclose(bounds.residual, residual, rtol=1e-3, atol=100 * tolerance(operator))


def test_a_direction_that_the_triplets_missed_is_found_by_the_bounds():
    """A start that is orthogonal to the largest direction cannot see it: the bounds do."""
    table = np.diag([9.0, 5.0, 4.0, *np.linspace(1, 0.1, 57)])
    operator = operators.dense(table)
    blind = linalg.truncated_svd(operators.dense(table - np.diag([9.0, *[0.0] * 59])), 2)
    bounds = linalg.singular_bounds(operator, blind._replace(rounding=0.0))
    np.testing.assert_allclose(blind.s, [5, 4], rtol=1e-12)
    assert (np.asarray(bounds.upper) >= 9 - 1e-9).all()
    assert bounds.width > 0.4
    assert "of the 2 largest singular values 0 are known to within" in str(bounds)


def test_the_width_is_the_widest_interval_as_a_share_of_its_upper_bound():
    nothing = np.zeros(3)  # a bound of 0 is met
    for lower, upper, width in [([9, 3, 0], [10, 4, 0], 0.25), (nothing, nothing, 0.0)]:
        bounds = linalg.Bounds(np.array(lower), np.array(upper), 0.0, 0.0, 1e-6)
        assert bounds.width == width


@pytest.mark.parametrize("shape", [(3, 50), (5, 200), (200, 5), (9, 9), (20, 90)])
def test_the_norm_outside_is_exact_where_lanczos_has_all_of_the_space(shape):
    """Also of a wide matrix, in which most of any vector is in the null space."""
    table = RANDOM.standard_normal(shape)
    u, s, vt = np.linalg.svd(table, full_matrices=False)
    missed = linalg.TruncatedSVD(u[:, 1:2], s[1:2], vt[1:2].T, np.zeros(1), 0.0, 0.0)
    bounds = linalg.singular_bounds(operators.dense(table), missed)
    np.testing.assert_allclose(bounds.outside, s[0], rtol=1e-9)


@pytest.mark.parametrize("largest", [0.84, 0.9])
def test_the_norm_outside_exceeds_its_bound_no_more_often_than_promised(largest):
    """Hard spectra: one direction above many whose squares lie as Chebyshev's nodes."""
    size, failure, trials = 200, 0.3, 200
    rest = np.sqrt(largest / 2 * (1 + np.cos(np.pi * np.arange(1, size) / size)))
    one = np.eye(size)[:, -1:]
    known = linalg.TruncatedSVD(one, rest[-1:], one, np.zeros(1), 0.0, 0.0)
    operator = operators.dense(np.diag([1.0, *rest]))
    bounds = [
        linalg.singular_bounds(operator, known, key=key, steps=6, failure=failure)
        for key in range(trials)
    ]
    exceeded = sum(float(bound.outside) < 1 for bound in bounds)
    assert exceeded <= failure * trials


@pytest.mark.parametrize(
    ("shape", "dtype"),
    [((9, 12), np.float64), ((12, 9), np.float32), ((1, 5), np.float64), ((5, 1), np.float64)],
)
def test_a_small_matrix_has_its_whole_svd(shape, dtype):
    table = RANDOM.standard_normal(shape).astype(dtype)
    operator = operators.dense(table if dtype == np.float64 else jnp.asarray(table))
    triplets = linalg.truncated_svd(operator, min(shape))
    every = np.linalg.svd(table.astype(np.float64), compute_uv=False)
    np.testing.assert_allclose(triplets.s, every, rtol=100 * tolerance(operator))
    assert float(triplets.error) < 1e-6 if operator.on_host else 1e-2  # a root of rounding
    bounds = linalg.singular_bounds(operator, triplets)
    assert float(bounds.outside) == 0
    rounding = 16 * np.finfo(np.float64).eps * every[0]  # of the values that numpy computes
    assert (np.asarray(bounds.lower) <= every + rounding).all()
    assert (every - rounding <= np.asarray(bounds.upper)).all()


@pytest.mark.parametrize("on_host", [True, False])
def test_a_matrix_of_lower_rank_has_zeros_and_orthonormal_vectors_still(on_host):
    table = planted([8.0, 3.0, 1.0])
    operator = operators.dense(table if on_host else jnp.asarray(table, jnp.float32))
    triplets = linalg.truncated_svd(operator, 6, block=3, steps=4)
    expected = [8, 3, 1, 0, 0, 0]
    np.testing.assert_allclose(triplets.s, expected, atol=1e-12 if on_host else 1e-5)
    for basis in map(np.asarray, (triplets.u, triplets.v)):
        gram = basis.T @ basis
        np.testing.assert_allclose(gram, np.eye(6), atol=1e-12 if on_host else 1e-5)
    assert linalg.singular_bounds(operator, triplets).width <= 1


def test_the_same_key_gives_the_same_bits_and_another_the_same_values():
    operator = OPERATORS["sparse, host"]
    one, same, other = (linalg.truncated_svd(operator, 5, key=key) for key in (3, 3, 4))
    np.testing.assert_array_equal(one.u, same.u)
    assert not np.array_equal(one.u, other.u)
    np.testing.assert_allclose(one.s, other.s, rtol=1e-12)
    device = OPERATORS["dense, device"]
    by_number, by_key = (
        linalg.truncated_svd(device, 6, key=k, block=4, steps=3) for k in (3, jax.random.key(3))
    )
    np.testing.assert_array_equal(by_number.u, by_key.u)


def test_what_cannot_be_factorised_is_refused():
    operator, (rows, columns, values) = OPERATORS["dense, host"], CELLS
    with pytest.raises(InputError, match=r"rank is 201; a matrix \[300, 200\] has at most 200"):
        linalg.truncated_svd(operator, 201)
    with pytest.raises(InputError, match="rank is 0; it must be at least 1"):
        linalg.truncated_svd(operator, 0)
    with pytest.raises(InputError, match="block x steps is 2 x 3 = 6; it must be at least rank"):
        linalg.truncated_svd(operator, 10, block=2, steps=3)
    with pytest.raises(InputError, match="columns run from 0 to 199; wanted 0 to 9"):
        operators.sparse(rows, columns % 200, values, (300, 10))
    with pytest.raises(InputError, match="rows run from 3 to 9; wanted 0 to 4"):
        operators.sparse(np.array([3, 9]), np.array([0, 1]), np.ones(2), (5, 2))
    with pytest.raises(InputError, match="not in order"):
        operators.sparse(rows[::-1].copy(), columns, values, TABLE.shape)
    with pytest.raises(InputError, match="NaN or infinity"):
        operators.sparse(rows, columns, values * np.float32(np.nan), TABLE.shape)
    triplets = linalg.truncated_svd(operator, 3)
    with pytest.raises(InputError, match=r"5 steps of Lanczos bound nothing .* take at least"):
        linalg.singular_bounds(operator, triplets, steps=5)
    with pytest.raises(InputError, match="failure is 0"):
        linalg.singular_bounds(operator, triplets, failure=0.0)
