"""One-hot vectors: n words as the n rows of the identity matrix."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int


def one_hot(ids: Int[Array, "..."], vocab: int) -> Float[Array, "... vocab"]:
    """One-hot vectors: for every id, its row of the identity matrix [vocab, vocab].

    `one_hot(ids, vocab) @ table == table[ids]`, bit for bit, for finite tables: every product
    but one is with 0. (Not with NaN or infinity in any row: 0 * NaN is NaN.)

    Args:
        ids: word ids; an id outside [0, vocab) gives a row of zeros.
        vocab: the number of words, m.
    """
    return jax.nn.one_hot(ids, vocab, dtype=jnp.float32)
