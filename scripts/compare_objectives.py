"""Compare negative sampling, hierarchical softmax, full softmax and NCE under one measure.

Usage: python scripts/compare_objectives.py configs/softmax_small.py [--static.epochs 5 ...]

Each objective of the config is trained on the same text with the same settings; the measure is the
log likelihood of held-out pairs under the full softmax of its scores (hierarchical softmax has its
own exact distribution). Writes likelihoods.json, .md and .png into the workdir.
"""

from jaxemb.lab import command_line
from jaxemb.lab.runs.static import prepare
from jaxemb.lab.studies.likelihood.config import ComparisonConfig


def main() -> None:
    config = command_line.from_command_line(ComparisonConfig)
    # imported after --help, which needs no device
    from jaxemb import files
    from jaxemb.lab import outcome, progress
    from jaxemb.lab.studies.likelihood import report, run

    folder = files.writable(config.workdir)
    corpus = prepare.prepare(config.static)
    comparison = run.compare(config, corpus, say=lambda name: print(f"training: {name}"))
    progress.show(report.write(folder, comparison))
    outcome.end(folder, *outcome.of_demo("theorem", "quickstart"), report="likelihoods.md")


if __name__ == "__main__":
    command_line.run(main)
