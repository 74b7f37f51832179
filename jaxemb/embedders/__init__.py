"""Embedders map tokens to vectors; one-hot, lookup and contextual embedders share one type.

One-hot has no parameters; a lookup has a table. `contextual` turns either into an embedder whose
vectors depend on the sentence (docs/contextual.md), and `static_from_mean` turns contextual vectors
back into a table. An embedder takes one sentence; `jax.vmap` gives a batch.

    contextual(static, bilm, reading)          switch: the reading replaces the vectors
    contextual(static, bilm, reading, change)  change: the reading modifies the vectors
    changed(static, context, change)           change, with any embedder as the context

The biLM is an argument, so that this package imports no library of neural networks.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from jaxemb.embedders.changes import (
    Change,
    Senses,
    additive,
    concat,
    gate,
    rotation,
    sense_mixture,
    sense_weights,
    switch,
)
from jaxemb.embedders.in_context import Changed, Contextual, changed, contextual, frozen
from jaxemb.embedders.layers import Mix, Reading, layer, mix, mix_without_static, top
from jaxemb.embedders.to_static import faded, static_from_component, static_from_mean
from jaxemb.functional import onehot
from jaxemb.structs import Embedder

__all__ = [
    "Change",
    "Changed",
    "Contextual",
    "Mix",
    "Reading",
    "Senses",
    "additive",
    "changed",
    "concat",
    "contextual",
    "faded",
    "frozen",
    "gate",
    "layer",
    "lookup",
    "mix",
    "mix_without_static",
    "one_hot",
    "rotation",
    "sense_mixture",
    "sense_weights",
    "static_from_component",
    "static_from_mean",
    "switch",
    "top",
]


def one_hot(vocab: int) -> Embedder:
    """An embedder with one axis a word: `vocab` orthogonal unit vectors in `vocab` dimensions."""

    def init(key: Key[Array, ""]) -> tuple[()]:
        del key
        return ()

    def apply(params, tokens, mask, key=None):
        del params, key
        return onehot.one_hot(tokens, vocab) * mask[:, None]

    return Embedder(init, apply)


def lookup(vocab: int, dim: int) -> Embedder:
    """An embedder whose only parameter is a table [vocab, dim], with one row a word.

    `init` draws it normal with variance 1/dim, so that vectors have length about 1. To use a
    trained table: `lookup(*table.shape).apply(table, ids, mask)`.
    """

    def init(key: Key[Array, ""]) -> Float[Array, "vocab dim"]:
        return jax.random.normal(key, (vocab, dim), jnp.float32) * dim**-0.5

    def apply(params, tokens, mask, key=None):
        del key
        return jnp.where(mask[:, None] > 0, params[tokens], 0.0)  # masks rows of NaN, too

    return Embedder(init, apply)
