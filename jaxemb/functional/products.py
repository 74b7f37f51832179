"""Matrix products whose derivatives are as fast as the products.

The derivative of a product by its right factor contracts over the rows of both others, and XLA's
CPU code for that runs at half the rate. With one factor transposed first it runs at the whole rate:
8 % of a skip-gram step, a quarter of a CBOW step (docs/speed.md). The barrier keeps XLA from
folding the transpose back into the product.
"""

from typing import Any

import jax
from jaxtyping import Array, Float

_TRANSPOSED = (((0,), (0,)), ((), ()))  # left.T @ right


def stated(precision: Any = None) -> Any:
    """The precision of products of a language model: float32, unless another is stated.

    A context `jax.default_matmul_precision("high")` states one: on a TPU `default` rounds factors
    to bfloat16 and `high` takes three passes; on an NVIDIA GPU both round factors to
    TensorFloat-32, of 10 bits; a CPU computes in float32 whatever is stated. `highest` is float32
    everywhere.

    Args:
        precision: stated by the caller; None asks the context.
    """
    context = jax.config.jax_default_matmul_precision  # pyright: ignore[reportAttributeAccessIssue]
    return precision or context or jax.lax.Precision.HIGHEST


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
