"""Tolerances in units of the last place of what is compared, so that they hold on any machine.

Which sums a processor's vectors form, and whether it rounds a product before it adds it, differs
from one to the next. So float32 results are compared to a number of `EPS`, times the size of what
was added up: a sum that cancels is as inexact as its largest terms.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

EPS = float(np.finfo(np.float32).eps)  # 2^-23: twice what one rounding changes, at most

# how many, by what was computed: a sum of n terms has some sqrt(n), for errors differ in sign
SUM = 16  # one sum of up to some hundred products, and a root or a division after it
NETWORK = 32  # sums in sums: layers, and a step of time after the other
SOFTMAX = 64  # exponentials: an error in the exponent, of sums, is a relative one of the result


def close(found: Any, expected: Any, ulps: float, of: float | None = None) -> None:
    """Raises AssertionError where an entry is off by more than `ulps` x EPS x `of`.

    Args:
        ulps: SUM, NETWORK or SOFTMAX.
        of: the size of what was added up; by default the largest entry expected.
    """
    expected = np.asarray(expected)
    size = of if of is not None else float(np.max(np.abs(expected), initial=0.0))
    np.testing.assert_allclose(found, expected, rtol=0, atol=ulps * EPS * size)


@functools.cache
def converts(dtype: Any) -> bool:
    """Whether XLA has a program here that reads numbers of a type: none of float16 below F16C."""
    try:
        return float(jax.jit(jnp.float32)(np.ones((), dtype))) == 1.0
    except jax.errors.JaxRuntimeError:
        return False
