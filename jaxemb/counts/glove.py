"""GloVe: weighted least squares on the logarithms of co-occurrence counts, cell by cell.

A cell is a block of one center and one output, so that any learner can train it. During training
the biases are the last column of both tables; `split` separates them from the vectors.
"""

import functools
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar, cast

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from jaxemb.counts.shuffling import Chunk
from jaxemb.errors import above_zero
from jaxemb.functional import loops, losses
from jaxemb.static import batches, objectives, tables
from jaxemb.structs import (
    Block,
    Cursor,
    Event,
    InOut,
    Learner,
    LearnerState,
    Objective,
    Reads,
    Sparse,
    Vocab,
)
from jaxemb.text import vocabulary

A = TypeVar("A")


def weight(counts: Float[Array, "..."], *, x_max: float, power: float) -> Float[Array, "..."]:
    """f(x) = (x / x_max)^power, and 1 from x_max on: the weight of a count x.

    Source:
        Pennington et al. 2014, eq. 9.
    """
    return jnp.minimum(counts / x_max, 1.0) ** power


def glove(
    *,
    x_max: float = 100.0,
    weight_power: float = 0.75,
    loss: Callable[..., Array] = losses.biased_squares,
) -> Objective:
    """GloVe as an objective, whose "text" is one cell: `Sparse` of length 1.

    Args:
        x_max: the count from which on a cell has weight 1.
        weight_power: exponent of the weight of smaller counts.
        loss: any function of (hidden, outputs, target, weight); the last entry of a vector is its
            bias, if the loss uses one.

    Raises:
        InputError: a number that is not above 0.
    """
    above_zero(x_max=x_max, weight_power=weight_power)
    return Objective(
        prepare=_prepare,
        draw=functools.partial(
            draw, weight=functools.partial(weight, x_max=x_max, power=weight_power)
        ),
        pool=objectives.centers_as_they_are,
        loss=loss,
        reads=Reads(block_length=1, halo=0, bits=0),
    )


def draw(random: Any, cell: Sparse, resources: Any, *, weight: Callable[..., Array]) -> Block:
    """The block of one cell; nothing is drawn at random. A count of 0 is padding."""
    del random, resources
    seen = cell.values > 0
    return Block(
        ids=InOut(cell.rows, cell.columns),
        pool=(),
        target=jnp.log(jnp.where(seen, cell.values, 1.0)),
        weight=weight(cell.values)[:, None],
        pairs=jnp.sum(seen.astype(cell.values.dtype)),
    )


def _prepare(vocab: Vocab):
    vocabulary.refuse_one_word(vocab)
    return (), InOut(len(vocab.words), len(vocab.words))


def init(key: Key[Array, ""], rows: InOut[int], dim: int) -> InOut[Array]:
    """Initial tables as in Stanford's program: all entries uniform on (-1/2, 1/2) / dim.

    Returns:
        float32 [rows, dim + 1]: the last column is the bias.
    """
    keys = InOut(*jax.random.split(key))
    return InOut(*(_uniform(k, n, dim) for k, n in zip(keys, rows, strict=True)))


def _uniform(key, rows: int, dim: int):
    return jax.random.uniform(key, (rows, dim + 1), jnp.float32, -0.5, 0.5) / dim


def split(whole: InOut[A]) -> tuple[InOut[A], InOut[A]]:
    """The vectors [vocab, dim] and the biases [vocab] of both sides."""
    vectors, biases = (jax.tree.map(take, whole) for take in (_vectors, _biases))
    return cast(InOut[A], vectors), cast(InOut[A], biases)


def _vectors(table):
    return table[:, :-1]


def _biases(table):
    return table[:, -1]


def events(
    objective: Objective,
    learner: Learner,
    state: LearnerState,
    cursor: Cursor,
    chunks: Iterable[Chunk],
    learning_rate: float,
) -> Iterator[Event]:
    """Train on one chunk of cells after another, each in one jitted call.

    Args:
        objective: from `glove`.
        learner: how a batch of cells changes the tables.
        state: of the learner; its buffers are donated.
        cursor: where the chunks begin.
        chunks: from `shuffling.chunks`.
        learning_rate: the same in every step; AdaGrad scales it by itself.
    """
    for chunk in chunks:
        cells = cast(Sparse, jax.tree.map(jnp.asarray, chunk.cells))
        # a separate program: reading the tables inside `_train` would make XLA copy them
        loss = _first_loss(state.tables, cells, objective=objective)
        count = loops.turns(chunk.real, len(cells.values))
        state = _train(state, cells, count, learning_rate, objective, learner)
        began, cursor = (
            cursor,
            Cursor(
                epoch=chunk.epoch + chunk.ends_epoch,
                segment=0 if chunk.ends_epoch else chunk.segment + chunk.ends_segment,
                segment_step=0 if chunk.ends_segment else chunk.first + chunk.real,
                step=cursor.step + chunk.real,
                trained=cursor.trained + chunk.trained,
            ),
        )
        refused = jax.tree.map(jnp.copy, state.refused)
        yield Event(state, began, cursor, loss, chunk.done, chunk.ends_epoch, refused)


def where(event: Event) -> str:
    """The place of a chunk, for people."""
    return f"step {event.began.step + 1:,}, in epoch {event.began.epoch + 1}"


@functools.partial(jax.jit, static_argnames=("objective", "learner"), donate_argnames="state")
def _train(state, cells: Sparse, real, learning_rate, objective: Objective, learner: Learner):
    def step(i, state):
        return learner.step(state, blocks(objective, cells, i), learning_rate, None)

    return loops.repeat(real, len(cells.values), step, state)


@functools.partial(jax.jit, static_argnames="objective")
def _first_loss(whole: InOut[Array], cells: Sparse, *, objective: Objective):
    batch = blocks(objective, cells, 0)
    rows = tables.gather(whole, batch.ids)
    return batches.total(objective, rows, batch) / jnp.maximum(jnp.sum(batch.pairs), 1.0)


def blocks(objective: Objective, cells: Sparse, step: Any) -> Block:
    """The batch of one step, one block per cell; cells have the shape [steps, batch, 1]."""
    batch = jax.tree.map(lambda leaf: leaf[step], cells)
    return jax.vmap(objective.draw, in_axes=(None, 0, None))((), batch, ())
