"""Changes of static vectors by their context, each with a guarantee.

A has the static vectors, one row a_t a token; c_t is the context vector of token t. The guarantees
hold for all parameters, so training cannot break them. `sense_mixture` has several vectors for each
word, which are weighted by the context.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key

from jaxemb.errors import at_least
from jaxemb.linalg.arrays import matmul
from jaxemb.structs import PyTree


class Change(NamedTuple):
    """A change of vectors by their context, as two pure functions.

    init(key, dim, context) -> params         `dim` of the vectors, `context` of the context vectors
    apply(params, vectors [time, dim], context [time, context], tokens) -> vectors [time, out]
    """

    init: Callable[..., PyTree]
    apply: Callable[..., Float[Array, "time out"]]


def switch() -> Change:
    """c_t: the context vectors replace the static vectors."""
    return Change(_nothing, lambda params, vectors, context, tokens: context)


def concat() -> Change:
    """[a_t; c_t]. The first block is bit-identical to A.

    Source:
        Peters et al. 2018, arXiv:1802.05365, section 3.3, who gave [x; ELMo] to every model.
    """

    def apply(params, vectors, context, tokens):
        return jnp.concatenate([vectors, context], axis=1)

    return Change(_nothing, apply)


class LowRank(NamedTuple):
    """Factors of the update c U V; with zeros in `up` the result is A."""

    down: Float[Array, "context rank"]  # U
    up: Float[Array, "rank dim"]  # V


def additive(rank: int) -> Change:
    """a_t + c_t U V. The update of any text spans at most `rank` directions; starts as A exactly.

    Raises:
        InputError: rank below 1.

    Source:
        Hu et al. 2021, arXiv:2106.09685: the form of the update, and zeros in one factor at first.
    """
    at_least(1, rank=rank)

    def init(key: Key[Array, ""], dim: int, context: int) -> LowRank:
        down = jax.random.normal(key, (context, rank), jnp.float32) * context**-0.5
        return LowRank(down, jnp.zeros((rank, dim), jnp.float32))

    def apply(params: LowRank, vectors, context, tokens):
        return vectors + matmul(matmul(context, params.down), params.up)

    return Change(init, apply)


class Gate(NamedTuple):
    """The parameters of sigma(c W + b)."""

    kernel: Float[Array, "context dim"]
    bias: Float[Array, " dim"]


def gate() -> Change:
    """a_t * sigma(c_t W + b), entrywise. No entry grows or changes its sign; zeros stay zero.

    Starts as A / 2 in every context.

    Source:
        Choi, Cho and Bengio 2016, arXiv:1607.00578, their context mask.
    """

    def init(key: Key[Array, ""], dim: int, context: int) -> Gate:
        del key
        return Gate(jnp.zeros((context, dim), jnp.float32), jnp.zeros(dim, jnp.float32))

    def apply(params: Gate, vectors, context, tokens):
        return vectors * jax.nn.sigmoid(matmul(context, params.kernel) + params.bias[None, :])

    return Change(init, apply)


class Rotation(NamedTuple):
    """Q(c) = product over planes of H(axis + c K) H(axis), H(v) = I - 2 v v^T / v^T v."""

    axes: Float[Array, "planes dim"]
    kernel: Float[Array, "planes context dim"]  # K


def rotation(planes: int = 1) -> Change:
    """Q(c_t) a_t with Q^T Q = I: no length changes, nor any angle within one context.

    Two reflections turn one plane by twice the angle between their axes. Q is orthogonal for every
    value of the parameters, and differs from I in at most 2 `planes` directions. Starts as A, up to
    rounding.

    Raises:
        InputError: planes below 1.

    Source:
        Householder 1958; as parameters: Mhammedi et al. 2017, arXiv:1612.00188.
    """
    at_least(1, planes=planes)

    def init(key: Key[Array, ""], dim: int, context: int) -> Rotation:
        axes = jax.random.normal(key, (planes, dim), jnp.float32) * dim**-0.5
        return Rotation(axes, jnp.zeros((planes, context, dim), jnp.float32))

    def apply(params: Rotation, vectors, context, tokens):
        for axis, kernel in zip(params.axes, params.kernel, strict=True):
            vectors = reflected(vectors, jnp.broadcast_to(axis, vectors.shape))
            vectors = reflected(vectors, axis[None, :] + matmul(context, kernel))
        return vectors

    return Change(init, apply)


def reflected(
    vectors: Float[Array, "time dim"], normals: Float[Array, "time dim"]
) -> Float[Array, "time dim"]:
    """Each vector reflected in the hyperplane of its normal; a normal of 0 reflects nothing."""
    # scaled, because squares of very small or large normals lose their digits
    largest = jnp.max(jnp.abs(normals), axis=1, keepdims=True)
    normals = normals / jnp.where(largest > 0, largest, 1.0)
    square = jnp.sum(normals * normals, axis=1, keepdims=True)
    along = jnp.sum(normals * vectors, axis=1, keepdims=True)
    return vectors - 2.0 * (along / jnp.where(square > 0, square, 1.0)) * normals


def _nothing(key: Key[Array, ""], dim: int, context: int) -> tuple[()]:
    del key, dim, context
    return ()


class Senses(NamedTuple):
    """For each sense of each word: its offset from the word's vector, and its key for contexts."""

    offsets: Float[Array, "vocab senses dim"]  # S_wk = a_w + offsets_wk
    keys: Float[Array, "vocab senses context"]


def sense_mixture(vocab: int, senses: int) -> Change:
    """sum_k pi_k(c_t) S_wk, S_wk = a_w + offset_wk, for tokens that are ids of `vocab` words.

    pi lies on the simplex, so a word stays within the convex hull of its senses; with one sense it
    is static. Starts as A up to rounding, with random keys so that training can separate senses.

    Raises:
        InputError: fewer than one word or sense.

    Source:
        Neelakantan et al. 2014, arXiv:1504.06654, with a softmax in place of the choice of a sense.
    """
    at_least(1, vocab=vocab, senses=senses)

    def init(key: Key[Array, ""], dim: int, context: int) -> Senses:
        keys = jax.random.normal(key, (vocab, senses, context), jnp.float32) * context**-0.5
        return Senses(jnp.zeros((vocab, senses, dim), jnp.float32), keys)

    def apply(params: Senses, vectors, context, tokens):
        pi = sense_weights(params, context, tokens)
        return vectors + jnp.sum(pi[:, :, None] * params.offsets[tokens], axis=1)

    return Change(init, apply)


def sense_weights(
    params: Senses, context: Float[Array, "time context"], tokens: Int[Array, " time"]
) -> Float[Array, "time senses"]:
    """pi_k = softmax_k(key_wk . c_t): the weight of each sense of a token in its context."""
    return jax.nn.softmax(jnp.sum(params.keys[tokens] * context[:, None, :], axis=2), axis=1)
