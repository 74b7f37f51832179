"""Derivatives of singular values and vectors, finite for every finite table, by any method.

With A = U S V^T, and a change dA of the table,

    ds_i = u_i^T dA v_i,   dV = V W,   W_ij = (V^T (dA^T A + A^T dA) V)_ij / (s_j^2 - s_i^2).

A single value has no derivative where it equals another one or zero. There the derivative for a
fixed basis is returned: it is right for every symmetric function of equal values and for every
function of the space that their vectors span, which is all that a table determines. A value within
rounding of zero has the derivative 0, the middle of all its slopes.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.lax import Precision

from jaxemb.functional.ratios import ratio


def singular(
    along: Any, change: Any, values: Any, error: Any, nonzero: Any, total: Any
) -> tuple[Any, Any]:
    """(tangent of the singular values, W of the right singular vectors V).

    Args:
        along: A V.
        change: dA V.
        values: singular values, descending.
        error: values no farther apart count as equal.
        nonzero: which values are above rounding error.
        total: sums an array over the devices that share the rows.
    """
    largest = values[0]
    left = jnp.where(nonzero[None, :], ratio(along, values[None, :]), 0.0)
    moved = jnp.where(jnp.isnan(values), values, total(jnp.sum(left * change, axis=0)))
    mixed = total(_product(ratio(along, largest).T, change))
    low, high = values[None, :] - values[:, None], ratio(values[None, :] + values[:, None], largest)
    apart = (jnp.abs(low) > error) & (nonzero[None, :] | nonzero[:, None])
    return moved, jnp.where(apart, ratio(mixed + mixed.T, low * high), 0.0)


def _product(left: Any, right: Any) -> Any:
    return jnp.matmul(left, right, precision=Precision.HIGHEST)


@jax.custom_jvp
def once(basis: Any, repeated: Any) -> Any:
    """The basis as used in a first derivative; its own derivative is NaN if a value is repeated.

    A second derivative there would need second derivatives of the function of the values.
    """
    del repeated
    return basis


@once.defjvp
def _once_jvp(primals, tangents):
    basis, repeated = primals
    return once(basis, repeated), jnp.where(repeated, jnp.nan, tangents[0])


def repeats(values: Any, error: Any, nonzero: Any) -> Any:
    """Whether two of the nonzero values count as equal."""
    return jnp.any((values[:-1] - values[1:] <= error) & nonzero[1:])


@jax.custom_jvp
def right_svd(matrix: Any) -> tuple[Any, Any]:
    """(singular values, all right singular vectors as columns) of a small matrix [rows, dim]."""
    wide = matrix.shape[0] < matrix.shape[1]
    values, basis = jnp.linalg.svd(matrix, full_matrices=wide)[1:]
    return jnp.pad(values, (0, matrix.shape[1] - len(values))), basis.T


@right_svd.defjvp
def _right_svd_jvp(primals, tangents):
    values, basis = right_svd(*primals)
    error = 4 * jnp.finfo(values.dtype).eps * jnp.linalg.norm(values)
    nonzero = values > error
    fixed = once(basis, repeats(values, error, nonzero))
    along, change = (_product(arguments[0], fixed) for arguments in (primals, tangents))
    moved, turn = singular(along, change, values, error, nonzero, lambda x: x)
    return (values, basis), (moved, _product(basis, turn))


def singular_values(matrix: Any) -> Any:
    """Singular values of a small matrix, descending; under jax with derivatives finite at zero."""
    if isinstance(matrix, np.ndarray):
        return np.linalg.svd(matrix, compute_uv=False)
    return right_svd(matrix)[0][: min(matrix.shape)]


@jax.custom_jvp
def rotation(matrix: Any) -> Any:
    """The orthogonal matrix nearest to a square one: U V^T of its singular vectors."""
    u, _, vt = jnp.linalg.svd(matrix)
    return _product(u, vt)


@rotation.defjvp
def _rotation_jvp(primals, tangents):
    """U X V^T with X_ij = (U^T dM V - V^T dM^T U)_ij / (s_i + s_j); 0 where both are zero."""
    u, values, vt = jnp.linalg.svd(primals[0])
    inner = _product(_product(u.T, tangents[0]), vt.T)
    sums = values[:, None] + values[None, :]
    nonzero = sums > 4 * jnp.finfo(values.dtype).eps * jnp.linalg.norm(values)
    turn = jnp.where(nonzero, ratio(inner - inner.T, sums), 0.0)
    return _product(u, vt), _product(_product(u, turn), vt)
