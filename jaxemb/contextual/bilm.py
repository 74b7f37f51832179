"""The bidirectional language model: two stacks that never see each other.

A stack of `nn.Bidirectional` would give the second layer both sides, and the word to be predicted
with them; ELMo's two directions meet only where they are read.

Source:
    Peters et al. 2018, arXiv:1802.05365, section 3.1.
"""

from typing import NamedTuple

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxemb.contextual.cells import Cell
from jaxemb.contextual.dropout import Dropout


class Text(NamedTuple):
    """Positions to be read: vectors, which of them are tokens, and where a state begins anew."""

    vectors: Float[Array, "time *batch dim"]
    mask: Float[Array, "time *batch"]
    reset: Float[Array, "time *batch"]


class Stack(nn.Module):
    """Layers of a cell in one direction.

    Args (fields):
        cell: any `cells.Cell`.
        layers: how many.
        skip: the output of each layer but the first has its input added.
        dropout: of the input of every layer; the skip connection carries the dropped input, too.
        reverse: reads from the last position to the first.
    """

    cell: Cell
    layers: int
    skip: bool
    dropout: float
    reverse: bool

    @nn.compact
    def __call__(self, text: Text, carry: tuple, deterministic: bool = True):
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
        layers: of each direction.
        skip: as in `Stack`; never onto the first layer.
        dropout: as in `Stack`.
    """

    cell: Cell
    layers: int = 2
    skip: bool = True
    dropout: float = 0.0

    def setup(self) -> None:
        options = (self.cell, self.layers, self.skip, self.dropout)
        self.forward = Stack(*options, reverse=False)
        self.backward = Stack(*options, reverse=True)

    def start(self, batch: tuple[int, ...]) -> tuple:
        """Carries of zeros: (forward, backward), one of each layer."""
        return tuple(tuple(self.cell.start(batch) for _ in range(self.layers)) for _ in range(2))

    def directions(self, forward: Text, backward: Text, carry: tuple, deterministic: bool = True):
        """Each direction over a text of its own: ([layers of forward], [of backward], carry)."""
        ahead, carry_ahead = self.forward(forward, carry[0], deterministic)
        back, carry_back = self.backward(backward, carry[1], deterministic)
        return ahead, back, (carry_ahead, carry_back)

    def __call__(
        self,
        vectors: Float[Array, "time *batch dim"],
        mask: Float[Array, "time *batch"],
        carry: tuple | None = None,
        reset: Float[Array, "time *batch"] | None = None,
        deterministic: bool = True,
    ):
        """The vectors of every layer, and the states after the last tokens.

        Args:
            vectors: of a dimension equal to the cell's output, as layer 0 stands beside the others.
            mask: 1 at tokens. Padding changes nothing, and its outputs are 0.
            carry: from `start` or an earlier call; zeros by default. Give the last carry back for
                ELMo's stateful reading.
            reset: 1 at the first token of each sentence, for several in one row; the backward
                direction begins anew at their last tokens.

        Returns:
            layers [1 + layers, time, *batch, 2 out]: layer 0 is the input twice, then forward and
            backward side by side; and the carry.
        """
        if vectors.shape[-1] != self.cell.out:
            raise ValueError(
                f"vectors have {vectors.shape[-1]} dimensions, the cell gives {self.cell.out}: as "
                "layers they stand side by side; let the cell project to the vectors' dimension"
            )
        batch = vectors.shape[1:-1]
        vectors = jnp.where(mask[..., None] > 0, vectors, 0.0)  # of NaN, too
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
    """The last tokens of sentences, given their first: they stand before a first one or padding."""
    last = jnp.ones_like(starts[:1])
    follows = jnp.concatenate([jnp.maximum(starts, 1 - mask)[1:], last])
    return follows * mask
