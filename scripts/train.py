"""Trains word vectors and says what matrix they are; writes everything into config.workdir.

Usage: python scripts/train.py configs/quickstart.py [--dim 300 ...] [--help]

Ctrl-C saves and stops, a second one ends at once; the same command goes on from there. Exit codes:
0 done, 2 input that cannot be used, 3 numbers that are not finite, 75 another process is lost
(docs/hosts.md), 130 interrupted, 143 terminated.
"""

from jaxemb.lab import command_line
from jaxemb.lab.runs.static import prepare
from jaxemb.lab.runs.static.config import StaticConfig


def main() -> None:
    config = command_line.from_command_line(StaticConfig)
    # after --help, which needs no device
    from jaxemb.lab import progress
    from jaxemb.lab.hosts import agreement
    from jaxemb.lab.runs.static import members, report, run

    with agreement.joined(config.hosts):  # of several processes, the first goes on to the report
        corpus = agreement.after_first(lambda: prepare.prepare(config))  # text -> ids on disk
        objective = config.build_objective()  # what a block reads, and what it costs
        learner = config.build_learner(objective)  # block -> loss -> update
        several = bool(config.members)
        train = members.train if several else run.train
        result = train(config, objective, learner, corpus)  # goes on where a session stopped
    progress.show((report.write_members if several else report.write)(config, result))


if __name__ == "__main__":
    command_line.run(main)
