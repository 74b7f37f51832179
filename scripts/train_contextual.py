"""Trains a bidirectional language model, over static vectors or characters; reports perplexity.

Usage: python scripts/train_contextual.py configs/elmo_quickstart.py [--units 512 ...] [--help]

Ctrl-C saves and stops, a second one ends at once; the same command goes on from there. Exit codes:
0 done, 2 input that cannot be used, 3 numbers that are not finite, 75 another process is lost
(docs/hosts.md), 130 interrupted, 143 terminated.
"""

from jaxemb.lab import command_line
from jaxemb.lab.runs.contextual.config import ContextualConfig


def main() -> None:
    config = command_line.from_command_line(ContextualConfig)
    # after --help, which needs no device
    from jaxemb.lab import progress
    from jaxemb.lab.hosts import agreement
    from jaxemb.lab.runs.contextual import report, run

    with agreement.joined(config.hosts):  # of several processes, the first goes on to the report
        result = run.train(config)  # text -> windows -> model; goes on where it stopped
    progress.show(report.write(config, result))


if __name__ == "__main__":
    command_line.run(main)
