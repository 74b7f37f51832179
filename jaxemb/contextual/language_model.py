"""A language model over any token vectors: its two ends, a contextualizer between them, its loss.

Source:
    Peters et al. 2018, arXiv:1802.05365, section 3.1; Jozefowicz et al. 2016, arXiv:1602.02410.
"""

import math
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from jaxemb.contextual.dropout import Dropout
from jaxemb.contextual.objectives import LanguageObjective
from jaxemb.contextual.windows import Window
from jaxemb.structs import AnyArray, Contextualizer, Text

CONTEXT = "bilm"  # the contextualizer's parameters, among those of a language model


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


class Ends(nn.Module):
    """The two ends of a language model: tokens to vectors, and what a softmax reads.

    Args (fields):
        embed: from tokens to vectors: `Lookup`, `CharCNN`, or any module.
        dim: of the vectors that the softmax reads.
        vocab: the number of rows of the softmax, which all directions share.
        tied: whether the softmax shares the table of `embed`, a `Lookup`.
        dropout: the rate at the vectors that enter the softmax.
    """

    embed: nn.Module
    dim: int
    vocab: int
    tied: bool = False
    dropout: float = 0.0

    def setup(self) -> None:
        """Create the parameters of the softmax, and its dropout."""
        self.bias: Array = self.param("bias", nn.initializers.zeros, (self.vocab,), jnp.float32)
        if not self.tied:
            normal = nn.initializers.normal(1 / math.sqrt(self.dim))
            self.kernel: Array = self.param("kernel", normal, (self.vocab, self.dim), jnp.float32)
        self.drop: Dropout = Dropout(self.dropout)

    def __call__(self, tokens: Any) -> Array:
        """The vectors of tokens; as Flax's init, it creates all parameters."""
        return self.embed(tokens)

    def softmax(self, tops: list[Any], still: bool) -> tuple[list[Array], Any, Array]:
        """(the vectors of each direction after dropout, the kernel, the bias).

        Args:
            tops: the last layer of each direction.
            still: no dropout.
        """
        dropped = [self.drop(top, deterministic=still) for top in tops]
        kernel = self.embed.table()[: self.vocab] if self.tied else self.kernel
        return dropped, kernel, self.bias


class LanguageModel(NamedTuple):
    """Tokens to vectors, to the layers of a contextualizer, to the nats of what is predicted."""

    ends: Ends
    context: Contextualizer
    objective: LanguageObjective


def init(model: LanguageModel, key: Any, characters: Any = None) -> Any:
    """The parameters of a model, at random: {"params": {embed, bilm, bias, kernel}}."""
    tokens = _tokens(model, jnp.zeros((1, 1), jnp.int32), characters)
    ends = model.ends.init(key, tokens)["params"]
    return {"params": {**ends, CONTEXT: model.context.init(key)}}


def _tokens(model: LanguageModel, ids: Any, characters: Any) -> Any:
    """What `embed` reads: ids, or the characters of each; a hidden word has the row after all."""
    rows = jnp.where(ids < 0, model.ends.vocab, ids) if model.objective.hides else ids
    return rows if characters is None else characters[rows]


def losses(
    model: LanguageModel,
    params: Any,
    windows: tuple[Window, ...],
    carry: Any,
    characters: Any = None,
    *,
    key: Any = None,
    samples: int | None = None,
) -> tuple[Float[Array, " directions"], Float[Array, " directions"], Any]:
    """The summed loss in nats and the number of predictions of each direction, and the carry.

    Args:
        windows: what each direction reads and predicts.
        characters: [rows, chars], if `embed` reads characters; None if it reads the ids.
        key: for dropout and samples; None evaluates: no dropout, and the full softmax.
        samples: the number of words over which a training softmax is summed; None, or the whole
            vocabulary, for all.

    Returns:
        nats and predictions, a number per direction; the carry.
    """
    count = len(windows)
    keys: list[Any] = (
        [None] * (1 + count) if key is None else list(jax.random.split(key, 1 + count))
    )
    inner = params["params"]
    ends = {"params": {name: part for name, part in inner.items() if name != CONTEXT}}
    texts = []
    for window in windows:
        vectors: Any = model.ends.apply(ends, _tokens(model, window.inputs, characters))
        texts.append(Text(vectors * window.mask[..., None], window.mask, window.reset))
    outputs, carry = model.context.layers(inner[CONTEXT], texts, carry, keys[0])
    rngs = {} if key is None else {"dropout": keys[0]}
    tops = [layers[-1] for layers in outputs]
    read: Any = model.ends.apply(ends, tops, key is None, method="softmax", rngs=rngs)
    tops, kernel, bias = read
    sums = []
    for top, window, draw in zip(tops, windows, keys[1:], strict=True):
        hidden = top.reshape(-1, top.shape[-1])
        target, weight = window.target.reshape(-1), window.weight.reshape(-1)
        nats = model.objective.loss(hidden, kernel, bias, target, draw, samples)
        sums.append(jnp.sum(nats * weight))
    counts = jnp.stack([jnp.sum(window.weight) for window in windows])
    return jnp.stack(sums), counts, carry
