"""Two stacks of LSTMs: ELMo's, with projection and clips, and the plain one."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxemb.contextual import bilm, recurrence
from jaxemb.contextual.cells import Cell, affine, uniform
from jaxemb.contextual.recurrence import Carry, Rule, Weights
from jaxemb.structs import Contextualizer

CLIP = 3.0  # ELMo's bound on the entries of cell states and projections


def lstm(
    dim: int, units: int = 256, layers: int = 2, skip: bool = True, dropout: float = 0.0
) -> Contextualizer:
    """ELMo's: LSTMs of `units` units, a projection to `dim`, and both clips at 3.

    Args:
        dim: the dimension of the vectors that are read, and of each direction's layers.
        units: the units of a cell.
        layers, skip, dropout: as in `bilm.BiLM`.

    Source:
        Peters et al. 2018, arXiv:1802.05365, section 3.1.
    """
    cell = lstm_cell(units, dim, cell_clip=CLIP, projection_clip=CLIP)
    return bilm.of_cells(cell, layers, skip, dropout)


def plain_lstm(
    dim: int, layers: int = 2, skip: bool = True, dropout: float = 0.0
) -> Contextualizer:
    """LSTMs of `dim` units without projection or clips; arguments as in `lstm`."""
    return bilm.of_cells(lstm_cell(dim), layers, skip, dropout)


class LSTM(NamedTuple):
    """The weights of an LSTM; the order of the gates is i, j, f, o."""

    kernel: Any  # [dim, 4 cell]
    bias: Any  # [4 cell]
    recurrent: Any  # [out, 4 cell]
    projection: Any  # [cell, out], or None


def lstm_cell(
    cell: int,
    projection: int | None = None,
    *,
    cell_clip: float | None = None,
    projection_clip: float | None = None,
    forget_bias: float = 1.0,
    recur: Callable[..., Any] = recurrence.fast,
    precision: Any = None,
) -> Cell:
    """An LSTM of `cell` units; with a projection it is ELMo's.

    Args:
        cell: the number of units.
        projection: the dimension of the output; None for an output of `cell` dimensions, without
            a projection.
        cell_clip: bound on the absolute values of the cell state; None for no clip.
        projection_clip: bound on the absolute values of a projected output; None for no clip.
        forget_bias: added to the forget gate.
        recur: `recurrence.fast`, or `recurrence.plain`, which gives the same result.
        precision: of all matrix products; None: `products.stated()`.
    """
    out = projection or cell

    def init(key, dim: int) -> LSTM:
        keys = jax.random.split(key, 3)
        return LSTM(
            uniform(keys[0], dim, 4 * cell),
            jnp.zeros(4 * cell, jnp.float32),
            uniform(keys[1], out, 4 * cell),
            uniform(keys[2], cell, out) if projection else None,
        )

    def start(batch: tuple[int, ...]) -> Carry:
        return Carry(*(jnp.zeros((*batch, size), jnp.float32) for size in (cell, out)))

    def run(params: LSTM, vectors, mask, reset, carry: Carry, reverse: bool = False):
        rule = Rule(cell_clip, projection_clip, forget_bias, reverse, precision)
        gates = affine(vectors, params.kernel, params.bias, precision)
        return recur(rule, Weights(params.recurrent, params.projection), gates, mask, reset, carry)

    return Cell(init, start, run, out)
