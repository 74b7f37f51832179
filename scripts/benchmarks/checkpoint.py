"""Measure what checkpoints cost: time, as a share of training, and disk space.

Usage: python scripts/benchmark.py checkpoint [--words 60000] [--dim 100] [--every 60]

Training stops while its state is copied to the host. A thread then writes the files while training
continues; how much that slows training is measured on the chunks trained meanwhile. Writes
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
from jaxemb.contextual import members, models, training as contextual_training, windows
from jaxemb.lab import command_line
from jaxemb.lab.durable import checkpoints, snapshots
from jaxemb.training import learners, loop, optimizers


@dataclasses.dataclass(frozen=True)
class Settings:
    """Sizes of the training runs."""

    words: int = 60_000
    dim: int = 100
    units: int = 512
    """Units of the language model's LSTMs."""
    model_words: int = 10_000
    model_dim: int = 128
    every: float = 60.0
    """Seconds between checkpoints."""
    repeats: int = 5
    folder: str = _together.FOLDER


def main(arguments: list[str]) -> None:
    settings, rows = command_line.parse(Settings, arguments), []
    for name, build in (("static", _static), ("contextual", _contextual)):
        state, chunk = build(settings)
        rows.append({"training": name, **_measure(settings, state, chunk)})
        print("\n".join(_together.table(rows).splitlines()[0 if len(rows) == 1 else -1 :]))
    _together.write("checkpoint", settings, rows, settings.folder)


def _measure(settings: Settings, state: Any, chunk: Callable[[Any], Any]) -> dict[str, Any]:
    place = checkpoints.Place(Path(settings.folder) / "checkpoints", {}, keep=1)
    shutil.rmtree(place.folder, ignore_errors=True)
    place.folder.mkdir(parents=True)
    stopped, written, restored, alone, meanwhile = [], [], [], [], []
    for step in range(settings.repeats + 1):
        seconds, state = _timed(chunk, state)
        alone.append(seconds)
        seconds, snapshot = _timed(snapshots.take, state, {"step": step})
        stopped.append(seconds)
        writer = Thread(
            target=lambda snapshot=snapshot: written.append(_timed(_commit, place, snapshot)[0])
        )
        writer.start()
        while writer.is_alive():
            seconds, state = _timed(chunk, state)
            meanwhile.append(seconds)
        writer.join()
        seconds, _ = _timed(_restore, place, state)
        restored.append(seconds)
    size = sum(path.stat().st_size for path in place.folder.rglob("*") if path.is_file())
    shutil.rmtree(place.folder)
    # the first measurement of each list compiles, or warms up
    medians = [statistics.median(times[1:]) for times in (stopped, written, restored, alone)]
    stop, write, restore, usual = medians
    slower = max(1 - usual / statistics.median(meanwhile), 0.0)
    share, most = ((stop + part * write) / settings.every for part in (slower, 1))
    return {
        "MB": round(size / 1e6, 1),
        "copied to the host, s": round(stop, 3),
        "written beside, s": round(write, 3),
        "training is slower meanwhile": f"{slower:.0%}",
        "restored, s": round(restore, 3),
        f"share of training, every {settings.every:g} s": f"{share:.2%}",
        "at most": f"{most:.2%}",
    }


def _timed(run: Callable[..., Any], *arguments: Any) -> tuple[float, Any]:
    start = time.perf_counter()
    result = jax.block_until_ready(run(*arguments))
    return time.perf_counter() - start, result


def _commit(place: checkpoints.Place, snapshot: snapshots.Snapshot) -> None:
    checkpoints.commit(place, snapshot)


def _restore(place: checkpoints.Place, like: Any) -> Any:
    checkpoint = checkpoints.newest(place)
    assert checkpoint is not None
    return jax.tree.map(jnp.asarray, snapshots.whole(checkpoint.restored(like)))


def _static(settings: Settings) -> tuple[Any, Callable[[Any], Any]]:
    """Skip-gram with the quickstart's settings and AdaGrad's state, on random text."""
    vocab, objective = _together.zipf_vocab(settings.words), objectives.skipgram()
    learner = learners.row_sparse(objective, optimizer=learners.adagrad)
    plan = loop.Plan(jax.random.key(0), objective, learner, settings.dim, 1, 0.025, 32, 64)
    (resources, rows), reads = objective.prepare(vocab), objective.reads
    shape = (plan.chunk, plan.batch, reads.block_length + 2 * reads.halo)
    texts = jnp.asarray(_together.zipf_texts(vocab, shape), jnp.int32)
    program, rates = loop.one(plan), np.full(plan.chunk, 1e-3, np.float32)
    rest = (0, plan.chunk, texts, rates, resources)
    return program.start(rows), lambda state: program.chunk(state, *rest)


def _contextual(settings: Settings) -> tuple[Any, Callable[[Any], Any]]:
    """A biLM of two layers with AdaGrad's state, on random text."""
    context = members.lstm(settings.model_dim, settings.units)
    model = models.language_model(context, settings.model_words)
    rule = contextual_training.Rule(model, optimizers.clipped(models.adagrad, 0.2, 10.0), 20, 512)
    plan = contextual_training.Plan(jax.random.key(0), rule, 10**9, True, 4)
    ids = np.random.default_rng(0).integers(0, settings.model_words, (400, 21))
    ids[:, -1] = -1
    sentences = windows.sentences(ids.reshape(-1), settings.model_words)
    text = contextual_training.Text(*windows.streams(sentences, 16))
    resources = contextual_training.Resources()
    state = contextual_training.start(plan, 16, resources)

    def chunk(state: Any) -> Any:
        return next(contextual_training.events(plan, state, text, resources)).state

    return state, chunk
