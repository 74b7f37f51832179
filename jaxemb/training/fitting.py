"""Train word vectors in memory: no config, no run folder, no progress bar."""

import functools
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from jaxemb.errors import InputError, NumericalError, above_zero, an, at_least, warn
from jaxemb.functional import finite, subsampling
from jaxemb.static import segments, steps
from jaxemb.structs import (
    AnyArray,
    Cursor,
    Event,
    IdsLike,
    InOut,
    Learner,
    LearnerState,
    Objective,
    Refused,
    Vocab,
)
from jaxemb.training import columns, given, learners, loop, native_step

if TYPE_CHECKING:
    Built = Objective
    Learning = Learner | Callable[..., Learner] | None
else:
    Built = Learning = Any  # `fit` itself says best what is no objective, and no learner

PATIENCE = 10  # updates in a row that are not finite, before training is given up
LONG = 1e3  # the Euclidean length of a row; stable training makes rows of 1 to 10


def fit(
    key: Key[Array, ""],
    ids: IdsLike,
    vocab: Vocab,
    objective: Built,
    *,
    dim: int = 64,
    epochs: int = 5,
    learning_rate: float = 0.025,
    subsample: float = 1e-3,
    learner: Learning = None,
    cap: float | None = None,
    batch: int = 32,
    chunk: int = 64,
    lanes: int = 1,
    trainable: InOut[AnyArray] | None = None,
    initial: InOut[AnyArray] | None = None,
    callback: Callable[[Event], Any] = lambda event: False,
) -> InOut[Array]:
    """Train word vectors in memory, without a config or a run folder.

    Args:
        key: a `jax.random.key`; the same key gives bit-identical tables.
        ids, vocab: integers [ids], -1 at sentence ends, and their words: from `text.encode`.
        objective: `skipgram()`, `cbow()` (which needs about six times the rate), or your own.
        dim, epochs: the dimension of the vectors; passes over the text.
        learning_rate: the initial rate, which falls linearly to 1e-4 of it.
        subsample: word2vec's threshold on a word's relative frequency, or 0.
        learner: from the objective to a `Learner`, `learners.row_sparse` by default; or `Learner`.
        cap: the largest norm of the update that one step adds to one row. By default none, except
            for a text of so few words that training would diverge (`static.steps`).
        batch: blocks in a step; fewer for a text of few words without a cap.
        chunk, lanes: steps in one jitted call; a multiple for columns of tables: speed alone.
        trainable, initial: row masks, 0 to freeze; tables to start from, by default word2vec's.
        callback: called with the `Event` of every chunk; training ends where it returns true.

    Returns:
        The tables, float32 [vocab, dim]; a word's input row is the mean of its subwords' rows.

    Raises:
        InputError: ids or settings that cannot be used; a cap beside a built learner.
        NumericalError: several updates in a row are not finite.
    Warns: of small steps, of little that was trained, of updates left out, of very long rows.
    """
    at_least(1, dim=dim, epochs=epochs, batch=batch, chunk=chunk, lanes=lanes)
    _check(key, vocab, objective, cap, learning_rate)
    ids = _checked(ids, vocab)
    resources, rows = objective.prepare(vocab)
    keep = subsampling.keep_word2vec(vocab.counts, subsample)
    if learner in (None, *native_step.SUMMED):
        expected = vocab.counts * keep
        step = steps.chosen(objective, resources, expected, learning_rate, batch, cap=cap)
        _say(step.message)
        batch, cap, learner = step.batch, step.cap, learner or learners.row_sparse
    learner = given.learner(learner, objective, cap)
    _check_shapes(rows, dim, trainable, initial)
    plan = loop.Plan(key, objective, learner, dim, epochs, learning_rate, batch, chunk, trainable)
    plan = _begun(plan._replace(lanes=lanes), initial)
    text = loop.split_of(key, ids, keep, cost=objective.cost(resources))
    return columns.words(plan, whole(plan, resources, rows, text, callback), resources)


def _begun(plan: loop.Plan, initial: InOut[AnyArray] | None) -> loop.Plan:
    return plan._replace(initial=functools.partial(_copied, initial)) if initial else plan


def _check(key, vocab, objective, cap, learning_rate) -> None:
    if not isinstance(objective, Objective):
        raise InputError(f"objective is {objective!r}; wanted a built one, such as skipgram()")
    check_key(key)
    above_zero(learning_rate=learning_rate)
    an(Vocab, vocab=vocab)
    if cap is not None:
        above_zero(cap=cap)


def _copied(tables: InOut[AnyArray], _: InOut[Array]) -> InOut[Array]:
    """Copies in float32: every step donates the tables that it is given."""
    return InOut(*(jnp.array(np.asarray(table, np.float32)) for table in tables))


