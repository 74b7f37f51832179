"""Time a token against vocabulary, dimension, window, noise and step size, one at a time.

Usage: python scripts/benchmark.py scaling [--objective cbow] [--repeats 7]

The training program alone, on random text with Zipf's frequencies: microseconds a token (median,
lowest and highest of the repeats), as a ratio to the first row of the same run; MB are the
program's temporaries beside its tables. Writes scaling.json and scaling.png.
"""

import dataclasses
from typing import Literal

from benchmarks import _together
from jaxemb import objectives
from jaxemb.lab import command_line
from jaxemb.training import learners

BASE = {"vocab": 10_000, "dim": 100, "window": 5, "negatives": 24, "tokens": 512}
GRID = {
    "vocab": (10_000, 100_000, 1_000_000),
    "dim": (50, 100, 128, 300, 512),
    "window": (2, 5, 10),
    "negatives": (8, 24, 64),
    "tokens": (128, 512, 2_048, 8_192),
}


@dataclasses.dataclass(frozen=True)
class Asked:
    """How the time of a token grows."""

    objective: Literal["skipgram", "cbow"] = "skipgram"
    repeats: int = 5
    folder: str = _together.FOLDER


def main(arguments: list[str]) -> None:
    asked = command_line.parse(Asked, arguments)
    _time(asked, BASE)  # a process is slow at first
    rows, base = [], None
    for name, values in GRID.items():
        for value in values:
            found = _time(asked, {**BASE, name: value})
            base = base or found.median
            rows.append(
                {
                    "varied": name,
                    "value": value,
                    "us a token": round(found.median, 3),
                    "lowest": round(found.low, 3),
                    "highest": round(found.high, 3),
                    "ratio": round(found.median / base, 2),
                    "temporary MB": round(found.temporary_mb, 1),
                    "compile s": round(found.compile_seconds, 1),
                }
            )
            print("\n".join(_together.table(rows).splitlines()[0 if len(rows) == 1 else -1 :]))
    place = _together.write("scaling", asked, rows, asked.folder)
    _together.picture(place / "scaling.png", lambda axes: _draw(axes, rows))


def _time(asked: Asked, at: dict[str, int]) -> _together.Timed:
    build = objectives.skipgram if asked.objective == "skipgram" else objectives.cbow
    objective = build(window=at["window"], shared_negatives=at["negatives"])
    batch = at["tokens"] // objective.reads.block_length
    learner = learners.row_sparse(objective)
    vocab = _together.zipf_vocab(at["vocab"])
    return _together.time_steps(objective, learner, vocab, at["dim"], batch, asked.repeats)


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
