"""Contextual embedders: static vectors, a biLM over them, a reading of its layers, a change."""

from typing import Any, NamedTuple, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key

from jaxemb.embedders.changes import Change, switch
from jaxemb.embedders.layers import Reading
from jaxemb.structs import Embedder


@runtime_checkable
class BiLM(Protocol):
    """The interface of `jaxemb.contextual.bilm.BiLM`; any module that has it serves as well.

    apply({"params": p}, vectors [time, dim], mask [time]) -> (layers [1 + n, time, 2 dim], carry)
    """

    @property
    def cell(self) -> Any:
        """The recurrent cell: `cell.out` is the dimension of its input, half that of a layer."""

    @property
    def layers(self) -> int:
        """The number of layers, without layer 0."""
        ...

    def init(self, rngs: Any, *args: Any) -> Any:
        """The initial variables {"params": p}, as in Flax."""
        ...

    def apply(self, variables: Any, *args: Any, **options: Any) -> Any:
        """The layers and the carry, as above; `options` turn dropout on, as in Flax."""
        ...


class Contextual(NamedTuple):
    """The parameters of `contextual`: those of each of its parts."""

    static: Any
    bilm: Any
    reading: Any
    change: Any


class Changed(NamedTuple):
    """The parameters of `changed`: those of each of its parts."""

    static: Any
    context: Any
    change: Any


def contextual(
    static: Embedder, bilm: BiLM, reading: Reading, change: Change | None = None
) -> Embedder:
    """An embedder whose vectors depend on the sentence: context replaces or changes the vectors.

    Args:
        static: the embedder A, of the dimension that the biLM's cell reads; `frozen` or not.
        bilm: reads A's vectors from both sides. A key given to `apply` turns its dropout on.
        reading: makes the context vector c_t from the biLM's layers.
        change: how c_t changes A; by default c_t replaces it (`switch`).

    Returns:
        An embedder with `Contextual` parameters. `params.static` are A's own, so that a trained
        table is put in by `params._replace(static=table)`, and can be compared after training.

    Raises:
        ValueError: (from init or apply) A's dimension is not the cell's.
    """
    change = switch() if change is None else change

    def init(key: Key[Array, ""]) -> Contextual:
        keys = jax.random.split(key, 4)
        dim = bilm.cell.out
        return Contextual(
            static.init(keys[0]),
            bilm.init(keys[1], *_empty(dim))["params"],
            reading.init(keys[2], 1 + bilm.layers),
            change.init(keys[3], dim, 2 * dim),
        )

    def apply(params: Contextual, tokens, mask, key=None):
        ours, theirs = _split(key)
        vectors = static.apply(params.static, tokens, mask, ours)
        dropout = {} if key is None else {"rngs": {"dropout": theirs}, "deterministic": False}
        layers, _ = bilm.apply({"params": params.bilm}, vectors, mask, **dropout)
        context = reading.apply(params.reading, layers, mask)
        return change.apply(params.change, vectors, context, tokens) * mask[:, None]

    return Embedder(init, apply)


def changed(static: Embedder, context: Embedder, change: Change, dims: tuple[int, int]) -> Embedder:
    """An embedder whose vectors are those of `static`, changed by those of `context`.

    Args:
        static: the embedder A.
        context: gives c_t for the same tokens: a `contextual` embedder, or your own.
        change: how c_t changes A.
        dims: the dimensions of A's vectors and of the context's.

    Returns:
        An embedder with `Changed` parameters.
    """

    def init(key: Key[Array, ""]) -> Changed:
        keys = jax.random.split(key, 3)
        return Changed(static.init(keys[0]), context.init(keys[1]), change.init(keys[2], *dims))

    def apply(params: Changed, tokens, mask, key=None):
        ours, theirs = _split(key)
        vectors = static.apply(params.static, tokens, mask, ours)
        read = context.apply(params.context, tokens, mask, theirs)
        return change.apply(params.change, vectors, read, tokens) * mask[:, None]

    return Embedder(init, apply)


def frozen(embedder: Embedder) -> Embedder:
    """The embedder without gradients for its parameters: training leaves its table unchanged.

    Weight decay acts without a gradient: exclude the frozen part from it.
    """

    def apply(params, tokens, mask, key=None):
        return embedder.apply(jax.lax.stop_gradient(params), tokens, mask, key)

    return Embedder(embedder.init, apply)


def _empty(dim: int):
    """A sentence of one token, and its mask."""
    return jnp.zeros((1, dim), jnp.float32), jnp.ones(1, jnp.float32)


def _split(key):
    return (None, None) if key is None else tuple(jax.random.split(key))
