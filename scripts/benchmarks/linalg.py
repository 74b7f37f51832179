"""Time the rank of a tall table by every method, beside numpy, jax and a float32 Gram matrix.

Usage: python scripts/benchmark.py linalg [--rows 1000000] [--dim 300]

The table is normal numbers around a mean row of length 1 in every column, float32; `graded` has
singular values over four decades instead. Each method runs in its own process; seconds are the
best of three after one run that compiles (numpy and jax: one run); MB is the process's peak minus
its memory before, compiler included. The Gram matrix, one pass of 2 rows dim^2 flops, is the lower
bound. Then follow fewer rows, the summary of 50,000 rows, and the coherence of all their pairs.
"""

import dataclasses
import functools
import json
import resource
import subprocess
import sys
import time
from typing import Any

import numpy as np

from jaxemb.lab import command_line

ONCE = ("numpy matrix_rank", "jax matrix_rank")


@dataclasses.dataclass(frozen=True)
class Settings:
    """Time the rank of a tall table by every method."""

    rows: int = 1_000_000
    dim: int = 300
    peers: bool = True
    """Whether to time numpy and jax too: a minute each at a million rows."""


def main(arguments: list[str]) -> None:
    if len(arguments) == 3 and arguments[0] in (*ON_PLAIN, *ON_GRADED):  # the measured process
        _measured(arguments[0], int(arguments[1]), int(arguments[2]))
        return
    settings = command_line.parse(Settings, arguments)
    rows, dim = settings.rows, settings.dim
    print("| | rows | seconds | to Gram | peak MB | answer |\n|---|---|---|---|---|---|")
    names = [name for name in (*RANKS, *ON_GRADED) if settings.peers or name not in ONCE]
    gram = _show(names[0], rows, dim, None)
    for name in names[1:]:
        _show(name, rows, dim, gram)
    for name in ("sketch", "gram64"):
        for fewer in (rows // 100, rows // 10):
            _show(name, fewer, dim, None)
    for name in WHOLE:
        _show(name, 50_000, dim, None)


def _show(name: str, rows: int, dim: int, gram: float | None) -> float:
    command = [sys.executable, sys.argv[0], "linalg", name, str(rows), str(dim)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{name} failed:\n{done.stderr}", file=sys.stderr)
        raise SystemExit(done.returncode)
    result = json.loads(done.stdout.splitlines()[-1])
    ratio = f"{result['seconds'] / gram:.2f}" if gram else ""
    cells = (f"{rows:,}", f"{result['seconds']:.3f}", ratio, f"{result['peak_mb']:.0f}")
    print(f"| {name} | {' | '.join(cells)} | {result['answer']} |", flush=True)
    return result["seconds"]


def _measured(name: str, rows: int, dim: int) -> None:
    import jax
    import jax.numpy as jnp

    table = np.random.default_rng(0).standard_normal((rows, dim), dtype=np.float32)
    if name in ON_GRADED:
        table *= np.geomspace(1, 1e-4, dim, dtype=np.float32)
    else:
        table += 1
    compute = {**ON_PLAIN, **ON_GRADED}[name]
    operand = table if name in ON_HOST else jnp.asarray(table)
    if name not in ON_HOST and not np.shares_memory(table, np.asarray(operand)):
        del table
    jax.block_until_ready(jnp.linalg.svd(jnp.ones((4, 4))))  # loads the libraries
    answer: Any = None
    before, seconds = _peak(), []
    for _ in range(1 if name in ONCE else 4):
        start = time.perf_counter()
        answer = jax.block_until_ready(compute(operand))
        seconds.append(time.perf_counter() - start)
    seconds = seconds if name in ONCE else seconds[1:]
    text = str(answer) if hasattr(answer, "_fields") or np.ndim(answer) == 0 else ""
    result = {"seconds": min(seconds), "peak_mb": _peak() - before, "answer": text}
    print(json.dumps(result))


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


@functools.cache
def _compiled_gram():
    import jax
    import jax.numpy as jnp

    return jax.jit(lambda t: jnp.matmul(t.T, t, precision=jax.lax.Precision.HIGHEST))


def _gram(table):
    return _compiled_gram()(table)


def _rank_by(name: str):
    def compute(table):
        from jaxemb import linalg

        return linalg.rank(linalg.spectrum(table, method=getattr(linalg, name)))

    return compute


def _jax_rank(table):
    import jax.numpy as jnp

    return jnp.linalg.matrix_rank(table)


def _summary(table):
    from jaxemb import linalg

    return linalg.summary(table).rank


def _coherence(table):
    from jaxemb import linalg

    return linalg.coherence(table)


RANKS = {
    "float32 Gram": _gram,
    "sketch": _rank_by("sketch"),
    "gram64": _rank_by("gram64"),
    "qr": _rank_by("qr"),
    "numpy matrix_rank": np.linalg.matrix_rank,
    "jax matrix_rank": _jax_rank,
}
ON_GRADED = {"graded: sketch": _rank_by("sketch"), "graded: gram64": _rank_by("gram64")}
WHOLE = {"summary": _summary, "coherence": _coherence}
ON_PLAIN = {**RANKS, **WHOLE}
ON_HOST = ("gram64", "graded: gram64", "qr", "numpy matrix_rank", "summary")
