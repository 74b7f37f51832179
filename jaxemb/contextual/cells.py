"""Recurrent cells as pure functions: the LSTM, with ELMo's projection and clips, and the GRU."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from jaxemb.contextual import recurrence
from jaxemb.contextual.recurrence import Carry, Rule, Weights


class Cell(NamedTuple):
    """A recurrent layer in one direction.

    init(key, dim) -> params                   `dim` is that of the input vectors
    start(batch) -> carry                      zeros, for a batch of shape `batch`
    run(params, vectors, mask, reset, carry, reverse) -> (outputs, carry)

    vectors [time, *batch, dim]; mask and reset [time, *batch]; outputs [time, *batch, out], zero
    where the mask is zero. `reset` is 1 where a token is read from a state of zeros.
    """

    init: Callable[..., Any]
    start: Callable[..., Any]
    run: Callable[..., tuple[Any, Any]]
    out: int


class LSTM(NamedTuple):
    """The weights of an LSTM; the order of the gates is i, j, f, o."""

    kernel: Any  # [dim, 4 cell]
    bias: Any  # [4 cell]
    recurrent: Any  # [out, 4 cell]
    projection: Any  # [cell, out], or None


def lstm(
    cell: int,
    projection: int | None = None,
    *,
    cell_clip: float | None = None,
    projection_clip: float | None = None,
    forget_bias: float = 1.0,
    recur: Callable[..., Any] = recurrence.fast,
    precision: lax.Precision = lax.Precision.HIGHEST,
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
        precision: of all matrix products.
    """
    out = projection or cell

    def init(key, dim: int) -> LSTM:
        keys = jax.random.split(key, 3)
        return LSTM(
            _uniform(keys[0], dim, 4 * cell),
            jnp.zeros(4 * cell, jnp.float32),
            _uniform(keys[1], out, 4 * cell),
            _uniform(keys[2], cell, out) if projection else None,
        )

    def start(batch: tuple[int, ...]) -> Carry:
        return Carry(*(jnp.zeros((*batch, size), jnp.float32) for size in (cell, out)))

    def run(params: LSTM, vectors, mask, reset, carry: Carry, reverse: bool = False):
        rule = Rule(cell_clip, projection_clip, forget_bias, reverse, precision)
        gates = _affine(vectors, params.kernel, params.bias, precision)
        return recur(rule, Weights(params.recurrent, params.projection), gates, mask, reset, carry)

    return Cell(init, start, run, out)


class GRU(NamedTuple):
    """The weights of a GRU; the order of the gates is r, z, n."""

    kernel: Any  # [dim, 3 out]
    bias: Any  # [3 out]
    recurrent: Any  # [out, 3 out]
    recurrent_bias: Any  # [out]: of gate n only, inside the product with r


def gru(out: int, *, precision: lax.Precision = lax.Precision.HIGHEST) -> Cell:
    """A GRU: r, z = sigma(..), n = tanh(W x + r (U h + b)), h' = (1 - z) n + z h.

    Source:
        Cho et al. 2014, arXiv:1406.1078, in the form of cuDNN and PyTorch.
    """

    def init(key, dim: int) -> GRU:
        keys = jax.random.split(key)
        kernel, recurrent = _uniform(keys[0], dim, 3 * out), _uniform(keys[1], out, 3 * out)
        bias, recurrent_bias = (jnp.zeros(size, jnp.float32) for size in (3 * out, out))
        return GRU(kernel, bias, recurrent, recurrent_bias)

    def start(batch: tuple[int, ...]):
        return jnp.zeros((*batch, out), jnp.float32)

    def run(params: GRU, vectors, mask, reset, carry, reverse: bool = False):
        gates = _affine(vectors, params.kernel, params.bias, precision)
        bias = jnp.broadcast_to(params.recurrent_bias, carry.shape)

        def step(h, inputs):
            x, is_token, fresh = inputs[0], inputs[1][..., None] > 0, inputs[2][..., None]
            before = h * (1 - fresh)
            product = jnp.matmul(before, params.recurrent, precision=precision)
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


def _affine(vectors, kernel, bias, precision):
    """The affine map of all positions, as one large product before the scan."""
    rows = vectors.reshape(math.prod(vectors.shape[:-1]), vectors.shape[-1])
    gates = jnp.matmul(rows, kernel, precision=precision) + bias[None, :]
    return gates.reshape(*vectors.shape[:-1], kernel.shape[1])


def _uniform(key, rows: int, columns: int):
    """A uniform matrix of variance 1 / rows, which maps unit inputs to outputs of about one."""
    bound = math.sqrt(3 / rows)
    return jax.random.uniform(key, (rows, columns), jnp.float32, -bound, bound)
