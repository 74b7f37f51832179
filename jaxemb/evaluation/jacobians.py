"""The Jacobian of a contextualizer: how much each output depends on the other words.

J_{t,s} = d output_t / d input_s, [dim_out, dim]. A static embedder has J_{t,s} = 0 for s != t; a
causal one for s > t, exactly.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxemb.errors import at_least
from jaxemb.functional.ratios import length, root

# vectors [time, dim] -> vectors [time, dim_out]
Layer = Callable[[Any], Any]


def jacobian_norms(
    apply: Layer, vectors: Float[Array, "time dim"]
) -> Float[Array, "time_out time"]:
    """||J_{t,s}||_F for every output t and input s, exactly.

    Rows of blocks are computed one at a time: memory holds one, [dim_out, time, dim].
    """
    outputs, pull = jax.vjp(apply, vectors)
    time, dim = outputs.shape

    def row(t):
        axes = jnp.eye(dim, dtype=outputs.dtype)
        cotangents = jnp.zeros((dim, time, dim), outputs.dtype).at[:, t, :].set(axes)
        (block,) = jax.vmap(pull)(cotangents)
        return length(block, axis=(0, 2))

    return jax.lax.map(row, jnp.arange(time, dtype=jnp.int32))


def sampled_jacobian_norms(
    key: Any, apply: Layer, vectors: Float[Array, "time dim"], probes: int
) -> Float[Array, "time_out time"]:
    """||J_{t,s}||_F from `probes` random signs v for each t: E ||v' J||^2 = ||J||_F^2.

    The squares are unbiased; a norm is too small by a share of at most about 1 / (4 probes).

    Source:
        Hutchinson 1990.
    """
    at_least(1, probes=probes)
    outputs, pull = jax.vjp(apply, vectors)
    time, dim = outputs.shape

    def row(t):
        signs = jax.random.rademacher(jax.random.fold_in(key, t), (probes, dim), outputs.dtype)
        cotangents = jnp.zeros((probes, time, dim), outputs.dtype).at[:, t, :].set(signs)
        (products,) = jax.vmap(pull)(cotangents)
        return root(jnp.sum(jnp.mean(products * products, axis=0), axis=1))

    return jax.lax.map(row, jnp.arange(time, dtype=jnp.int32))


def jacobian_share(
    apply: Layer,
    vectors: Float[Array, "time dim"],
    *,
    key: Any = None,
    probes: int | None = None,
) -> Float[Array, " time"]:
    """sum_{s != t} ||J_{t,s}||_F / sum_s ||J_{t,s}||_F for every output t; 0 for a static map.

    Args:
        apply: vectors [time, dim] of ONE sentence -> vectors [time, dim_out].
        probes: estimate from so many random probes of each output instead of its dim_out rows, for
            long sentences and wide outputs.
        key: for the probes; `jax.random.key(0)` by default.

    Returns:
        NaN for an output that depends on no input.
    """
    if probes is None:
        norms = jacobian_norms(apply, vectors)
    else:
        key = jax.random.key(0) if key is None else key
        norms = sampled_jacobian_norms(key, apply, vectors, probes)
    whole = jnp.sum(norms, axis=1)
    others = jnp.sum(jnp.where(jnp.eye(len(norms), dtype=bool), 0.0, norms), axis=1)
    return jnp.where(whole > 0, others / jnp.where(whole > 0, whole, 1.0), jnp.nan)
