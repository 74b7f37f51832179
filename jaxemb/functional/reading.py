"""Reading a text with a contextualizer: the vectors of every layer, all directions side by side."""

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxemb.structs import Contextualizer, PyTree, Text


def in_context(
    of: Contextualizer,
    params: PyTree,
    vectors: Float[Array, "time *batch dim"],
    mask: Float[Array, "time *batch"],
    carry: PyTree = None,
    reset: Float[Array, "time *batch"] | None = None,
    key: Any = None,
) -> tuple[Float[Array, "layers time *batch out"], PyTree]:
    """The vectors of every layer, and the carry after the last tokens.

    Args:
        vectors: of `of.dim` dimensions, because layer 0 is stacked on the others.
        mask: 1 at tokens. Padding changes nothing, and its outputs are 0.
        carry: from `of.start` or an earlier call; of a text's beginning by default.
        reset: 1 at the first token of each sentence, for several sentences in one row; a direction
            that reads backward is reset at their last tokens.
        key: for dropout; none without a key.

    Returns:
        layers [1 + depth, time, *batch, directions * dim]: layer 0 is the input, once for each
        direction, then the outputs of all directions side by side; and the carry.

    Raises:
        ValueError: vectors of another dimension.
    """
    if vectors.shape[-1] != of.dim:
        raise ValueError(
            f"vectors have {vectors.shape[-1]} dimensions, the model gives {of.dim}: their layers "
            "are stacked; let the model's dim be the vectors'"
        )
    vectors = jnp.where(mask[..., None] > 0, vectors, 0.0)  # removes NaN, too
    starts = jnp.zeros_like(mask) if reset is None else reset
    finishes = starts if reset is None else ends(reset, mask)
    texts = [Text(vectors, mask, finishes if back else starts) for back in of.reverse]
    carry = of.start(vectors.shape[1:-1]) if carry is None else carry
    outputs, carry = of.layers(params, texts, carry, key)
    side_by_side = zip(*([vectors, *layers] for layers in outputs), strict=True)
    return jnp.stack([jnp.concatenate(layer, axis=-1) for layer in side_by_side]), carry


def ends(
    starts: Float[Array, "time *batch"], mask: Float[Array, "time *batch"]
) -> Float[Array, "time *batch"]:
    """The last tokens of sentences, given the first: the next position is a first or padding."""
    last = jnp.ones_like(starts[:1])
    follows = jnp.concatenate([jnp.maximum(starts, 1 - mask)[1:], last])
    return follows * mask
