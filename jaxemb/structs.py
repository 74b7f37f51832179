"""The nouns of the project: NamedTuples of arrays, and of pure functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

if TYPE_CHECKING:  # at run time this import would load jax, which the text room does without
    from jaxtyping import Array, ArrayLike, PyTree


class InOut(NamedTuple):
    """The two sides of a word2vec network; holds ids, rows, tables, masks or row counts alike."""

    input: Any
    output: Any


class Block(NamedTuple):
    """What one block of text reads from the tables, and what it is asked to predict.

    Weight 0 is padding: it removes a word outside the window or beyond a sentence's end.
    """

    ids: InOut  # rows read: integers >= 0, or `Bag`s of them; outputs of one center come first
    pool: PyTree  # what the objective's `pool` needs besides the rows
    # of what one center is scored against: +1 observed, -1 noise; or a pytree of such numbers, if
    # the objective's loss needs more of each output (NCE: log(k P_n))
    target: Float[Array, " outputs"] | PyTree
    weight: Float[Array, "centers outputs"]
    pairs: Float[Array, ""]  # observed predictions: the unit in which loss is reported


class Bag(NamedTuple):
    """Ids of several rows that are read as one: their mean."""

    rows: Int[Array, "*bags bag"]  # beyond `length` any rows
    length: Int[Array, "*bags"]  # how many rows there are
    share: Float[Array, "*bags"]  # of what a bag receives, what each of its rows does


class Reads(NamedTuple):
    """The fixed sizes of what an objective reads, so that every shape is static."""

    block_length: int  # centers in a block
    halo: int  # words of context on either side of them
    bits: int  # uint32 of randomness that one block's draw consumes
    own: int = 0  # outputs that each center has to itself, before those the block shares
    budget: int = 0  # what the centers of a block may cost together, where they differ in cost


class Objective(NamedTuple):
    """What a block reads and what it costs, as pure functions and the sizes they read.

    prepare(vocab) -> (resources, rows)               host: noise table; row counts as `InOut`
    draw(random, text, resources) -> Block            which rows one block reads
    pool(input_rows, block) -> hidden                 [centers, dim]
    loss(hidden, output_rows, target, weight) -> nats knows nothing of windows
    words(tables, resources) -> tables                the same model with one input row a word
    of_words(resources) -> resources                  what blocks that read those are drawn from
    cost(resources) -> [vocab] or None                host: what a center takes of `reads.budget`
    load(resources, shares) -> tuple of [rows]        host: updates that a center is expected to add
                                                      to each row, of words with these shares

    `random` is uint32 [reads.bits]; `text` is int32 [reads.block_length + 2 reads.halo]: word ids,
    -1 at sentence ends and as padding, -2 - id for a word that is context but no center here.
    """

    prepare: Callable[..., tuple[PyTree, InOut]]
    draw: Callable[..., Block]
    pool: Callable[..., Array]
    loss: Callable[..., Array]
    reads: Reads
    words: Callable[[InOut, PyTree], InOut] = lambda tables, resources: tables
    of_words: Callable[[PyTree], PyTree] = lambda resources: resources
    cost: Callable[..., Any] = lambda resources: None
    load: Callable[..., tuple[Any, ...]] = lambda resources, shares: ()


class Refused(NamedTuple):
    """How many updates were not finite, and so were not applied: int32, [members] if several."""

    in_a_row: Any = np.int32(0)  # the last ones
    in_all: Any = np.int32(0)


class LearnerState(NamedTuple):
    """All that training changes."""

    tables: InOut
    optimizer: PyTree
    refused: Refused


class Learner(NamedTuple):
    """How a batch of blocks changes the tables, as two pure functions.

    init(tables) -> LearnerState
    step(state, blocks, learning_rate, trainable) -> LearnerState
    over(ops, parts) -> Learner   the same with other table operations; None if it cannot

    `trainable` is an `InOut` of row masks [rows], 1 to train and 0 to freeze, or None for all.
    """

    init: Callable[[InOut], LearnerState]
    step: Callable[[LearnerState, Block, ArrayLike, InOut | None], LearnerState]
    over: Callable[[TableOps, int], Learner] | None = None


class Cursor(NamedTuple):
    """Where a training run stands; with its settings and data it decides all that follows."""

    epoch: int = 0
    segment: int = 0  # of the epoch's data; a language model's is one
    segment_step: int = 0  # the next step of that segment
    step: int = 0  # steps so far
    trained: int = 0  # words, predictions or cells so far
    subsampled: int = 0  # words left out so far


class Event(NamedTuple):
    """What one chunk of steps did. `state` is donated to the next chunk: read it before that."""

    state: Any  # has `refused`
    began: Cursor  # where the chunk started
    cursor: Cursor  # where the next one starts
    loss: Float[Array, "..."]  # nats per prediction, or the loss per cell
    done: float  # share of the whole run
    ends_epoch: bool
    refused: Refused  # when it ended
    learning_rate: float | None = None  # of its first step, where it falls


class Training(NamedTuple):
    """A training run as pure functions, so that one loop trains every kind of model.

    start() -> state
    events(state, cursor) -> an `Event` after every chunk, from the cursor to the end
    where(event) -> the place of a chunk in the data, for people
    """

    start: Callable[[], Any]
    events: Callable[[Any, Cursor], Iterator[Event]]
    where: Callable[[Event], str]


class TableOps(NamedTuple):
    """How rows are read from tables and added to them: the adjoint pair that learners are built on.

    gather(tables, ids) -> rows               each ids.shape + [dim]
    scatter_add(tables, ids, rows) -> tables  repeated ids add up
    exchange(tables, ids, rows, finite) -> ids, rows, finite   of the whole batch, where devices
                                              have parts of it; as far as this one is to add it
    """

    gather: Callable[[Any, Any], Any]
    scatter_add: Callable[[Any, Any, Any], Any]
    exchange: Callable[..., tuple[Any, Any, Any]] = lambda tables, *own: own


class Embedder(NamedTuple):
    """Tokens to vectors, static or dependent on context.

    init(key) -> params
    apply(params, tokens [time], mask [time], key=None) -> vectors [time, dim]; masked rows are 0
    """

    init: Callable[..., PyTree]
    apply: Callable[..., Float[Array, "time dim"]]


class Cells(NamedTuple):
    """The cells of a sparse matrix that are not 0, by row, then by column; each once.

    Of co-occurrence counts the row is the word, the column its context. May be memory-mapped.
    """

    rows: Int[Any, " cells"]  # int32
    columns: Int[Any, " cells"]  # int32
    values: Float[Any, " cells"]  # float32


class Vocab(NamedTuple):
    """Words by falling count, equal counts by code points; the index is the id."""

    words: tuple[str, ...]
    counts: Int[Any, " vocab"]  # int64, on the host
