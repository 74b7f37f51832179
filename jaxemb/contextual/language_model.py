"""A bidirectional language model over any vectors: what it reads, and what it is asked.

Source:
    Peters et al. 2018, arXiv:1802.05365, section 3.1; Jozefowicz et al. 2016, arXiv:1602.02410.
"""

import math
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from jaxemb.contextual.bilm import BiLM, Text
from jaxemb.contextual.dropout import Dropout
from jaxemb.contextual.windows import Window
from jaxemb.functional import softmax


class Lookup(nn.Module):
    """Each id a row of a table; a trained table takes the place of the first one."""

    rows: int
    dim: int

    @nn.compact
    def __call__(self, ids):
        normal = nn.initializers.normal(1 / math.sqrt(self.dim))
        return self.param("table", normal, (self.rows, self.dim), jnp.float32)[ids]

    def table(self):
        return self.get_variable("params", "table")


class Contextualizer(nn.Module):
    """Tokens to vectors, and these to the layers of a BiLM: a language model without its softmax.

    The parameters `embed` and `bilm` of a `LanguageModel` are its own.
    """

    embed: nn.Module
    bilm: BiLM

    def __call__(self, tokens, mask, carry=None, reset=None, deterministic: bool = True):
        """The layers of a text, as `BiLM` gives them, and the carry."""
        return self.bilm(self.embed(tokens), mask, carry, reset, deterministic)


class LanguageModel(nn.Module):
    """Tokens to vectors, to the layers of a BiLM, to scores of the vocabulary.

    Args (fields):
        embed: tokens to vectors: `Lookup`, `CharCNN`, or any module.
        bilm: of the dimension that `embed` gives.
        vocab: rows of the softmax, which both directions share.
        tied: the softmax has the rows of `embed`, a `Lookup`.
        dropout: of the vectors that are scored.
    """

    embed: nn.Module
    bilm: BiLM
    vocab: int
    tied: bool = False
    dropout: float = 0.0

    def setup(self) -> None:
        dim = self.bilm.cell.out
        self.bias = self.param("bias", nn.initializers.zeros, (self.vocab,), jnp.float32)
        if not self.tied:
            normal = nn.initializers.normal(1 / math.sqrt(dim))
            self.kernel = self.param("kernel", normal, (self.vocab, dim), jnp.float32)
        self.drop = Dropout(self.dropout)

    def scored(self, forward: Window, backward: Window, carry, characters=None, still: bool = True):
        """(top vectors of forward, of backward, kernel, bias, carry) for two windows of ids.

        Args:
            characters: [vocab, chars], where `embed` reads them and not the ids themselves.
            still: without dropout.
        """
        texts = []
        for each in (forward, backward):
            tokens = each.inputs if characters is None else characters[each.inputs]
            vectors = self.embed(tokens) * each.mask[..., None]
            texts.append(Text(vectors, each.mask, each.reset))
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
):
    """Nats and predictions of each direction, [2] and [2]; and the carry.

    Args:
        characters: as in `scored`.
        key: draws dropout and samples; None trains nothing: no dropout, and the full softmax.
        samples: words that the softmax is summed over; None, or as many as there are, is all.
    """
    keys: list[Any] = [None] * 3 if key is None else list(jax.random.split(key, 3))
    found: Any = model.apply(
        params,
        forward,
        backward,
        carry,
        characters,
        key is None,
        method=model.scored,
        rngs={} if key is None else {"dropout": keys[0]},
    )
    ahead, back, kernel, bias, carry = found
    sums = []
    for top, window, draw in ((ahead, forward, keys[1]), (back, backward, keys[2])):
        hidden = top.reshape(-1, top.shape[-1])
        asked = (hidden, kernel, bias, window.target.reshape(-1))
        if draw is not None and samples and samples < model.vocab:
            nats = softmax.sampled(*asked, softmax.log_uniform(draw, samples, model.vocab))
        else:
            nats = softmax.full(*asked)
        sums.append(jnp.sum(nats * window.weight.reshape(-1)))
    counts = jnp.stack([jnp.sum(window.weight) for window in (forward, backward)])
    return jnp.stack(sums), counts, carry
