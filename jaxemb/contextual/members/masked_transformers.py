"""A bidirectional Transformer: each position attends to its whole sentence, on both sides.

It predicts words that are hidden from it: `objectives.masked_words`.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from jaxemb.contextual import attention
from jaxemb.contextual.attention import Keys, Size
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
    x, mask = text.vectors, text.mask
    places = jnp.arange(len(x), dtype=jnp.int32)
    sentence = jnp.cumsum(text.reset * mask)
    allowed = (sentence[:, None] == sentence[None, :]) & (mask > 0)[None, :]
    outputs = []
    for i in range(len(params) - 1):
        layer, own = params[f"layer_{i}"], None if key is None else jax.random.fold_in(key, i)
        queries, keys, values = attention.projected(layer, x)
        seen = attention.attended(size, queries, places, Keys(keys, values, places), allowed)
        x = attention.completed(size, layer, x, seen, own)
        outputs.append(x * mask[:, None])
    outputs[-1] = attention.normed(outputs[-1], params["scale"]) * mask[:, None]
    return outputs, carry
