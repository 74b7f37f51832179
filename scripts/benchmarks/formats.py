"""Time reading and writing vectors: MB/s and peak memory, beside gensim.

Usage: python scripts/benchmark.py formats [--rows 400000] [--dim 300] [--large 3000000] [--help]

Each program runs in its own process, on one generated table with nine digits. `extra MB` is the
peak memory minus that of the process before it began, minus the table itself. With --large N a
word2vec binary of N x 300 (GoogleNews: N = 3000000) is also read, and its rank computed and
certified. Writes formats.json; the generated files are deleted.
"""

import dataclasses
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from jaxemb import files, formats, linalg
from jaxemb.lab import command_line

FORMATS = ("glove", "word2vec-text", "word2vec-binary", "safetensors")
_BLOCK = 1 << 14


@dataclasses.dataclass(frozen=True)
class Settings:
    """Time reading and writing vectors beside gensim."""

    rows: int = 400_000
    dim: int = 300
    large: int | None = None
    """Rows of a binary file whose rank is computed and certified."""
    folder: str = "runs/benchmark"


def main(arguments: list[str]) -> None:
    if len(arguments) == 4 and arguments[0] in ("jaxemb", "gensim"):  # the measured process
        print(json.dumps(_measured(*arguments)))
        return
    settings = command_line.parse(Settings, arguments)
    from benchmarks import _together

    folder = files.writable(settings.folder)
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(dir=folder) as place:
        for kind in FORMATS:
            path = Path(place) / f"{kind}.file"
            _generate(path, kind, settings.rows, settings.dim)
            for act in ("read", "write"):
                programs = ("gensim", "jaxemb") if kind != "safetensors" else ("jaxemb",)
                results = {program: _run(program, act, kind, path) for program in programs}
                peer = results.get("gensim", results["jaxemb"])["seconds"]
                rows += [
                    _row(program, act, kind, path, result, peer)
                    for program, result in results.items()
                ]
            path.unlink()
        print(_together.table(rows))
        large = _large(Path(place), settings.large) if settings.large else None
    _together.write("formats", settings, [*rows, *([large] if large else [])], settings.folder)


def _row(
    program: str, act: str, kind: str, path: Path, result: dict, peer: float
) -> dict[str, Any]:
    return {
        "format": kind,
        "": act,
        "program": program,
        "seconds": round(result["seconds"], 2),
        "MB/s": round(path.stat().st_size / result["seconds"] / 1e6),
        "ratio": round(peer / result["seconds"], 2),
        "extra MB": round(result["extra_mb"]),
        "peak / table": round(1 + result["extra_mb"] / result["table_mb"], 2),
    }


def _generate(path: Path, kind: str, rows: int, dim: int) -> None:
    draw = np.random.default_rng(0)
    table = np.empty((rows, dim), np.float32)
    for start in range(0, rows, _BLOCK):
        part = table[start : start + _BLOCK]
        part[:] = draw.normal(0, 0.4, part.shape)
    words = tuple(f"word{i}" for i in range(rows))
    formats.write(path, formats.WordVectors(words, table), kind)


def _run(program: str, act: str, kind: str, path: Path) -> dict[str, float]:
    command = [sys.executable, sys.argv[0], "formats", program, act, kind, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def _measured(program: str, act: str, kind: str, path: str) -> dict[str, float]:
    read, write = (_gensims if program == "gensim" else _ours)(kind, path)
    before = _peak()
    start = time.perf_counter()
    loaded = read()
    seconds = time.perf_counter() - start
    size = loaded.vectors.nbytes / 1e6
    if act == "write":
        before = _peak() - size
        start = time.perf_counter()
        write(loaded)
        seconds = time.perf_counter() - start
        Path(f"{path}.out").unlink()
    return {"seconds": seconds, "extra_mb": _peak() - before - size, "table_mb": size}


def _gensims(kind: str, path: str) -> tuple[Callable, Callable]:
    from gensim.models import KeyedVectors

    binary, plain = "binary" in kind, kind == "glove"
    return (
        lambda: KeyedVectors.load_word2vec_format(path, binary=binary, no_header=plain),
        lambda vectors: vectors.save_word2vec_format(
            f"{path}.out", binary=binary, write_header=not plain
        ),
    )


def _ours(kind: str, path: str) -> tuple[Callable, Callable]:
    return (lambda: formats.read(path), lambda vectors: formats.write(f"{path}.out", vectors, kind))


def _peak() -> float:
    """Return the peak MB of this process alone; getrusage would count the parent's memory."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6


def _large(place: Path, rows: int) -> dict[str, Any]:
    """Write a binary file in blocks, read it, and compute the rank of its table."""
    path, dim, draw = place / "large.bin", 300, np.random.default_rng(0)
    with path.open("wb") as out:
        out.write(f"{rows} {dim}\n".encode())
        for start in range(0, rows, _BLOCK):
            part = draw.normal(0, 0.2, (min(_BLOCK, rows - start), dim)).astype("<f4")
            lines = (b"word%d " % (start + i) + row.tobytes() for i, row in enumerate(part))
            out.write(b"".join(lines))
    start = time.perf_counter()
    loaded = formats.read(path)
    read = time.perf_counter() - start
    ranked = linalg.rank(loaded.vectors)
    seconds = time.perf_counter() - start - read
    gb = path.stat().st_size / 1e9
    print(f"\n{rows:,} x {dim} ({gb:.2f} GB): read in {read:.1f} s ({gb / read:.2f} GB/s)")
    print(f"{ranked}, in {seconds:.1f} s; peak memory {_peak() / 1e3:.2f} GB")
    return {
        "rows": rows,
        "read_seconds": read,
        "rank_seconds": seconds,
        "peak_mb": _peak(),
        "rank": str(ranked),
    }
