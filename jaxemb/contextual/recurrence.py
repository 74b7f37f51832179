"""The LSTM recurrence with projection and clips, as a scan over time with an explicit carry.

The products with the inputs are computed before the scan (`gates`). `plain` is the definition,
differentiated by JAX. `fast` computes the same with a custom derivative: the weight gradients are
two large products after the backward scan instead of sums within it, and little is saved for it. A
test holds both derivatives equal.

Source:
    Hochreiter and Schmidhuber 1997; projection: Sak et al. 2014, arXiv:1402.1128; clips and gate
    order: ELMo's TensorFlow weights (Peters et al. 2018, arXiv:1802.05365).
"""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from jaxemb.functional import products


class Weights(NamedTuple):
    """Recurrent weights: from the output to the gates i, j, f, o; from the cell to the output."""

    recurrent: Float[Array, "out gates"]
    projection: Float[Array, "cell out"] | None


class Rule(NamedTuple):
    """The constants of a recurrence; a clip of None does not clip."""

    cell_clip: float | None = None
    projection_clip: float | None = None  # of a projected output only, as in TensorFlow
    forget_bias: float = 1.0  # added to f when it is used, not part of the weights
    reverse: bool = False  # reads from the last position to the first
    precision: Any = None  # of all products; None: `products.stated()`


class Carry(NamedTuple):
    """The state that a step passes to the next."""

    cell: Float[Array, "*batch cell"]
    out: Float[Array, "*batch out"]


def plain(
    rule: Rule, weights: Weights, gates: Any, mask: Any, reset: Any, carry: Carry
) -> tuple[Array, Carry]:
    """Run the recurrence over time: outputs and the last carry.

    Args:
        rule: see `Rule`.
        weights: see `Weights`.
        gates: [time, *batch, 4 cell]: inputs times their kernel, plus the bias.
        mask: [time, *batch], 1 at tokens. Elsewhere the carry stays and the output is 0.
        reset: [time, *batch], 1 where a token is read from a state of zeros.
        carry: the state before the first token.

    Returns:
        outputs [time, *batch, out], and the carry after the last token.
    """

    def step(carry: Carry, inputs: tuple[Any, ...]) -> tuple[Carry, Any]:
        new, _ = _step(rule, weights, carry, *inputs)
        return new, new.out

    last, out = lax.scan(step, carry, (gates, mask, reset), reverse=rule.reverse)
    # masked here, as in `_forward`: vmap wants the batch on the same axis of both results
    return out * mask[..., None], last


def _step(rule: Rule, weights: Weights, carry: Carry, gates: Any, mask: Any, reset: Any):
    """The next carry, and the gates after their nonlinearities."""
    before = _begun(carry, reset)
    product = functools.partial(products.matmul, precision=rule.precision)
    i, j, f, o = jnp.split(gates + product(before.out, weights.recurrent), 4, axis=-1)
    i, j, o = jax.nn.sigmoid(i), jnp.tanh(j), jax.nn.sigmoid(o)
    f = jax.nn.sigmoid(f + rule.forget_bias)
    cell = _clip(f * before.cell + i * j, rule.cell_clip)
    out = o * jnp.tanh(cell)
    if weights.projection is not None:
        out = _clip(product(out, weights.projection), rule.projection_clip)
    is_token = mask[..., None] > 0
    new = Carry(jnp.where(is_token, cell, carry.cell), jnp.where(is_token, out, carry.out))
    return new, jnp.concatenate([i, j, f, o], axis=-1)


def _begun(carry: Carry, reset: Any) -> Carry:
    return Carry(*(state * (1 - reset)[..., None] for state in carry))


def _clip(x: Any, bound: float | None) -> Any:
    return x if bound is None else jnp.clip(x, -bound, bound)


