"""Count co-occurring words, factorise the counts, and report on the matrix of vectors.

Usage: python scripts/factor.py configs/ppmi_svd.py [--dim 300 ...] [--help]

Writes everything into config.workdir. The counts (cells) are kept there: with --cells FOLDER
several runs share them. Exit codes: 0 done, 2 input that cannot be used, 3 numbers that are not
finite, 130 interrupted, 143 terminated.
"""

from jaxemb.lab import command_line
from jaxemb.lab.runs.counts.config import CountConfig


def main() -> None:
    config = command_line.from_command_line(CountConfig)
    # imported after --help, which needs no device
    from jaxemb.lab import outcome
    from jaxemb.lab.runs.counts import report, run

    corpus = run.prepare(config)  # text -> vocab -> ids on disk
    method = config.build_method()  # cells -> tables
    result = run.factor(config, method, corpus)  # ids -> cells -> tables
    following = outcome.about_run(config.workdir, result.vocab.words, config.neighbours_of)
    outcome.of_run(config, lambda: report.write(config, result), *following)


if __name__ == "__main__":
    command_line.run(main)
