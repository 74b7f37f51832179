"""Two stacks of minGRUs: gates that read the input alone, so that a text is read in parallel."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxemb.contextual import bilm, linear_recurrence
from jaxemb.contextual.cells import Cell, affine, uniform
from jaxemb.functional import products
from jaxemb.structs import Contextualizer


def mingru(
    dim: int, units: int = 256, layers: int = 2, skip: bool = True, dropout: float = 0.0
) -> Contextualizer:
    """minGRUs of `units` units and a projection to `dim`; arguments as in `lstms.lstm`."""
    return bilm.of_cells(mingru_cell(units, dim), layers, skip, dropout)


class MinGRU(NamedTuple):
    """The weights of a minGRU."""

    kernel: Any  # [dim, 2 units]: of the gate z, then of the candidate
    bias: Any  # [2 units]
    projection: Any  # [units, out]


def mingru_cell(units: int, out: int, *, precision: Any = None) -> Cell:
    """A minGRU: z = sigma(W_z x + b_z), h' = (1 - z) h + z (W x + b); its output is h' P.

    Args:
        units: the number of units.
        out: the dimension of the output, to which the units are projected.
        precision: of all matrix products; None: `products.stated()`.

    Source:
        Feng et al. 2024, arXiv:2410.01201, section 3.1; the projection follows the recurrence, as
        in its blocks.
    """

    def init(key, dim: int) -> MinGRU:
        keys = jax.random.split(key)
        kernel, projection = uniform(keys[0], dim, 2 * units), uniform(keys[1], units, out)
        return MinGRU(kernel, jnp.zeros(2 * units, jnp.float32), projection)

    def start(batch: tuple[int, ...]):
        return jnp.zeros((*batch, units), jnp.float32)

    def run(params: MinGRU, vectors, mask, reset, carry, reverse: bool = False):
        if reverse:
            vectors, mask, reset = vectors[::-1], mask[::-1], reset[::-1]
        gates = affine(vectors, params.kernel, params.bias, precision)
        z, new = jax.nn.sigmoid(gates[..., :units]) * mask[..., None], gates[..., units:]
        kept = (1 - z) * (1 - reset * mask)[..., None]  # padding keeps the state
        states = linear_recurrence.parallel(kept, z * new, carry)
        outputs = jnp.matmul(states, params.projection, precision=products.stated(precision))
        outputs = outputs * mask[..., None]
        last = states[-1] if len(states) else carry
        return outputs[::-1] if reverse else outputs, last

    return Cell(init, start, run, out)
