"""Laws of the comparison of objectives. Oracles: plain loops over windows; known entropies."""

import collections
import dataclasses
import json
from pathlib import Path

import compare_objectives
import jax.numpy as jnp
import numpy as np
import pytest

from jaxemb.errors import InputError
from jaxemb.functional import sampling
from jaxemb.lab import command_line
from jaxemb.lab.runs.static import prepare
from jaxemb.lab.studies.likelihood import run as comparison
from jaxemb.lab.studies.likelihood.config import ComparisonConfig
from tests.references import word2vec
from tests.scripts.test_train import run

CONFIG = '''
"""Pairs of words that always occur together."""
from jaxemb import learners, objectives
from jaxemb.lab import ComparisonConfig, Contender, Corpus, StaticConfig
from jaxemb.lab.studies.likelihood import run as comparison
from jaxemb.static import hierarchical, softmaxes

scores, above = comparison.scores, comparison.scores_above_noise
config = ComparisonConfig(
    static=StaticConfig(
        corpus=Corpus(path=("text.txt",), min_count=1, subsample=0, held_out=0.25),
        objective=objectives.skipgram, learner=learners.dense, window=1, dim=8, epochs=3,
        learning_rate=0.2, block_length=8, batch=4, workdir="out",
    ),
    contenders=(
        Contender("negative sampling", objectives.skipgram, scores, corrected=above),
        Contender("NCE", softmaxes.skipgram_nce, scores),
        Contender("tree", hierarchical.skipgram_hs, comparison.tree),
        Contender("softmax", softmaxes.skipgram_softmax, scores, block_length=16, batch=2),
    ),
    workdir="out",
)
'''


@pytest.fixture
def place(tmp_path, monkeypatch):
    kinds = np.random.default_rng(0).integers(0, 8, 3000)
    (tmp_path / "text.txt").write_text("\n".join(f"{'abcdefgh'[i]} {'qrstuvwx'[i]}" for i in kinds))
    (tmp_path / "config.py").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_objective_learns_what_stands_together_and_says_so_in_one_measure(
    place, monkeypatch, capsys
):
    """A word has one neighbour in every sentence: its entropy is 0, that of unigrams log 16."""
    run(compare_objectives, "config.py", monkeypatch=monkeypatch)
    out = capsys.readouterr()
    assert out.err == ""
    written = json.loads((place / "out/likelihoods.json").read_text())
    rows = {row["name"]: row for row in written["objectives"]}
    assert list(rows) == ["frequencies alone", "negative sampling", "NCE", "tree", "softmax"]
    assert rows["frequencies alone"]["as_scored"] == pytest.approx(-np.log(16), abs=0.02)
    for name in ("NCE", "tree", "softmax"):
        assert -0.4 < rows[name]["as_scored"] < 0
        assert rows[name]["corrected"] is None
    assert -0.4 < rows["negative sampling"]["corrected"] < 0
    assert rows["tree"]["normalizer"] is None
    table = (place / "out/likelihoods.md").read_text()
    assert table.partition("![")[0].strip() in out.out
    assert "| frequencies alone | -2.7" in table
    assert (place / "out/likelihoods.png").stat().st_size > 5000


@pytest.mark.parametrize("dynamic", [True, False])
def test_pairs_are_those_of_the_windows(place, dynamic):
    config = command_line.load(place / "config.py", ComparisonConfig).static
    config = dataclasses.replace(config, window=2, dynamic_window=dynamic)
    corpus = prepare.prepare(config)
    ids, counted = np.asarray(corpus.ids), {}
    sentences = [line[line >= 0].tolist() for line in np.split(ids, np.flatnonzero(ids < 0))]
    for window in (1, 2):
        counted[window] = collections.Counter(word2vec.window_pairs(sentences, window))
    both = sum(comparison.pairs(config, corpus, held=held) for held in (False, True))
    # with two words in a sentence there is only distance 1, which counts 1 by either rule
    expected = np.zeros((16, 16))
    for (left, right), times in counted[2].items():
        expected[left, right] += times
    assert counted[1] == counted[2]
    # a held-out span cuts at most one sentence at each of its two ends
    assert 0 <= (expected - both).sum() <= 2 * 2 * 4
    assert ((expected - both) >= 0).all()


def test_scores_of_pmi_less_log_k_become_the_probabilities_they_come_from(place, vocab):
    config = command_line.load(place / "config.py", ComparisonConfig).static
    noise = sampling.alias_table(vocab.counts, 0.75).probability
    p = np.random.default_rng(0).dirichlet(np.ones(12), 3)
    pmi = jnp.log(jnp.float32(p)) - jnp.log(5 * noise)[None, :]
    logs = comparison.scores_above_noise(config, vocab)(pmi, jnp.eye(12))
    np.testing.assert_allclose(logs, np.log(p), rtol=1e-5)


@pytest.mark.parametrize(
    ("share", "message"),
    [("0", "held_out is 0"), ("0.01", "no pairs of words in the held-out text")],
)
def test_without_text_held_out_nothing_is_compared(place, share, message, monkeypatch, capsys):
    (place / "config.py").write_text(CONFIG.replace("held_out=0.25", f"held_out={share}"))
    run(compare_objectives, "config.py", monkeypatch=monkeypatch, code=2)
    assert message in capsys.readouterr().err


def test_the_config_in_the_repository_builds_all_its_contenders():
    here = Path(compare_objectives.__file__).parents[1]
    config = command_line.load(here / "configs/softmax_small.py", ComparisonConfig)
    config.check()
    for model in config.contenders:
        config.of(model).build_objective()
    with pytest.raises(InputError, match="no contenders"):
        dataclasses.replace(config, contenders=()).check()
