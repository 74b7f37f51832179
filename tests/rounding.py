"""Tolerances in units in the last place (ulps), so that they hold on any machine.

Processors differ in the order of a sum and in whether they round a product before adding it. So
float32 results are compared up to a number of `EPS` times the size of the summands: a sum that
cancels is as inexact as its largest terms.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

EPS = float(np.finfo(np.float32).eps)  # 2^-23: twice the largest relative error of one rounding

# ulps by computation: a sum of n terms is off by about sqrt(n), because errors differ in sign
SUM = 16  # one sum of up to some hundred products, then a root or a division
NETWORK = 32  # nested sums: layers, or time steps in sequence
SOFTMAX = 64  # exponentials: an error of the exponent is a relative error of the result


def close(actual: Any, expected: Any, ulps: float, of: float | None = None) -> None:
    """Raise AssertionError if an entry differs by more than `ulps` x EPS x `of`.

    Args:
        ulps: SUM, NETWORK or SOFTMAX.
        of: the size of the summands; by default the largest expected entry.
    """
    expected = np.asarray(expected)
    size = of if of is not None else float(np.max(np.abs(expected), initial=0.0))
    np.testing.assert_allclose(actual, expected, rtol=0, atol=ulps * EPS * size)


@functools.cache
def converts(dtype: Any) -> bool:
    """Whether XLA can convert a type to float32 here: float16 needs a processor with F16C."""
    try:
        return float(jax.jit(jnp.float32)(np.ones((), dtype))) == 1.0
    except jax.errors.JaxRuntimeError:
        return False
