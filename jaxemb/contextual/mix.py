"""One vector from all layers: gamma sum_j s_j h_j, s = softmax(w).

Source:
    Peters et al. 2018, arXiv:1802.05365, eq. 1.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


class ScalarMix(nn.Module):
    """A weighted mean of layers with a trained scale; starts as the plain mean.

    Args (fields):
        batch_scalar_norm: brings each layer to mean 0 and deviation 1, one number each over ALL
            tokens of the batch. AllenNLP calls it layer norm, which it is not: a sentence's vectors
            then depend on the others in its batch.
    """

    batch_scalar_norm: bool = False

    @nn.compact
    def __call__(
        self, layers: Float[Array, "layers *time dim"], mask: Float[Array, "*time"]
    ) -> Float[Array, "*time dim"]:
        weights = self.param("weights", nn.initializers.zeros, (len(layers),), jnp.float32)
        gamma = self.param("gamma", nn.initializers.ones, (), jnp.float32)
        if self.batch_scalar_norm:
            layers = jax.vmap(_normed, in_axes=(0, None))(layers, mask)
        mixed = jnp.tensordot(
            jax.nn.softmax(weights), layers, axes=1, precision=jax.lax.Precision.HIGHEST
        )
        return gamma * mixed * mask[..., None]


def _normed(layer, mask):
    shown = mask[..., None]
    count = jnp.sum(mask) * layer.shape[-1]
    mean = jnp.sum(layer * shown) / count
    variance = jnp.sum(((layer - mean) * shown) ** 2) / count
    return (layer - mean) / jnp.sqrt(variance + 1e-12)
