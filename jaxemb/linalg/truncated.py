"""The largest singular triplets of a matrix that is known by its products only.

Randomised block Krylov iteration: a random block is multiplied by A A^T again and again, every
block is kept, and A is compressed onto the span of all of them (Rayleigh and Ritz). Nothing here
needs the entries of A: a sparse matrix of any size has a truncated SVD. `bounds` gives
bounds on its error.
"""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from jaxemb.errors import InputError, at_least
from jaxemb.functional.meshes import on_any_mesh
from jaxemb.linalg import arrays
from jaxemb.linalg.operators import Operator, an_operator, on_device
from jaxemb.structs import AnyArray


class TruncatedSVD(NamedTuple):
    """A ~ u diag(s) v^T, with u^T A = diag(s) v^T up to rounding: A v = u s only approximately."""

    u: Float[AnyArray, "rows rank"]  # orthonormal columns
    s: Float[AnyArray, " rank"]  # descending; s_i is at most the i-th singular value of A
    v: Float[AnyArray, "columns rank"]  # orthonormal columns
    # ||A v_i - s_i u_i||: a singular value of A is as near to s_i
    residuals: Float[AnyArray, " rank"]
    error: Float[AnyArray, ""]  # ||A - u s v^T||_F, exactly: sqrt(||A||_F^2 - sum s_i^2)
    rounding: Float[AnyArray, ""]  # how far rounding may have moved a singular value


