"""Transformer layers over one text: attention with rotary positions, then a network of two layers.

The rule is for one text [time, dim]; `jax.vmap` makes the batch.

Source:
    Vaswani et al. 2017, arXiv:1706.03762; normalisation before each part: Xiong et al. 2020,
    arXiv:2002.04745, by root mean squares: Zhang and Sennrich 2019, arXiv:1910.07467; rotary
    positions: Su et al. 2021, arXiv:2104.09864, section 3.4.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from jaxemb.contextual.cells import uniform
from jaxemb.contextual.dropout import dropped
from jaxemb.errors import InputError
from jaxemb.functional import products
from jaxemb.structs import Text

BASE = 10_000.0  # of the rotary frequencies


class Size(NamedTuple):
    """The sizes of a layer, and its dropout."""

    dim: int
    heads: int
    units: int  # of the network
    dropout: float

    @property
    def head(self) -> int:
        """The dimension of a head."""
        return self.dim // self.heads

    def check(self) -> None:
        """Raises InputError for a dimension that the heads do not divide."""
        if self.dim % self.heads:
            raise InputError(f"heads is {self.heads}, which does not divide dim, {self.dim}")


class Layer(NamedTuple):
    """The weights of a layer."""

    scale: Any  # [2, dim]: before the attention and before the network
    queries: Any  # [dim, 3 dim]: queries, keys, values
    mixing: Any  # [dim, dim]
    up: Any  # [dim, units]
    bias: Any  # [units]
    down: Any  # [units, dim]


class Keys(NamedTuple):
    """What a query may attend to."""

    keys: Float[Array, "others dim"]
    values: Float[Array, "others dim"]
    places: Int[Array, " others"]  # the position in the text of each


def init(size: Size, depth: int, key: Any) -> dict[str, Any]:
    """The weights of all layers and the scale of the last output.

    What a layer adds is small at first: by 1 / sqrt(2 depth), as in GPT-2.
    """
    layers = {f"layer_{i}": _init(size, depth, jax.random.fold_in(key, i)) for i in range(depth)}
    return {**layers, "scale": jnp.ones(size.dim, jnp.float32)}


def _init(size: Size, depth: int, key: Any) -> Layer:
    keys = jax.random.split(key, 4)
    small = (2 * depth) ** -0.5
    return Layer(
        jnp.ones((2, size.dim), jnp.float32),
        uniform(keys[0], size.dim, 3 * size.dim),
        small * uniform(keys[1], size.dim, size.dim),
        uniform(keys[2], size.dim, size.units),
        jnp.zeros(size.units, jnp.float32),
        small * uniform(keys[3], size.units, size.dim),
    )


def layers(
    size: Size,
    params: dict[str, Any],
    text: Text,
    places: Int[Array, " others"],
    allowed: Bool[Array, "time others"],
    earlier: Sequence[tuple[Array, Array]],
    key: Any,
) -> tuple[list[Array], list[tuple[Array, Array]]]:
    """The output of every layer, and the keys and values that each attended to.

    Args:
        text: vectors [time, dim].
        places: the position of each earlier token and of each of the text.
        allowed: which of them each position attends to.
        earlier: for each layer, the keys and values [before, dim] of earlier tokens.
        key: for dropout; None: no dropout.
    """
    x, outputs, seen = text.vectors, [], []
    for i, before in enumerate(earlier):
        layer, own = params[f"layer_{i}"], None if key is None else jax.random.fold_in(key, i)
        queries, *here = projected(layer, x)
        keys, values = (jnp.concatenate(pair) for pair in zip(before, here, strict=True))
        others = Keys(keys, values, places)
        mixed = attended(size, queries, places[len(places) - len(x) :], others, allowed)
        x = completed(size, layer, x, mixed, own)
        outputs.append(x * text.mask[:, None])
        seen.append((keys, values))
    outputs[-1] = normed(outputs[-1], params["scale"]) * text.mask[:, None]
    return outputs, seen


def projected(layer: Layer, x: Float[Array, "time dim"]) -> tuple[Array, Array, Array]:
    """The queries, keys and values of a text, before their rotation."""
    queries, keys, values = jnp.split(_matmul(normed(x, layer.scale[0]), layer.queries), 3, axis=-1)
    return queries, keys, values


def attended(
    size: Size,
    queries: Float[Array, "time dim"],
    places: Int[Array, " time"],
    others: Keys,
    allowed: Bool[Array, "time others"],
) -> Float[Array, "time dim"]:
    """The values that each position attends to, all heads side by side; 0 where none is allowed."""

    def by_head(x):
        return x.reshape(len(x), size.heads, size.head)

    q = _rotated(by_head(queries), places) / size.head**0.5
    k, v = _rotated(by_head(others.keys), others.places), by_head(others.values)
    scores = jnp.einsum("thd,ohd->hto", q, k, precision=products.stated())
    # a finite score instead of -inf: a row that is allowed nothing has no NaN, nor its derivative
    scores = jnp.where(allowed[None], scores, -1e30)
    shares = jnp.where(allowed[None], jax.nn.softmax(scores, axis=-1), 0.0)
    mixed = jnp.einsum("hto,ohd->thd", shares, v, precision=products.stated())
    return mixed.reshape(len(queries), size.dim)


def completed(
    size: Size, layer: Layer, x: Float[Array, "time dim"], attended: Any, key: Any
) -> Float[Array, "time dim"]:
    """A layer's output, from its input and what was attended to."""
    ours, theirs = (None, None) if key is None else jax.random.split(key)
    x = x + dropped(ours, _matmul(attended, layer.mixing), size.dropout)
    hidden = jax.nn.gelu(_matmul(normed(x, layer.scale[1]), layer.up) + layer.bias[None, :])
    return x + dropped(theirs, _matmul(hidden, layer.down), size.dropout)


