"""Laws of polysemy.py and the text that it merges: samples, files, output, errors."""

import json
from collections import Counter

import numpy as np
import polysemy
import pytest

from jaxemb.contextual import training as contextual_training
from jaxemb.lab import command_line
from jaxemb.lab.studies.polysemy import report, text as polysemy_text
from jaxemb.lab.studies.polysemy.config import PolysemyConfig
from jaxemb.training import loop
from tests.scripts.test_train import run

CONFIG = '''
"""Pseudo-words of a toy text."""
from jaxemb import learners, objectives
from jaxemb.contextual import members, models
from jaxemb.lab import ContextualConfig, Corpus, Merging, PolysemyConfig, StaticConfig

config = PolysemyConfig(
    merging=Merging(pairs=3, min_count=30, max_count=140, ratio=1.2),
    static=StaticConfig(
        corpus=Corpus(path=("text.txt",), min_count=1, subsample=0, held_out=0.1),
        objective=objectives.skipgram, learner=learners.row_sparse,
        dim=8, epochs=30, batch=4, cap=1.0, workdir="static",
    ),
    contextual=ContextualConfig(
        corpus=Corpus(min_count=1, held_out=0.1, mark_unknown=True),
        model=members.lstm, optimizer=models.adam, learning_rate=0.03, samples=None,
        dim=8, units=8, layers=1, epochs=4, batch=4, unroll=8, dev=0.1,
        carried=False, workdir="contextual",
    ),
    per_sense=8, seeds=2, workdir="out",
)
'''
TIMES = {"p": 60, "q": 80, "r": 110}  # of the words to be merged; only p and q have similar counts


def _lines() -> list[str]:
    """Sentences of two topics; words of one count differ in topic, so context tells them apart."""
    random = np.random.default_rng(0)
    lines = []
    for topic in "ab":
        words = [f"{topic}{name}" for name, times in TIMES.items() for _ in range(times)]
        for pair in random.permutation(words).reshape(-1, 2).tolist():  # two in each sentence
            filled = [f"{topic}{'xyz'[i]}" for i in random.integers(0, 3, 5)]
            lines.append(" ".join(random.permutation([*pair, *filled])))
    lines = random.permutation(lines).tolist()
    return lines + lines[:20]  # some sentences occur twice


@pytest.fixture
def place(tmp_path, monkeypatch):
    (tmp_path / "text.txt").write_text("\n".join(_lines()) + "\n")
    (tmp_path / "config.py").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def merged(place):
    """The config, and the folder with the merged text of seed 0."""
    config = command_line.load(place / "config.py", PolysemyConfig)
    return config, polysemy_text.merge(config, polysemy_text.count(config), 0)


def test_static_is_one_half_context_is_not_and_nothing_is_done_twice(place, monkeypatch, capsys):
    run(polysemy, "config.py", monkeypatch=monkeypatch)
    first = capsys.readouterr()
    assert first.err == ""
    written = json.loads((place / "out/polysemy.json").read_text())
    layers = written["layers"]
    assert list(layers) == ["static", "layer 0", "layer 1"]
    for name in ("static", "layer 0"):
        for measure, value in (("sense", 0.5), ("wic", 0.5), ("silhouette", 0.0)):
            assert layers[name][measure] == dict.fromkeys(("value", "low", "high"), value)
    assert layers["layer 1"]["sense"]["value"] > 0.8
    beyond = layers["layer 1"]["sense_beyond_static"]["value"]
    assert beyond == pytest.approx(layers["layer 1"]["sense"]["value"] - 0.5)
    assert len(written["seeds"]) == 2
    assert "| static | 0.500 [0.500, 0.500] | 0.500 [0.500, 0.500] | 0.000 [0.0" in first.out
    assert first.out.startswith((place / "out/polysemy.md").read_text().partition("![")[0])
    assert "compare_embedders.py out/seed_1/contextual out/seed_1/static" in first.out
    assert (place / "out/polysemy.png").stat().st_size > 5000
    for seed in ("seed_0", "seed_1"):
        folder = place / "out" / seed
        assert json.loads((folder / "scores.json").read_text())["folder"] == seed
        assert (folder / "static/tables.safetensors").exists()
        assert (folder / "contextual/model.safetensors").exists()
    for module in (loop, contextual_training):
        monkeypatch.setattr(module, "events", None)  # calling it would fail
    run(polysemy, "config.py", "--seeds", "1", monkeypatch=monkeypatch)
    again = capsys.readouterr().out
    assert "one seed has no interval" in again
    assert "| static | 0.500 | 0.500 | 0.000 |" in again
    assert json.loads((place / "out/polysemy.json").read_text())["seeds"] == written["seeds"][:1]
    run(polysemy, "config.py", "--merging.pairs", "2", monkeypatch=monkeypatch, code=2)
    assert "pairs was 3, now 2" in capsys.readouterr().err


def test_senses_undo_the_merging(merged):
    _, folder = merged
    forms = polysemy_text.forms(folder)
    assert len(forms) == 3
    tokens = [line.split(" ") for line in (folder / "text.txt").read_text().splitlines()]
    rows = (folder / "occurrences.tsv").read_text().splitlines()[1:]
    for line, token, form, sense in (map(int, row.split("\t")) for row in rows):
        assert tokens[line][token] == forms[form].form
        tokens[line][token] = forms[form].senses[sense]
    assert [" ".join(line) for line in tokens] == (
        folder.parents[1] / "text.txt"
    ).read_text().splitlines()


def test_no_test_sentence_was_learned_from_and_senses_are_balanced(merged):
    config, folder = merged
    for seed in range(5):
        sample = polysemy_text.sample(config, folder, seed)
        train, test = sample.split
        texts = [" ".join(text) for text in sample.texts]
        assert len(set(texts)) == len(texts)  # so no test sentence is in train
        assert sorted([*train, *test]) == list(range(len(texts)))
        for part in (train, test):
            groups = Counter(zip(sample.forms[part], sample.senses[part], strict=True))
            assert set(groups.values()) == {config.per_sense}
            assert len(groups) == 2 * config.merging.pairs
        forms = polysemy_text.forms(folder)
        assert sample.tokens == [forms[form].form for form in sample.forms]


def test_an_interval_over_seeds_is_students():
    # mean 2, standard deviation 1, t of 2 degrees of freedom 4.302653 (any printed table)
    reach = 4.302653 / np.sqrt(3)
    assert report.over_seeds([1, 2, 3]) == pytest.approx((2, 2 - reach, 2 + reach))
    assert np.isnan(report.over_seeds([1.0]).low)


WRONG = {
    ("--merging.pairs", "9"): "pairs among",
    ("--per-sense", "999"): "a smaller per_sense",
    ("--per-sense", "3"): "per_sense is 3",
    ("--contextual.dim", "9"): "static.dim is 8, contextual.dim is 9",
    ("--seeds", "0"): "seeds is 0",
    ("--static.corpus.path", "nowhere.txt"): "nowhere.txt: no such file",
}


@pytest.mark.parametrize("options", WRONG)
def test_errors_are_one_line_and_come_before_training(place, monkeypatch, capsys, options):
    del place
    monkeypatch.setattr(loop, "events", None)
    run(polysemy, "config.py", *options, monkeypatch=monkeypatch, code=2)
    error = capsys.readouterr().err
    assert WRONG[options] in error
    assert error.count("\n") == 1
