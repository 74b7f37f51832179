"""Bounds on the largest singular values of a matrix, from approximate triplets of any origin."""

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
from jaxemb.structs import AnyArray, displayed


@displayed
class Bounds(NamedTuple):
    """Lower and upper bounds on the largest singular values of a matrix.

    The lower bounds are certain up to rounding. The upper ones fail with a probability of at most
    `failure`, over the random start vector of the search for what the triplets missed.
    """

    lower: Float[AnyArray, " rank"]
    upper: Float[AnyArray, " rank"]
    residual: Float[AnyArray, ""]  # ||A v - u s||_2 of all triplets together
    outside: Float[AnyArray, ""]  # upper bound on the norm of A outside the spans of u and v
    failure: float

    def __bool__(self) -> bool:
        raise arrays.no_truth(self, "lower", "upper")

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
    of: Operator, triplets: TruncatedSVD, *, key: Any = 1, steps: int = 40, failure: float = 1e-6
) -> Bounds:
    """Bounds on each of the largest singular values of A, from triplets of any method.

    With u^T A = s v^T, R = A v - u s and B = (I - u u^T) A (I - v v^T),

        A = (u s v^T + B) + R v^T,

    and the bracket has the singular values s and those of B. So s_i <= sigma_i(A) (interlacing) and
    sigma_i(A) <= max(s_i, ||B||_2) + ||R||_2 (Weyl). ||R||_2 is computed. Lanczos estimates ||B||_2
    from below by theta, in some steps from a random vector. Then ||B||_2 <= theta / sqrt(1 - e),
    except with a probability of at most 1.648 sqrt(columns) exp(-sqrt(e) (2 steps - 1)): by the
    Chebyshev polynomial of degree 2 steps - 1, theta is below sqrt(1 - e) ||B||_2 only if the part
    of the unit start vector along the leading direction is at most
    d = 1 / cosh((2 steps - 1) artanh sqrt(e)), which has a probability of at most
    sqrt(2 columns / pi) d.

    Args:
        of: the matrix.
        triplets: approximate singular triplets, from `truncated_svd`.
        key: for the random vector; it must not be the key of the triplets.
        steps: steps of Lanczos, each a product of one vector with A, and one with A^T.
        failure: probability with which ||B||_2 may exceed its bound; e follows from it.

    Raises:
        InputError: too few steps for so small a probability of failure; `of` is no Operator.

    Source:
        Kuczynski and Wozniakowski 1992, SIAM J. Matrix Anal. Appl. 13(4), theorem 4.2.
    """
    an_operator(of)
    at_least(1, steps=steps)
    if not 0 < failure < 1:
        raise InputError(f"failure is {failure}; it must be a probability above 0 and below 1")
    rest = min(of.shape) - len(triplets.s)  # the rank of B, at the most
    # a vector and its images under B^T B span one more if B^T B has a null space besides v
    whole = min(rest + 1, of.shape[1] - len(triplets.s)) if rest else 0
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
        residual, outside = _norms(of, triplets, x, steps)
    else:
        static = of[1:4]
        key = arrays.key(key)
        residual, outside = _on_device(of.matrix, of.square, triplets, key, static, steps)
    outside, xp = outside / math.sqrt(1 - share), arrays.namespace(triplets.s)
    upper = xp.maximum(triplets.s, outside) + residual + triplets.rounding
    lower = xp.maximum(triplets.s - triplets.rounding, 0.0)
    return Bounds(lower, upper, residual, outside, failure)


@functools.partial(jax.jit, static_argnums=(4, 5))
def _on_device(matrix, square, triplets, key, static, steps: int):
    a = on_device(matrix, square, static)
    return _norms(a, triplets, jax.random.normal(key, (a.shape[1], 1), square.dtype), steps)


def _norms(a: Operator, triplets: TruncatedSVD, x: Any, steps: int) -> tuple[Any, Any]:
    """||R||_2, and Lanczos' estimate of ||B||_2 with all its vectors kept orthogonal."""
    xp, rank = arrays.namespace(triplets.s), len(triplets.s)
    residual = a.times(a.matrix, triplets.v) - triplets.u * triplets.s[None, :]
    known = xp.concatenate([triplets.v, xp.zeros((a.shape[1], steps), triplets.v.dtype)], axis=1)
    images = xp.zeros(
        (a.shape[0], steps + 1), triplets.u.dtype
    )  # one column, 0, if no step is left

    def step(number: Any, carry: tuple[Any, ...]) -> tuple[Any, ...]:
        known, images, x = carry
        x = orthonormal(x, known, rank + number)
        image = a.times(a.matrix, x)
        image = image - arrays.matmul(triplets.u, arrays.matmul(triplets.u.T, image))
        known = arrays.put(known, x, rank + number)
        return known, arrays.put(images, image, number), a.transposed_times(a.matrix, image)

    images = arrays.repeat(steps, step, (known, images, x))[1]
    return xp.linalg.norm(residual, 2), xp.linalg.norm(images, 2)