def normed(x: Float[Array, "time dim"], scale: Float[Array, " dim"]) -> Float[Array, "time dim"]:
    """Rows divided by the root of the mean of their squares, times a scale for each dimension."""
    return x * lax.rsqrt(jnp.mean(x * x, axis=-1, keepdims=True) + 1e-6) * scale[None, :]


def over_batch(
    one: Callable[[Text, Any, Any], tuple[list[Array], Any]], text: Text, carry: Any, key: Any
) -> tuple[list[Array], Any]:
    """`one`, a rule for one text (text, carry, key) -> (layers, carry), for texts of any batch."""
    if (batch := text.mask.shape[1:]) == ():
        return one(text, carry, key)
    axes = len(batch)
    texts = jax.tree.map(lambda x: x.reshape(len(x), -1, *x.shape[1 + axes :]), text)
    carries = jax.tree.map(lambda x: x.reshape(-1, *x.shape[axes:]), carry)
    keys = None if key is None else jax.random.split(key, texts.mask.shape[1])
    mapped = jax.vmap(one, in_axes=(1, 0, None if keys is None else 0), out_axes=(1, 0))
    layers, carries = mapped(texts, carries, keys)
    layers = [x.reshape(len(x), *batch, *x.shape[2:]) for x in layers]
    return layers, jax.tree.map(lambda x: x.reshape(*batch, *x.shape[1:]), carries)


def _rotated(x: Float[Array, "time heads dim"], places: Int[Array, " time"]):
    """Pairs of dimensions turned by angles that grow with the position; an odd last one is not."""
    half = x.shape[-1] // 2
    frequencies = BASE ** (-jnp.arange(half, dtype=jnp.float32) / max(half, 1))
    angles = places[:, None, None].astype(jnp.float32) * frequencies[None, None, :]
    cos, sin = jnp.cos(angles), jnp.sin(angles)
    left, right, rest = x[..., :half], x[..., half : 2 * half], x[..., 2 * half :]
    turned = left * cos - right * sin, right * cos + left * sin
    return jnp.concatenate([*turned, rest], axis=-1)


def _matmul(x: Any, weights: Any) -> Any:
    return jnp.matmul(x, weights, precision=products.stated())
