"""Test whether context separates the senses of pseudo-words: two words merged into one form.

Usage: python scripts/polysemy.py configs/polysemy.py [--seeds 5 ...] [--help]

For every seed, words are merged in pairs, a table and a language model over it are trained on the
merged text, and the vectors of each layer are tested for which of the two words stood there. Ctrl-C
saves a checkpoint and stops; rerun the same command to resume. Exit codes: 0 done, 2 input that
cannot be used, 3 numbers that are not finite, 130 interrupted, 143 terminated.
"""

from pathlib import Path

from jaxemb.lab import command_line
from jaxemb.lab.studies.polysemy.config import PolysemyConfig


def main() -> None:
    config = command_line.from_command_line(PolysemyConfig)
    # imported after --help, which needs no device
    from jaxemb.lab import outcome, progress
    from jaxemb.lab.studies.polysemy import report, run, text

    counted = text.count(config)  # text -> words and their counts
    results, folder = [], Path(config.workdir)
    for seed in range(config.seeds):
        folder = text.merge(config, counted, seed)  # pseudo-words -> another text
        sample = text.sample(config, folder, seed)  # -> balanced occurrences, split
        trained = run.train(config, folder, seed)  # -> table -> language model
        vectors = run.vectors(config, trained, sample)
        scores = {name: run.score(layer, sample, seed) for name, layer in vectors.items()}
        results.append(report.of_seed(folder, trained, sample, scores))
    progress.show(report.write(config, results))
    model, table = (folder / part.workdir for part in (config.contextual, config.static))
    outcome.end(config.workdir, ("compare_embedders", model, table), report="polysemy.md")


if __name__ == "__main__":
    command_line.run(main)
