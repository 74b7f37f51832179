"""Print a digest of the result of each kind of training run.

Usage: python -m tests.trained [NAME ...]   (JAX_ENABLE_X64=1 must change no line)
"""

import functools
import hashlib
import json
import sys
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import optax

import jaxemb
from jaxemb.contextual import (
    members,
    models,
    objectives as objectives_of,
    training as contextual_training,
    windows,
)
from jaxemb.functional import subsampling
from jaxemb.lab.runs.counts import glove
from jaxemb.static import objectives, tables
from jaxemb.structs import InOut, Sparse, Vocab
from jaxemb.training import ensembles, fitting, learners, loop, sharded
from tests.laws.members import OBJECTIVES, SMALL

WORDS = 12
# one training run of each room that trains
FEW = ["subword cbow, logistic", "adagrad, capped", "mesh", "gru, tied", "glove"]


def main() -> None:
    """Print a JSON object: the name of each training run and the digest of its result."""
    known = trainings()
    print(json.dumps({name: digest(known[name]()) for name in sys.argv[1:] or known}))


def trainings() -> dict[str, Callable[[], Any]]:
    """Return functions that train, by name."""
    delayed = functools.partial(functools.partial, _fit, *_text())
    return _objectives(delayed) | _learners(delayed) | _together() | _contextual() | _glove()


def digest(tree: Any) -> str:
    """Return a digest of every type, shape and bit of a tree of arrays."""
    total = hashlib.sha256()
    for leaf in map(np.asarray, jax.tree.leaves(tree)):
        total.update(f"{leaf.dtype}{leaf.shape}".encode() + leaf.tobytes())
    kinds = {str(np.asarray(leaf).dtype) for leaf in jax.tree.leaves(tree)}
    return " ".join([*sorted(kinds), total.hexdigest()[:16]])


def _text():
    random = np.random.default_rng(0)
    lines = [
        " ".join(f"{chr(97 + i)}{chr(97 + i)}" for i in random.integers(0, WORDS, 9))
        for _ in range(40)
    ]
    vocab, ids = jaxemb.text.encode(lines, min_count=1)
    return ids, vocab


OPTIONS = {"dim": 6, "epochs": 1, "batch": 4, "chunk": 4, "subsample": 0.05}


def _fit(ids, vocab, objective, **options):
    return fitting.fit(jax.random.key(3), ids, vocab, objective, **{**OPTIONS, **options})


# each way to draw, to pool and to score once
EVERY = (
    "skipgram, logistic",
    "skipgram from context, logistic",
    "cbow, logistic",
    "subword skipgram, logistic",
    "subword cbow, logistic",
    "skipgram hs",
    "cbow hs",
    "skipgram softmax",
    "cbow softmax",
    "skipgram nce",
    "cbow nce",
)


def _objectives(delayed) -> dict[str, Callable[[], Any]]:
    return {name: delayed(OBJECTIVES[name]) for name in EVERY}


def _learners(delayed) -> dict[str, Callable[[], Any]]:
    """Learners, and initial tables and masks of a user, which may be float64."""
    objective, other = OBJECTIVES["skipgram, logistic"], OBJECTIVES["cbow, logistic"]
    random = np.random.default_rng(1)
    initial = InOut(*(random.normal(size=(WORDS, 6)) for _ in range(2)))
    mask = InOut(np.arange(WORDS) % 2 * 1.0, np.ones(WORDS))
    sparse = functools.partial(learners.row_sparse, objective)
    adam = learners.dense(other, optimizer=optax.scale_by_adam())
    return {
        "adam": delayed(other, learner=adam, initial=initial, trainable=mask),
        "adagrad, capped": delayed(objective, learner=sparse(optimizer=learners.adagrad, cap=0.01)),
        "added by order": delayed(objective, learner=sparse(ops=tables.SORTED)),
        "given": delayed(objective, initial=initial, trainable=mask),
    }


