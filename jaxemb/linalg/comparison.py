"""Two tables of the same words: how alike are they?"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from jaxemb.errors import InputError
from jaxemb.functional.meshes import on_any_mesh
from jaxemb.functional.ratios import length, ratio, root
from jaxemb.linalg import arrays, derivatives
from jaxemb.linalg.arrays import matmul
from jaxemb.linalg.measures import center
from jaxemb.linalg.row_blocks import of_unit_size


class Procrustes(NamedTuple):
    """The rotation that brings one table nearest to another."""

    rotation: Float[Any, "dim dim"]
    residual: Float[Any, ""]  # || left rotation - right ||_F


@on_any_mesh
def procrustes(left: Any, right: Any) -> Procrustes:
    """The orthogonal matrix R of smallest ||left R - right||_F.

    The residual is measured on the tables: the formula by way of the nuclear norm loses a small
    one to cancellation.

    Args:
        left: [rows, dim].
        right: [rows, dim].

    Raises:
        InputError: tables of different shapes.

    Source:
        Schoenemann 1966.
    """
    xp, left, right = _pair(left, right)
    if left.shape != right.shape:
        raise InputError(f"tables of shapes {left.shape} and {right.shape}; wanted the same")
    # each by its own largest entry, then both by one: no square over- or underflows
    rotation = _rotation(xp, matmul(of_unit_size(left)[0].T, of_unit_size(right)[0]))
    left, right, scale = of_unit_size(left, right)
    return Procrustes(rotation, length(matmul(left, rotation) - right) / scale)


def _rotation(xp, matrix):
    if xp is not np:
        return derivatives.rotation(matrix)
    u, _, vt = np.linalg.svd(matrix)
    return matmul(u, vt)


@on_any_mesh
def cka(left: Any, right: Any, *, unbiased: bool = True) -> Float[Any, ""]:
    """Linear centred kernel alignment of two tables of words; 1 up to a rotation and scale.

    The biased form grows towards 1 with dim / rows, whatever the tables; the unbiased one does
    not. Neither forms a rows x rows matrix.

    Args:
        left: [rows, n].
        right: [rows, p].
        unbiased: HSIC by the U-statistic; wants at least four rows.

    Returns:
        NaN where a table does not vary, or where the unbiased estimate of its own HSIC is negative
        (few rows of many dimensions).

    Raises:
        InputError: different numbers of rows, or too few.

    Source:
        Kornblith et al. 2019, arXiv:1905.00414; unbiased: Song et al. 2012, eq. 5.
    """
    xp, left, right = _pair(left, right)
    if unbiased and left.shape[0] < 4:
        raise InputError(f"unbiased CKA of {left.shape[0]} rows; wanted at least 4")
    left, right = (_unit_size(center(of_unit_size(each)[0])) for each in (left, right))
    hsic = _unbiased_hsic if unbiased else _hsic
    sizes = hsic(xp, left, left) * hsic(xp, right, right)
    found = ratio(hsic(xp, left, right), root(xp.maximum(sizes, 0.0)))
    return xp.where(sizes > 0, found, xp.nan)


@on_any_mesh
def pip_distance(left: Any, right: Any) -> Float[Any, ""]:
    """|| A A^T - B B^T ||_F: how much all pairwise inner products differ (PIP loss).

    By R of [A B] = Q R: the products of R's halves differ as those of the tables do. The identity
    by way of three Gram matrices cancels: 0.0 was measured where the truth was 2.01.

    Args:
        left: A [rows, n].
        right: B [rows, p].

    Source:
        Yin and Shen 2018, arXiv:1812.04224.
    """
    xp, left, right = _pair(left, right)
    left, right, scale = of_unit_size(left, right)
    found = _pip_distance(left, right) if xp is np else _pip_on_device(left, right)
    return found / scale / scale


def _pip_distance(left, right):
    r = arrays.triangle(arrays.namespace(left).concatenate([left, right], axis=1))
    a, b = r[:, : left.shape[1]], r[:, left.shape[1] :]
    return length(matmul(a, a.T) - matmul(b, b.T))


_pip_on_device = jax.custom_jvp(_pip_distance)


@_pip_on_device.defjvp
def _pip_jvp(primals, tangents):
    """2 <(A A^T - B B^T) A, dA> / distance, less that of B: QR has none of dependent columns."""
    left, right = primals
    found = _pip_on_device(left, right)
    apart = [
        matmul(left, ratio(matmul(left.T, each), found))
        - matmul(right, ratio(matmul(right.T, each), found))
        for each in primals
    ]
    change = [jnp.sum(a * tangent) for a, tangent in zip(apart, tangents, strict=True)]
    return found, 2.0 * (change[0] - change[1])


def _hsic(xp, left, right):
    return xp.sum(matmul(left.T, right) ** 2)


def _unbiased_hsic(xp, left, right):
    """The diagonals of both kernels taken out, and the sums over rows that this leaves."""
    m = float(left.shape[0])  # (m - 1)(m - 2) is beyond int32 from 46,342 rows on
    own_left, own_right = (xp.sum(each * each, axis=1) for each in (left, right))
    sums = [
        matmul(each, each.sum(axis=0)) - own for each, own in ((left, own_left), (right, own_right))
    ]
    whole = _hsic(xp, left, right) - xp.sum(own_left * own_right)
    outer = sums[0].sum() * sums[1].sum() / ((m - 1) * (m - 2))
    return (whole + outer - 2.0 / (m - 2) * xp.sum(sums[0] * sums[1])) / (m * (m - 3))


def _unit_size(table):
    return ratio(table, length(table))


def _pair(left: Any, right: Any):
    left, right = (
        arrays.table(each, name, finite=True) for each, name in ((left, "left"), (right, "right"))
    )
    if left.shape[0] != right.shape[0]:
        raise InputError(
            f"tables of {left.shape[0]:,} and {right.shape[0]:,} rows; wanted the same words"
        )
    return arrays.raised(left, right)
