"""Skip-gram is a factorisation of shifted PMI: shows on a text how far that holds.

Usage: python scripts/theorem.py configs/quickstart.py [--workdir runs/quickstart ...] [--help]

Trains the config's skip-gram, or takes the run that its workdir holds; counts what it read, factors
log(# / N) by SVD in the same dimension, and writes theorem.md, theorem.json and one figure,
theorem.png, into the workdir. docs/theorem.md says what they mean.
"""

from pathlib import Path

from jaxemb.lab import command_line
from jaxemb.lab.runs.static import prepare
from jaxemb.lab.runs.static.config import StaticConfig


def main() -> None:
    config = command_line.from_command_line(StaticConfig)
    # after --help, which needs no device
    from jaxemb.lab import progress
    from jaxemb.lab.runs.static import run
    from jaxemb.lab.studies.theorem import measures, report

    measures.check(config)
    corpus = prepare.prepare(config)  # text -> vocab -> ids on disk
    measures.check(config, len(corpus.vocab.words))
    objective = config.build_objective()
    learner = config.build_learner(objective)
    result = run.train(config, objective, learner, corpus)  # the one factorisation
    matrix = measures.matrix(config, corpus, Path(config.workdir) / "cells")  # text -> cells
    svd = measures.factor(matrix.optimum, len(result.vocab.words), config.dim)  # the other
    progress.show(report.write(config, result, matrix, svd))


if __name__ == "__main__":
    command_line.run(main)
