"""Time embedding a file: words/s in batches of sentences of equal length, and one by one.

Usage: python scripts/benchmark.py embed [--sentences 1000] [--repeats 3] [--help]

A model of the size of configs/elmo_quickstart.py with random weights reads random sentences whose
lengths follow those of written English (log-normal, 25 words in the mean). `first` compiles a
program for every padded length, `warm` does not. `--stateful` also reads one row at a time, and
carries the state from row to row. Writes embed.json.
"""

import dataclasses
import statistics
import time
from typing import Any

import jax
import numpy as np

from benchmarks import _together
from jaxemb.contextual import elmo, language_model, members, models, reader, windows
from jaxemb.lab import command_line

WORDS, DIM, UNITS = 12_000, 100, 256


@dataclasses.dataclass(frozen=True)
class Settings:
    """Time embedding, in words per second."""

    sentences: int = 1000
    repeats: int = 3
    folder: str = _together.FOLDER


def main(arguments: list[str]) -> None:
    settings = command_line.parse(Settings, arguments)
    embedding, texts = _model(), _texts(settings.sentences)
    words = sum(map(len, texts))
    ways = {"in batches": {"batch": reader.ROWS}, "one by one": {"stateful": True}}
    rows: list[dict[str, Any]] = []
    for name, options in ways.items():
        first, *warm = [_seconds(embedding, texts, options) for _ in range(settings.repeats + 1)]
        rates = [words / seconds for seconds in (first, statistics.median(warm))]
        rows.append({"": name, "words": words, "first": round(rates[0]), "warm": round(rates[1])})
    for kind in ("first", "warm"):
        rows[0][f"{kind} ratio"] = round(rows[0][kind] / rows[1][kind], 2)
        rows[1][f"{kind} ratio"] = 1.0
    print(_together.table(rows))
    _together.write("embed", settings, rows, settings.folder)


def _seconds(embedding: reader.Embedding, texts: list[list[str]], options: dict[str, Any]) -> float:
    start = time.perf_counter()
    for _ in reader.vectors(embedding, texts, **options):
        pass
    return time.perf_counter() - start


def _model() -> reader.Embedding:
    context = members.lstm(DIM, UNITS)
    made = models.language_model(context, WORDS - windows.SHIFT)
    params = jax.jit(language_model.init, static_argnums=0)(made, jax.random.key(0))["params"]
    model = elmo.Model(made.ends.embed, context, params)
    numbers = lambda tokens: np.array([int("0" + t.strip("<>S/")) for t in tokens], np.int32)  # noqa: E731
    return reader.Embedding(model, numbers, 2 * DIM, 3, lambda texts: [])


def _texts(sentences: int) -> list[list[str]]:
    random = np.random.default_rng(0)
    lengths = np.clip(random.lognormal(3.1, 0.5, sentences), 1, 120).astype(int)
    return [[str(word) for word in random.integers(0, WORDS, n)] for n in lengths]
