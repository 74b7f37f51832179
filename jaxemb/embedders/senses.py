"""Several vectors for each word, and context to weigh them."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key

from jaxemb.embedders.changes import Change
from jaxemb.errors import at_least


class Senses(NamedTuple):
    """For each sense of each word: where it lies from the word's vector, and when it is meant."""

    offsets: Float[Array, "vocab senses dim"]  # S_wk = a_w + offsets_wk
    keys: Float[Array, "vocab senses context"]


def sense_mixture(vocab: int, senses: int) -> Change:
    """sum_k pi_k(c_t) S_wk, S_wk = a_w + offset_wk, for tokens that are ids of `vocab` words.

    pi lies on the simplex, so a word stays within the convex hull of its senses; with one sense it
    is static. Starts as A up to rounding, with keys at random so that senses may part.

    Raises:
        InputError: fewer than one word or sense.

    Source:
        Neelakantan et al. 2014, arXiv:1504.06654, with a softmax where a sense was chosen.
    """
    at_least(1, vocab=vocab, senses=senses)

    def init(key: Key[Array, ""], dim: int, context: int) -> Senses:
        keys = jax.random.normal(key, (vocab, senses, context), jnp.float32) * context**-0.5
        return Senses(jnp.zeros((vocab, senses, dim), jnp.float32), keys)

    def apply(params: Senses, vectors, context, tokens):
        pi = sense_weights(params, context, tokens)
        return vectors + jnp.sum(pi[:, :, None] * params.offsets[tokens], axis=1)

    return Change(init, apply)


def sense_weights(
    params: Senses, context: Float[Array, "time context"], tokens: Int[Array, " time"]
) -> Float[Array, "time senses"]:
    """pi_k = softmax_k(key_wk . c_t): how much of each sense of a word its context means."""
    return jax.nn.softmax(jnp.sum(params.keys[tokens] * context[:, None, :], axis=2), axis=1)
