"""Spans of columns, orthonormal or not. Oracles: scipy's angles; numpy's least squares."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg

from jaxemb import linalg
from jaxemb.errors import InputError
from tests.transforms import PLAIN_AND_JIT

EPS = float(np.finfo(np.float32).eps)


def normal(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


def mixed(columns, condition: float, seed: int = 0) -> np.ndarray:
    """Other columns of the same span, of this condition and of very different lengths."""
    k = columns.shape[1]
    left, _ = np.linalg.qr(normal(seed, k, k))
    return columns @ (left * np.geomspace(1, 1 / condition, k)) * np.geomspace(1e-9, 1e9, k)


@PLAIN_AND_JIT
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("k", "l"), [(5, 5), (5, 3), (2, 7), (1, 1)])
def test_angles_of_any_independent_columns_are_scipys(transform, seed, k, l):  # noqa: E741
    left, right = normal(seed, 60, k), normal(seed + 9, 60, l)
    right[:, 0] = left[:, 0] + 1e-3 * right[:, 0]
    scipys = scipy.linalg.subspace_angles(left, right)[::-1]
    angles = transform(linalg.principal_angles)(left, right)
    np.testing.assert_allclose(
        angles, scipys, atol=1e-13 if angles.dtype == np.float64 else 32 * EPS
    )


@PLAIN_AND_JIT
def test_a_table_makes_no_angle_with_itself(transform):
    for table in (normal(0, 200, 5), [[2.0], [0.0]], 3 * np.eye(4)[:, :2]):
        angles = transform(linalg.principal_angles)(np.asarray(table), np.asarray(table))
        assert angles.shape == (np.shape(table)[1],)
        np.testing.assert_allclose(angles, 0, atol=16 * EPS)


@PLAIN_AND_JIT
@pytest.mark.parametrize("condition", [1.0, 100.0])
def test_parts_and_coefficients_are_those_of_least_squares(transform, condition):
    columns, vectors = mixed(normal(0, 30, 4), condition), normal(1, 7, 30)
    exact = np.linalg.qr(columns)[0]
    inside = vectors @ exact @ exact.T
    to = 64 * condition * EPS
    np.testing.assert_allclose(transform(linalg.project)(vectors, columns), inside, atol=to)
    np.testing.assert_allclose(
        transform(linalg.reject)(vectors, columns), vectors - inside, atol=to
    )
    report = transform(linalg.membership)(vectors[0], columns)
    rest = np.linalg.norm(vectors[0] - inside[0]) / np.linalg.norm(vectors[0])
    np.testing.assert_allclose(report.residual, rest, rtol=to)
    np.testing.assert_allclose(
        np.asarray(report.coefficients, float) @ columns.T, inside[0], atol=to
    )
    assert not report.inside
    assert transform(linalg.membership)(columns @ (1 / np.abs(columns).max(axis=0)), columns).inside


def test_rows_are_compared_by_their_bases():
    table, turn = normal(0, 50, 8)[:, :3] @ normal(1, 3, 8), normal(2, 50, 50)
    angles = linalg.principal_angles(linalg.basis(table), linalg.basis(turn @ table))
    np.testing.assert_allclose(angles, np.zeros(3), atol=1e-12)
    linalg.assert_same_span(linalg.basis(table), linalg.basis(turn @ table))
    linalg.assert_same_span(normal(3, 9, 2), normal(3, 9, 2) @ [[1, 2], [3, 4]])


DEPENDENT = {
    "a column twice": (np.ones((5, 2)), "the 2 columns of .* are dependent"),
    "a column of zeros": (np.eye(5)[:, :3] * [1, 0, 1], "the 3 columns of .* are dependent"),
    "nearly a column twice": (
        np.c_[np.ones(5), np.ones(5) + 1e-17],
        "the 2 columns of .* are dependent",
    ),
    "a table lying down": (np.eye(5)[:3], r"5 columns of length 3.*linalg\.basis\(table\)"),
}
USES = {
    "project": lambda columns: linalg.project(jnp.ones(len(columns)), columns),
    "reject": lambda columns: linalg.reject(np.ones(len(columns)), columns),
    "membership": lambda columns: linalg.membership(np.ones(len(columns)), columns).residual,
    "principal_angles": lambda columns: linalg.principal_angles(np.eye(len(columns)), columns),
    "right of it": lambda columns: linalg.principal_angles(columns, np.eye(len(columns))),
}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("name", DEPENDENT)
def test_dependent_columns_span_less_than_they_seem_to_and_are_refused(use, name):
    columns, message = DEPENDENT[name]
    with pytest.raises(InputError, match=message):
        USES[use](columns)
    if len(columns) == 5:  # under a trace nothing can be raised
        assert np.isnan(jax.jit(USES[use])(columns)).all()
        assert not jax.jit(linalg.membership)(jnp.ones(5), columns).inside


@pytest.mark.parametrize("use", [linalg.project, linalg.reject, linalg.membership])
def test_vectors_of_another_length_are_refused(use):
    with pytest.raises(InputError, match=r"vectors \(5,\) and a basis \(200, 5\).*linalg\.basis"):
        use(np.ones(5), normal(0, 200, 5))
    with pytest.raises(InputError, match="one length"):
        linalg.principal_angles(normal(0, 6, 2), normal(0, 7, 2))
    with pytest.raises(InputError, match="wanted one, "):
        linalg.membership(np.ones((2, 6)), normal(0, 6, 2))


def test_the_span_of_nothing_holds_zero_alone():
    nothing = linalg.basis(np.zeros((3, 4)))
    assert nothing.shape == (4, 0)
    np.testing.assert_array_equal(linalg.project(np.ones(4), nothing), 0)
    assert linalg.membership(np.zeros(4), nothing)
    assert not linalg.membership(np.ones(4), nothing)
    assert linalg.principal_angles(nothing, np.eye(4)).shape == (0,)


def test_a_projection_can_be_differentiated_by_its_columns_orthonormal_or_not():
    """By the columns the derivative of |P v|^2 is 2 (v - P v) (B^+ v)^T."""
    v, b = normal(0, 6), normal(1, 6, 2)
    for columns in (b, np.linalg.qr(b)[0]):
        ours = jax.grad(lambda c: jnp.sum(linalg.project(v, c) ** 2))(jnp.asarray(columns))
        coefficients = np.linalg.lstsq(columns, v)[0]
        expected = 2 * np.outer(v - columns @ coefficients, coefficients)
        np.testing.assert_allclose(ours, expected, atol=64 * EPS)


# --- unbiased CKA --------------------------------------------------------------------------------


def unbiased_hsic(left, right) -> float:
    """Song et al. 2012, eq. 5, of two kernels in float64."""
    left, right = (kernel - np.diag(np.diag(kernel)) for kernel in (left, right))
    m = len(left)
    whole = np.trace(left @ right) + left.sum() * right.sum() / (m - 1) / (m - 2)
    return (whole - 2 / (m - 2) * left.sum(axis=0) @ right.sum(axis=0)) / (m * (m - 3))


@PLAIN_AND_JIT
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("m", [4, 5, 30])
def test_unbiased_cka_of_two_different_tables_is_that_of_their_kernels(transform, seed, m):
    left = normal(seed, m, 3) + 2
    right = left @ normal(seed + 5, 3, 2) + 0.5 * normal(seed + 9, m, 2) * np.arange(m)[:, None]
    one, other = ((x - x.mean(axis=0)) @ (x - x.mean(axis=0)).T for x in (left, right))
    sizes = unbiased_hsic(one, one) * unbiased_hsic(other, other)
    expected = unbiased_hsic(one, other) / np.sqrt(sizes) if sizes > 0 else np.nan
    cka = transform(linalg.cka)(jnp.asarray(left), jnp.asarray(right))
    # the estimate divides what cancels: at 4 rows by 1/50 of its terms
    np.testing.assert_allclose(cka, expected, rtol=2e-4)
    with np.errstate(invalid="ignore"):
        np.testing.assert_allclose(linalg.cka(left, right), expected, rtol=1e-10)


@PLAIN_AND_JIT
def test_unbiased_cka_of_more_rows_than_the_root_of_int32(transform):
    m = 46_400
    left, noise = normal(0, m, 2), normal(1, m, 2)
    right = left + noise
    expected = linalg.cka(left, right)  # in float64 on the host
    cka = transform(linalg.cka)(jnp.asarray(left), jnp.asarray(right))
    np.testing.assert_allclose(cka, expected, rtol=1e-4)
    np.testing.assert_allclose(expected, 0.5, atol=0.02)  # left and noise are alike, and apart


def test_unbiased_cka_wants_four_rows():
    with pytest.raises(InputError, match="unbiased CKA of 3 rows; wanted at least 4"):
        linalg.cka(normal(0, 3, 2), normal(1, 3, 2))
