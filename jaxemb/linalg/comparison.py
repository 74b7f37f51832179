"""Comparison of two tables of the same words: Procrustes, CKA and the PIP loss."""

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
from jaxemb.structs import AnyArray, TableLike


class Procrustes(NamedTuple):
    """The orthogonal matrix that brings one table nearest to another, and the rest."""

    rotation: Float[AnyArray, "dim dim"]
    residual: Float[AnyArray, ""]  # || left rotation - right ||_F


@on_any_mesh
def procrustes(left: TableLike, right: TableLike) -> Procrustes:
    """The orthogonal matrix R of smallest ||left R - right||_F.

    The residual is measured on the tables, because the formula through the nuclear norm loses a
    small residual to cancellation.

    Args:
        left: the table to be rotated, [rows, dim].
        right: the table to be met, [rows, dim].

    Raises:
        InputError: tables of different shapes.

    Source:
        Schoenemann 1966.
    """
    xp, left, right = _pair(left, right)
    if left.shape != right.shape:
        raise InputError(f"tables of shapes {left.shape} and {right.shape}; wanted the same")
    # scaled first each by its own largest entry, then both alike: no square over- or underflows
    rotation = _rotation(xp, matmul(of_unit_size(left)[0].T, of_unit_size(right)[0]))
    left, right, scale = of_unit_size(left, right)
    return Procrustes(rotation, length(matmul(left, rotation) - right) / scale)


def _rotation(xp, matrix):
    if xp is not np:
        return derivatives.rotation(matrix)
    u, _, vt = np.linalg.svd(matrix)
    return matmul(u, vt)


@on_any_mesh
def cka(left: TableLike, right: TableLike, *, unbiased: bool = True) -> Float[AnyArray, ""]:
    """Linear centred kernel alignment (CKA) of two tables; 1 if equal up to rotation and scale.

    The biased form grows towards 1 with dim / rows, whatever the tables; the unbiased one does
    not. Neither forms a rows x rows matrix.

    Args:
        left: [rows, n].
        right: [rows, p].
        unbiased: estimate HSIC by the U-statistic, which needs at least four rows.

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
    left, right = (_unit_size(center(of_unit_size(table)[0])) for table in (left, right))
    hsic = _unbiased_hsic if unbiased else _hsic
    sizes = hsic(xp, left, left) * hsic(xp, right, right)
    alignment = ratio(hsic(xp, left, right), root(xp.maximum(sizes, 0.0)))
    return xp.where(sizes > 0, alignment, xp.nan)


@on_any_mesh
def pip_distance(left: TableLike, right: TableLike) -> Float[AnyArray, ""]:
    """|| A A^T - B B^T ||_F: how much all pairwise inner products differ (PIP loss).

    It is computed from R of [A B] = Q R: the products of R's halves differ as those of the tables.
    The identity through three Gram matrices cancels: it gave 0.0 where the true distance was 2.01.

    Args:
        left: A [rows, n].
        right: B [rows, p].

    Raises:
        InputError: different numbers of rows.

    Source:
        Yin and Shen 2018, arXiv:1812.04224.
    """
    xp, left, right = _pair(left, right)
    left, right, scale = of_unit_size(left, right)
    distance = _pip_distance(left, right) if xp is np else _pip_on_device(left, right)
    return distance / scale / scale


def _pip_distance(left, right):
    r = arrays.triangle(arrays.namespace(left).concatenate([left, right], axis=1))
    a, b = r[:, : left.shape[1]], r[:, left.shape[1] :]
    return length(matmul(a, a.T) - matmul(b, b.T))


_pip_on_device = jax.custom_jvp(_pip_distance)


@_pip_on_device.defjvp
def _pip_jvp(primals, tangents):
    """2 <(A A^T - B B^T) A, dA> / distance, less that of B.

    Not through QR, which has no derivative for dependent columns.
    """
    left, right = primals
    distance = _pip_on_device(left, right)
    apart = [
        matmul(left, ratio(matmul(left.T, table), distance))
        - matmul(right, ratio(matmul(right.T, table), distance))
        for table in primals
    ]
    change = [jnp.sum(a * tangent) for a, tangent in zip(apart, tangents, strict=True)]
    return distance, 2.0 * (change[0] - change[1])


def _hsic(xp, left, right):
    return xp.sum(matmul(left.T, right) ** 2)


def _unbiased_hsic(xp, left, right):
    """The U-statistic: sums over both kernels without their diagonals."""
    m = float(left.shape[0])  # (m - 1)(m - 2) is beyond int32 from 46,342 rows on
    own_left, own_right = (xp.sum(table * table, axis=1) for table in (left, right))
    sums = [
        matmul(table, table.sum(axis=0)) - own
        for table, own in ((left, own_left), (right, own_right))
    ]
    whole = _hsic(xp, left, right) - xp.sum(own_left * own_right)
    outer = sums[0].sum() * sums[1].sum() / ((m - 1) * (m - 2))
    return (whole + outer - 2.0 / (m - 2) * xp.sum(sums[0] * sums[1])) / (m * (m - 3))


def _unit_size(table):
    return ratio(table, length(table))


def _pair(left: Any, right: Any) -> arrays.Raised:
    left, right = (
        arrays.table(table, name, finite=True) for table, name in ((left, "left"), (right, "right"))
    )
    if left.shape[0] != right.shape[0]:
        raise InputError(
            f"tables of {left.shape[0]:,} and {right.shape[0]:,} rows; wanted the same words"
        )
    return arrays.raised(left, right)
