"""Skip-gram beside its matrix, for people: one figure, one table, three sentences; and as JSON."""

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from jaxemb import linalg
from jaxemb.evaluation import intervals, neighbours
from jaxemb.evaluation.intervals import Estimate
from jaxemb.lab import report, workdir
from jaxemb.lab.runs.static.config import StaticConfig
from jaxemb.lab.runs.static.run import Result
from jaxemb.lab.studies.theorem import measures
from jaxemb.lab.studies.theorem.measures import SKIPGRAM, SVD
from jaxemb.lab.tables import scores
from jaxemb.structs import InOut

OFTEN = 10.0  # a cell counted at least so often is one that was seen often
SHOWN = 5  # nearest words of each table


def build(
    config: StaticConfig, result: Result, of: measures.Matrix, svd: InOut
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the report says, as JSON values; and the arrays that the figure draws."""
    tables = {SKIPGRAM: result.tables, SVD: svd}
    made = {name: measures.products(each, of.optimum) for name, each in tables.items()}
    agreed = measures.agreements(of, made)
    inputs = {name: each.input for name, each in tables.items()}
    angles = measures.angles(result.tables, svd)
    shared = measures.shared_neighbours(*inputs.values())
    found = measures.harris(of, inputs, len(result.vocab.words))
    asked = scores.at_hand()._replace(questions=())  # similarity is what cosines are for
    answers = {name: scores.ask(result.vocab, table, asked) for name, table in inputs.items()}
    spectra = {name: linalg.spectrum(np.asarray(table)) for name, table in inputs.items()}
    values = {
        "text": {
            "words": of.words,
            "cells": len(of.counts.values),
            "infinite": of.infinite,
            "rule": of.rule,
        },
        "negatives": config.negatives,
        "tables": {
            name: {
                "rank": int(linalg.rank(each).rank),
                "dim": inputs[name].shape[1],
                "effective_rank": float(linalg.effective_rank(each)),
                "singular_values": np.asarray(each.values).tolist(),
                "similarity": scores.describe(answers[name], asked)["similarity"],
            }
            for name, each in spectra.items()
        },
        "comparison": scores.compare(*answers.values()),
        "agreement": [each._asdict() for each in agreed],
        "often": [each._asdict() for each in agreed if each.least <= OFTEN][-1],
        "angles": {name: each.tolist() for name, each in angles._asdict().items()},
        "neighbours_shared": _mean(shared),
        "neighbours_by_chance": measures.NEAREST / (len(result.vocab.words) - 1),
        "harris": {
            context: {name: each._asdict() for name, each in row.items()}
            for context, row in found.rho.items()
        },
        "neighbours": _neighbours(config, result, inputs),
    }
    drawn = {"matrix": of, "products": made, "harris": found}
    return values, drawn


def _mean(values: Float[Any, " items"]) -> dict[str, float]:
    """With the interval of means of items drawn again."""
    drawn = intervals.resampled(lambda each: each.mean(axis=-1), values)
    low, high = np.quantile(drawn, (0.025, 0.975))
    return Estimate(float(values.mean()), float(low), float(high))._asdict()


def _neighbours(config: StaticConfig, result: Result, inputs: dict[str, Any]) -> list[dict]:
    vocab = result.vocab
    known = set(vocab.words)
    words = [word for word in config.neighbours_of if word in known]
    words = words or list(vocab.words[200:205] or vocab.words[:5])
    return [
        {
            "word": word,
            **{name: neighbours.nearest(vocab, t, word, SHOWN).words for name, t in inputs.items()},
        }
        for word in words
    ]


def write(config: StaticConfig, result: Result, of: measures.Matrix, svd: InOut) -> str:
    """Writes theorem.json, theorem.md and the figure into the workdir; returns the Markdown."""
    folder = Path(config.workdir)
    found, drawn = build(config, result, of, svd)

    def draw() -> list[str]:
        from jaxemb.lab.studies.theorem import pictures

        return [pictures.draw(found, drawn, folder / "theorem.png")]

    values = {**found, **workdir.environment()}
    return report.write(
        folder, "theorem", values, lambda shown: f"{markdown(found)}\n{shown}", draw
    )


def markdown(found: dict[str, Any]) -> str:
    """One table, three sentences, neighbours side by side."""
    names = list(found["tables"])
    measured = ((label, *cells) for label, cells in _rows(found).items())
    text, beyond = found["text"], ""
    if text["infinite"]:
        beyond = f"; left out: {text['infinite']:,} whose context is never noise"
    near = ((row["word"], *(", ".join(row[name]) for name in names)) for row in found["neighbours"])
    return f"""# Skip-gram beside the matrix that it factors

{text["words"]:,} words of text, {text["cells"]:,} cells of words that met{beyond}; noise: \
{text["rule"]}, k = {found["negatives"]}.
SVD: of the positive part of log(# / N), which is PMI - log k for independent noise; U S^1/2.

{report.table(("", *names), measured)}

{" ".join(sentences(found))}

{report.table(("word", *names), near)}

In brackets: the middle 95 % of {intervals.RESAMPLES:,} draws with replacement.
"""


def _rows(found: dict[str, Any]) -> dict[str, list[str]]:
    """The table: a row a measure, a cell for each pair of tables."""
    tables = found["tables"]
    rows = {
        "rank": [f"{each['rank']} of {each['dim']}" for each in tables.values()],
        "effective rank": [f"{each['effective_rank']:.1f}" for each in tables.values()],
    }
    for each in (found["agreement"][0], found["often"]):
        seen = "every cell" if not each["least"] else f"cells counted >= {each['least']:g} times"
        label = f"r of v.u with log(# / N), {seen} ({each['cells']:,})"
        rows[label] = [f"{each['r'][name]:.3f}" for name in tables]
    for context, row in found["harris"].items():
        label = f"Spearman of cosines: rows of {context}, vectors"
        rows[label] = [_estimate(row[name]) for name in tables]
    for test in next(iter(tables.values()))["similarity"]:
        rows[test] = [_estimate(each["similarity"][test]) for each in tables.values()]
    return rows


def _estimate(row: dict[str, Any]) -> str:
    return str(Estimate(row["value"], row["low"], row["high"]))


def sentences(found: dict[str, Any]) -> list[str]:
    """What the figure shows, in three sentences that claim no more than the numbers in them."""
    every, frequent = found["agreement"][0], found["often"]
    middle = {name: float(np.median(each)) for name, each in found["angles"].items()}
    rho = found["harris"]["positive PMI"]
    dim, shared = found["tables"][SKIPGRAM]["dim"], found["neighbours_shared"]["value"]
    fit = (
        f"At its optimum in full dimension v.u would be log(# / N) in every cell; in {dim} "
        f"dimensions it correlates with it by r = {every['r'][SKIPGRAM]:.2f} over all cells that "
        f"were counted, and by {frequent['r'][SKIPGRAM]:.2f} over those counted at least "
        f"{frequent['least']:g} times (the loss weighs a cell by its counts)."
    )
    spaces = (
        "SVD weighs all cells alike and holds those never counted for 0: the columns of both input "
        f"tables span spaces at a median principal angle of {middle['input']:.0f} degrees "
        f"({middle['random']:.0f} by chance), and of a word's {measures.NEAREST} nearest they "
        f"share {shared:.0%} ({found['neighbours_by_chance']:.1%} by chance)."
    )
    hypothesis = (
        "Harris's hypothesis, over random pairs of words: the cosine of the rows of their contexts "
        f"and that of their vectors have a rank correlation of {_estimate(rho[SKIPGRAM])} in "
        f"skip-gram and {_estimate(rho[SVD])} in SVD, where 0 is no relation."
    )
    return [fit, spaces, hypothesis]
