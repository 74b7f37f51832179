"""Measure on a text how far skip-gram is a factorisation of shifted PMI.

Usage: python scripts/theorem.py configs/quickstart.py [--workdir runs/quickstart ...] [--help]

Trains the config's skip-gram, or loads the run in its workdir; counts the pairs that it read;
factorises log(# / N) by SVD in the same dimension; writes theorem.md, theorem.json and the figure
theorem.png into the workdir. docs/theorem.md explains them.
"""

from pathlib import Path

from jaxemb.lab import command_line
from jaxemb.lab.runs.static import prepare
from jaxemb.lab.runs.static.config import StaticConfig


def main() -> None:
    config = command_line.from_command_line(StaticConfig)
    # imported after --help, which needs no device
    from jaxemb.lab import outcome, progress
    from jaxemb.lab.runs.static import run
    from jaxemb.lab.studies.theorem import measures, report

    measures.check(config)
    corpus = prepare.prepare(config)  # text -> vocab -> ids on disk
    measures.check(config, len(corpus.vocab.words))
    objective = config.build_objective()
    learner = config.build_learner(objective)
    result = run.train(config, objective, learner, corpus)  # factorised by training
    with outcome.reporting(config.workdir):
        matrix = measures.matrix(config, corpus, Path(config.workdir) / "cells")  # text -> cells
        size = len(result.vocab.words)
        svd = measures.factor(matrix.optimum, size, config.dim)  # factorised by SVD
        with progress.measuring():
            markdown = report.write(config, result, matrix, svd)
        progress.show(markdown)
    following = outcome.about_run(config.workdir, result.vocab.words, config.neighbours_of)
    outcome.end(config.workdir, *following, report="theorem.md")


if __name__ == "__main__":
    command_line.run(main)
