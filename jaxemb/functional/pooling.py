"""Pooling of the rows of a window to the vector that predicts: the mean, with two gradients."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxemb.functional import products


def mean(
    rows: Float[Array, "rows dim"], mask: Float[Array, "centers rows"]
) -> Float[Array, "centers dim"]:
    """The mean of each center's rows, with its exact gradient; 0 for a center without rows.

    Args:
        rows: the vectors of all words of a block.
        mask: 1 where a row is in a center's window, else 0.
    """
    # XLA turns some divisions into products, so the last bit of one would depend on the program
    return products.sums(mask, rows) * (1.0 / _count(mask))


@jax.custom_jvp
def mean_word2vec(
    rows: Float[Array, "rows dim"], mask: Float[Array, "centers rows"]
) -> Float[Array, "centers dim"]:
    """The mean, with the gradient of the sum, as word2vec.c, gensim and fastText apply it.

    Every row of the window receives the whole error and not its share, so it is not the gradient
    of any loss. With it the input table learns about as fast as the output table.

    Source:
        github tmikolov/word2vec, word2vec.c, the CBOW branch of TrainModelThread.
    """
    return mean(rows, mask)


@mean_word2vec.defjvp
def _mean_word2vec_jvp(primals, tangents):
    rows, mask = primals
    return mean(rows, mask), products.sums(mask, tangents[0])


def _count(mask):
    return jnp.maximum(jnp.sum(mask, axis=-1, keepdims=True), 1.0)
