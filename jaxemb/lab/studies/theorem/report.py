"""The report on skip-gram and its matrix: a figure, a table and three sentences; and JSON."""

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

OFTEN = 10.0  # the least count of a frequent cell
SHOWN = 5  # nearest words of each table


def build(
    config: StaticConfig, result: Result, matrix: measures.Matrix, svd: InOut[np.ndarray]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Compute the report as JSON values, and the arrays that the figure draws.

    Args:
        config: the settings of the training run.
        result: the trained tables of skip-gram.
        matrix: from `measures.matrix`.
        svd: from `measures.factor`.
    """
    tables = {SKIPGRAM: result.tables, SVD: svd}
    products = {name: measures.products(pair, matrix.optimum) for name, pair in tables.items()}
    agreements = measures.agreements(matrix, products)
    inputs = {name: pair.input for name, pair in tables.items()}
    angles = measures.angles(result.tables, svd)
    shared = measures.shared_neighbours(*inputs.values())
    harris = measures.harris(matrix, inputs, len(result.vocab.words))
    tests = scores.at_hand()._replace(questions=())  # cosines measure similarity: no analogies
    answers = {name: scores.ask(result.vocab, table, tests) for name, table in inputs.items()}
    spectra = {name: linalg.spectrum(np.asarray(table)) for name, table in inputs.items()}
    values = {
        "text": {
            "words": matrix.words,
            "cells": len(matrix.counts.values),
            "infinite": matrix.infinite,
            "rule": matrix.rule,
        },
        "negatives": config.negatives,
        "tables": {
            name: {
                "rank": int(linalg.rank(spectrum).rank),
                "dim": inputs[name].shape[1],
                "effective_rank": float(linalg.effective_rank(spectrum)),
                "singular_values": np.asarray(spectrum.values).tolist(),
                "similarity": scores.describe(answers[name], tests)["similarity"],
            }
            for name, spectrum in spectra.items()
        },
        "comparison": scores.compare(*answers.values()),
        "agreement": [row._asdict() for row in agreements],
        "often": [row._asdict() for row in agreements if row.least <= OFTEN][-1],
        "angles": {name: degrees.tolist() for name, degrees in angles._asdict().items()},
        "neighbours_shared": _mean(shared),
        "neighbours_by_chance": measures.NEAREST / (len(result.vocab.words) - 1),
        "harris": {
            context: {name: estimate._asdict() for name, estimate in by_table.items()}
            for context, by_table in harris.rho.items()
        },
        "neighbours": _neighbours(config, result, inputs),
    }
    arrays = {"matrix": matrix, "products": products, "harris": harris}
    return values, arrays


def _mean(values: Float[np.ndarray, " items"]) -> dict[str, float]:
    """The mean and its bootstrap interval."""
    drawn = intervals.resampled(lambda sample: sample.mean(axis=-1), values)
    low, high = np.quantile(drawn, (0.025, 0.975))
    return Estimate(float(values.mean()), float(low), float(high))._asdict()


def _neighbours(
    config: StaticConfig, result: Result, inputs: dict[str, Any]
) -> list[dict[str, Any]]:
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


def write(
    config: StaticConfig, result: Result, matrix: measures.Matrix, svd: InOut[np.ndarray]
) -> str:
    """Write theorem.json, theorem.md and the figure into the workdir; return the Markdown.

    Arguments: see `build`.
    """
    folder = Path(config.workdir)
    measured, arrays = build(config, result, matrix, svd)

    def draw() -> list[str]:
        from jaxemb.lab.studies.theorem import pictures

        return [pictures.draw(measured, arrays, folder / "theorem.png")]

    values = {**measured, **workdir.environment()}
    return report.write(
        folder, "theorem", values, lambda shown: f"{markdown(measured)}\n{shown}", draw
    )


def markdown(values: dict[str, Any]) -> str:
    """The report as Markdown: a table of measures, three sentences, a table of neighbours."""
    names = list(values["tables"])
    measured = ((label, *cells) for label, cells in _rows(values).items())
    text, beyond = values["text"], ""
    if text["infinite"]:
        beyond = f"; left out: {text['infinite']:,} whose context is never noise"
    near = (
        (row["word"], *(", ".join(row[name]) for name in names)) for row in values["neighbours"]
    )
    return f"""# Skip-gram beside the matrix that it factors

{text["words"]:,} words of text, {text["cells"]:,} cells of words that met{beyond}; noise: \
{text["rule"]}, k = {values["negatives"]}.
SVD: of the positive part of log(# / N), which is PMI - log k for independent noise; U S^1/2.

{report.table(("", *names), measured)}

{" ".join(sentences(values))}

{report.table(("word", *names), near)}

In brackets: the middle 95 % of {intervals.RESAMPLES:,} draws with replacement.
"""


def _rows(values: dict[str, Any]) -> dict[str, list[str]]:
    """The table of measures: one row per measure, one cell per pair of tables."""
    tables = values["tables"]
    rows = {
        "rank": [f"{table['rank']} of {table['dim']}" for table in tables.values()],
        "effective rank": [f"{table['effective_rank']:.1f}" for table in tables.values()],
    }
    for part in (values["agreement"][0], values["often"]):
        seen = "every cell" if not part["least"] else f"cells counted >= {part['least']:g} times"
        label = f"r of v.u with log(# / N), {seen} ({part['cells']:,})"
        rows[label] = [f"{part['r'][name]:.3f}" for name in tables]
    for context, row in values["harris"].items():
        label = f"Spearman of cosines: rows of {context}, vectors"
        rows[label] = [_estimate(row[name]) for name in tables]
    for test in next(iter(tables.values()))["similarity"]:
        rows[test] = [_estimate(table["similarity"][test]) for table in tables.values()]
    return rows


def _estimate(row: dict[str, Any]) -> str:
    return str(Estimate(row["value"], row["low"], row["high"]))


def sentences(values: dict[str, Any]) -> list[str]:
    """Three sentences that state the numbers of the figure: fit, spaces, Harris's hypothesis."""
    every, frequent = values["agreement"][0], values["often"]
    middle = {name: float(np.median(degrees)) for name, degrees in values["angles"].items()}
    rho = values["harris"]["positive PMI"]
    dim, shared = values["tables"][SKIPGRAM]["dim"], values["neighbours_shared"]["value"]
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
        f"share {shared:.0%} ({values['neighbours_by_chance']:.1%} by chance)."
    )
    hypothesis = (
        "Harris's hypothesis, over random pairs of words: the cosine of the rows of their contexts "
        f"and that of their vectors have a rank correlation of {_estimate(rho[SKIPGRAM])} in "
        f"skip-gram and {_estimate(rho[SVD])} in SVD, where 0 is no relation."
    )
    return [fit, spaces, hypothesis]
