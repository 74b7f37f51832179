"""A bidirectional language model over any token vectors, and its loss.

Source:
    Peters et al. 2018, arXiv:1802.05365, section 3.1; Jozefowicz et al. 2016, arXiv:1602.02410.
"""

import math
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from jaxemb.contextual.bilm import BiLM, Text
from jaxemb.contextual.dropout import Dropout
from jaxemb.contextual.windows import Window
from jaxemb.functional import softmax
from jaxemb.structs import AnyArray


class Lookup(nn.Module):
    """Read each id's row from a table."""

    rows: int
    dim: int

    @nn.compact
    def __call__(self, ids: Int[AnyArray, "..."]) -> Float[Array, "... dim"]:
        normal = nn.initializers.normal(1 / math.sqrt(self.dim))
        return self.param("table", normal, (self.rows, self.dim), jnp.float32)[ids]

    def table(self) -> Any:
        """The table, for a softmax that is tied to it."""
        return self.get_variable("params", "table")


class Contextualizer(nn.Module):
    """Tokens to vectors to the layers of a BiLM: a language model without its softmax.

    Its parameters are `embed` and `bilm` of a `LanguageModel`'s.
    """

    embed: nn.Module
    bilm: BiLM

    def __call__(
        self,
        tokens: Any,
        mask: Float[Array, "time *batch"],
        carry: tuple[Any, ...] | None = None,
        reset: Float[Array, "time *batch"] | None = None,
        deterministic: bool = True,
    ) -> tuple[Float[Array, "layers time *batch both"], tuple[Any, ...]]:
        """The layers of a text and the carry, as `BiLM` returns them."""
        return self.bilm(self.embed(tokens), mask, carry, reset, deterministic)


class LanguageModel(nn.Module):
    """Tokens to vectors, to the layers of a BiLM, to scores of the vocabulary.

    Args (fields):
        embed: from tokens to vectors: `Lookup`, `CharCNN`, or any module.
        bilm: reads vectors of the dimension of `embed`.
        vocab: the number of rows of the softmax, which both directions share.
        tied: whether the softmax shares the table of `embed`, a `Lookup`.
        dropout: the rate at the vectors that enter the softmax.
    """

    embed: nn.Module
    bilm: BiLM
    vocab: int
    tied: bool = False
    dropout: float = 0.0

    def setup(self) -> None:
        """Create the parameters of the softmax, and its dropout."""
        dim = self.bilm.cell.out
        self.bias: Array = self.param("bias", nn.initializers.zeros, (self.vocab,), jnp.float32)
        if not self.tied:
            normal = nn.initializers.normal(1 / math.sqrt(dim))
            self.kernel: Array = self.param("kernel", normal, (self.vocab, dim), jnp.float32)
        self.drop: Dropout = Dropout(self.dropout)

    def scored(
        self,
        forward: Window,
        backward: Window,
        carry: Any,
        characters: Any = None,
        still: bool = True,
    ) -> tuple[Any, ...]:
        """(forward top vectors, backward top vectors, kernel, bias, carry) of two windows of ids.

        Args:
            characters: [vocab, chars], if `embed` reads characters; None if it reads the ids.
            still: no dropout.
        """
        texts = []
        for window in (forward, backward):
            tokens = window.inputs if characters is None else characters[window.inputs]
            vectors = self.embed(tokens) * window.mask[..., None]
            texts.append(Text(vectors, window.mask, window.reset))
        ahead, back, carry = self.bilm.directions(texts[0], texts[1], carry, still)
        tops = [self.drop(layers[-1], deterministic=still) for layers in (ahead, back)]
        kernel = self.embed.table() if self.tied else self.kernel
        return (*tops, kernel, self.bias, carry)


def losses(
    model: LanguageModel,
    params: Any,
    forward: Window,
    backward: Window,
    carry: Any,
    characters: Any = None,
    *,
    key: Any = None,
    samples: int | None = None,
) -> tuple[Float[Array, "2"], Float[Array, "2"], Any]:
    """The summed loss in nats and the number of predictions of each direction, and the carry.

    Args:
        characters: as in `LanguageModel.scored`.
        key: for dropout and samples; None evaluates: no dropout, and the full softmax.
        samples: the number of words over which a training softmax is summed; None, or the whole
            vocabulary, for all.

    Returns:
        nats [2] and predictions [2], forward and backward; the carry.
    """
    keys: list[Any] = [None] * 3 if key is None else list(jax.random.split(key, 3))
    outputs: Any = model.apply(
        params,
        forward,
        backward,
        carry,
        characters,
        key is None,
        method=model.scored,
        rngs={} if key is None else {"dropout": keys[0]},
    )
    ahead, back, kernel, bias, carry = outputs
    sums = []
    for top, window, draw in ((ahead, forward, keys[1]), (back, backward, keys[2])):
        hidden = top.reshape(-1, top.shape[-1])
        arguments = (hidden, kernel, bias, window.target.reshape(-1))
        if draw is not None and samples and samples < model.vocab:
            nats = softmax.sampled(*arguments, softmax.log_uniform(draw, samples, model.vocab))
        else:
            nats = softmax.full(*arguments)
        sums.append(jnp.sum(nats * window.weight.reshape(-1)))
    counts = jnp.stack([jnp.sum(window.weight) for window in (forward, backward)])
    return jnp.stack(sums), counts, carry
