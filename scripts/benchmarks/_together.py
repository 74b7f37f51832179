"""What the benchmarks share: timing with its spread, and results written with their machine."""

import dataclasses
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxemb import preparation, provenance, training
from jaxemb.structs import Learner, Objective, Vocab

FOLDER = "runs/benchmark"


def write(name: str, asked: Any, rows: list[dict[str, Any]], folder: str = FOLDER) -> Path:
    """The rows with what was asked, machine, versions and commit, as JSON; the folder."""
    place = preparation.writable(folder)
    found = {"asked": dataclasses.asdict(asked), **provenance.environment(), "rows": rows}
    provenance.write_json(place / f"{name}.json", found)
    print(f"\nWritten with machine, versions and commit: {place / name}.json")
    return place


def table(rows: list[dict[str, Any]]) -> str:
    """Rows of equal keys as Markdown."""
    lines = [f"| {' | '.join(rows[0])} |", f"|{'---|' * len(rows[0])}"]
    lines += [f"| {' | '.join(map(str, row.values()))} |" for row in rows]
    return "\n".join(lines)


def picture(path: Path, draw: Callable) -> None:
    """Draws on one pair of axes, if matplotlib is installed."""
    try:
        import matplotlib as mpl
    except ImportError:
        return
    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 4.5), layout="constrained")
    draw(axes)
    axes.grid(color="#eceff4")
    axes.legend(frameon=False)
    figure.savefig(path, dpi=130)
    plt.close(figure)
    print(f"Picture: {path}")


def zipf_vocab(words: int) -> Vocab:
    """A vocabulary with Zipf's counts, of about 1e9 tokens."""
    counts = np.maximum(1e9 / np.log(words) / np.arange(1, words + 1), 5).astype(np.int64)
    return Vocab(tuple(f"w{i}" for i in range(words)), counts)


def zipf_texts(vocab: Vocab, shape: tuple[int, ...]):
    """Ids drawn with count^(1/2), as subsampling leaves them roughly."""
    weight = np.sqrt(vocab.counts)
    return np.random.default_rng(0).choice(len(vocab.words), shape, p=weight / weight.sum())


@dataclasses.dataclass(frozen=True)
class Timed:
    """Microseconds a token of a training program, median and spread, and MB beside the tables."""

    median: float
    low: float
    high: float
    temporary_mb: float
    compile_seconds: float


def time_steps(
    objective: Objective, learner: Learner, vocab: Vocab, dim: int, batch: int, repeats: int = 5
) -> Timed:
    """Times the training program itself on random Zipf text, tables given over and over."""
    reads = objective.reads
    chunk = max(32_768 // (batch * reads.block_length), 1)
    plan = training.Plan(jax.random.key(0), objective, learner, dim, 1, 0.001, batch, chunk)
    resources, rows = objective.prepare(vocab)
    shape = (chunk, batch, reads.block_length + 2 * reads.halo)
    texts = jnp.asarray(zipf_texts(vocab, shape), jnp.int32)
    rates = jnp.full(chunk, 1e-4, jnp.float32)
    state, draws = training.start(plan, rows), jax.random.key(1)
    start = time.perf_counter()
    program = (
        jax.jit(training.steps, static_argnames=("objective", "learner"), donate_argnums=0)
        .lower(
            state, draws, 0, chunk, texts, rates, resources, None,
            objective=objective, learner=learner,
        )
        .compile()
    )  # fmt: skip
    compiled = time.perf_counter() - start
    memory = program.memory_analysis()
    seconds = []
    for i in range(repeats + 2):  # two to warm up
        start = time.perf_counter()
        state = program(state, draws, i, chunk, texts, rates, resources, None)
        jax.block_until_ready(state)
        seconds.append((time.perf_counter() - start) / (chunk * batch * reads.block_length) * 1e6)
    best = seconds[2:]
    mb = memory.temp_size_in_bytes / 1e6 if memory else float("nan")
    return Timed(statistics.median(best), min(best), max(best), mb, compiled)
