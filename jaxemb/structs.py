"""The data types of the project: NamedTuples of arrays and of pure functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Protocol, TypeAlias, TypeVar

import numpy as np
from jaxtyping import Float, Int

from jaxemb.errors import no_number

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
PyTree: TypeAlias = Any  # a tree of arrays, of any structure

if TYPE_CHECKING:  # at run time this import would load jax, which the text room does without
    from jaxtyping import Array, ArrayLike

    class HasArray(Protocol):
        """Any array of numbers: jax's, NumPy's, or what NumPy makes one of."""

        def __array__(self) -> np.ndarray: ...

    AnyArray: TypeAlias = Array | np.ndarray  # a result is NumPy's where the arguments are
    TableLike: TypeAlias = HasArray | Sequence[Sequence[float]]  # [rows, dim]
    VectorsLike: TypeAlias = TableLike | Sequence[float]  # [dim] or [..., dim]
    IdsLike: TypeAlias = HasArray | Sequence[int]  # [ids]
    Number: TypeAlias = float | np.number | AnyArray  # one number, known or traced

    class InOut(NamedTuple, Generic[T_co]):
        """A pair (input, output), an entry per word2vec table: tables, row ids, masks or counts."""

        input: T_co
        output: T_co

else:  # functions themselves say best what they cannot take
    AnyArray = TableLike = VectorsLike = IdsLike = Number = Any

    class InOut(NamedTuple):
        """A pair (input, output), an entry per word2vec table: tables, row ids, masks or counts.

        `InOut[Array]` is a pair of arrays to type checkers, and plain InOut at run time.
        """

        input: Any
        output: Any

        def __repr__(self) -> str:
            return f"InOut(input={_short(self.input)}, output={_short(self.output)})"

        @classmethod
        def __class_getitem__(cls, kind: Any) -> type:
            del kind
            return cls


def displayed(report: type[T]) -> type[T]:
    """Show a class by its `__str__`; `==` with a number, where a field was meant, raises."""
    equal, unequal = report.__eq__, report.__ne__
    report.__repr__ = report.__str__
    report._repr_markdown_ = lambda self: str(self)  # type: ignore[attr-defined]
    report.__eq__ = lambda self, other: equal(no_number(self, other), other)
    report.__ne__ = lambda self, other: unequal(no_number(self, other), other)
    return report


def _short(leaf: Any) -> str:
    """The type and shape of an array that is a matrix or larger; anything else as it is."""
    if getattr(leaf, "ndim", 0) < 2:
        return repr(leaf)
    return f"{leaf.dtype}[{', '.join(map(str, leaf.shape))}]"


class Block(NamedTuple):
    """The rows that one block of text reads from the tables, and what it predicts.

    Weight 0 is padding: it removes a word outside the window or beyond a sentence's end.
    """

    # rows read: integers >= 0, or `Bag`s of them; outputs of one center come first
    ids: InOut[Any]
    pool: PyTree  # what the objective's `pool` needs besides the rows
    # for each output: +1 observed, -1 noise; or a pytree of such numbers, if the objective's loss
    # needs more of each output (NCE: log(k P_n))
    target: Float[Array, " outputs"] | PyTree
    weight: Float[Array, "centers outputs"]
    pairs: Float[Array, ""]  # observed predictions: the unit in which loss is reported


class Bag(NamedTuple):
    """Ids of several rows that are read as one: their mean."""

    rows: Int[Array, "*bags bag"]  # row ids; any ids beyond `length`
    length: Int[Array, "*bags"]  # number of rows of each bag
    share: Float[Array, "*bags"]  # the share of a bag's update that each of its rows receives


class Reads(NamedTuple):
    """The sizes of what an objective reads, fixed so that every shape is static."""

    block_length: int  # centers in a block
    halo: int  # words of context on either side of the centers
    bits: int  # random uint32 that the draw of one block consumes
    own: int = 0  # outputs of each center alone; they come before the shared ones
    # upper bound on the total cost of a block's centers, where costs differ (hierarchical softmax)
    budget: int = 0


class Objective(NamedTuple):
    """What a block reads and its loss, as pure functions and the sizes of what they read.

    prepare(vocab) -> (resources, rows)               host: noise table; row counts as `InOut`
    draw(random, text, resources) -> Block            which rows one block reads
    pool(input_rows, block) -> hidden                 [centers, dim]
    loss(hidden, output_rows, target, weight) -> nats knows nothing of windows
    words(tables, resources) -> tables                an equal model with one input row per word
    of_words(resources) -> resources                  for drawing blocks that read those tables
    cost(resources) -> [vocab] or None                host: what each center takes of `reads.budget`
    load(resources, shares) -> tuple of [rows]        host: expected updates per center of each row,
                                                      for words with these shares of the text
    unknown(tables, resources, words) -> [words, dim] host: of words beyond the vocabulary, or None
    of_products: whether vectors matter by products u . c alone: columns of zeros then stay zeros

    `random` is uint32 [reads.bits]; `text` int32 [reads.block_length + 2 reads.halo]: word ids, -1
    at sentence ends and as padding, -2 - id for a word that is context but no center here.
    """

    prepare: Callable[[Vocab], tuple[PyTree, InOut[int]]]
    draw: Callable[..., Block]
    pool: Callable[..., Array]
    loss: Callable[..., Array]
    reads: Reads
    words: Callable[[InOut[Array], PyTree], InOut[Array]] = lambda tables, resources: tables
    of_words: Callable[[PyTree], PyTree] = lambda resources: resources
    cost: Callable[..., Any] = lambda resources: None
    load: Callable[..., tuple[Any, ...]] = lambda resources, shares: ()
    unknown: Callable[[InOut, PyTree, Sequence[str]], Any] | None = None
    of_products: bool = False


class Refused(NamedTuple):
    """Counts of updates that were not finite, and so were not applied: int32, or [members]."""

    in_a_row: AnyArray | np.int32 = np.int32(0)  # since the last update that was applied
    in_all: AnyArray | np.int32 = np.int32(0)  # since the start


class LearnerState(NamedTuple):
    """Everything that training changes."""

    tables: InOut[Array]
    optimizer: PyTree
    refused: Refused


class Learner(NamedTuple):
    """An optimizer of tables by batches of blocks, as pure functions.

    init(tables) -> LearnerState
    step(state, blocks, learning_rate, trainable) -> LearnerState
    over(ops, parts) -> Learner   this learner with other table operations; None if impossible
    objective                     what it was built for, if it says so

    `trainable` is an `InOut` of row masks [rows], 1 to train and 0 to freeze; None trains all.
    """

    init: Callable[[InOut[Array]], LearnerState]
    step: Callable[[LearnerState, Block, ArrayLike, InOut[AnyArray] | None], LearnerState]
    over: Callable[[TableOps, int], Learner] | None = None
    objective: Objective | None = None


class Cursor(NamedTuple):
    """Where a training run stands; with its settings and data it decides all that follows."""

    epoch: int = 0
    segment: int = 0  # of the epoch's data; a language model's is one
    segment_step: int = 0  # the next step of that segment
    step: int = 0  # steps so far
    trained: int = 0  # words, predictions or cells so far
    subsampled: int = 0  # words left out so far

    @property
    def words(self) -> int:
        """Words read so far: trained, or left out."""
        return self.trained + self.subsampled


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
    """Reading rows from tables and adding rows to them: the adjoint pair that learners use.

    gather(tables, ids) -> rows               each ids.shape + [dim]
    scatter_add(tables, ids, rows) -> tables  repeated ids add up
    exchange(tables, ids, rows, finite) -> ids, rows, finite   where devices have parts of a batch:
                                              those of the whole batch that this device adds
    """

    gather: Callable[[Any, Any], Any]
    scatter_add: Callable[[Any, Any, Any], Any]
    exchange: Callable[..., tuple[Any, Any, Any]] = lambda tables, *own: own


class Embedder(NamedTuple):
    """A map from tokens to vectors, static or dependent on context.

    init(key) -> params
    apply(params, tokens [time], mask [time], key=None) -> vectors [time, dim]; masked rows are 0
    """

    init: Callable[..., PyTree]
    apply: Callable[..., Float[Array, "time dim"]]


class Text(NamedTuple):
    """What one direction of a contextualizer reads."""

    vectors: Float[Array, "time *batch dim"]
    mask: Float[AnyArray, "time *batch"]  # 1 at tokens, 0 at padding
    reset: Float[AnyArray, "time *batch"]  # 1 where the direction begins a sentence


class Contextualizer(NamedTuple):
    """Vectors of a text to the vectors of every layer, as pure functions.

    init(key) -> params, start(batch) -> carry, layers(params, texts, carry, key=None) ->
    (outputs, carry)

    A model has one direction or several, each blind to the others. `texts` holds the `Text` of each
    direction, in the order of the text (a `reverse` one reads it from the end by itself): the same
    one for vectors, one each in training. `outputs` holds, for each direction, `depth` arrays
    [time, *batch, dim], 0 where the mask is 0. `carry`, arrays of shape `batch` and more, 0 at the
    start, is what the next tokens need of those before. A key turns dropout on.
    """

    init: Callable[[Any], PyTree]
    start: Callable[[tuple[int, ...]], PyTree]
    layers: Callable[..., tuple[Sequence[Sequence[Array]], PyTree]]
    dim: int  # of the vectors that are read, and of each direction's outputs
    depth: int  # the number of layers
    reverse: tuple[bool, ...] = (False, True)  # of each direction: it reads from the end


class Sparse(NamedTuple):
    """The nonzero cells of a sparse matrix (COO), sorted by row, then by column; none is repeated.

    In co-occurrence counts the row is the word and the column its context. The arrays may be
    memory-mapped.
    """

    rows: Int[np.ndarray, " cells"]  # int32
    columns: Int[np.ndarray, " cells"]  # int32
    values: Float[np.ndarray, " cells"]  # float32


class Vocab(NamedTuple):
    """Words by falling count, equal counts by code points; the index of a word is its id."""

    words: tuple[str, ...]
    counts: Int[np.ndarray, " vocab"]  # int64, on the host

    def __repr__(self) -> str:
        pairs = zip(self.words[:4], self.counts[:4].tolist(), strict=True)
        first = ", ".join(f"{word} {count:,}" for word, count in pairs)
        more = ", ..." if len(self.words) > 4 else ""
        size, tokens = len(self.words), int(self.counts.sum())
        return f"Vocab of {size:,} words, {tokens:,} tokens: {first}{more}"

    def _repr_markdown_(self) -> str:
        words, counts = self.words[:10], self.counts[:10].tolist()
        pairs = enumerate(zip(words, counts, strict=True))
        rows = [f"| {i} | {w} | {n:,} |" for i, (w, n) in pairs]
        head = f"**Vocab** of {len(self.words):,} words, {int(self.counts.sum()):,} tokens"
        return "\n".join([head, "", "| id | word | count |", "|---:|---|---:|", *rows])
