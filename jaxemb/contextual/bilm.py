"""The bidirectional language model: two stacks of layers, each blind to the other.

In a stack of `nn.Bidirectional`, the second layer would read both directions, and so see the word
that it is to predict. ELMo's two directions meet only in the layers that the model returns.

Source:
    Peters et al. 2018, arXiv:1802.05365, section 3.1.
"""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxemb.contextual.cells import Cell
from jaxemb.contextual.dropout import Dropout
from jaxemb.functional.reading import in_context
from jaxemb.structs import Contextualizer, Text


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
        as_value = Contextualizer(
            self.init,
            self.start,
            lambda params, texts, carry, key: _paired(self, texts, carry, deterministic),
            self.cell.out,
            self.layers,
        )
        return in_context(as_value, None, vectors, mask, carry, reset)


def _paired(bilm: BiLM, texts: Any, carry: Any, deterministic: bool) -> tuple[Any, Any]:
    ahead, back, carry = bilm.directions(texts[0], texts[1], carry, deterministic)
    return (ahead, back), carry


class _Named(nn.Module):
    """A BiLM under its name in a language model, of which Flax derives its random numbers."""

    bilm: BiLM

    def __call__(self, texts: Any, carry: Any, deterministic: bool) -> tuple[Any, Any]:
        return _paired(self.bilm, texts, carry, deterministic)


def contextualizer(bilm: BiLM) -> Contextualizer:
    """A BiLM as a value of pure functions; its parameters are `params` of the module's own."""
    named = _Named(bilm)

    def init(key):
        ones = jnp.ones((1, 1), jnp.float32)
        empty = Text(jnp.zeros((1, 1, bilm.cell.out), jnp.float32), ones, ones)
        return named.init(key, (empty, empty), bilm.start((1,)), True)["params"]["bilm"]

    def layers(params, texts, carry, key=None):
        rngs = {} if key is None else {"dropout": key}
        return named.apply({"params": {"bilm": params}}, texts, carry, key is None, rngs=rngs)

    return Contextualizer(init, bilm.start, layers, bilm.cell.out, bilm.layers)


def of_cells(cell: Cell, layers: int, skip: bool, dropout: float) -> Contextualizer:
    """Two stacks of a recurrent cell, one forward and one backward; arguments as in `BiLM`."""
    return contextualizer(BiLM(cell, layers, skip, dropout))
