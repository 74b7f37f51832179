"""What checkpoints cost: time, as a share of training at the default interval, and space.

Usage: python scripts/benchmark.py checkpoint [--words 60000] [--dim 100] [--every 60]

Training stops while its state is copied to the host; the files are written beside it, and take
some of its time there: how much is seen from the chunks that are trained meanwhile. Writes
checkpoint.json.
"""

import dataclasses
import shutil
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks import _together
from jaxemb import objectives
from jaxemb.contextual import models, training as contextual_training, windows
from jaxemb.lab import command_line
from jaxemb.lab.durable import checkpoints, snapshots
from jaxemb.training import learners, loop, optimizers


@dataclasses.dataclass(frozen=True)
class Asked:
    """How large the trainings are."""

    words: int = 60_000
    dim: int = 100
    units: int = 512
    """Of the language model's LSTMs."""
    model_words: int = 10_000
    model_dim: int = 128
    every: float = 60.0
    """Seconds between checkpoints."""
    repeats: int = 5
    folder: str = _together.FOLDER


def main(arguments: list[str]) -> None:
    asked, rows = command_line.parse(Asked, arguments), []
    for name, training_of in (("static", _static), ("contextual", _contextual)):
        state, chunk = training_of(asked)
        rows.append({"training": name, **_measure(asked, state, chunk)})
        print("\n".join(_together.table(rows).splitlines()[0 if len(rows) == 1 else -1 :]))
    _together.write("checkpoint", asked, rows, asked.folder)


def _measure(asked: Asked, state: Any, chunk: Callable[[Any], Any]) -> dict[str, Any]:
    place = checkpoints.Place(Path(asked.folder) / "checkpoints", {}, keep=1)
    shutil.rmtree(place.folder, ignore_errors=True)
    place.folder.mkdir(parents=True)
    stopped, written, restored, alone, meanwhile = [], [], [], [], []
    for step in range(asked.repeats + 1):
        seconds, state = _timed(chunk, state)
        alone.append(seconds)
        seconds, taken = _timed(snapshots.take, state, {"step": step})
        stopped.append(seconds)
        beside = Thread(target=lambda taken=taken: written.append(_timed(_commit, place, taken)[0]))
        beside.start()
        while beside.is_alive():
            seconds, state = _timed(chunk, state)
            meanwhile.append(seconds)
        beside.join()
        seconds, _ = _timed(_restore, place, state)
        restored.append(seconds)
    size = sum(path.stat().st_size for path in place.folder.rglob("*") if path.is_file())
    shutil.rmtree(place.folder)
    # the first of each compiles, or warms up
    middle = [statistics.median(each[1:]) for each in (stopped, written, restored, alone)]
    stop, write, restore, usual = middle
    slower = max(1 - usual / statistics.median(meanwhile), 0.0)
    share, most = ((stop + part * write) / asked.every for part in (slower, 1))
    return {
        "MB": round(size / 1e6, 1),
        "copied to the host, s": round(stop, 3),
        "written beside, s": round(write, 3),
        "training is slower meanwhile": f"{slower:.0%}",
        "restored, s": round(restore, 3),
        f"share of training, every {asked.every:g} s": f"{share:.2%}",
        "at most": f"{most:.2%}",
    }


def _timed(run: Callable[..., Any], *arguments: Any) -> tuple[float, Any]:
    start = time.perf_counter()
    found = jax.block_until_ready(run(*arguments))
    return time.perf_counter() - start, found


def _commit(place: checkpoints.Place, taken: snapshots.Snapshot) -> None:
    checkpoints.commit(place, taken)


def _restore(place: checkpoints.Place, like: Any) -> Any:
    found = checkpoints.newest(place)
    assert found is not None
    return jax.tree.map(jnp.asarray, snapshots.whole(found.restored(like)))


def _static(asked: Asked) -> tuple[Any, Callable[[Any], Any]]:
    """Skip-gram as the quickstart has it, with AdaGrad's state, on random text."""
    vocab, objective = _together.zipf_vocab(asked.words), objectives.skipgram()
    learner = learners.row_sparse(objective, optimizer=learners.adagrad)
    plan = loop.Plan(jax.random.key(0), objective, learner, asked.dim, 1, 0.025, 32, 64)
    (resources, rows), reads = objective.prepare(vocab), objective.reads
    shape = (plan.chunk, plan.batch, reads.block_length + 2 * reads.halo)
    texts = jnp.asarray(_together.zipf_texts(vocab, shape), jnp.int32)
    program, rates = loop.one(plan), np.full(plan.chunk, 1e-3, np.float32)
    rest = (0, plan.chunk, texts, rates, resources)
    return program.start(rows), lambda state: program.chunk(state, *rest)


def _contextual(asked: Asked) -> tuple[Any, Callable[[Any], Any]]:
    """A biLM of two layers, with Adagrad's state, on random text."""
    cell = models.elmo_cell(asked.units, asked.model_dim)
    model = models.language_model(cell, asked.model_words, layers=2)
    rule = contextual_training.Rule(model, optimizers.clipped(models.adagrad, 0.2, 10.0), 20, 512)
    plan = contextual_training.Plan(jax.random.key(0), rule, 10**9, True, 4)
    ids = np.random.default_rng(0).integers(0, asked.model_words, (400, 21))
    ids[:, -1] = -1
    found = windows.sentences(ids.reshape(-1), asked.model_words)
    text = contextual_training.Text(*windows.streams(found, 16))
    resources = contextual_training.Resources()
    state = contextual_training.start(plan, 16, resources)

    def chunk(state: Any) -> Any:
        return next(contextual_training.events(plan, state, text, resources)).state

    return state, chunk
