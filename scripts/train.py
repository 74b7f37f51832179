"""Train word vectors and report on their matrix; write everything into config.workdir.

Usage: python scripts/train.py configs/quickstart.py [--dim 300 ...] [--help]

Ctrl-C saves a checkpoint and stops; a second Ctrl-C stops at once. Rerun the same command to
resume. Exit codes: 0 done, 2 input that cannot be used, 3 numbers that are not finite, 75 another
process of this run died or stopped responding (docs/hosts.md), 130 interrupted, 143 terminated.
"""

from jaxemb.lab import command_line
from jaxemb.lab.runs.static import prepare
from jaxemb.lab.runs.static.config import StaticConfig


def main() -> None:
    config = command_line.from_command_line(StaticConfig)
    # imported after --help, which needs no device
    from jaxemb.lab import outcome
    from jaxemb.lab.hosts import agreement
    from jaxemb.lab.runs.static import members, report, run

    with agreement.joined(config.hosts):  # of several processes, only the first reports
        corpus = agreement.after_first(lambda: prepare.prepare(config))  # text -> ids on disk
        objective = config.build_objective()  # what a block reads, and its loss
        learner = config.build_learner(objective)  # block -> loss -> update
        several = bool(config.members)
        train = members.train if several else run.train
        result = train(config, objective, learner, corpus)  # resumes from a checkpoint
    write = report.write_members if several else report.write
    following = report.following(config, result.vocab)
    outcome.of_run(config, lambda: write(config, result), *following)


if __name__ == "__main__":
    command_line.run(main)
