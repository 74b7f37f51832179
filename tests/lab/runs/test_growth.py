"""Growing a model. Oracles: sums of counts; old rows, bit for bit; NumPy; a known rotation."""

import collections
import json
import shutil

import jax
import numpy as np
import pytest
import train
from safetensors.numpy import load_file

from jaxemb import linalg, objectives
from jaxemb.errors import InputError
from jaxemb.lab.runs.static import growth
from jaxemb.lab.runs.static.config import Corpus, StaticConfig
from jaxemb.structs import InOut, Vocab
from jaxemb.text import corpus, tokenizers, vocabulary
from jaxemb.training import learners
from tests.rounding import SUM, close
from tests.scripts.test_train import _finished, no_pictures, place, run  # noqa: F401 (fixtures)

NEW = "xa qa xa qb\n" * 40 + "ya rare\n" + "qa qb xb qa\n" * 40
GROW = ("--grow-from", "run", "--corpus.path", "new.txt", "--corpus.min-count", "2")


@pytest.fixture
def old(_finished, place, no_pictures):  # noqa: F811
    """The words, counts and tables of a finished run, beside a text with new words."""
    shutil.copytree(_finished, place, dirs_exist_ok=True)
    (place / "new.txt").write_text(NEW)
    return _run(place / "run")


def _run(folder):
    vocab = vocabulary.read(folder / "vocab.txt")
    return vocab, load_file(folder / "tables.safetensors")


def _grown(place, monkeypatch, *options):  # noqa: F811
    run(train, "config.py", *GROW, "--workdir", "grown", *options, monkeypatch=monkeypatch)
    return *_run(place / "grown"), json.loads((place / "grown/report.json").read_text())


def test_counts_are_summed_and_words_stand_in_the_order_of_the_sums(old, place, monkeypatch):  # noqa: F811
    before, _ = old
    vocab, tables, report = _grown(place, monkeypatch)
    expected = collections.Counter(dict(zip(before.words, before.counts.tolist(), strict=True)))
    expected.update(word for word in NEW.split() if word != "rare")
    assert dict(zip(vocab.words, vocab.counts.tolist(), strict=True)) == expected  # once: ya, old
    pairs = list(zip(-vocab.counts, vocab.words, strict=True))
    assert pairs == sorted(pairs)
    assert len(tables["input"]) == len(tables["output"]) == len(vocab.words) == 26
    tokens, grown = report["tokens"], report["start"]["grown"]
    assert tokens["read"] == len(NEW.split()) == tokens["kept"] + 1
    assert grown["tokens"] == {"old": int(before.counts.sum()), "new": tokens["kept"]}
    assert grown["tokens"]["old"] + grown["tokens"]["new"] == vocab.counts.sum()
    assert grown["words"] == {"old": 24, "old_in_new_text": 3, "added": 2}
    text = " ".join((place / "grown/report.md").read_text().split())
    assert "## What moved" in text
    assert "24 words + 2 new = 26" in text


def test_old_rows_begin_where_they_were_and_new_ones_as_in_a_fresh_start(old, place, monkeypatch):  # noqa: F811
    before, was = old
    vocab, tables, report = _grown(place, monkeypatch, "--learning-rate", "1e-12")
    rows = vocabulary.index(vocab, before.words)
    for side in ("input", "output"):
        close(tables[side][rows], was[side], ulps=SUM)
    new = vocabulary.index(vocab, ["qa", "qb"])
    assert 0 < np.abs(tables["input"][new]).max() <= 0.5 / 8
    np.testing.assert_allclose(tables["output"][new], 0.0, atol=1e-9)
    assert report["start"]["given"] == report["start"]["output_given"] == 24
    assert report["start"]["grown"]["input"]["mean_cosine"] > 1 - 1e-9


def test_frozen_old_rows_keep_every_bit_in_both_tables_and_new_ones_learn(old, place, monkeypatch):  # noqa: F811
    before, was = old
    vocab, tables, report = _grown(place, monkeypatch, "--freeze", "loaded")
    rows, new = vocabulary.index(vocab, before.words), vocabulary.index(vocab, ["qa", "qb"])
    for side in ("input", "output"):
        np.testing.assert_array_equal(tables[side][rows], was[side])
    assert np.abs(tables["output"][new]).min() > 0
    grown = report["start"]["grown"]
    assert grown["input"]["change"] == grown["output"]["change"] == 0
    np.testing.assert_allclose([mover["cosine"] for mover in grown["movers"]], 1.0, rtol=1e-12)


