"""Laws of theorem.py and its measures. Oracles: formulas over plain loops; known tables."""

import json

import numpy as np
import pytest
import theorem as script

from jaxemb import objectives
from jaxemb.errors import InputError
from jaxemb.lab.runs.static import run as runs
from jaxemb.lab.runs.static.config import Corpus, Member, StaticConfig
from jaxemb.lab.studies.theorem import measures, report
from jaxemb.static import blocks
from jaxemb.structs import InOut, Sparse
from jaxemb.text import corpus as corpus_lib
from jaxemb.training import learners, loop
from tests.references import word2vec
from tests.scripts.test_train import run

CONFIG = '''
"""Twenty words, as many dimensions: the theorem without a remainder."""
from jaxemb import learners, objectives
from jaxemb.lab import Corpus, StaticConfig

config = StaticConfig(
    corpus=Corpus(path=("text.txt",), min_count=1, held_out=0, subsample=0),
    objective=objectives.skipgram, learner=learners.row_sparse, window=2, negatives=2,
    dim=20, epochs=40, learning_rate=0.1, chunk=100, batch=4, workdir="run",
    neighbours_of=("dd",),
)
'''


def _sentences() -> list[list[str]]:
    """Sentences of a Markov chain whose words have preferred successors; some words are rare."""
    random = np.random.default_rng(0)
    chain = random.dirichlet(np.full(20, 0.4), 20) + 0.01 / np.arange(1, 21)[None, :]
    chain /= chain.sum(axis=1, keepdims=True)
    words, word = [], 0
    for _ in range(6000):
        word = random.choice(20, p=chain[word])
        words.append("abcdefghijklmnopqrst"[word] * 2)
    return [words[i : i + 30] for i in range(0, len(words), 30)]


