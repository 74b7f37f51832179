"""Word vectors in memory: training without config, folder or progress."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from jaxemb import learners, training
from jaxemb.errors import InputError, NumericalError, above_zero, at_least
from jaxemb.functional import subsampling
from jaxemb.static import segments
from jaxemb.structs import InOut, Learner, LearnerState, Objective, Vocab


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
        learner: by default `learners.row_sparse(objective)`.
        batch: blocks in a step.
        chunk: steps in one jitted call; changes no bit of the result.
        trainable: row masks, 1 to train and 0 to freeze.
        initial: the tables to start from; by default word2vec's, input random and output zero.

    Returns:
        The tables, input and output, float32 [vocab, dim]; words with subwords are composed.

    Raises:
        InputError: ids or settings that cannot be used.
        NumericalError: the tables left the finite range.
    """
    if not isinstance(objective, Objective):
        raise InputError(f"objective is {objective!r}; wanted a built one, such as skipgram()")
    at_least(1, dim=dim, epochs=epochs, batch=batch, chunk=chunk)
    above_zero(learning_rate=learning_rate)
    ids = np.asarray(ids)
    training.check_ids(ids, vocab)
    learner = learner or learners.row_sparse(objective)
    plan = training.Plan(
        key, objective, learner, dim, epochs, learning_rate, batch, chunk, trainable
    )
    resources, rows = objective.prepare(vocab)
    if trainable is not None and InOut(*map(np.shape, trainable)) != InOut(*((n,) for n in rows)):
        raise InputError(f"trainable has shapes {tuple(map(np.shape, trainable))}; wanted {rows}")
    if initial is not None:
        if InOut(*map(np.shape, initial)) != InOut(*((n, dim) for n in rows)):
            raise InputError(f"initial has shapes {tuple(map(np.shape, initial))}; wanted {rows}")
        given = InOut(*(np.asarray(table, np.float32) for table in initial))
        # a copy: the tables in training are given away from step to step
        plan = plan._replace(initial=lambda _: InOut(*map(jnp.array, given)))
    keep = subsampling.keep_word2vec(vocab.counts, subsample)
    split = training.split_of(key, ids, keep, cost=objective.cost(resources))
    return objective.words(whole(plan, resources, rows, split), resources)


def whole(plan: training.Plan, resources: Any, rows: InOut, split: segments.Split) -> InOut:
    """The tables after all epochs of a plan, as they are trained.

    Raises:
        NumericalError: the tables left the finite range.
    """
    state = training.start(plan, rows)
    for event in training.events(plan, state, resources, split):
        state = event.state
    refuse_bad(state)
    return state.tables


def refuse_bad(state: LearnerState) -> None:
    """Raises NumericalError for a state whose last updates, or numbers, are not finite."""
    if not bool(learners.all_finite(state.tables)) or int(state.refused.in_a_row):
        raise NumericalError(
            "training ended with NaN or infinity: lower learning_rate or set a cap"
        )
