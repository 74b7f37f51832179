"""Readings make one vector a token from a model's layers; layer 0 is the static vectors'."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from jaxemb.errors import InputError
from jaxemb.linalg.arrays import matmul
from jaxemb.structs import AnyArray, PyTree


class Reading(NamedTuple):
    """A reading of a model's layers, as two pure functions.

    init(key, layers) -> params               `layers`: their number, layer 0 included
    apply(params, layers [layers, time, dim], mask [time]) -> [time, dim]; masked rows are 0
    """

    init: Callable[..., PyTree]
    apply: Callable[..., Float[Array, "time dim"]]


class Mix(NamedTuple):
    """The parameters of a mix; ELMo's are accepted: `Mix(**scalar_mix_params)`."""

    weights: Float[AnyArray, " layers"]  # before the softmax; +inf takes all, -inf takes nothing
    gamma: Float[AnyArray, ""]


def top() -> Reading:
    """The reading of the last layer, the farthest one from the static vectors."""
    return layer(-1)


def layer(i: int) -> Reading:
    """The reading of layer i; 0 is the static vector, twice; negative i count from the last.

    Raises:
        InputError: the model has no such layer.
    """

    def init(key: Key[Array, ""], layers: int) -> tuple[()]:
        del key
        _refuse_none(i, layers)
        return ()

    def apply(params, layers: Float[Array, "layers time dim"], mask: Float[Array, " time"]):
        del params
        _refuse_none(i, len(layers))
        return layers[i] * mask[:, None]

    return Reading(init, apply)


def mix(batch_scalar_norm: bool = False) -> Reading:
    """gamma sum_j s_j h_j with s = softmax(weights), over all layers; starts as their mean.

    Args:
        batch_scalar_norm: scale each layer to mean 0 and standard deviation 1, two scalars over
            ALL tokens given, of one sentence or of a batch [layers, time, batch, dim]. AllenNLP
            calls it layer norm, which it is not: the vectors of a sentence then depend on the other
            sentences of the batch.

    Returns:
        A reading with `Mix` parameters. Weights (+inf, -inf, ..) and gamma 1 give the static
        vector, twice, bit-identical.

    Source:
        Peters et al. 2018, arXiv:1802.05365, eq. 1.
    """
    return _mix_from(0, _normed if batch_scalar_norm else None)


def mix_without_static() -> Reading:
    """`mix` over the layers above layer 0, without the static vector."""
    return _mix_from(1)


def _mix_from(first: int, normed: Callable[..., Array] | None = None) -> Reading:
    def init(key: Key[Array, ""], layers: int) -> Mix:
        del key
        return Mix(jnp.zeros(layers - first, jnp.float32), jnp.ones((), jnp.float32))

    def apply(params: Mix, layers: Float[Array, "layers *time dim"], mask: Float[Array, "*time"]):
        if normed is not None:
            layers = jax.vmap(normed, in_axes=(0, None))(layers, mask)
        return mixed(params, layers[first:]) * mask[..., None]

    return Reading(init, apply)


def _normed(layer: Float[Array, "*time dim"], mask: Float[Array, "*time"]):
    shown = mask[..., None]
    count = jnp.sum(mask) * layer.shape[-1]
    mean = jnp.sum(layer * shown) / count
    variance = jnp.sum(((layer - mean) * shown) ** 2) / count
    return (layer - mean) / jnp.sqrt(variance + 1e-12)


def mixed(params: Mix, layers: Float[Array, "layers *time dim"]) -> Float[Array, "*time dim"]:
    """gamma sum_j softmax(weights)_j h_j.

    Raises:
        InputError: the numbers of weights and of layers differ.
    """
    if len(params.weights) != len(layers):
        raise InputError(f"{len(params.weights)} weights to mix {len(layers)} layers")
    largest = float(jnp.finfo(jnp.float32).max) / 4  # inf - inf is NaN; a large number - itself, 0
    shares = jax.nn.softmax(jnp.clip(params.weights, -largest, largest))
    flat: Any = matmul(shares, layers.reshape(len(layers), -1))
    return params.gamma * flat.reshape(layers.shape[1:])


def _refuse_none(i: int, layers: int) -> None:
    if not -layers <= i < layers:
        raise InputError(f"layer {i} of {layers}; wanted 0 to {layers - 1}, or -1 for the last")
