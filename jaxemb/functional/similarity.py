"""How alike two vectors are."""

import jax.numpy as jnp
from jax.lax import Precision
from jaxtyping import Array, Float


def normalize(vectors: Float[Array, "*rows dim"]) -> Float[Array, "*rows dim"]:
    """Vectors of length 1 in the same directions; a zero vector stays zero."""
    # scaled by the largest entry first: the square of 1e-25 is 0 in float32
    largest = jnp.max(jnp.abs(vectors), axis=-1, keepdims=True)
    scaled = vectors / jnp.where(largest > 0, largest, 1.0)
    norm = jnp.sqrt(jnp.sum(scaled * scaled, axis=-1, keepdims=True))
    return scaled / jnp.where(norm > 0, norm, 1.0)


def cosine(
    left: Float[Array, "left dim"], right: Float[Array, "right dim"]
) -> Float[Array, "left right"]:
    """Cosine of every pair; 0 for a zero vector."""
    return jnp.matmul(normalize(left), normalize(right).T, precision=Precision.HIGHEST)


def euclidean(
    left: Float[Array, "left dim"], right: Float[Array, "right dim"]
) -> Float[Array, "left right"]:
    """Euclidean distance of every pair.

    One row of `left` at a time against all of `right`: |a|^2 + |b|^2 - 2 a.b would lose the
    distance of near neighbours to cancellation.
    """
    difference = left[:, None, :] - right[None, :, :]
    return jnp.sqrt(jnp.sum(difference * difference, axis=-1))
