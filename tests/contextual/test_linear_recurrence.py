"""h = a h + b in parallel. Oracles: one step after another in float64; JAX's own derivative."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxemb.contextual import linear_recurrence
from tests.rounding import close


def _drawn(time: int, *rest: int):
    random = np.random.default_rng(time)
    a, b = random.uniform(0, 1, (time, *rest)), random.normal(size=(time, *rest))
    return tuple(jnp.asarray(x, jnp.float32) for x in (a, b, random.normal(size=rest)))


@pytest.mark.parametrize("shape", [(0, 2), (1, 3), (7, 2, 3), (33, 1)])
def test_every_state_is_that_of_one_step_after_another(shape):
    a, b, first = _drawn(*shape)
    h, expected = np.float64(first), []
    for t in range(shape[0]):
        h = np.float64(a[t]) * h + np.float64(b[t])
        expected.append(h)
    expected = np.array(expected).reshape(shape)
    for rule in (linear_recurrence.plain, linear_recurrence.parallel):
        close(jax.jit(rule)(a, b, first), expected, ulps=64)  # sums of 33 terms


@pytest.mark.parametrize("shape", [(1, 3), (9, 2)])
def test_its_derivative_is_that_of_one_step_after_another(shape):
    arguments, weight = _drawn(*shape), jnp.asarray(np.random.default_rng(1).normal(size=shape))

    def slopes(rule):
        loss = lambda *own: jnp.sum(jnp.sin(rule(*own)) * weight.astype(jnp.float32))  # noqa: E731
        return jax.jit(jax.grad(loss, argnums=(0, 1, 2)))(*arguments)

    for ours, theirs in zip(
        slopes(linear_recurrence.parallel), slopes(linear_recurrence.plain), strict=True
    ):
        close(ours, theirs, ulps=64)
