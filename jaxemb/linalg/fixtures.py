"""Tables of known rank, spectrum or angles, for your own tests of linear algebra too."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from jaxemb.errors import InputError, at_least


def planted(
    key: Key[Array, ""], rows: int, values: Any, dtype: Any = jnp.float32
) -> Float[Array, "rows dim"]:
    """Random table Q1 diag(values) Q2^T of given singular values; Q1 and Q2 are orthonormal.

    It is computed in float64 on the host and rounded once, which moves no singular value by more
    than u ||A||_F.

    Args:
        key: a `jax.random.key`.
        rows: m, at least the number of values.
        values: singular values [dim], in any order; zeros plant a deficiency.
        dtype: type of the result.

    Raises:
        InputError: values that are negative or not finite, or more of them than rows.
    """
    values = np.asarray(values, np.float64)
    if values.ndim != 1 or not len(values) or not (np.isfinite(values) & (values >= 0)).all():
        raise InputError(f"values {values.shape}: wanted numbers >= 0 in one row, [dim]")
    if len(values) > rows:
        raise InputError(f"{len(values)} singular values of {rows} rows; wanted at most as many")
    dim = len(values)
    left, right = (
        np.linalg.qr(np.asarray(jax.random.normal(subkey, (size, dim), jnp.float32), np.float64))[0]
        for subkey, size in zip(jax.random.split(key), (rows, dim), strict=True)
    )
    return jnp.asarray(((left * values) @ right.T).astype(dtype))


def random_orthogonal(key: Key[Array, ""], dim: int) -> Float[Array, "dim dim"]:
    """Haar-distributed random orthogonal matrix: QR with the signs of R taken out.

    Source:
        Mezzadri 2007, arXiv:math-ph/0609050.
    """
    at_least(1, dim=dim)
    q, r = jnp.linalg.qr(jax.random.normal(key, (dim, dim), jnp.float32))
    return q * jnp.where(jnp.diagonal(r) < 0, -1.0, 1.0)[None, :]


def tight_frame(rows: int, dim: int) -> Float[Array, "rows dim"]:
    """Tight frame of unit vectors, which weighs all directions alike: A^T A = (rows / dim) I.

    This is the real harmonic frame: cosines and sines of dim / 2 frequencies.

    Raises:
        InputError: fewer rows than dimensions.
    """
    at_least(1, dim=dim)
    if rows < dim:
        raise InputError(f"a tight frame of {rows} vectors in {dim} dimensions: wanted rows >= dim")
    time = np.arange(rows)[:, None]
    columns = [np.sqrt(1 / dim) * np.ones((rows, 1))] * (dim % 2)
    pairs = dim // 2
    if dim == rows and not dim % 2:  # the last frequency has a cosine only, and 0 makes up for it
        pairs -= 1
        columns = [np.sqrt(1 / dim) * np.ones((rows, 1)), np.sqrt(1 / dim) * (-1.0) ** time]
    angle = 2 * np.pi * time * np.arange(1, pairs + 1) / rows
    columns += [np.sqrt(2 / dim) * np.cos(angle), np.sqrt(2 / dim) * np.sin(angle)]
    return jnp.asarray(np.concatenate(columns, axis=1), jnp.float32)


def simplex(rows: int) -> Float[Array, "rows dim"]:
    """Regular simplex: m unit vectors in m - 1 dimensions with pairwise cosine -1 / (m - 1).

    No m vectors are farther apart. Centred one-hot vectors are a simplex up to scale and rotation.

    Raises:
        InputError: fewer than two rows.
    """
    at_least(2, rows=rows)
    k = np.arange(1, rows)
    # Helmert's orthonormal columns, each orthogonal to the column of ones
    columns = np.where(np.arange(rows)[:, None] < k, 1.0, 0.0)
    columns[k, k - 1] = -k
    columns /= np.sqrt(k * (k + 1.0))
    return jnp.asarray(columns * np.sqrt(rows / (rows - 1.0)), jnp.float32)
