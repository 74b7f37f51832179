"""Time per token against vocabulary, dimension, window, noise and step size, one at a time.

Usage: python scripts/benchmark.py scaling [--objective cbow] [--repeats 7]

Runs the training program alone, on random text with Zipf's frequencies. Prints microseconds per
token (median, lowest and highest of the repeats) with the ratio to the first row, and the MB of the
program's temporaries beside its tables. Writes scaling.json and scaling.png.
"""

import dataclasses
from typing import Literal

from benchmarks import _together
from jaxemb import objectives
from jaxemb.lab import command_line
from jaxemb.training import learners

BASE = {"vocab": 10_000, "dim": 100, "window": 5, "negatives": 22, "tokens": 512}
GRID = {
    "vocab": (10_000, 100_000, 1_000_000),
    "dim": (50, 100, 128, 300, 512),
    "window": (2, 5, 10),
    "negatives": (8, 22, 64),
    "tokens": (128, 512, 2_048, 8_192),
}


@dataclasses.dataclass(frozen=True)
class Settings:
    """Measure how the time per token grows."""

    objective: Literal["skipgram", "cbow"] = "skipgram"
    repeats: int = 5
    folder: str = _together.FOLDER


def main(arguments: list[str]) -> None:
    settings = command_line.parse(Settings, arguments)
    _time(settings, BASE)  # warms up: the first program of a process is slow
    rows, base = [], None
    for name, values in GRID.items():
        for value in values:
            timed = _time(settings, {**BASE, name: value})
            base = base or timed.median
            rows.append(
                {
                    "varied": name,
                    "value": value,
                    "us a token": round(timed.median, 3),
                    "lowest": round(timed.low, 3),
                    "highest": round(timed.high, 3),
                    "ratio": round(timed.median / base, 2),
                    "temporary MB": round(timed.temporary_mb, 1),
                    "compile s": round(timed.compile_seconds, 1),
                }
            )
            print("\n".join(_together.table(rows).splitlines()[0 if len(rows) == 1 else -1 :]))
    place = _together.write("scaling", settings, rows, settings.folder)
    _together.picture(place / "scaling.png", lambda axes: _draw(axes, rows))


def _time(settings: Settings, point: dict[str, int]) -> _together.Timed:
    build = objectives.skipgram if settings.objective == "skipgram" else objectives.cbow
    objective = build(window=point["window"], shared_negatives=point["negatives"])
    batch = point["tokens"] // objective.reads.block_length
    learner = learners.row_sparse(objective)
    vocab = _together.zipf_vocab(point["vocab"])
    return _together.time_steps(objective, learner, vocab, point["dim"], batch, settings.repeats)


def _draw(axes, rows) -> None:
    for name in GRID:
        own = [row for row in rows if row["varied"] == name]
        grown = [row["value"] / BASE[name] for row in own]
        axes.loglog(grown, [row["ratio"] for row in own], "o-", label=name)
    axes.set(
        title="Time of a token as one setting grows",
        xlabel=f"setting, relative to {BASE}".replace("'", ""),
        ylabel="time a token, relative",
    )
    axes.xaxis.label.set_size(8)
