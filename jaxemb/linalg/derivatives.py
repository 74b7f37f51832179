"""The derivatives of singular values and vectors: finite wherever a table is, whatever its method.

With A = U S V^T, and a change dA of the table,

    ds_i = u_i^T dA v_i,   dV = V W,   W_ij = (V^T (dA^T A + A^T dA) V)_ij / (s_j^2 - s_i^2).

One value alone has no derivative where it meets another or zero. What is returned there is that of
a basis held still: right for every symmetric function of equal values and for every function of the
space that their vectors span, which is all that a table determines. A value that is not told from
zero has the derivative 0, the middle of all its slopes.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.lax import Precision

from jaxemb.functional.ratios import ratio


def singular(
    along: Any, change: Any, values: Any, error: Any, told: Any, total: Any
) -> tuple[Any, Any]:
    """(the change of the singular values, W of the right singular vectors V).

    Args:
        along: A V.
        change: dA V.
        values: singular values, falling.
        error: values no farther apart are not told from each other.
        told: which are told from zero.
        total: sums over rows that other devices have too.
    """
    largest = values[0]
    left = jnp.where(told[None, :], ratio(along, values[None, :]), 0.0)
    moved = jnp.where(jnp.isnan(values), values, total(jnp.sum(left * change, axis=0)))
    mixed = total(_product(ratio(along, largest).T, change))
    low, high = values[None, :] - values[:, None], ratio(values[None, :] + values[:, None], largest)
    apart = (jnp.abs(low) > error) & (told[None, :] | told[:, None])
    return moved, jnp.where(apart, ratio(mixed + mixed.T, low * high), 0.0)


def _product(left: Any, right: Any) -> Any:
    return jnp.matmul(left, right, precision=Precision.HIGHEST)


@jax.custom_jvp
def once(basis: Any, repeated: Any) -> Any:
    """The basis, for a first derivative; a second one is NaN if a value occurs more than once.

    There it would need the second derivatives of what the values are used for.
    """
    del repeated
    return basis


@once.defjvp
def _once_jvp(primals, tangents):
    basis, repeated = primals
    return once(basis, repeated), jnp.where(repeated, jnp.nan, tangents[0])


def repeats(values: Any, error: Any, told: Any) -> Any:
    """Whether two values that are told from zero are not told from each other."""
    return jnp.any((values[:-1] - values[1:] <= error) & told[1:])


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
    told = values > error
    fixed = once(basis, repeats(values, error, told))
    along, change = (_product(each[0], fixed) for each in (primals, tangents))
    moved, turn = singular(along, change, values, error, told, lambda x: x)
    return (values, basis), (moved, _product(basis, turn))


def singular_values(matrix: Any) -> Any:
    """Of a small matrix, falling; on a device with derivatives that are finite at zero."""
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
    told = sums > 4 * jnp.finfo(values.dtype).eps * jnp.linalg.norm(values)
    turn = jnp.where(told, ratio(inner - inner.T, sums), 0.0)
    return _product(u, vt), _product(_product(u, turn), vt)
