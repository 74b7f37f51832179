"""Contextual embedders: static vectors, a model over them, a reading of its layers, a change."""

from typing import Any, NamedTuple

import jax
from jaxtyping import Array, Key

from jaxemb.embedders.changes import Change, switch
from jaxemb.embedders.layers import Reading
from jaxemb.functional.reading import in_context
from jaxemb.structs import Contextualizer, Embedder


class Contextual(NamedTuple):
    """The parameters of `contextual`: those of each of its parts."""

    static: Any
    model: Any
    reading: Any
    change: Any


class Changed(NamedTuple):
    """The parameters of `changed`: those of each of its parts."""

    static: Any
    context: Any
    change: Any


def contextual(
    static: Embedder, model: Contextualizer, reading: Reading, change: Change | None = None
) -> Embedder:
    """An embedder whose vectors depend on the sentence: context replaces or changes the vectors.

    Args:
        static: the embedder A, of the dimension that the model reads; `frozen` or not.
        model: reads A's vectors in context, such as `contextual.members.lstm(dim)`. A key given to
            `apply` turns its dropout on.
        reading: makes the context vector c_t from the model's layers.
        change: how c_t changes A; by default c_t replaces it (`switch`).

    Returns:
        An embedder with `Contextual` parameters. `params.static` are A's own, so that a trained
        table is put in by `params._replace(static=table)`, and can be compared after training.

    Raises:
        ValueError: (from apply) A's dimension is not the model's.
    """
    change = switch() if change is None else change

    def init(key: Key[Array, ""]) -> Contextual:
        keys = jax.random.split(key, 4)
        dim = model.dim
        return Contextual(
            static.init(keys[0]),
            model.init(keys[1]),
            reading.init(keys[2], 1 + model.depth),
            change.init(keys[3], dim, len(model.reverse) * dim),
        )

    def apply(params: Contextual, tokens, mask, key=None):
        ours, theirs = _split(key)
        vectors = static.apply(params.static, tokens, mask, ours)
        layers, _ = in_context(model, params.model, vectors, mask, key=theirs)
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


def _split(key):
    return (None, None) if key is None else tuple(jax.random.split(key))
