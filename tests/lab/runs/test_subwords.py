"""Runs with subwords and their files. Oracles: gensim; the file that a run starts from."""

import json
import shutil

import evaluate
import neighbors
import numpy as np
import pytest
import train
from safetensors.numpy import load_file

from jaxemb import formats
from jaxemb.functional import hashing
from jaxemb.training import loop
from tests.formats import samples
from tests.rounding import SUM, close
from tests.scripts.test_train import draw_nothing, run, train_in

CONFIG = '''
"""A run of a second."""
from jaxemb import learners
from jaxemb.lab import Corpus, SubwordConfig
from jaxemb.static import subwords

config = SubwordConfig(
    corpus=Corpus(path=("text.txt",), min_count=1, held_out=0.1),
    objective=subwords.subword_skipgram, learner=learners.row_sparse,
    minn=2, maxn=3, buckets=40,
    dim=8, epochs=1, chunk=4, batch=4, learning_rate=0.05, workdir="run",
)
'''
UNKNOWN = ["xz", "zzqq", "ya", "naïve", "日本語"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A folder with a text, a config and the run made of them, once."""
    folder, draw = tmp_path_factory.mktemp("subwords"), np.random.default_rng(0)
    lines = [
        " ".join(f"{'xyz'[i % 3]}{'abcdefgh'[j]}" for j in draw.integers(0, 8, 20))
        for i in range(300)
    ]
    (folder / "text.txt").write_text("\n".join(lines))
    (folder / "config.py").write_text(CONFIG)
    train_in(folder)
    return folder


@pytest.fixture
def place(finished, tmp_path, monkeypatch):
    """A copy of that folder, as the working directory."""
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    draw_nothing(monkeypatch)
    return tmp_path


@pytest.fixture
def trained(place):
    """The folder of the run."""
    return place / "run"


def _theirs(folder):
    from gensim.models.fasttext import load_facebook_model

    return load_facebook_model(str(folder / "model.bin"))


def test_gensim_reads_every_word_known_or_not_as_the_run_has_it(trained):
    theirs, ours = _theirs(trained), formats.read(trained)
    assert ours.words == tuple(theirs.wv.index_to_key)
    np.testing.assert_array_max_ulp(ours.vectors, theirs.wv.vectors, 1)
    counts = [theirs.wv.get_vecattr(word, "count") for word in ours.words or ()]
    lines = (trained / "vocab.txt").read_text("utf-8").splitlines()
    assert counts == [int(line.split("\t")[1]) for line in lines]
    unknown = formats.unknown_words(trained)
    assert unknown is not None
    expected = np.stack([theirs.wv[word] for word in UNKNOWN])
    np.testing.assert_array_max_ulp(unknown(UNKNOWN), expected, 1)
    settings = theirs.sg, theirs.negative, theirs.hs, theirs.wv.min_n, theirs.wv.max_n
    assert (*settings, theirs.wv.bucket, theirs.window) == (1, 5, 0, 2, 3, 40, 5)
    output = load_file(trained / "tables.safetensors")["output"]
    np.testing.assert_array_equal(theirs.syn1neg, output)


def test_gensim_goes_on_training_it(trained):
    theirs = _theirs(trained)
    before = theirs.wv["xa"].copy()
    theirs.train([["xa", "yb", "zc", "xd"]] * 20, total_examples=20, epochs=1)
    assert not np.array_equal(theirs.wv["xa"], before)


def test_fasttext_reads_it(trained):
    fasttext = pytest.importorskip("fasttext", reason="fasttext has no wheel for every Python")
    theirs, ours = fasttext.load_model(str(trained / "model.bin")), formats.unknown_words(trained)
    words = [*theirs.get_words(), *UNKNOWN]
    expected = np.stack([theirs.get_word_vector(word) for word in words])
    assert ours is not None
    close(ours(words), expected, ulps=SUM)


def test_a_bucket_that_no_word_uses_is_zero(trained):
    model = formats.fasttext.model(trained / "model.bin")
    rows, words = np.asarray(model.rows), len(model.words)
    used = {hashing.fnv1a(gram) % 40 for word in model.words for gram in _grams(word)}
    zero = np.flatnonzero(~rows[words:].any(axis=1))
    assert set(zero.tolist()) == set(range(40)) - used
    assert 0 < len(used) < 40


def _grams(word: str):
    return hashing.ngrams(word, 2, 3)


def test_neighbours_and_scores_are_told_of_words_that_the_run_never_saw(
    trained, place, monkeypatch, capsys
):
    run(neighbors, "run", "xaxb", monkeypatch=monkeypatch)
    assert "xaxb" in capsys.readouterr().out
    (place / "pairs.txt").write_text("xa xb 5\nxaxb xb 4\nya zzq 1\nxc xd 2\n")
    options = ("--pairs", "pairs.txt", "--questions", "--unknown", "ngrams", "--out", "scores")
    run(evaluate, "run", *options, monkeypatch=monkeypatch)
    assert "2 of 4 (50%), 4 scored" in capsys.readouterr().out


@pytest.mark.parametrize("source", ["run", "run/model.bin"])
def test_a_model_that_is_gone_on_from_at_no_rate_stays_what_it_was(
    source, trained, monkeypatch, capsys
):
    options = ("--init-from", source, "--learning-rate", "1e-12", "--workdir", "next")
    run(train, "config.py", *options, monkeypatch=monkeypatch)
    before, after = (formats.fasttext.model(folder / "model.bin") for folder in _both(trained))
    assert after.words == before.words
    close(after.rows, before.rows, ulps=SUM)
    close(after.output, before.output, ulps=SUM)


def _both(trained):
    return trained, trained.parent / "next"


def test_words_are_found_by_their_text_and_new_ones_begin_as_the_file_composes_them(
    trained, place, monkeypatch, capsys
):
    words = [word for word in reversed(formats.read(trained).words or ()) if word != "xa"]
    (place / "other.bin").write_bytes(samples.fasttext(words, dim=8, minn=2, maxn=3, bucket=40))
    options = ("--init-from", "other.bin", "--freeze", "all", "--workdir", "next")
    run(train, "config.py", *options, monkeypatch=monkeypatch)
    unknown = formats.unknown_words(place / "other.bin")
    vectors = formats.read(place / "next")
    assert unknown is not None
    np.testing.assert_allclose(vectors.vectors, unknown(vectors.words), rtol=1e-5, atol=1e-6)
    start = json.loads((place / "next/report.json").read_text())["start"]
    assert start["given"] == start["vocabulary"] == start["frozen"]
    assert start["output_given"] == 23


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (("--minn", "1"), "its minn is 2, but minn is 1"),
        (("--maxn", "4"), "its maxn is 3, but maxn is 4"),
        (("--buckets", "50"), "its bucket is 40, but buckets is 50"),
        (("--dim", "9"), "--dim 8"),
        (("--freeze", "text.txt"), "rows that others share"),
        (("--init-from", "given.vec"), "no fastText model"),
    ],
)
def test_a_model_of_other_ngrams_is_not_gone_on_from(changed, message, place, monkeypatch, capsys):
    model = samples.fasttext(["xa", "yb"], dim=8, minn=2, maxn=3, bucket=40)
    (place / "model.bin").write_bytes(model)
    (place / "given.vec").write_text("1 8\nxa 1 2 3 4 5 6 7 8\n")
    options = ("--workdir", "next", "--init-from", "model.bin", *changed)
    run(train, "config.py", *options, monkeypatch=monkeypatch, code=2)
    assert message in capsys.readouterr().err


def test_an_interrupted_run_ends_in_the_same_bits(trained, place, monkeypatch):
    whole = (trained / "model.bin").read_bytes()
    kept, calls = loop.events, []

    def broken(*arguments, **options):
        for event in kept(*arguments, **options):
            calls.append(1)
            yield event
            if len(calls) == 3:
                raise KeyboardInterrupt

    monkeypatch.setattr(loop, "events", broken)
    again = ("config.py", "--workdir", "next", "--checkpoint-every", "0")
    run(train, *again, monkeypatch=monkeypatch, code=130)
    run(train, *again, monkeypatch=monkeypatch)
    assert (place / "next/model.bin").read_bytes() == whole