def fast(
    rule: Rule, weights: Weights, gates: Any, mask: Any, reset: Any, carry: Carry
) -> tuple[Array, Carry]:
    """`plain`, with the weight gradients of its derivative computed outside the scan."""
    return _fast(rule, weights, gates, mask, reset, carry)


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _fast(rule: Rule, weights: Weights, gates: Any, mask: Any, reset: Any, carry: Carry):
    return plain(rule, weights, gates, mask, reset, carry)


def _forward(rule: Rule, weights: Weights, gates: Any, mask: Any, reset: Any, carry: Carry):
    def step(carry: Carry, inputs: tuple[Any, ...]):
        new, used = _step(rule, weights, carry, *inputs)
        return new, (new, used)

    # on CPUs XLA writes what a scan stacks twice: outputs and earlier states are not stacked
    last, (states, used) = lax.scan(step, carry, (gates, mask, reset), reverse=rule.reverse)
    return (states.out * mask[..., None], last), (weights, mask, reset, carry, states, used)


def _backward(rule: Rule, residuals: tuple[Any, ...], cotangents: tuple[Any, ...]):
    weights, mask, reset, carry, states, used = residuals
    d_outputs, d_last = cotangents
    # the scan reads the transposes by rows: make them once, not in every step
    turned = jax.tree.map(lambda w: lax.optimization_barrier(w.T), weights)
    before = _begun(jax.tree.map(functools.partial(_earlier, rule), carry, states), reset)
    step = functools.partial(_step_back, rule, turned)
    inputs = (d_outputs, mask, reset, states, before.cell, used)
    d_carry, (d_gates, d_out) = lax.scan(step, d_last, inputs, reverse=not rule.reverse)
    d_projection = None
    if weights.projection is not None:
        inner = jnp.split(used, 4, axis=-1)[3] * jnp.tanh(states.cell)
        d_projection = _summed(rule, inner, d_out)
    return Weights(_summed(rule, before.out, d_gates), d_projection), d_gates, None, None, d_carry


def _earlier(rule: Rule, first: Any, states: Any) -> Any:
    """The state before each step, given the state before the first and those after each step."""
    parts = [states[1:], first[None]] if rule.reverse else [first[None], states[:-1]]
    return jnp.concatenate(parts)


def _step_back(rule: Rule, turned: Weights, d_carry: Carry, inputs: tuple[Any, ...]):
    d_output, mask, reset, (cell, out), cell_before, used = inputs
    is_token = mask[..., None] > 0
    product = functools.partial(products.matmul, precision=rule.precision)
    i, j, f, o = jnp.split(used, 4, axis=-1)
    d_out = jnp.where(is_token, d_carry.out + d_output, 0.0)
    inner = d_out
    if turned.projection is not None:
        d_out = d_out * _inside(out, rule.projection_clip)
        inner = product(d_out, turned.projection)
    squashed = jnp.tanh(cell)
    d_cell = jnp.where(is_token, d_carry.cell, 0.0) + inner * o * (1 - squashed * squashed)
    d_cell = d_cell * _inside(cell, rule.cell_clip)
    d_gates = jnp.concatenate(
        [
            d_cell * j * i * (1 - i),
            d_cell * i * (1 - j * j),
            d_cell * cell_before * f * (1 - f),
            inner * squashed * o * (1 - o),
        ],
        axis=-1,
    )
    kept = (1 - reset)[..., None]
    d_before = Carry(
        jnp.where(is_token, d_cell * f * kept, d_carry.cell),
        jnp.where(is_token, product(d_gates, turned.recurrent) * kept, d_carry.out),
    )
    return d_before, (d_gates, None if turned.projection is None else d_out)


def _inside(clipped: Any, bound: float | None) -> Any:
    return 1.0 if bound is None else (jnp.abs(clipped) < bound).astype(clipped.dtype)


def _summed(rule: Rule, left: Any, right: Any) -> Any:
    """The sum over time and batch of left^T right, as one product."""
    rows = left.reshape(-1, left.shape[-1]), right.reshape(-1, right.shape[-1])
    return products.matmul(rows[0].T, rows[1], rule.precision)


_fast.defvjp(_forward, _backward)
