"""Negative sampling, hierarchical softmax, full softmax and NCE under one measure.

Usage: python scripts/compare_objectives.py configs/softmax_small.py [--static.epochs 5 ...]

Each objective of the config is trained on the same text with the same settings; the measure is the
log likelihood of held-out pairs under the full softmax of its scores (hierarchical softmax has its
own exact distribution). Writes likelihoods.json, .md and .png into the workdir.
"""

import importlib.util

from jaxemb.lab import command_line, workdir
from jaxemb.lab.runs.static import prepare
from jaxemb.lab.studies.likelihood.config import ComparisonConfig


def main() -> None:
    config = command_line.from_command_line(ComparisonConfig)
    # after --help, which needs no device
    from jaxemb import files as provenance
    from jaxemb.lab import progress
    from jaxemb.lab.studies.likelihood import run as comparison

    folder = provenance.writable(config.workdir)
    corpus = prepare.prepare(config.static)
    found = comparison.compare(config, corpus, say=lambda name: print(f"training: {name}"))
    rows = [each._asdict() for each in found]
    provenance.write_json(
        folder / "likelihoods.json", {**workdir.environment(), "objectives": rows}
    )
    text = comparison.markdown(found)
    provenance.write_text(folder / "likelihoods.md", text + "\n")
    progress.show(text)
    if importlib.util.find_spec("matplotlib") is None:
        print("(The picture needs matplotlib: pip install 'jaxemb[plot]'.)")
        return
    from jaxemb.lab.studies.likelihood import pictures as comparison_pictures

    comparison_pictures.draw(folder / "likelihoods.png", found)
    print(f"picture: {folder / 'likelihoods.png'}")


if __name__ == "__main__":
    command_line.run(main)
