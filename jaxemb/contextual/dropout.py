"""Dropout whose draw does not follow JAX's default type of numbers, as Flax's does."""

import flax.linen as nn
import jax
import jax.numpy as jnp


class Dropout(nn.Module):
    """Entries at 0 with probability `rate`, the others times 1 / (1 - rate): `flax.linen.Dropout`.

    The same draw from the same key, in float32 under `jax_enable_x64`, too: there Flax's compares
    other random numbers.
    """

    rate: float

    @nn.compact
    def __call__(self, x, deterministic: bool = True):
        if self.rate == 0 or deterministic:
            return x
        if self.rate == 1:
            return jnp.zeros_like(x)
        kept = 1.0 - self.rate
        mask = jax.random.bernoulli(self.make_rng("dropout"), jnp.float32(kept), x.shape)
        return jnp.where(mask, x / kept, jnp.zeros_like(x))
