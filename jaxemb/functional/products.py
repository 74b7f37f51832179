"""Matrix products of a stated precision, and those whose derivatives are as fast as the products.

The derivative of a product by its right factor contracts over the rows of both others, and XLA's
CPU code for that runs at half the rate. With one factor transposed first it runs at the whole rate:
8 % of a skip-gram step, a quarter of a CBOW step (docs/speed.md). The barrier keeps XLA from
folding the transpose back into the product.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

_TRANSPOSED = (((0,), (0,)), ((), ()))  # left.T @ right


def stated(precision: Any = None) -> Any:
    """The precision of products of a language model: float32, unless another is stated.

    A context `jax.default_matmul_precision("high")` states one: on a TPU `default` rounds factors
    to bfloat16 and `high` takes three passes; on an NVIDIA GPU both round factors to
    TensorFloat-32, of 10 bits; a CPU computes in float32 whatever is stated. `highest` is float32
    everywhere. `bfloat16` rounds factors to it and sums in float32, on every platform: `matmul`,
    `einsum` and `dot_general` know it.

    Args:
        precision: stated by the caller; None asks the context.
    """
    context = jax.config.jax_default_matmul_precision  # pyright: ignore[reportAttributeAccessIssue]
    return precision or context or jax.lax.Precision.HIGHEST


def matmul(left: Any, right: Any, precision: Any = None) -> Any:
    """`jnp.matmul` at `stated(precision)`."""
    return _at(stated(precision), jnp.matmul, left, right)


def einsum(formula: str, left: Any, right: Any, precision: Any = None) -> Any:
    """`jnp.einsum` of two arrays at `stated(precision)`."""
    return _at(stated(precision), functools.partial(jnp.einsum, formula), left, right)


def dot_general(left: Any, right: Any, dimensions: Any, precision: Any = None, **how: Any) -> Any:
    """`jax.lax.dot_general` at `stated(precision)`, for layers of Flax."""
    product = functools.partial(jax.lax.dot_general, dimension_numbers=dimensions, **how)
    return _at(stated(precision), product, left, right)


def _at(precision: Any, product: Any, left: Any, right: Any) -> Any:
    if precision != "bfloat16":
        return product(left, right, precision=precision)
    # the algorithm tells accelerators to multiply bfloat16; a CPU multiplies what is rounded here
    return _summed(product(_factor(left), _factor(right), precision="BF16_BF16_F32"))


def _short(x: Any) -> Any:
    return jax.lax.reduce_precision(x, exponent_bits=8, mantissa_bits=7)


# a derivative of a product is a product: its factors are rounded, and its sums are not
_factor, _summed = jax.custom_jvp(_short), jax.custom_jvp(lambda x: x)
_factor.defjvp(lambda primals, tangents: (_factor(*primals), *tangents))
_summed.defjvp(lambda primals, tangents: (*primals, _short(*tangents)))


@jax.custom_jvp
def scores(
    hidden: Float[Array, "centers dim"], outputs: Float[Array, "outputs dim"]
) -> Float[Array, "centers outputs"]:
    """hidden @ outputs.T: the score of every output for every center."""
    return hidden @ outputs.T


@scores.defjvp
def _scores_jvp(primals, tangents):
    hidden, outputs = primals
    hidden_tangent, outputs_tangent = tangents
    turned = jax.lax.optimization_barrier(outputs_tangent @ hidden.T)
    return scores(hidden, outputs), hidden_tangent @ outputs.T + turned.T


@jax.custom_jvp
def sums(
    mask: Float[Array, "centers rows"], rows: Float[Array, "rows dim"]
) -> Float[Array, "centers dim"]:
    """mask @ rows: the sum of each center's rows."""
    return mask @ rows


@sums.defjvp
def _sums_jvp(primals, tangents):
    mask, rows = primals
    mask_tangent, rows_tangent = tangents
    turned = jax.lax.optimization_barrier(mask.T)
    return sums(mask, rows), mask_tangent @ rows + jax.lax.dot_general(
        turned, rows_tangent, _TRANSPOSED
    )