def _together() -> dict[str, Callable[[], Any]]:
    """Several members in one program; one model on a mesh."""
    ids, vocab = _text()
    objective = objectives.skipgram(**SMALL)
    learner = learners.row_sparse(objective)
    plan = loop.Plan(jax.random.key(3), objective, learner, 6, 1, 0.025, 4, 4)
    plan = plan._replace(initialize=tables.init_wide)
    resources, rows = objective.prepare(vocab)
    split = loop.split_of(plan.key, ids, subsampling.keep_word2vec(vocab.counts, 0.05))
    members = ensembles.Members((0, 7), (0.025, 0.1), (6, 4))

    def ensemble():
        program = ensembles.program(members, plan)
        return _last(loop.events(plan, program.start(rows), resources, split, program=program))

    def mesh():
        kinds = (jax.sharding.AxisType.Auto,) * 2
        on = sharded.Sharded(jax.make_mesh((1, 1), ("data", "model"), kinds))
        program, state = sharded.program(on, plan), loop.start(plan, rows)
        return _last(loop.events(plan, state, resources, split, program=program))

    return {"ensemble": ensemble, "mesh": mesh}


def _last(events) -> Any:
    """Return the state after the last event, and its loss."""
    for event in events:
        state, loss = event.state, event.loss
    return state, loss


def _contextual() -> dict[str, Callable[[], Any]]:
    """Language models over words and over characters."""
    random = np.random.default_rng(0)
    ids = np.where(np.arange(300) % 8 == 7, -1, random.integers(0, WORDS, 300))
    rows, filters = WORDS + windows.SHIFT, ((1, 4), (2, 4))
    spelled = random.integers(1, 262, (rows, 6))
    text = contextual_training.Text(*windows.streams(windows.sentences(ids, WORDS), 4))
    make = functools.partial(models.language_model, vocab=WORDS, dropout=0.1)
    lstm = make(members.lstm(6, 8, dropout=0.1))
    gru = make(members.gru(6, layers=1, dropout=0.1), tied=True)
    read = members.plain_lstm(6, layers=1, dropout=0.1)
    read = make(read, characters=True, filters=filters)
    masked = make(members.masked_transformer(6, 8, heads=2), objective=objectives_of.masked_words())
    nothing = contextual_training.Resources()
    frozen = contextual_training.Resources(frozen=np.arange(rows) % 2 == 0)
    characters = contextual_training.Resources(characters=spelled)
    return {
        "lstm, sampled": lambda: _model(lstm, text, nothing, 5),
        "gru, tied": lambda: _model(gru, text, frozen, None),
        "characters": lambda: _model(read, text, characters, 5),
        "masked": lambda: _model(masked, text, nothing, 5),
    }


def _model(model, text, resources, samples) -> Any:
    adagrad = optax.adagrad(0.2, initial_accumulator_value=1.0)
    optimizer = optax.chain(optax.clip_by_global_norm(10.0), adagrad)
    rule = contextual_training.Rule(model, optimizer, 5, samples)
    plan = contextual_training.Plan(jax.random.key(0), rule, 1, True, 4)
    state = contextual_training.start(plan, 4, resources)
    return _last(contextual_training.events(plan, state, text, resources))


def _glove() -> dict[str, Callable[[], Any]]:
    counts = np.random.default_rng(0).poisson(3.0, (WORDS, WORDS))
    rows, columns = (side.astype(np.int32) for side in np.nonzero(counts))
    cells = Sparse(rows, columns, counts[rows, columns].astype(np.float32))
    vocab = Vocab(tuple("abcdefghijkl"), np.arange(WORDS, 0, -1))
    options = {"dim": 4, "batch": 16, "chunk": 4, "epochs": 2}
    fit = functools.partial(glove.glove, cells, vocab, **options)
    stanford = functools.partial(fit, optimizer=learners.adagrad_stanford)
    return {"glove": lambda: fit().tables, "glove, stanford": lambda: stanford().tables}


if __name__ == "__main__":
    main()
