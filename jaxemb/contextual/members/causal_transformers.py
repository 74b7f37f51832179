"""A pair of causal Transformers, one forward and one backward, each blind to what it predicts."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxemb.contextual import attention
from jaxemb.contextual.attention import Size
from jaxemb.errors import at_least
from jaxemb.structs import Contextualizer, Text


class Cache(NamedTuple):
    """Keys and values of one layer at the last `span - 1` tokens, the last one at the end."""

    keys: Float[Array, "span dim"]
    values: Float[Array, "span dim"]


class Carry(NamedTuple):
    """What the next tokens attend to of those before."""

    layers: tuple[Cache, ...]
    # 1 where a place of the caches holds a token of the sentence that goes on
    live: Float[Array, " span"]


def causal_transformer(
    dim: int,
    units: int = 256,
    layers: int = 2,
    heads: int = 4,
    span: int = 128,
    dropout: float = 0.0,
) -> Contextualizer:
    """Each position attends to itself and to the `span - 1` tokens that its direction read before.

    Args:
        dim: the dimension of the vectors that are read, and of each direction's layers.
        units: of the network after each attention.
        layers: the number of layers of each direction.
        heads: of each attention; they divide `dim`.
        span: how many tokens a position attends to, at most. Earlier windows of a text count:
            their keys and values are carried.
        dropout: the rate at what each attention and each network adds.

    Raises:
        InputError: heads that do not divide `dim`.

    Source:
        Vaswani et al. 2017, arXiv:1706.03762; the carry: Dai et al. 2019, arXiv:1901.02860,
        section 3.2, here with rotary positions. See `attention` for the parts.
    """
    at_least(1, layers=layers, heads=heads, span=span)
    size = Size(dim, heads, units, dropout)
    size.check()

    def init(key) -> dict[str, Any]:
        ahead, back = jax.random.split(key)
        made = (attention.init(size, layers, own) for own in (ahead, back))
        return dict(zip(("forward", "backward"), made, strict=True))

    def start(batch: tuple[int, ...]) -> tuple[Carry, ...]:
        empty = jnp.zeros((*batch, span - 1, dim), jnp.float32)
        live = jnp.zeros((*batch, span - 1), jnp.float32)
        return tuple(Carry((Cache(empty, empty),) * layers, live) for _ in range(2))

    def run(params, texts, carry, key=None):
        keys = (None, None) if key is None else jax.random.split(key)
        turned = Text(*(part[::-1] for part in texts[1]))
        read = (("forward", texts[0]), ("backward", turned))
        (ahead, first), (back, second) = (
            attention.over_batch(partial(_one, size, params[name]), text, *rest)
            for (name, text), rest in zip(read, zip(carry, keys, strict=True), strict=True)
        )
        return (ahead, [layer[::-1] for layer in back]), (first, second)

    return Contextualizer(init, start, run, dim, layers)


def _one(size: Size, params: dict[str, Any], text: Text, carry: Carry, key: Any):
    """Every layer of one text [time, dim], and the carry after it."""
    mask, before = text.mask, len(carry.live)
    places = jnp.cumsum(mask).astype(jnp.int32) - 1  # padding takes no place
    others = jnp.concatenate([jnp.arange(-before, 0, dtype=jnp.int32), places])
    live = jnp.concatenate([carry.live, mask]) > 0
    sentence = jnp.cumsum(text.reset * mask)  # the carry's is 0
    sentences = jnp.concatenate([jnp.zeros(before, sentence.dtype), sentence])
    distance = places[:, None] - others[None, :]
    allowed = (distance >= 0) & (distance <= before) & live[None, :]
    allowed &= sentence[:, None] == sentences[None, :]
    # the last tokens in their order, with everything else before them
    last = jnp.argsort(live, stable=True)[len(live) - before :]
    going_on = (live & (sentences == sentences[-1:]))[last].astype(jnp.float32)
    outputs, seen = attention.layers(size, params, text, others, allowed, carry.layers, key)
    caches = (Cache(*(rows[last] * going_on[:, None] for rows in pair)) for pair in seen)
    return outputs, Carry(tuple(caches), going_on)
