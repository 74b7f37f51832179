"""Laws of every contextualizer in the scripts: trained, embedded, compared and drawn alike."""

import json

import compare_embedders
import embed
import ladder
import numpy as np
import pytest
import train_contextual
from safetensors.numpy import load_file

from jaxemb.contextual.members import MEMBERS
from tests import covering
from tests.scripts.test_train import draw_nothing, run

CONFIG = """
from jaxemb.contextual import members, models, objectives
from jaxemb.lab import ContextualConfig, Corpus

config = ContextualConfig(
    corpus=Corpus(path=("text.txt",), min_count=2, mark_unknown=True, held_out=0.2),
    model=members.{name}, objective={objective}, optimizer=models.adam, learning_rate=0.01,
    dim=8, {units} epochs=1, batch=4, samples=None, dev=0.05, workdir="lm",
)
"""
WORDS = [a + b for a in "xy" for b in "abcdef"]


@pytest.mark.parametrize("name", covering.first(2, [m.__name__ for m in reversed(MEMBERS)]))
def test_a_member_is_trained_embeds_is_compared_and_drawn(name, tmp_path, monkeypatch, capsys):
    random = np.random.default_rng(0)
    lines = [
        " ".join("w" if k % 3 == 0 else WORDS[6 * (i % 2) + j] for k, j in enumerate(draw))
        for i, draw in enumerate(random.integers(0, 6, (120, 7)))
    ]
    (tmp_path / "text.txt").write_text("\n".join([*lines, "once"]))
    masked = name == "masked_transformer"
    objective = "objectives.masked_words" if masked else None
    units = "units=8," if name not in ("gru", "plain_lstm") else ""
    (tmp_path / "config.py").write_text(CONFIG.format(name=name, objective=objective, units=units))
    rows = [" ".join([word, *map(str, random.normal(size=5))]) for word in ("w", *WORDS)]
    (tmp_path / "static.txt").write_text("\n".join(rows) + "\n")
    monkeypatch.chdir(tmp_path)
    with monkeypatch.context() as patch:
        draw_nothing(patch)
        run(train_contextual, "config.py", monkeypatch=patch)
    report = json.loads((tmp_path / "lm/report.json").read_text())
    directions = ["hidden"] if masked else ["forward", "backward"]
    assert list(report["baseline"]) == directions
    assert all(report["perplexity"][name] > 1 for name in directions)
    run(embed, "text.txt", "out.safetensors", "--run", "lm", monkeypatch=monkeypatch)
    assert load_file("out.safetensors")["0"].shape == (3, 7, 8 * len(directions))
    run(compare_embedders, "lm", "static.txt", "--out", "out", monkeypatch=monkeypatch)
    layers = json.loads((tmp_path / "out/comparison.json").read_text())["embedders"][0]["layers"]
    assert [layer["context_share"] > 0 for layer in layers] == [False, True, True]
    options = ("--vectors", "static.txt", "--contextual", "lm", "--picture", "three.png")
    run(ladder, "w", *options, monkeypatch=monkeypatch)
    assert (tmp_path / "three.png").stat().st_size > 20_000
    capsys.readouterr()
