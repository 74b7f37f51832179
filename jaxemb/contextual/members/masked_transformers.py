"""A bidirectional Transformer: each position attends to its whole sentence, on both sides.

It predicts words that are hidden from it: `objectives.masked_words`.
"""

from functools import partial
from typing import Any

import jax.numpy as jnp

from jaxemb.contextual import attention
from jaxemb.contextual.attention import Size
from jaxemb.errors import at_least
from jaxemb.structs import Contextualizer, Text


def masked_transformer(
    dim: int,
    units: int = 256,
    layers: int = 2,
    heads: int = 4,
    dropout: float = 0.0,
) -> Contextualizer:
    """Each position attends to all tokens of its sentence; arguments as in `causal_transformer`.

    There is no carry: a sentence that a window cuts is read as two.

    Raises:
        InputError: heads that do not divide `dim`.

    Source:
        Devlin et al. 2019, arXiv:1810.04805; see `attention` for the parts.
    """
    at_least(1, layers=layers, heads=heads)
    size = Size(dim, heads, units, dropout)
    size.check()

    def init(key) -> dict[str, Any]:
        return attention.init(size, layers, key)

    def start(batch: tuple[int, ...]) -> tuple[()]:
        del batch
        return ()

    def run(params, texts, carry, key=None):
        outputs, carry = attention.over_batch(partial(_one, size, params), texts[0], carry, key)
        return (outputs,), carry

    return Contextualizer(init, start, run, dim, layers, reverse=(False,))


def _one(size: Size, params: dict[str, Any], text: Text, carry: Any, key: Any):
    """Every layer of one text [time, dim]."""
    places = jnp.arange(len(text.vectors), dtype=jnp.int32)
    sentence = jnp.cumsum(text.reset * text.mask)
    allowed = (sentence[:, None] == sentence[None, :]) & (text.mask > 0)[None, :]
    none = jnp.zeros((0, size.dim), jnp.float32)
    earlier = [(none, none)] * (len(params) - 1)
    outputs, _ = attention.layers(size, params, text, places, allowed, earlier, key)
    return outputs, carry
