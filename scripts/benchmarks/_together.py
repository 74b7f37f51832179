"""Helpers of the benchmarks: timing with its spread, and results written with their machine."""

import dataclasses
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxemb import files
from jaxemb.lab import workdir
from jaxemb.structs import Learner, Objective, Vocab
from jaxemb.training import loop

FOLDER = "runs/benchmark"


def write(name: str, settings: Any, rows: list[dict[str, Any]], folder: str = FOLDER) -> Path:
    """Write the rows as JSON with settings, machine, versions and commit; return the folder."""
    place = files.writable(folder)
    record = {"settings": dataclasses.asdict(settings), **workdir.environment(), "rows": rows}
    files.write_json(place / f"{name}.json", record)
    print(f"\nWritten with machine, versions and commit: {place / name}.json")
    return place


def table(rows: list[dict[str, Any]]) -> str:
    """Format rows of equal keys as a Markdown table."""
    lines = [f"| {' | '.join(rows[0])} |", f"|{'---|' * len(rows[0])}"]
    lines += [f"| {' | '.join(map(str, row.values()))} |" for row in rows]
    return "\n".join(lines)


def picture(path: Path, draw: Callable) -> None:
    """Draw a figure with one pair of axes, if matplotlib is installed."""
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


def roofline(dim: int = 100, words: int = 60_000) -> dict[str, float]:
    """Measure this device's peak rates: products, copies, and rows read and added at random."""
    keys = jax.random.split(jax.random.key(0), 3)
    square = jax.random.normal(keys[0], (2048, 2048), jnp.float32)
    block, outputs = (
        jax.random.normal(keys[1], (64, 16, dim), jnp.float32),
        jax.random.normal(keys[2], (64, 50, dim), jnp.float32),
    )
    long = jnp.ones(1 << 26, jnp.float32)
    table, ids = (
        jnp.ones((words, dim)),
        jax.random.randint(keys[2], (1 << 17,), 0, words, jnp.int32),
    )
    rows = jnp.ones((1 << 17, dim))
    return {
        "GFLOP/s, one product of 2048 x 2048": 2 * 2048**3 / _best(lambda a: a @ a, square) / 1e9,
        "GFLOP/s, 64 products of a block": 2
        * 64
        * 16
        * 50
        * dim
        / 1e9
        / _best(lambda a, b: jnp.einsum("btd,bcd->btc", a, b), block, outputs),
        "GB/s, copy (read and written)": 2 * long.nbytes / _best(lambda a: a + 1, long) / 1e9,
        "ns a row, read at random": _best(lambda t, i: t[i], table, ids) / ids.size * 1e9,
        "ns a row, added at random": 1e9
        / ids.size
        * _best(lambda t, i, r: t.at[i].add(r, mode="promise_in_bounds"), table, ids, rows),
    }


def _best(run: Callable, *arguments) -> float:
    """Return the seconds of the fastest of ten calls."""
    jitted, seconds = jax.jit(run), []
    for _ in range(11):
        start = time.perf_counter()
        jax.block_until_ready(jitted(*arguments))
        seconds.append(time.perf_counter() - start)
    return min(seconds[1:])


def zipf_vocab(words: int) -> Vocab:
    """Make a vocabulary with Zipf's counts, of about 1e9 tokens."""
    counts = np.maximum(1e9 / np.log(words) / np.arange(1, words + 1), 5).astype(np.int64)
    return Vocab(tuple(f"w{i}" for i in range(words)), counts)


def zipf_texts(vocab: Vocab, shape: tuple[int, ...]):
    """Draw ids with probability proportional to count^(1/2), roughly as after subsampling."""
    weight = np.sqrt(vocab.counts)
    return np.random.default_rng(0).choice(len(vocab.words), shape, p=weight / weight.sum())


@dataclasses.dataclass(frozen=True)
class Timed:
    """Microseconds per token of a training program (median and range), and MB beside its tables."""

    median: float
    low: float
    high: float
    temporary_mb: float
    compile_seconds: float


def time_steps(
    objective: Objective, learner: Learner, vocab: Vocab, dim: int, batch: int, repeats: int = 5
) -> Timed:
    """Time the training program alone on random Zipf text; calls pass their tables on."""
    reads = objective.reads
    chunk = max(32_768 // (batch * reads.block_length), 1)
    plan = loop.Plan(jax.random.key(0), objective, learner, dim, 1, 0.001, batch, chunk)
    resources, rows = objective.prepare(vocab)
    shape = (chunk, batch, reads.block_length + 2 * reads.halo)
    texts = jnp.asarray(zipf_texts(vocab, shape), jnp.int32)
    rates = jnp.full(chunk, 1e-4, jnp.float32)
    state, draws = loop.start(plan, rows), jax.random.key(1)
    start = time.perf_counter()
    program = (
        jax.jit(loop.steps, static_argnames=("objective", "learner"), donate_argnums=0)
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
    warm = seconds[2:]
    mb = memory.temp_size_in_bytes / 1e6 if memory else float("nan")
    return Timed(statistics.median(warm), min(warm), max(warm), mb, compiled)
