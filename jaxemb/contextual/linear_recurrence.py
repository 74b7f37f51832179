"""The recurrence h_t = a_t h_(t-1) + b_t in parallel over time, with its derivative.

The derivative is the same recurrence in the other direction, so that training stores states and
coefficients alone, and no levels of the scan.

Source:
    Blelloch 1990, "Prefix sums and their applications", section 1.4; its derivative: Martin and
    Cundy 2018, arXiv:1709.04057, section 2.2.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float


def plain(
    a: Float[Array, "time *rest"], b: Float[Array, "time *rest"], first: Float[Array, "*rest"]
) -> Float[Array, "time *rest"]:
    """The definition: every h_t, one position after another, from `first` before the text."""

    def step(h, coefficients):
        new = coefficients[0] * h + coefficients[1]
        return new, new

    return lax.scan(step, first, (a, b))[1]


def parallel(
    a: Float[Array, "time *rest"], b: Float[Array, "time *rest"], first: Float[Array, "*rest"]
) -> Float[Array, "time *rest"]:
    """`plain` in a number of steps that grows with the logarithm of the length."""
    return _states(a, b.at[:1].add(a[:1] * first[None])) if len(a) else b


def _combined(left: tuple[Any, Any], right: tuple[Any, Any]) -> tuple[Any, Any]:
    """The map h -> a h + b of two stretches of text, one after the other."""
    return left[0] * right[0], right[0] * left[1] + right[1]


@jax.custom_vjp
def _states(a: Any, b: Any) -> Any:
    return lax.associative_scan(_combined, (a, b))[1]


def _forward(a: Any, b: Any) -> tuple[Any, Any]:
    states = _states(a, b)
    return states, (a, states)


def _backward(residuals: tuple[Any, Any], d_states: Any) -> tuple[Any, Any]:
    a, states = residuals
    # d_b_t = d_states_t + a_(t+1) d_b_(t+1)
    later = jnp.concatenate([a[1:], jnp.zeros_like(a[:1])])
    d_b = lax.associative_scan(_combined, (later, d_states), reverse=True)[1]
    before = jnp.concatenate([jnp.zeros_like(states[:1]), states[:-1]])
    return d_b * before, d_b


_states.defvjp(_forward, _backward)
