"""ELMo from its published weights, and from a model back to the layout of its files."""

from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from jaxemb.contextual import bilm
from jaxemb.contextual.characters import CharCNN
from jaxemb.contextual.language_model import CONTEXT, Lookup
from jaxemb.contextual.members.lstms import LSTM, lstm_cell
from jaxemb.errors import InputError
from jaxemb.formats.elmo import Options, Weights
from jaxemb.structs import Contextualizer

_ACTIVATIONS = {"relu": jax.nn.relu, "tanh": jnp.tanh}


class Model(NamedTuple):
    """A language model without its softmax: tokens to vectors, to the vectors of every layer."""

    embed: nn.Module  # from tokens to vectors
    context: Contextualizer
    params: Any  # {"embed": of embed, "bilm": of context}


def elmo(options: Options, weights: Weights) -> Model:
    """Build ELMo from the contents of its files (`formats.elmo.read`).

    The model reads character ids [time, *batch, chars] (`text.characters.character_ids`), or word
    ids plus one if the files have a row for each word. Both include the marks around a sentence.

    Source:
        Peters et al. 2018, arXiv:1802.05365; bilm-tf, `BidirectionalLanguageModelGraph`.
    """
    chars = options.char_cnn
    if chars is not None:
        embed = CharCNN(
            options.projection_dim,
            chars.filters,
            chars.dim,
            chars.n_highway,
            _ACTIVATIONS[chars.activation],
        )
        inner = _characters(weights)
    else:
        rows = np.concatenate([np.zeros_like(weights.embedding[:1]), weights.embedding])
        embed, inner = Lookup(*rows.shape), {"table": rows}
    cell = lstm_cell(
        options.dim,
        None if weights.lstms[0][0][2] is None else options.projection_dim,
        cell_clip=options.cell_clip,
        projection_clip=options.proj_clip,
    )
    context = bilm.of_cells(cell, options.n_layers, options.use_skip_connections, dropout=0.0)
    stacks = {
        name: {f"layer_{i}": _lstm(cell.out, *layer) for i, layer in enumerate(layers)}
        for name, layers in zip(("forward", "backward"), weights.lstms, strict=True)
    }
    params = jax.tree.map(jnp.asarray, {"embed": inner, CONTEXT: stacks})
    return Model(embed, context, params)


def _characters(weights: Weights) -> dict[str, Any]:
    params: dict[str, Any] = {"embedding": weights.char_embed}
    for i, (kernel, bias) in enumerate(weights.convolutions):
        params |= {f"kernel_{i}": kernel, f"bias_{i}": bias}
    for i, (carry, carry_bias, transform, transform_bias) in enumerate(weights.highways):
        params[f"highway_{i}"] = {
            "carry": {"kernel": carry, "bias": carry_bias},
            "transform": {"kernel": transform, "bias": transform_bias},
        }
    if weights.projection is not None:
        kernel, bias = weights.projection
        params["projection"] = {"kernel": kernel, "bias": bias}
    return params


def _lstm(out: int, kernel: Any, bias: Any, projection: Any) -> LSTM:
    """One layer; the rows of its one matrix belong to the input, then to the state."""
    return LSTM(kernel[:-out], bias, kernel[-out:], projection)


def weights_of(model: Model) -> Weights:
    """The weights of a model in the layout of ELMo's files; the inverse of `elmo`.

    Raises:
        InputError: the model's cell is not an LSTM.
    """
    params = jax.device_get(model.params)
    embed, stacks = params["embed"], params[CONTEXT]
    lstms = []
    for name in ("forward", "backward"):
        layers = [stacks[name][f"layer_{i}"] for i in range(len(stacks[name]))]
        if not all(isinstance(layer, LSTM) for layer in layers):
            raise InputError("ELMo's files hold LSTMs: this model has another cell")
        lstms.append(
            tuple(
                (np.concatenate([unit.kernel, unit.recurrent]), unit.bias, unit.projection)
                for unit in layers
            )
        )
    if "table" in embed:
        return Weights(None, (), (), None, tuple(lstms), embed["table"][1:])
    count = sum(name.startswith("kernel_") for name in embed)
    highways = sum(name.startswith("highway_") for name in embed)
    projection = embed.get("projection")
    parts = [(unit, what) for unit in ("carry", "transform") for what in ("kernel", "bias")]
    return Weights(
        embed["embedding"],
        tuple((embed[f"kernel_{i}"], embed[f"bias_{i}"]) for i in range(count)),
        tuple(
            tuple(embed[f"highway_{i}"][unit][what] for unit, what in parts)
            for i in range(highways)
        ),
        None if projection is None else (projection["kernel"], projection["bias"]),
        tuple(lstms),
        None,
    )
