"""Ratios, roots and lengths that are defined at zero, with derivatives that are finite there.

x / |x| has no derivative at zero, and autodiff makes NaN of it even where the value is chosen by
`where`: both branches are differentiated, and 0 * inf is NaN. So the argument is chosen first, then
the value. The derivative at zero is 0: a row of padding receives no gradient.
NumPy in, NumPy out; jax in, jax out.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Float

from jaxemb.structs import AnyArray


def _namespace(*arrays: Any):
    return jnp if any(isinstance(array, jax.Array) for array in arrays) else np


def ratio(x: Any, y: Any) -> Any:
    """x / y; 0, with derivative 0, where y is 0."""
    xp = _namespace(x, y)
    zero = y == 0
    return xp.where(zero, 0.0, x / xp.where(zero, 1.0, y))


def root(x: Any) -> Any:
    """The square root of x >= 0, with derivative 0 at 0."""
    xp = _namespace(x)
    zero = x == 0
    return xp.where(zero, 0.0, xp.sqrt(xp.where(zero, 1.0, x)))


def length(x: Any, axis: Any = None) -> Any:
    """Euclidean length over some axes (all of them by default), with derivative 0 at zero."""
    return root(_namespace(x).sum(x * x, axis=axis))


def lengths(vectors: Float[AnyArray, "*rows dim"]) -> Float[AnyArray, "*rows"]:
    """Euclidean lengths of vectors, also where the squares of their entries leave float32."""
    largest = _largest(vectors)
    return largest[..., 0] * length(ratio(vectors, largest), axis=-1)


def unit(vectors: Float[AnyArray, "*rows dim"]) -> Float[AnyArray, "*rows dim"]:
    """Scale vectors of any size to length 1; a zero vector stays zero."""
    # scaled by the largest entry first: the square of 1e-25 is 0 in float32
    scaled = ratio(vectors, _largest(vectors))
    return ratio(scaled, length(scaled, axis=-1)[..., None])


def _largest(vectors: Any) -> Any:
    """The largest |entry| of each vector, [..., 1], as a constant for derivatives."""
    largest = _namespace(vectors).max(abs(vectors), axis=-1, keepdims=True)
    return lax.stop_gradient(largest) if isinstance(largest, jax.Array) else largest
