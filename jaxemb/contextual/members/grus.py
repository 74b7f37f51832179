"""Two stacks of GRUs."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from jaxemb.contextual import bilm
from jaxemb.contextual.cells import Cell, affine, uniform
from jaxemb.functional import products
from jaxemb.structs import Contextualizer


def gru(dim: int, layers: int = 2, skip: bool = True, dropout: float = 0.0) -> Contextualizer:
    """GRUs of `dim` units; arguments as in `lstms.lstm`."""
    return bilm.of_cells(gru_cell(dim), layers, skip, dropout)


class GRU(NamedTuple):
    """The weights of a GRU; the order of the gates is r, z, n."""

    kernel: Any  # [dim, 3 out]
    bias: Any  # [3 out]
    recurrent: Any  # [out, 3 out]
    recurrent_bias: Any  # [out]: of gate n only, inside the product with r


def gru_cell(out: int, *, precision: Any = None) -> Cell:
    """A GRU: r, z = sigma(..), n = tanh(W x + r (U h + b)), h' = (1 - z) n + z h.

    Source:
        Cho et al. 2014, arXiv:1406.1078, in the form of cuDNN and PyTorch.
    """

    def init(key, dim: int) -> GRU:
        keys = jax.random.split(key)
        kernel, recurrent = uniform(keys[0], dim, 3 * out), uniform(keys[1], out, 3 * out)
        bias, recurrent_bias = (jnp.zeros(size, jnp.float32) for size in (3 * out, out))
        return GRU(kernel, bias, recurrent, recurrent_bias)

    def start(batch: tuple[int, ...]):
        return jnp.zeros((*batch, out), jnp.float32)

    def run(params: GRU, vectors, mask, reset, carry, reverse: bool = False):
        gates = affine(vectors, params.kernel, params.bias, precision)
        bias = jnp.broadcast_to(params.recurrent_bias, carry.shape)

        def step(h, inputs):
            x, is_token, fresh = inputs[0], inputs[1][..., None] > 0, inputs[2][..., None]
            before = h * (1 - fresh)
            product = jnp.matmul(before, params.recurrent, precision=products.stated(precision))
            r, z = (
                jax.nn.sigmoid(
                    x[..., k * out : (k + 1) * out] + product[..., k * out : (k + 1) * out]
                )
                for k in range(2)
            )
            n = jnp.tanh(x[..., 2 * out :] + r * (product[..., 2 * out :] + bias))
            new = (1 - z) * n + z * before
            return jnp.where(is_token, new, h), jnp.where(is_token, new, 0.0)

        last, outputs = lax.scan(step, carry, (gates, mask, reset), reverse=reverse)
        return outputs, last

    return Cell(init, start, run, out)
