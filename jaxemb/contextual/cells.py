"""A recurrent layer in one direction, and what its members share."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxemb.functional import products


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


def affine(vectors: Any, kernel: Any, bias: Any, precision: Any) -> Any:
    """The affine map of all positions, as one large product before the scan."""
    rows = vectors.reshape(math.prod(vectors.shape[:-1]), vectors.shape[-1])
    gates = jnp.matmul(rows, kernel, precision=products.stated(precision)) + bias[None, :]
    return gates.reshape(*vectors.shape[:-1], kernel.shape[1])


def uniform(key: Any, rows: int, columns: int) -> Any:
    """A uniform matrix of variance 1 / rows, which maps unit inputs to outputs of about one."""
    bound = math.sqrt(3 / rows)
    return jax.random.uniform(key, (rows, columns), jnp.float32, -bound, bound)
