"""Training: chunks of steps under one jit, as a loop without files, clocks or printing."""

import enum
import functools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Int, Key, UInt32

from jaxemb.errors import InputError
from jaxemb.functional import loops, schedules
from jaxemb.static import batches, segments, tables
from jaxemb.structs import (
    AnyArray,
    Block,
    Cursor,
    Event,
    InOut,
    Learner,
    LearnerState,
    Objective,
    PyTree,
    Training,
    Vocab,
)
from jaxemb.training import columns, prefetch


class Stream(enum.IntEnum):
    """What randomness is for: fold_in(key, Stream) keeps the streams of one seed apart."""

    TABLES = 0
    DRAWS = 1
    TEXT = 2
    HELD_OUT_TEXT = 3
    HELD_OUT_DRAWS = 4


class Plan(NamedTuple):
    """All that decides the bits of a training, besides its text."""

    key: Key[Array, ""]
    objective: Objective
    learner: Learner
    dim: int
    epochs: int
    learning_rate: float
    batch: int  # blocks in a step
    chunk: int  # steps in one jitted call: changes nothing but speed
    trainable: InOut[AnyArray] | None = None
    # from random tables to the first, which are given away
    initial: Callable[[InOut[Array]], InOut[Array]] = lambda whole: whole
    initialize: Callable[..., InOut[Array]] = tables.init  # (key, rows, dim) -> random tables
    schedule: Callable[..., Any] = schedules.word2vec  # (learning_rate, share done) -> rate
    lanes: int = 1  # tables have a multiple of so many columns
    precision: str = "default"  # of the products of training; losses that are reported have float32

    @property
    def columns(self) -> int:
        """The columns of the tables that are trained: those beyond `dim` are zeros.

        Kernels are fastest in whole vectors of the hardware. `dim` itself, where a loss might see
        the zeros, or an optimizer change them.
        """
        alike = self.objective.of_products and self.learner.over is not None
        return -(-self.dim // self.lanes) * self.lanes if alike else self.dim


class Program(NamedTuple):
    """What runs on the device, of one model or of several together.

    start(rows) -> LearnerState
    rates(done) -> the learning rates of steps
    first_loss(tables, step, texts, resources) -> nats per pair
    chunk(state, step, count, texts, rates, resources) -> LearnerState
    """

    start: Callable[[InOut[int]], LearnerState]
    rates: Callable[..., Any]
    first_loss: Callable[..., Array]
    chunk: Callable[..., LearnerState]


def check_ids(ids: Any, vocab: Vocab) -> None:
    """Raises InputError for no ids, and ids that are not words of the vocabulary."""
    if segments.largest_id(ids, len(vocab.words)) < 0:
        raise InputError("no ids of words: there is nothing to train on")


def split_of(
    key: Key[Array, ""],
    ids: Int[np.ndarray, " ids"],
    keep: Float[np.ndarray, " vocab"],
    *,
    held_out: float = 0.0,
    held: bool = False,
    cost: Int[np.ndarray, " vocab"] | None = None,
) -> segments.Split:
    """The text of one side, subsampled by a seed that derives from the key.

    Args:
        cost: what words cost as centers: `objective.cost(resources)`.
    """
    stream = Stream.HELD_OUT_TEXT if held else Stream.TEXT
    seed = int(jax.random.bits(jax.random.fold_in(key, stream), dtype=jnp.uint32))
    return segments.Split(ids, keep, seed, held_out, held, cost=cost)


def start(plan: Plan, rows: InOut[int]) -> LearnerState:
    """The state before the first step."""
    key = jax.random.fold_in(plan.key, Stream.TABLES)
    first = plan.initial(plan.initialize(key, rows, plan.dim))
    return plan.learner.init(InOut(*(columns.wide(plan, table) for table in first)))


def one(plan: Plan) -> Program:
    """The program of a single model: its draws come from the plan's key."""
    draws = jax.random.fold_in(plan.key, Stream.DRAWS)
    how = {"objective": plan.objective, "learner": plan.learner}
    return Program(
        functools.partial(start, plan),
        functools.partial(plan.schedule, plan.learning_rate),
        lambda whole, *rest: _first_loss(whole, draws, *rest, objective=plan.objective),
        lambda state, *rest: _train_chunk(state, draws, *rest, plan.trainable, **how),
    )


def events(
    plan: Plan,
    state: LearnerState,
    resources: Any,
    split: segments.Split,
    cursor: Cursor = Cursor(),  # noqa: B008 (a NamedTuple does not change)
    program: Program | None = None,
) -> Iterator[Event]:
    """Trains from the cursor to the last epoch, a chunk at a time.

    The text of the next chunks is prepared in a thread while the device works.
    """
    program = program or one(plan)
    for epoch, chunk in prefetch.ahead(_all_chunks(plan, split, cursor)):
        done = _done(plan, split, epoch, chunk)
        rates = program.rates(done[:-1]).astype(np.float32)
        # a program of its own: inside the next one, a look at the tables makes XLA copy them
        loss = program.first_loss(state.tables, cursor.step, chunk.texts[0], resources)
        count = loops.turns(chunk.real, len(chunk.texts))
        with jax.default_matmul_precision(plan.precision):
            state = program.chunk(state, cursor.step, count, chunk.texts, rates, resources)
        ends = chunk.ends_segment and chunk.segment + 1 == segments.segment_count(split)
        segment = chunk.segment + chunk.ends_segment
        began, cursor = (
            cursor,
            Cursor(
                epoch=epoch + ends,
                segment=0 if ends else segment,
                segment_step=0 if chunk.ends_segment else chunk.first + chunk.real,
                step=cursor.step + chunk.real,
                trained=cursor.trained + chunk.trained,
                subsampled=cursor.subsampled + chunk.subsampled,
            ),
        )
        rate = float(plan.schedule(plan.learning_rate, done[0]))
        share = float(done[chunk.real])
        refused = jax.tree.map(jnp.copy, state.refused)  # state is given away
        yield Event(state, began, cursor, loss, share, ends, refused, rate)


def training(
    plan: Plan, program: Program, resources: Any, split: segments.Split, rows: InOut[int]
) -> Training:
    """The `Training` of a plan over a text, from tables of so many rows."""
    return Training(
        start=lambda: program.start(rows),
        events=lambda state, cursor: events(plan, state, resources, split, cursor, program),
        where=where,
    )


def where(event: Event) -> str:
    """The place of a chunk, for people."""
    first, at = event.began.segment * segments.SEGMENT, event.began
    text = f"tokens {first:,} to {first + segments.SEGMENT:,}"
    return f"step {at.step + 1:,}, in epoch {at.epoch + 1}, {text}"


def steps(
    state: LearnerState,
    draws: Key[Array, ""],
    first: ArrayLike,
    count: ArrayLike | None,
    texts: Int[AnyArray, "steps batch text"],
    rates: Float[AnyArray, " steps"],
    resources: PyTree,
    trainable: InOut[AnyArray] | None,
    *,
    objective: Objective,
    learner: Learner,
) -> LearnerState:
    """Some steps, with no word to the host in between.

    Random numbers come from fold_in(key, step), so chunks of any length draw the same; they are
    drawn for all steps at once, where threefry inside the loop would cost as much as the products.
    """
    numbers = first + jnp.arange(texts.shape[0], dtype=jnp.int32)
    random = random_bits(draws, numbers, texts.shape[1], objective)
    how = {"objective": objective, "learner": learner}
    return run(state, count, random, texts, rates, resources, trainable, **how)


def run(
    state: LearnerState,
    count: ArrayLike | None,
    random: UInt32[Array, "steps batch bits"],
    texts: Int[AnyArray, "steps batch text"],
    rates: Float[AnyArray, " steps"],
    resources: PyTree,
    trainable: InOut[AnyArray] | None,
    *,
    objective: Objective,
    learner: Learner,
) -> LearnerState:
    """The same with its random numbers given, uint32 [steps, batch, bits].

    Args:
        count: of the steps that are taken; None takes all, and lets the compiler know.
    """
    draw = jax.vmap(objective.draw, in_axes=(0, 0, None))

    def step(i, state):
        blocks = draw(random[i], texts[i], resources)
        return learner.step(state, blocks, rates[i], trainable)

    return loops.repeat(count, len(texts), step, state)


def first_loss(
    whole: InOut[Array],
    draws: Key[Array, ""],
    step: ArrayLike,
    texts: Int[AnyArray, "batch text"],
    resources: PyTree,
    *,
    objective: Objective,
) -> Float[Array, ""]:
    """The loss per pair of one step, before it is taken: nats."""
    random = random_bits(draws, jnp.asarray(step, jnp.int32)[None], texts.shape[0], objective)
    blocks = jax.vmap(objective.draw, in_axes=(0, 0, None))(random[0], texts, resources)
    with jax.default_matmul_precision("highest"):
        loss, pairs = block_loss(objective, whole, blocks)
    return loss / jnp.maximum(pairs, 1.0)


_first_loss = jax.jit(first_loss, static_argnames="objective")
_train_chunk = jax.jit(steps, static_argnames=("objective", "learner"), donate_argnames="state")


def random_bits(
    key: Key[Array, ""], steps: Int[AnyArray, " steps"], batch: int, objective: Objective
) -> UInt32[Array, "steps batch bits"]:
    """The randomness of some steps, each from fold_in(key, step) alone."""
    shape = (batch, objective.reads.bits)
    return jax.vmap(lambda i: jax.random.bits(jax.random.fold_in(key, i), shape, jnp.uint32))(steps)


def block_loss(
    objective: Objective,
    whole: InOut[Array],
    blocks: Block,
    turn: Float[Array, "dim dim"] | None = None,
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """The loss of some blocks, and the observed pairs it is over.

    Args:
        turn: by which every row is multiplied first.
    """
    rows = tables.gather(whole, blocks.ids)
    if turn is not None:
        rows = InOut(*(jnp.matmul(side, turn, precision="highest") for side in rows))
    return batches.total(objective, rows, blocks), jnp.sum(blocks.pairs)


def _all_chunks(plan: Plan, split: segments.Split, cursor: Cursor):
    reads = plan.objective.reads
    for epoch in range(cursor.epoch, plan.epochs):
        at = (cursor.segment, cursor.segment_step) if epoch == cursor.epoch else (0, 0)
        for chunk in segments.chunks(split, reads, plan.batch, plan.chunk, epoch, *at):
            yield epoch, chunk


def _done(plan: Plan, split: segments.Split, epoch: int, chunk: segments.Chunk):
    """The share of all epochs' text before each step of a chunk and after its last, float64."""
    length = min(split.segment, len(split.ids) - chunk.segment * split.segment)
    share = (chunk.first + np.arange(len(chunk.texts) + 1)) / chunk.steps
    before = epoch * len(split.ids) + chunk.segment * split.segment
    return (before + share * length) / (plan.epochs * len(split.ids))
