"""Train a bidirectional language model over static vectors or characters; report perplexity.

Usage: python scripts/train_contextual.py configs/elmo_quickstart.py [--units 512 ...] [--help]

Ctrl-C saves a checkpoint and stops; a second Ctrl-C stops at once. Rerun the same command to
resume. Exit codes: 0 done, 2 input that cannot be used, 3 numbers that are not finite, 75 another
process of this run died or stopped responding (docs/hosts.md), 130 interrupted, 143 terminated.
"""

from jaxemb.lab import command_line
from jaxemb.lab.runs.contextual.config import ContextualConfig


def main() -> None:
    config = command_line.from_command_line(ContextualConfig)
    # imported after --help, which needs no device
    from jaxemb.lab import outcome
    from jaxemb.lab.hosts import agreement
    from jaxemb.lab.runs.contextual import report, run

    with agreement.joined(config.hosts):  # of several processes, only the first reports
        corpus = agreement.after_first(lambda: run.prepare(config))  # text -> ids on disk
        model = run.build(config, corpus.vocab)  # vectors -> layers -> softmax
        result = run.train(config, model, corpus)  # resumes from a checkpoint
    following = report.following(config, result.vocab)
    outcome.of_run(config, lambda: report.write(config, result), *following)


if __name__ == "__main__":
    command_line.run(main)