def test_text_without_new_words_adds_no_row(old, place, monkeypatch):  # noqa: F811
    (place / "new.txt").write_text("xa ya zzz\n" * 1 + "xa xb\n" * 30)
    before, _ = old
    vocab, _, report = _grown(place, monkeypatch)
    assert set(vocab.words) == set(before.words)
    assert report["start"]["random"] == report["start"]["grown"]["words"]["added"] == 0


def test_the_movers_are_the_rows_that_turned_most(old, place, monkeypatch):  # noqa: F811
    before, was = old
    vocab, tables, report = _grown(place, monkeypatch, "--learning-rate", "0.2")
    now = tables["input"][vocabulary.index(vocab, before.words)]
    left, right = (
        np.float64(t) / np.linalg.norm(np.float64(t), axis=1)[:, None] for t in (was["input"], now)
    )
    cosines = dict(zip(before.words, (left * right).sum(axis=1), strict=True))
    named = report["start"]["grown"]["movers"]
    assert {mover["word"] for mover in named[:2]} == {"xa", "xb"}  # the others hardly moved
    np.testing.assert_allclose(
        [mover["cosine"] for mover in named], sorted(cosines.values())[:10], atol=1e-6
    )
    for mover in named:
        close(mover["cosine"], cosines[mover["word"]], ulps=SUM)
        assert mover["old"] == before.counts[before.words.index(mover["word"])]


def test_a_table_that_was_only_rotated_changed_by_nothing_but_a_rotation():
    table = np.random.default_rng(0).normal(size=(40, 6))
    turn = np.asarray(linalg.random_orthogonal(jax.random.key(0), 6), np.float64)
    change = growth.change(table, table @ turn)
    assert change["change"] > 0.1
    assert change["change_but_rotation"] < 1e-6
    assert (change["rank_before"], change["rank_after"]) == (6, 6)
    assert growth.change(table, 2 * table)["change_but_rotation"] == pytest.approx(1.0)


def test_old_words_stay_whatever_the_text():
    old = Vocab(("b", "a"), np.array([7, 2]))
    made = vocabulary.renumber(["c", "a", "d"], np.array([3, 1, 1]), min_count=2, old=old)
    assert made.vocab.words == ("b", "a", "c")  # 7, 2 + 1, 3: equal counts by code points
    assert made.vocab.counts.tolist() == [7, 3, 3]
    assert made.tokens == vocabulary.Tokens(
        5, 4, {"under_min_count": 1, "over_max_vocab": 0, "too_long": 0}
    )
    np.testing.assert_array_equal(made(np.array([0, 1, 2, -1], np.int32)), [2, 1, -1])


REFUSED = {
    ("--grow-from", "nothing"): "nothing: holds no finished run to grow from",
    ("--init-from", "run"): "take init_from and max_vocab out",
    ("--corpus.max-vocab", "9"): "take init_from and max_vocab out",
    ("--dim", "9"): "--dim 8",
}


def test_what_cannot_grow_is_refused(old, place, monkeypatch, capsys):  # noqa: F811
    for options, message in REFUSED.items():
        arguments = (*GROW, "--workdir", "grown", *options)
        run(train, "config.py", *arguments, monkeypatch=monkeypatch, code=2)
        assert message in capsys.readouterr().err


def test_a_corpus_of_other_old_words_is_refused(tmp_path):
    (tmp_path / "text.txt").write_text("a b a b c")
    settings = corpus.Settings(tokenizers.words, 1, None, "error")
    one, other = (
        settings._replace(grown_from=Vocab(words, np.array([7, 2])))
        for words in (("b", "a"), ("b", "z"))
    )
    corpus.prepare(tmp_path / "text.txt", tmp_path / "out", one)
    with pytest.raises(InputError, match="grown_from was"):
        corpus.prepare(tmp_path / "text.txt", tmp_path / "out", other)


def test_an_objective_whose_rows_are_no_words_is_refused():
    config = StaticConfig(Corpus(), "w", objectives.skipgram, learners.row_sparse, grow_from="run")
    vocab = Vocab(("b", "a"), np.array([7, 2]))
    growth.check(config, InOut(2, 2), vocab)
    with pytest.raises(InputError, match="wants two tables with a row for every one"):
        growth.check(config, InOut(2, 1), vocab)
