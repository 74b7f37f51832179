"""Bounds on the singular values of a matrix, from triplets that need no trust."""

import functools
import math
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float

from jaxemb.errors import InputError, at_least
from jaxemb.functional.meshes import on_any_mesh
from jaxemb.linalg import arrays
from jaxemb.linalg.operators import Operator, an_operator, on_device
from jaxemb.linalg.truncated import TruncatedSVD, orthonormal


class Bounds(NamedTuple):
    """Between which bounds the largest singular values of a matrix lie.

    The lower bounds are certain up to rounding; the upper ones fail with a probability of at most
    `failure`, over the random vector that looked for what the triplets had missed.
    """

    lower: Float[Any, " rank"]
    upper: Float[Any, " rank"]
    residual: Float[Any, ""]  # ||A v - u s||_2, of all triplets together
    outside: Float[Any, ""]  # upper bound of the norm of A outside the spans of u and v
    failure: float

    __bool__ = arrays.no_truth("lower", "upper")

    @property
    def width(self) -> float:
        """The widest of the intervals, as a share of its upper bound."""
        upper = np.asarray(self.upper)
        return float(np.max((upper - self.lower) / np.maximum(upper, np.finfo(float).tiny)))

    def __str__(self) -> str:
        above = int(np.count_nonzero(np.asarray(self.lower) >= self.outside))
        return (
            f"of the {len(self.lower)} largest singular values {above} are known to within "
            f"{float(self.residual):.2g} and all to {100 * self.width:.2g} %, but for a chance of "
            f"{self.failure:.0e}"
        )


@on_any_mesh
def singular_bounds(
    of: Operator, found: TruncatedSVD, *, key: Any = 1, steps: int = 40, failure: float = 1e-6
) -> Bounds:
    """Bounds on each of the largest singular values of A, whoever computed the triplets.

    With u^T A = s v^T, R = A v - u s and B = (I - u u^T) A (I - v v^T),

        A = (u s v^T + B) + R v^T,

    and the bracket has the singular values s and those of B. So s_i <= sigma_i(A) (interlacing) and
    sigma_i(A) <= max(s_i, ||B||_2) + ||R||_2 (Weyl). ||R||_2 is computed. With theta what Lanczos
    finds of ||B||_2 in some steps from a random vector, ||B||_2 <= theta / sqrt(1 - e), but for a
    probability of at most 1.648 sqrt(columns) exp(-sqrt(e) (2 steps - 1)). For by the Chebyshev
    polynomial of degree 2 steps - 1 Lanczos finds less only from a unit vector of which the leading
    direction has no more than d = 1 / cosh((2 steps - 1) artanh sqrt(e)), and so small a part has a
    probability of at most sqrt(2 columns / pi) d.

    Args:
        of: the matrix.
        found: its triplets, from `truncated_svd`.
        key: of the random vector: another one than that of the triplets.
        steps: of Lanczos, each a product of one vector with A, and one with A^T.
        failure: how likely ||B||_2 may be above its bound; e follows from it.

    Raises:
        InputError: too few steps to bound anything with so small a chance of failure; no Operator.

    Source:
        Kuczynski and Wozniakowski 1992, SIAM J. Matrix Anal. Appl. 13(4), theorem 4.2.
    """
    an_operator(of)
    at_least(1, steps=steps)
    if not 0 < failure < 1:
        raise InputError(f"failure is {failure}; it must be a probability above 0 and below 1")
    rest = min(of.shape) - len(found.s)  # the rank of B, at the most
    # a vector and its images under B^T B span one more, where B^T B has a null space beside v
    whole = min(rest + 1, of.shape[1] - len(found.s)) if rest else 0
    steps = min(steps, whole)
    missed = math.log(1.648 * math.sqrt(of.shape[1]) / failure)
    share = 0.0 if steps == whole else (missed / (2 * steps - 1)) ** 2
    if share >= 1:
        raise InputError(
            f"{steps} steps of Lanczos bound nothing with failure = {failure}: take at least "
            f"{math.floor(missed / 2 + 1) + 1}"
        )
    if of.on_host:
        x = np.random.default_rng(key).standard_normal((of.shape[1], 1))
        residual, outside = _norms(of, found, x, steps)
    else:
        static = of[1:4]
        key = arrays.key(key)
        residual, outside = _on_device(of.matrix, of.square, found, key, static, steps)
    outside, xp = outside / math.sqrt(1 - share), arrays.namespace(found.s)
    upper = xp.maximum(found.s, outside) + residual + found.rounding
    lower = xp.maximum(found.s - found.rounding, 0.0)
    return Bounds(lower, upper, residual, outside, failure)


@functools.partial(jax.jit, static_argnums=(4, 5))
def _on_device(matrix, square, found, key, static, steps: int):
    of = on_device(matrix, square, static)
    return _norms(of, found, jax.random.normal(key, (of.shape[1], 1), square.dtype), steps)


def _norms(of: Operator, found: TruncatedSVD, x: Any, steps: int) -> tuple[Any, Any]:
    """||R||_2; and ||B||_2 as Lanczos finds it, with all its vectors kept orthogonal."""
    xp, rank = arrays.namespace(found.s), len(found.s)
    residual = of.times(of.matrix, found.v) - found.u * found.s[None, :]
    known = xp.concatenate([found.v, xp.zeros((of.shape[1], steps), found.v.dtype)], axis=1)
    images = xp.zeros((of.shape[0], steps + 1), found.u.dtype)  # one of nothing, if no step is left

    def step(number: Any, carry: tuple) -> tuple:
        known, images, x = carry
        x = orthonormal(x, known, rank + number)
        image = of.times(of.matrix, x)
        image = image - arrays.matmul(found.u, arrays.matmul(found.u.T, image))
        known = arrays.put(known, x, rank + number)
        return known, arrays.put(images, image, number), of.transposed_times(of.matrix, image)

    images = arrays.repeat(steps, step, (known, images, x))[1]
    return xp.linalg.norm(residual, 2), xp.linalg.norm(images, 2)
