"""Train word vectors in memory: no config, no run folder, no progress bar."""

import warnings
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from jaxemb.errors import InputError, NumericalError, above_zero, an, at_least
from jaxemb.functional import finite, subsampling
from jaxemb.static import segments, steps
from jaxemb.structs import InOut, Learner, LearnerState, Objective, Vocab
from jaxemb.training import learners, loop

LONG = 1e3  # the Euclidean length of a row; stable training makes rows of 1 to 10


def fit(
    key: Key[Array, ""],
    ids: Any,
    vocab: Vocab,
    objective: Any,
    *,
    dim: int = 64,
    epochs: int = 5,
    learning_rate: float = 0.025,
    subsample: float = 1e-3,
    learner: Learner | None = None,
    cap: float | None = None,
    batch: int = 32,
    chunk: int = 64,
    trainable: InOut | None = None,
    initial: InOut | None = None,
) -> InOut:
    """Train word vectors in memory, without a config or a run folder.

    Args:
        key: a `jax.random.key`; the same key gives bit-identical tables.
        ids: integers [ids], -1 at sentence ends, as `text.encode` gives them.
        vocab: the words behind the ids.
        objective: `skipgram()`, `cbow()`, or your own. Exact-gradient CBOW needs a learning rate
            about six times as large as skip-gram's.
        dim: n, the dimension of the vectors.
        epochs: passes over the text.
        learning_rate: the initial learning rate; it falls linearly to 1e-4 of that.
        subsample: threshold on a word's relative frequency, by word2vec's rule; 0 for none.
        learner: by default `learners.row_sparse(objective, cap=cap)`.
        cap: the largest Euclidean norm of the update that one step adds to one row. By default
            none, except for a text of so few words that training would diverge (`static.steps`).
        batch: blocks in a step. A text of few words takes fewer blocks if neither cap nor learner
            is given, with a warning.
        chunk: steps in one jitted call; the result is bit-identical for every chunk length.
        trainable: row masks, 1 to train and 0 to freeze.
        initial: the tables to start from; by default word2vec's, input random and output zero.

    Returns:
        The tables, input and output, float32 [vocab, dim]; of an objective with subwords, each
        input row is composed of the word's subword rows.

    Raises:
        InputError: ids or settings that cannot be used, or a cap beside a learner.
        NumericalError: the tables have NaN or infinite entries.
    """
    if not isinstance(objective, Objective):
        raise InputError(f"objective is {objective!r}; wanted a built one, such as skipgram()")
    check_key(key)
    at_least(1, dim=dim, epochs=epochs, batch=batch, chunk=chunk)
    above_zero(learning_rate=learning_rate)
    if cap is not None:
        above_zero(cap=cap)
        if learner is not None:
            raise InputError(
                "cap belongs to the default learner; with a learner of your own, give it there: "
                "learners.row_sparse(objective, cap=...)"
            )
    an(Vocab, vocab=vocab)
    if learner is not None:
        an(Learner, learner=learner)
    ids = _checked(ids, vocab)
    resources, rows = objective.prepare(vocab)
    keep = subsampling.keep_word2vec(vocab.counts, subsample)
    if learner is None:
        step = steps.chosen(
            objective, resources, vocab.counts * keep, learning_rate, batch, cap=cap
        )
        batch, learner = step.batch, learners.row_sparse(objective, cap=step.cap)
        if step.message:
            warnings.warn(step.message, stacklevel=2)
    given = {"trainable": trainable, "initial": initial}
    an(InOut, **{name: pair for name, pair in given.items() if pair is not None})
    plan = loop.Plan(key, objective, learner, dim, epochs, learning_rate, batch, chunk, trainable)
    if trainable is not None and InOut(*map(np.shape, trainable)) != InOut(*((n,) for n in rows)):
        raise InputError(f"trainable has shapes {tuple(map(np.shape, trainable))}; wanted {rows}")
    if initial is not None:
        if InOut(*map(np.shape, initial)) != InOut(*((n, dim) for n in rows)):
            raise InputError(f"initial has shapes {tuple(map(np.shape, initial))}; wanted {rows}")
        begin = InOut(*(np.asarray(table, np.float32) for table in initial))
        # a copy: every step donates the tables that it is given
        plan = plan._replace(initial=lambda _: InOut(*map(jnp.array, begin)))
    split = loop.split_of(key, ids, keep, cost=objective.cost(resources))
    return objective.words(whole(plan, resources, rows, split), resources)


def _checked(ids: Any, vocab: Vocab) -> Any:
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


def whole(plan: loop.Plan, resources: Any, rows: InOut, split: segments.Split) -> InOut:
    """Run all epochs of a plan, and return the tables as trained: subwords are not composed.

    Raises:
        NumericalError: the tables have NaN or infinite entries.
    """
    state = loop.start(plan, rows)
    for event in loop.events(plan, state, resources, split):
        state = event.state
    refuse_bad(state)
    if message := runaway(state.tables):
        warnings.warn(message, stacklevel=3)
    return state.tables


def runaway(tables: InOut) -> str | None:
    """A warning about tables with a row so long that training must have diverged, or None."""
    rows = (np.asarray(table) for table in tables)
    longest = max(float(np.sqrt(np.einsum("...d,...d->...", row, row).max())) for row in rows)
    if longest < LONG:
        return None
    return (
        f"the longest row is {longest:.1e}: training ran away; lower learning_rate or batch, or "
        "set a cap"
    )


def refuse_bad(state: LearnerState) -> None:
    """Raise NumericalError if a state's tables or its last updates are not finite."""
    if not bool(finite.all_finite(state.tables)) or int(state.refused.in_a_row):
        raise NumericalError(
            "training ended with NaN or infinity: lower learning_rate or set a cap"
        )