def default_steps(rank: int, block: int = 8) -> int:
    """Default steps of `truncated_svd`: a span of 4 x rank dimensions, and at least 16 steps."""
    return max(-(-4 * rank // block), 16)


@on_any_mesh
def truncated_svd(
    of: Operator, rank: int, *, key: Any = 0, block: int = 8, steps: int | None = None
) -> TruncatedSVD:
    """The `rank` largest singular triplets, by randomised block Krylov iteration.

    Args:
        of: the matrix: `operators.sparse`, `operators.dense`, or an `Operator` of your own.
        rank: number of triplets.
        key: for the random start: a number, or on a device a `jax.random.key`.
        block: vectors multiplied at a time; on a CPU few, so that they stay in its cache.
        steps: products of a block with A and with A^T; the triplets are the best in the span of
            all blocks, of block x steps dimensions. By default `default_steps`.

    Returns:
        Triplets in float64 on the host, and on a device in the precision of its arrays. Its eps
        limits which directions are separated: a triplet of s_i < sqrt(eps) s_1 may stand for a
        larger one, and `bounds` then shows it. A span of all dimensions gives the full SVD.

    Raises:
        InputError: a rank that the matrix cannot have; a span of fewer dimensions than the rank;
            `of` is no Operator.

    Source:
        Musco and Musco 2015, arXiv:1504.05477, algorithm 2; with its blocks made orthonormal as
        they come, as in Golub, Luk and Overton 1981. One block of rank + 10 vectors and one step is
        Halko, Martinsson and Tropp 2011, arXiv:0909.4061, algorithm 5.1.
    """
    an_operator(of)
    at_least(1, rank=rank, block=block)
    least = min(of.shape)
    if rank > least:
        rows, columns = of.shape
        raise InputError(f"rank is {rank}; a matrix [{rows:,}, {columns:,}] has at most {least:,}")
    steps = default_steps(rank, block) if steps is None else steps
    at_least(1, steps=steps)
    if block * steps < rank:
        raise InputError(
            f"block x steps is {block} x {steps} = {block * steps}; it must be at least "
            f"rank = {rank}"
        )
    if block * steps >= least:  # all of the space in one block
        block, steps = least, 1
    if of.on_host:
        start = np.random.default_rng(key).standard_normal((of.shape[1], block))
        return _iterate(of, start, rank, steps)
    return _on_device(of.matrix, of.square, arrays.key(key), of[1:4], rank, block, steps)


@functools.partial(jax.jit, static_argnums=(3, 4, 5, 6))
def _on_device(matrix, square, key, static, rank: int, block: int, steps: int) -> TruncatedSVD:
    a = on_device(matrix, square, static)
    start = jax.random.normal(key, (a.shape[1], block), square.dtype)
    return _iterate(a, start, rank, steps)


def _iterate(a: Operator, start: Any, rank: int, steps: int) -> TruncatedSVD:
    xp, block = arrays.namespace(start), start.shape[1]
    basis, image = (xp.zeros((size, block * steps), start.dtype) for size in a.shape)

    def step(number: Any, carry: tuple[Any, ...]) -> tuple[Any, ...]:
        basis, image, following = carry
        new = orthonormal(following, basis, number * block)
        back = a.transposed_times(a.matrix, new)
        basis = arrays.put(basis, new, number * block)
        image = arrays.put(image, back, number * block)
        return basis, image, a.times(a.matrix, back)

    carry = (basis, image, a.times(a.matrix, start))
    basis, image, _ = arrays.repeat(steps, step, carry)
    return _compressed(a, basis, image, rank)


def orthonormal(x: Any, known: Any, columns: Any) -> Any:
    """An orthonormal basis of the columns of x, outside the span of the first columns of `known`.

    The columns of `known` are orthonormal. Two passes, with a normalization between them, suffice
    where something new is left; where mostly rounding error is left, a third pass is needed.
    Rounding error may lie in the known span alone (always, if few rows of the table are not 0):
    where a pass leaves a column nothing but rounding error, noise takes its place.
    """
    against, xp = arrays.first(known, columns), arrays.namespace(x)
    for number in range(3):
        lengths = xp.linalg.norm(x, axis=0)
        x, r = xp.linalg.qr(x - arrays.matmul(against, arrays.matmul(against.T, x)))
        left = xp.abs(xp.diag(r))
        if xp is np and number and left.min() > 0.7:
            break  # a device makes all passes: to look would stop it
        if number < 2:  # a pass has an error of a few unit roundoffs
            x = _filled(x, left <= 32 * arrays.unit_roundoff(x.dtype) * lengths, columns)
    return x


def _filled(x: Any, lost: Any, seed: Any) -> Any:
    """The columns of x with noise in place of the lost ones, drawn only if there are any."""
    if arrays.namespace(x) is np:
        draw = np.random.default_rng(seed).standard_normal
        return np.where(lost, draw(x.shape), x) if lost.any() else x
    key = jax.random.fold_in(jax.random.key(0), seed)
    noise = functools.partial(jax.random.normal, key, x.shape, x.dtype)
    return jax.lax.cond(lost.any(), lambda: jnp.where(lost, noise(), x), lambda: x)


def _compressed(a: Operator, basis: Any, image: Any, rank: int) -> TruncatedSVD:
    """The leading triplets of Q^T A, for Q = basis and A^T Q = image.

    The Gram matrix of the image, small and cheap, only selects the leading directions; the triplets
    are those of the image in these directions, by QR, which loses nothing of their small values.
    """
    xp = arrays.namespace(basis)
    leading = xp.linalg.eigh(arrays.matmul(image.T, image))[1][:, ::-1][:, :rank]
    p, r = xp.linalg.qr(arrays.matmul(image, leading))
    left, s, right = xp.linalg.svd(r.T)  # (Q leading)^T A = R^T P^T
    u = arrays.matmul(basis, arrays.matmul(leading, left))
    v = arrays.matmul(p, right.T)
    residuals = xp.linalg.norm(a.times(a.matrix, v) - u * s[None, :], axis=0)
    rest = xp.maximum(a.square - xp.sum(s**2), 0.0)
    # QR, products and SVD together: at most 8 u ||A||_F in 500 matrices of eight shapes
    rounding = 16 * arrays.unit_roundoff(u.dtype) * xp.sqrt(a.square)
    return TruncatedSVD(u, s, v, residuals, xp.sqrt(rest), rounding)