def _check_shapes(rows: InOut[int], dim: int, trainable: Any, initial: Any) -> None:
    for name, pair, more in (("trainable", trainable, ()), ("initial", initial, (dim,))):
        if pair is None:
            continue
        an(InOut, **{name: pair})
        shapes = InOut(*((size, *more) for size in rows))
        if InOut(*map(np.shape, pair)) != shapes:
            raise InputError(f"{name} has shapes {tuple(map(np.shape, pair))}; wanted {shapes}")


def _checked(ids: Any, vocab: Vocab) -> np.ndarray:
    """The ids as signed integers, because -1 marks the end of a sentence."""
    try:
        ids = np.asarray(ids)
    except ValueError:
        raise InputError("ids are rows of several lengths; wanted integers in one row") from None
    loop.check_ids(ids, vocab)
    return ids.astype(np.int32) if ids.dtype.kind == "u" else ids


def check_key(key: Any) -> None:
    """Raise InputError unless `key` is a single typed JAX key."""
    typed = isinstance(key, jax.Array) and jnp.issubdtype(key.dtype, jax.dtypes.prng_key)
    if not (typed and key.shape == ()):
        raise InputError(f"key is {key!r}; wanted a single key, such as jax.random.key(0)")


def whole(
    plan: loop.Plan,
    resources: Any,
    rows: InOut[int],
    split: segments.Split,
    callback: Callable[[Event], Any] = lambda event: False,
) -> InOut[Array]:
    """Run a plan to its end, or to where the callback ends it: subwords are not composed.

    Raises:
        NumericalError: several updates in a row are not finite, from which step on.
    """
    state, event = loop.start(plan, rows), None
    for event in sound(loop.events(plan, state, resources, split)):
        state = event.state
        if callback(event):
            break
    assert event is not None  # a text has at least one chunk
    refuse_bad(state, event.cursor)
    left_out = int(event.refused.in_all)
    _say(f"{left_out:,} updates were not finite, and were left out" if left_out else None)
    begins = plan.initial is loop.Plan._field_defaults["initial"]
    words = len(split.keep) if begins else 0
    _say(idle(state.tables, event.cursor, words) if event.done >= 1 else None)
    _say(runaway(state.tables))
    return state.tables


def _say(message: str | None) -> None:
    if message:
        warn(message)


def sound(events: Iterable[Event]) -> Iterator[Event]:
    """The events of a training, until `PATIENCE` updates in a row are not finite.

    Raises:
        NumericalError: they are; one event late, so that the device does not wait for the host.
    """
    before = None
    for event in events:
        if before is not None and int(before.refused.in_a_row) >= PATIENCE:
            raise _not_finite(before.refused, before.cursor)
        yield event
        before = event


def runaway(tables: InOut[Array]) -> str | None:
    """A warning about tables with a row so long that training must have diverged, or None."""
    rows = (np.asarray(table) for table in tables)
    longest = max(float(np.sqrt(np.einsum("...d,...d->...", row, row).max())) for row in rows)
    if longest < LONG:
        return None
    return (
        f"the longest row is {longest:.1e}: training ran away; lower learning_rate or batch, or "
        "set a cap"
    )


def idle(tables: InOut[AnyArray], cursor: Cursor, words: int) -> str | None:
    """A warning about a finished training that trained nothing or almost nothing, or None.

    An output table of zeros, as which it begins, shows that no step changed a table.

    Args:
        words: how many words began with random vectors.
    """
    trained, untrained = cursor.trained, not np.any(np.asarray(tables.output))
    if trained >= words and not untrained:
        return None
    what = f"only {trained:,} words of text were trained, for the vectors of {words:,}"
    if untrained:
        what = "nothing was trained, and the vectors are those of the random start"
    if cursor.subsampled:
        what += f": subsampling left out {cursor.subsampled:,} of {cursor.words:,} words"
    if trained and untrained:
        return (
            f"{what}; or no word has another one beside it, the loss has no gradient, or all rows "
            "are frozen"
        )
    return f"{what}; give more text or more epochs, or set subsample=0"


def refuse_bad(state: LearnerState, cursor: Cursor) -> None:
    """Raise NumericalError if a state's tables or its last updates are not finite."""
    if int(state.refused.in_a_row) or not bool(finite.all_finite(state.tables)):
        raise _not_finite(state.refused, cursor)


def _not_finite(refused: Refused, cursor: Cursor) -> NumericalError:
    in_a_row = int(refused.in_a_row)
    first = f"no update is finite from step {cursor.step - in_a_row + 1:,} on"
    what = first if in_a_row else f"the tables are not finite after step {cursor.step:,}"
    return NumericalError(
        f"{what}: check the loss, which is NaN or infinite there; or lower learning_rate, or set "
        "a cap"
    )
