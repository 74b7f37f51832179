"""Word vectors in memory: training without config, folder or progress."""

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

LONG = 1e3  # trained rows are 1 to 10 long


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
    """Trains word vectors in memory: no config, no folder.

    Args:
        key: a `jax.random.key`; the same key gives the same bits.
        ids: integers [ids], -1 at sentence ends: from `text.encode`.
        vocab: the words behind the ids.
        objective: `skipgram()`, `cbow()`, or yours. Exact-gradient CBOW wants a learning rate
            about six times as large as skip-gram's.
        dim: n, the dimension of the vectors.
        learning_rate: at the start; it falls linearly to 1e-4 of itself.
        subsample: threshold on a word's frequency, by word2vec's rule; 0 for none.
        learner: by default `learners.row_sparse(objective, cap=cap)`.
        cap: the largest norm of what one step adds to one row. By default none, but for a text of
            so few words that its rows would run away (`static.steps`).
        batch: blocks in a step. Such a text takes fewer, if neither cap nor learner is given; a
            warning says so.
        chunk: steps in one jitted call; changes no bit of the result.
        trainable: row masks, 1 to train and 0 to freeze.
        initial: the tables to start from; by default word2vec's, input random and output zero.

    Returns:
        The tables, input and output, float32 [vocab, dim]; words with subwords are composed.

    Raises:
        InputError: ids or settings that cannot be used; a cap beside a learner.
        NumericalError: the tables left the finite range.
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
        if step.said:
            warnings.warn(step.said, stacklevel=2)
    given = {"trainable": trainable, "initial": initial}
    an(InOut, **{name: each for name, each in given.items() if each is not None})
    plan = loop.Plan(key, objective, learner, dim, epochs, learning_rate, batch, chunk, trainable)
    if trainable is not None and InOut(*map(np.shape, trainable)) != InOut(*((n,) for n in rows)):
        raise InputError(f"trainable has shapes {tuple(map(np.shape, trainable))}; wanted {rows}")
    if initial is not None:
        if InOut(*map(np.shape, initial)) != InOut(*((n, dim) for n in rows)):
            raise InputError(f"initial has shapes {tuple(map(np.shape, initial))}; wanted {rows}")
        begin = InOut(*(np.asarray(table, np.float32) for table in initial))
        # a copy: the tables in training are given away from step to step
        plan = plan._replace(initial=lambda _: InOut(*map(jnp.array, begin)))
    split = loop.split_of(key, ids, keep, cost=objective.cost(resources))
    return objective.words(whole(plan, resources, rows, split), resources)


def _checked(ids: Any, vocab: Vocab) -> Any:
    """The ids as integers that have a sign, for -1 is the end of a sentence."""
    try:
        ids = np.asarray(ids)
    except ValueError:
        raise InputError("ids are rows of several lengths; wanted integers in one row") from None
    loop.check_ids(ids, vocab)
    return ids.astype(np.int32) if ids.dtype.kind == "u" else ids


def check_key(key: Any) -> None:
    """Raises InputError for what is no single key of JAX's."""
    typed = isinstance(key, jax.Array) and jnp.issubdtype(key.dtype, jax.dtypes.prng_key)
    if not (typed and key.shape == ()):
        raise InputError(f"key is {key!r}; wanted a single key, such as jax.random.key(0)")


def whole(plan: loop.Plan, resources: Any, rows: InOut, split: segments.Split) -> InOut:
    """The tables after all epochs of a plan, as they are trained.

    Raises:
        NumericalError: the tables left the finite range.
    """
    state = loop.start(plan, rows)
    for event in loop.events(plan, state, resources, split):
        state = event.state
    refuse_bad(state)
    if told := runaway(state.tables):
        warnings.warn(told, stacklevel=3)
    return state.tables


def runaway(tables: InOut) -> str | None:
    """What to say of tables with a row so long that no stable training makes it, or None."""
    rows = (np.asarray(table) for table in tables)
    longest = max(float(np.sqrt(np.einsum("...d,...d->...", row, row).max())) for row in rows)
    if longest < LONG:
        return None
    return (
        f"the longest row is {longest:.1e}: training ran away; lower learning_rate or batch, or "
        "set a cap"
    )


def refuse_bad(state: LearnerState) -> None:
    """Raises NumericalError for a state whose last updates, or numbers, are not finite."""
    if not bool(finite.all_finite(state.tables)) or int(state.refused.in_a_row):
        raise NumericalError(
            "training ended with NaN or infinity: lower learning_rate or set a cap"
        )
