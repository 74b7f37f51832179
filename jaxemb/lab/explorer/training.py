"""The training of a run, as series for the page: losses, and the spectrum over time."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jaxemb.lab import progress

POINTS = 400  # of a curve; more are averaged
SNAPSHOTS = 40  # of the spectrum
# names of the log, and what turns them into nats: `dev` is a perplexity
_SERIES: dict[str, Callable[[Any], Any]] = {
    "loss": np.asarray,
    "held_out": np.asarray,
    "dev": np.log,
}


def series(folder: str | Path) -> dict[str, Any] | None:
    """The measurements of a run's metrics.jsonl; None where there are none.

    Returns:
        `curves`: a list of name, x, y [nats] and whether they are means of neighbours; `unit`: what
        x counts; `epochs`: the x at the end of each epoch; `spectra`: a list of words and singular
        values.
    """
    # a note has no words
    rows = [row for row in progress.logged(Path(folder) / progress.METRICS) if "words" in row]
    curves = [curve for name in _SERIES for curve in _curves(rows, name)]
    seen = [row for row in rows if _is_numbers(row.get("singular_values"))]
    chosen = np.unique(np.linspace(0, len(seen) - 1, min(len(seen), SNAPSHOTS)).astype(int))
    spectra = [
        {"words": seen[i]["words"], "values": seen[i]["singular_values"]} for i in chosen if seen
    ]
    if not curves and not spectra:
        return None
    both = any(isinstance(row.get("loss"), list) for row in rows)  # directions of a language model
    unit = "predictions" if both else "words read"
    return {
        "curves": curves,
        "unit": unit,
        "epochs": [*progress.epoch_ends(rows).values()],
        "spectra": spectra,
    }


def _curves(rows: Sequence[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    """The curves of one measurement, one for each direction of a language model."""
    there = [row for row in rows if row.get(name) is not None]
    if not there:
        return []
    x = np.array([row["words"] for row in there], float)
    y = _SERIES[name](np.array([np.reshape(row[name], -1) for row in there], float))
    names = [name] if y.shape[1] == 1 else [f"{name} {i + 1}" for i in range(y.shape[1])]
    return [_curve(called, x, column) for called, column in zip(names, y.T, strict=True)]


def _curve(name: str, x: Any, y: Any) -> dict[str, Any]:
    """A curve of at most `POINTS` points, each the mean of as many neighbours."""
    parts = np.array_split(np.arange(len(x)), min(len(x), POINTS))
    means = [[float(np.mean(values[part])) for part in parts] for values in (x, y)]
    return {"name": name, "x": means[0], "y": means[1], "averaged": len(x) > POINTS}


def _is_numbers(values: Any) -> bool:
    return bool(values) and isinstance(values[0], int | float)
