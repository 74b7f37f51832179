"""Can context tell two words apart that were merged into one form? A trial with known truth.

Usage: python scripts/polysemy.py configs/polysemy.py [--seeds 5 ...] [--help]

For every seed: words are merged by twos, a table and a language model over it are trained on the
merged text, and each layer is asked which of both words it was. Ctrl-C saves and stops; the same
command goes on from there. Exit codes: 0 done, 2 input that cannot be used, 3 numbers that are not
finite, 130 interrupted, 143 terminated.
"""

from jaxemb.lab import command_line
from jaxemb.lab.studies.polysemy.config import PolysemyConfig


def main() -> None:
    config = command_line.from_command_line(PolysemyConfig)
    # after --help, which needs no device
    from jaxemb.lab import progress
    from jaxemb.lab.studies.polysemy import report, run, text

    counted = text.count(config)  # text -> words and their counts
    found = []
    for seed in range(config.seeds):
        folder = text.merge(config, counted, seed)  # pseudo-words -> another text
        sample = text.sample(config, folder, seed)  # -> balanced occurrences, split
        trained = run.train(config, folder, seed)  # -> table -> language model
        vectors = run.vectors(trained, sample)
        scores = {name: run.score(of, sample, seed) for name, of in vectors.items()}
        found.append(report.of_seed(folder, trained, sample, scores))
    progress.show(report.write(config, found))


if __name__ == "__main__":
    command_line.run(main)