@pytest.fixture(autouse=True)
def few_pairs(monkeypatch):
    monkeypatch.setattr(measures, "PAIRS", 500)


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with that text and a config; the working directory."""
    lines = (" ".join(sentence) for sentence in _sentences())
    (tmp_path / "text.txt").write_text("\n".join(lines))
    (tmp_path / "config.py").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _config(**settings) -> StaticConfig:
    text = Corpus(path=("text.txt",), min_count=1, held_out=0, subsample=0)
    defaults = {"objective": objectives.skipgram, "learner": learners.row_sparse, "window": 2}
    return StaticConfig(**{"corpus": text, "workdir": "run", **defaults, **settings})


def _corpus(config: StaticConfig):
    return corpus_lib.prepare(config.corpus.path, "corpus", config.corpus.settings())


@pytest.mark.parametrize("rule", [None, blocks.skip])
def test_the_matrix_is_the_logarithm_of_counts_over_noise(place, rule):
    """Counted over every pair of every window of the text, in float64."""
    config = _config(dynamic_window=False, negatives=3, noise_power=0.5, collision=rule)
    corpus = _corpus(config)
    number = {word: i for i, word in enumerate(corpus.vocab.words)}
    ids = [[number[word] for word in sentence] for sentence in _sentences()]
    counts = np.zeros((20, 20))
    for pair in word2vec.window_pairs(ids, 2):
        counts[pair] += 1
    noise = corpus.vocab.counts**0.5 / np.sum(corpus.vocab.counts**0.5)
    totals = counts.sum(axis=1, keepdims=True) - (counts if rule else 0)
    matrix = measures.matrix(config, corpus, place / "cells")
    assert matrix.words == 6000
    cells = matrix.counts.rows, matrix.counts.columns
    np.testing.assert_array_equal(matrix.counts.values, counts[cells])
    assert len(cells[0]) == np.count_nonzero(counts)
    expected = np.log(counts[cells] / (3 * noise[None, :] * totals)[cells])
    np.testing.assert_allclose(matrix.optimum.values, expected, rtol=1e-5, atol=1e-5)


def _cells(dense) -> Sparse:
    rows, columns = (side.astype(np.int32) for side in np.nonzero(dense))
    return Sparse(rows, columns, np.float32(dense[rows, columns]))


def test_factors_of_full_dimension_multiply_to_the_positive_part():
    dense = np.random.default_rng(1).normal(size=(12, 12))
    factors = measures.factor(_cells(dense), 12, 12)
    np.testing.assert_allclose(factors.input @ factors.output.T, np.maximum(dense, 0), atol=1e-5)
    for table in factors:  # both tables carry the roots of the singular values
        gram = table.T @ table
        np.testing.assert_allclose(gram, np.diag(np.diag(gram)), atol=1e-5)
    np.testing.assert_allclose(
        measures.products(factors, _cells(dense)), np.maximum(dense, 0).reshape(-1), atol=1e-5
    )


def test_tables_that_are_the_optimum_agree_with_it_and_with_themselves():
    random = np.random.default_rng(2)
    one = InOut(*(random.normal(size=(40, 5)).astype(np.float32) for _ in range(2)))
    cells = _cells(one.input @ one.output.T)
    counts = cells._replace(values=random.integers(1, 90, 1600).astype(np.float32))
    matrix = measures.Matrix(counts, cells, 0, 0, "keep")
    agreed = measures.agreements(matrix, {"same": measures.products(one, cells)})
    assert [row.least for row in agreed] == [0, 1, 2, 5, 10, 20, 50]
    assert agreed[4].cells == np.count_nonzero(counts.values >= 10)
    assert min(row.r["same"] for row in agreed) > 0.99999
    turn = random.normal(size=(5, 5)) + 3 * np.eye(5)  # spans the same spaces
    turned = InOut(one.input @ turn, one.output @ np.linalg.inv(turn).T)
    angles = measures.angles(one, turned)
    assert max(angles.input.max(), angles.output.max()) < 1e-3
    assert np.median(angles.random) > 45
    rotation = np.linalg.qr(turn)[0]
    assert measures.shared_neighbours(one.input, one.input @ rotation).min() == 1
    assert measures.shared_neighbours(one.input, random.normal(size=(40, 5))).mean() < 0.5


def test_harris_ranks_pairs_by_their_rows():
    """With the rows of the counts as vectors, both cosines are one; with noise, unrelated."""
    random = np.random.default_rng(3)
    dense = random.poisson(2.0, (30, 30)).astype(np.float32)
    matrix = measures.Matrix(_cells(dense), _cells(dense), 0, 0, "keep")
    ranked = measures.harris(matrix, {"rows": dense, "noise": random.normal(size=(30, 4))}, 30)
    np.testing.assert_allclose(ranked.contexts["counts"], ranked.vectors["rows"], atol=1e-12)
    assert ranked.rho["counts"]["rows"].low > 0.999
    assert abs(ranked.rho["counts"]["noise"].value) < 0.3
    assert ranked.contexts["positive PMI"].min() >= 0


def test_one_command_trains_counts_factorises_and_reports(place, monkeypatch, capsys):
    run(script, "config.py", monkeypatch=monkeypatch)
    out = capsys.readouterr().out
    folder = place / "run"
    written = json.loads((folder / "theorem.json").read_text())
    # as many dimensions as words: only the noise of training remains
    assert written["agreement"][0]["r"]["skip-gram"] > 0.9
    assert (written["text"]["words"], written["text"]["infinite"]) == (6000, 0)
    for text in (
        f"r = {written['agreement'][0]['r']['skip-gram']:.2f} over all cells",
        f"median principal angle of {np.median(written['angles']['input']):.0f} degrees",
        "Harris's hypothesis",
        "| dd |",
        f"| rank | {written['tables']['skip-gram']['rank']} of 20 |",
    ):
        assert text in out, text
    assert (folder / "theorem.md").read_text().partition("![")[0] in out
    assert (folder / "theorem.png").stat().st_size > 50_000
    monkeypatch.setattr(loop, "events", None)  # calling it would fail
    monkeypatch.setattr(report, "write", lambda *ignored: "nothing was trained")
    run(script, "config.py", monkeypatch=monkeypatch)
    assert "nothing was trained" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"objective": objectives.cbow}, "objective is cbow"),
        ({"members": (Member(seed=1),)}, "several members"),
        ({"collision": print}, "a rule of your own"),
    ],
)
def test_another_optimum_is_refused(settings, message):
    with pytest.raises(InputError, match=message):
        measures.check(_config(**settings))


@pytest.mark.usefixtures("place")
def test_more_dimensions_than_words_are_refused_before_anything_is_trained(monkeypatch, capsys):
    monkeypatch.setattr(runs, "train", None)  # calling it would fail
    run(script, "config.py", "--dim", "21", monkeypatch=monkeypatch, code=2)
    assert "dim is 21, but there are 20 words" in capsys.readouterr().err
