"""The bidirectional language model: two stacks of layers, each blind to the other.

In a stack of `nn.Bidirectional`, the second layer would read both directions, and so see the word
that it is to predict. ELMo's two directions meet only in the layers that the model returns.

Source:
    Peters et al. 2018, arXiv:1802.05365, section 3.1.
"""

from typing import Any, NamedTuple

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxemb.contextual.cells import Cell
from jaxemb.contextual.dropout import Dropout
from jaxemb.structs import AnyArray


class Text(NamedTuple):
    """The input of one direction: vectors, which of them are tokens, and where states are reset."""

    vectors: Float[Array, "time *batch dim"]
    mask: Float[AnyArray, "time *batch"]
    reset: Float[AnyArray, "time *batch"]


class Stack(nn.Module):
    """Layers of a recurrent cell in one direction.

    Args (fields):
        cell: any `cells.Cell`.
        layers: the number of layers.
        skip: whether each layer but the first adds its input to its output.
        dropout: the rate at the input of every layer; skip connections carry the input after it.
        reverse: whether to read from the last position to the first.
    """

    cell: Cell
    layers: int
    skip: bool
    dropout: float
    reverse: bool

    @nn.compact
    def __call__(
        self, text: Text, carry: tuple[Any, ...], deterministic: bool = True
    ) -> tuple[list[Array], tuple[Any, ...]]:
        outputs, carried = [], []
        inputs = text.vectors
        for i, state in enumerate(carry):
            inputs = Dropout(self.dropout)(inputs, deterministic=deterministic)
            params = self.param(f"layer_{i}", self.cell.init, inputs.shape[-1])
            out, last = self.cell.run(
                params, inputs, text.mask, text.reset, state, reverse=self.reverse
            )
            inputs = out + inputs if self.skip and i else out
            outputs.append(inputs)
            carried.append(last)
        return outputs, tuple(carried)


class BiLM(nn.Module):
    """Two independent stacks over one text: `(params, vectors, mask, carry) -> (layers, carry)`.

    Args (fields):
        cell: any `cells.Cell`; ELMo's is `cells.lstm(4096, 512, cell_clip=3, projection_clip=3)`.
        layers: the number of layers of each direction.
        skip: as in `Stack`.
        dropout: as in `Stack`.
    """

    cell: Cell
    layers: int = 2
    skip: bool = True
    dropout: float = 0.0

    def setup(self) -> None:
        """Create the stacks of both directions."""
        options = (self.cell, self.layers, self.skip, self.dropout)
        self.forward: Stack = Stack(*options, reverse=False)
        self.backward: Stack = Stack(*options, reverse=True)

    def start(self, batch: tuple[int, ...]) -> tuple[Any, ...]:
        """Carries of zeros: (forward, backward), each with one carry per layer."""
        return tuple(tuple(self.cell.start(batch) for _ in range(self.layers)) for _ in range(2))

    def directions(
        self, forward: Text, backward: Text, carry: tuple[Any, ...], deterministic: bool = True
    ) -> tuple[list[Array], list[Array], tuple[Any, ...]]:
        """Run each direction over its own text: (forward layers, backward layers, carry)."""
        ahead, carry_ahead = self.forward(forward, carry[0], deterministic)
        back, carry_back = self.backward(backward, carry[1], deterministic)
        return ahead, back, (carry_ahead, carry_back)

    def __call__(
        self,
        vectors: Float[Array, "time *batch dim"],
        mask: Float[Array, "time *batch"],
        carry: tuple[Any, ...] | None = None,
        reset: Float[Array, "time *batch"] | None = None,
        deterministic: bool = True,
    ) -> tuple[Float[Array, "layers time *batch both"], tuple[Any, ...]]:
        """The vectors of every layer, and the carry after the last tokens.

        Args:
            vectors: of the cell's output dimension, because layer 0 is stacked on the others.
            mask: 1 at tokens. Padding changes nothing, and its outputs are 0.
            carry: from `start` or an earlier call; zeros by default. ELMo's stateful reading passes
                the carry of the previous call.
            reset: 1 at the first token of each sentence, for several sentences in one row; the
                backward direction is reset at their last tokens.
            deterministic: no dropout.

        Returns:
            layers [1 + layers, time, *batch, 2 out]: layer 0 is the input twice, then forward and
            backward side by side; and the carry.
        """
        if vectors.shape[-1] != self.cell.out:
            raise ValueError(
                f"vectors have {vectors.shape[-1]} dimensions, the cell gives {self.cell.out}: "
                "their layers are stacked; let the cell project to the vectors' dimension"
            )
        batch = vectors.shape[1:-1]
        vectors = jnp.where(mask[..., None] > 0, vectors, 0.0)  # removes NaN, too
        never = jnp.zeros_like(mask)
        ahead, back = (never, never) if reset is None else (reset, ends(reset, mask))
        texts = Text(vectors, mask, ahead), Text(vectors, mask, back)
        outputs = self.directions(*texts, carry or self.start(batch), deterministic)
        both = zip([vectors, *outputs[0]], [vectors, *outputs[1]], strict=True)
        layers = jnp.stack([jnp.concatenate(pair, axis=-1) for pair in both])
        return layers, outputs[2]


def ends(
    starts: Float[Array, "time *batch"], mask: Float[Array, "time *batch"]
) -> Float[Array, "time *batch"]:
    """The last tokens of sentences, given the first: the next position is a first or padding."""
    last = jnp.ones_like(starts[:1])
    follows = jnp.concatenate([jnp.maximum(starts, 1 - mask)[1:], last])
    return follows * mask
