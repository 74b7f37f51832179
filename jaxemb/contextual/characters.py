"""ELMo's vector of a token from its characters: convolutions, highways, a projection.

Source:
    Kim et al. 2016, arXiv:1508.06615; sizes and initial values as in bilm-tf.
"""

import math
from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int

from jaxemb.functional import products


class Highway(nn.Module):
    """y = g relu(W x + b) + (1 - g) x, g = sigma(W_c x + b_c); b_c starts at -2: y is mostly x."""

    precision: Any = None

    @nn.compact
    def __call__(self, x: Float[Array, "*rows dim"]) -> Float[Array, "*rows dim"]:
        dim = x.shape[-1]
        normal = nn.initializers.normal(1 / math.sqrt(dim))
        options = {"kernel_init": normal, "precision": products.stated(self.precision)}
        gate = nn.Dense(dim, bias_init=nn.initializers.constant(-2.0), name="carry", **options)(x)
        new = jax.nn.relu(nn.Dense(dim, name="transform", **options)(x))
        gate = jax.nn.sigmoid(gate)
        return gate * new + (1 - gate) * x


class CharCNN(nn.Module):
    """The vector of a token from the ids of its characters.

    Args (fields):
        projection: the dimension of the token's vector.
        filters: (width, number) of each convolution.
        dim: the dimension of a character's vector.
        highways: the number of highway layers.
        activation: applied after the maximum over positions.
        characters: the number of character ids, among them 0 for padding.
        precision: of all matrix products; None: `products.stated()`.
    """

    projection: int
    filters: tuple[tuple[int, int], ...]
    dim: int = 16
    highways: int = 2
    activation: Callable[[Array], Array] = jax.nn.relu
    characters: int = 262
    precision: Any = None

    @nn.compact
    def __call__(self, ids: Int[Array, "*rows chars"]) -> Float[Array, "*rows projection"]:
        uniform = nn.initializers.uniform(2.0)

        def centred(key, shape):
            return uniform(key, shape, jnp.float32) - 1.0

        table = self.param("embedding", centred, (self.characters - 1, self.dim))
        rows = jnp.concatenate([jnp.zeros((1, self.dim), jnp.float32), table])
        vectors = rows[ids.reshape(-1, ids.shape[-1])]
        maxima = [self._maximum(i, vectors, *size) for i, size in enumerate(self.filters)]
        x = self.activation(jnp.concatenate(maxima, axis=-1))
        for i in range(self.highways):
            x = Highway(self.precision, name=f"highway_{i}")(x)
        if x.shape[-1] != self.projection:
            normal = nn.initializers.normal(1 / math.sqrt(x.shape[-1]))
            x = nn.Dense(
                self.projection,
                kernel_init=normal,
                precision=products.stated(self.precision),
                name="projection",
            )(x)
        return x.reshape(*ids.shape[:-1], self.projection)

    def _maximum(self, i: int, vectors, width: int, number: int):
        """The largest response over all positions; padding characters are included, as in ELMo."""
        bound = nn.initializers.uniform(0.1)

        def centred(key, shape):
            return bound(key, shape, jnp.float32) - 0.05

        kernel = self.param(f"kernel_{i}", centred, (width, self.dim, number))
        bias = self.param(f"bias_{i}", nn.initializers.zeros, (number,), jnp.float32)
        names = ("NWC", "WIO", "NWC")
        responses = lax.conv_general_dilated(
            vectors,
            kernel,
            (1,),
            "VALID",
            dimension_numbers=names,
            precision=products.stated(self.precision),
        )
        return jnp.max(responses, axis=1) + bias[None, :]
