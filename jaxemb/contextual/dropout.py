"""Dropout whose draw does not depend on JAX's default float type, as Flax's does."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


class Dropout(nn.Module):
    """`flax.linen.Dropout`: zero entries with probability `rate`, scale others by 1 / (1 - rate).

    A key gives the same draw with and without `jax_enable_x64`, because the draw is in float32.
    Flax's draws float64 numbers under `jax_enable_x64`, and so another mask.
    """

    rate: float

    @nn.compact
    def __call__(self, x: Float[Array, "..."], deterministic: bool = True) -> Float[Array, "..."]:
        if self.rate == 0 or deterministic:
            return x
        return dropped(self.make_rng("dropout"), x, self.rate)


def dropped(key: Any, x: Float[Array, "..."], rate: float) -> Float[Array, "..."]:
    """`x` with entries zeroed with probability `rate`, others scaled by 1 / (1 - rate).

    Args:
        key: of the draw; None: no dropout.
    """
    if rate == 0 or key is None:
        return x
    if rate == 1:
        return jnp.zeros_like(x)
    kept = 1.0 - rate
    mask = jax.random.bernoulli(key, jnp.float32(kept), x.shape)
    return jnp.where(mask, x / kept, jnp.zeros_like(x))
