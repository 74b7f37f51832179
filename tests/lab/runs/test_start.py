"""Training from given vectors. Oracles: the given vectors; rows that stay bit-identical."""

import jax
import numpy as np
import pytest
import train
from safetensors.numpy import load_file

import jaxemb
from jaxemb import formats
from jaxemb.errors import InputError
from jaxemb.formats import WordVectors
from jaxemb.structs import InOut
from tests.formats import samples
from tests.rounding import SUM, close
from tests.scripts.test_train import no_pictures, place, run  # noqa: F401

GIVEN = ("xa", "yb", "zc", "elsewhere")


@pytest.fixture
def given(place):
    vectors = samples.random(0, len(GIVEN), 8)._replace(words=GIVEN)
    formats.write(place / "given.bin", vectors)
    return dict(zip(GIVEN, vectors.vectors, strict=True))


def _trained(place, monkeypatch, *arguments):
    run(train, "config.py", *arguments, monkeypatch=monkeypatch)
    folder = place / (
        arguments[arguments.index("--workdir") + 1] if "--workdir" in arguments else "run"
    )
    return formats.read(folder), load_file(folder / "tables.safetensors"), folder


@pytest.mark.parametrize("freeze", ["loaded", "all", "words.txt"])
def test_frozen_rows_keep_the_bits_they_were_given(freeze, place, given, monkeypatch, no_pictures):
    (place / "words.txt").write_text("xa\nyb\nunheard\n")
    vectors, _, _ = _trained(place, monkeypatch, "--init-from", "given.bin", "--freeze", freeze)
    rows = dict(zip(vectors.words, vectors.vectors, strict=True))
    kept = {word for word in GIVEN[:3] if np.array_equal(rows[word], given[word])}
    assert (
        kept
        == {"loaded": {"xa", "yb", "zc"}, "all": {"xa", "yb", "zc"}, "words.txt": {"xa", "yb"}}[
            freeze
        ]
    )
    assert (np.abs(rows["xb"]).max() > 0.5 / 8) == (freeze != "all")  # else as it was drawn


def test_every_word_to_freeze_is_frozen_or_named(place, given, monkeypatch, capsys, no_pictures):
    (place / "words.txt").write_bytes(b"\xef\xbb\xbfxa\r\n\r\n yb \r\nunheard\r\n")
    vectors, _, folder = _trained(
        place, monkeypatch, "--init-from", "given.bin", "--freeze", "words.txt"
    )
    rows = dict(zip(vectors.words, vectors.vectors, strict=True))
    assert [np.array_equal(rows[word], given[word]) for word in ("xa", "yb", "zc")] == [1, 1, 0]
    output = capsys.readouterr().err + (folder / "metrics.jsonl").read_text()
    missing = "words.txt: 1 of its 3 words are not in the vocabulary: 'unheard'"
    for where in (output, (folder / "report.md").read_text()):
        assert missing in where
    assert output.count("2 of 24 input rows are frozen") == 2
    assert "2 were not trained" in (folder / "report.md").read_text()


def test_given_rows_are_where_training_starts(place, given, monkeypatch, capsys, no_pictures):
    vectors, _, folder = _trained(
        place, monkeypatch, "--init-from", "given.bin", "--learning-rate", "1e-12"
    )
    rows = dict(zip(vectors.words, vectors.vectors, strict=True))
    for word in GIVEN[:3]:
        np.testing.assert_allclose(rows[word], given[word], rtol=1e-6)
    assert "began with 3 given from given.bin, 21 at random" in (folder / "report.md").read_text()


def test_a_run_is_gone_on_from_with_both_tables(place, monkeypatch, no_pictures):
    _, before, _ = _trained(place, monkeypatch)
    options = ("--init-from", "run", "--learning-rate", "1e-12", "--workdir", "next")
    _, after, _ = _trained(place, monkeypatch, *options)
    for name in ("input", "output"):
        close(after[name], before[name], ulps=SUM)


def test_output_rows_of_words_and_nodes_of_a_tree_are_not_mistaken_for_each_other(
    place, given, monkeypatch, capsys, no_pictures
):
    text = (place / "config.py").read_text()
    trees = text.replace("objectives.skipgram", "hierarchical.skipgram_hs")
    trees = trees.replace("config = ", "from jaxemb.static import hierarchical\nconfig = ", 1)
    (place / "config.py").write_text(trees)
    options = ("--init-from", "given.bin", "--freeze", "loaded", "--learning-rate", "1e-12")
    vectors, tables, _ = _trained(place, monkeypatch, *options)
    rows = dict(zip(vectors.words, vectors.vectors, strict=True))
    np.testing.assert_array_equal(rows["xa"], given["xa"])
    assert tables["output"].shape == (23, 8)  # nodes of 24 words
    (place / "config.py").write_text(text)
    options = ("--init-from", "run", "--learning-rate", "1e-12", "--workdir", "words")
    _, after, _ = _trained(place, monkeypatch, *options)
    close(after["input"], tables["input"], ulps=SUM)
    assert np.abs(after["output"]).max() < 1e-6  # not the nodes'
    (place / "config.py").write_text(trees)
    options = ("--init-from", "words", "--workdir", "refused")
    run(train, "config.py", *options, monkeypatch=monkeypatch, code=2)
    assert "words: has output rows of words" in capsys.readouterr().err


def test_words_that_a_fasttext_model_lacks_are_composed(place, monkeypatch, no_pictures):
    (place / "model.bin").write_bytes(samples.fasttext(["xa", "yb"], dim=8, minn=1))
    unknown = formats.unknown_words(place / "model.bin")
    assert unknown is not None
    vectors, _, _ = _trained(place, monkeypatch, "--init-from", "model.bin", "--freeze", "all")
    np.testing.assert_array_equal(vectors.vectors, unknown(vectors.words))


def test_a_folder_of_another_start_is_not_gone_on_with(
    place, given, monkeypatch, capsys, no_pictures
):
    _trained(place, monkeypatch, "--init-from", "given.bin")
    other = samples.random(1, len(GIVEN), 8)._replace(words=GIVEN)
    formats.write(place / "given.bin", other)
    run(train, "config.py", "--init-from", "given.bin", monkeypatch=monkeypatch, code=2)
    assert "the vectors to start from" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("vectors", "options", "message"),
    [
        (samples.random(0, 3, 5)._replace(words=GIVEN[:3]), (), "--dim 5"),
        (WordVectors(("q", "r"), np.ones((2, 8), np.float32)), (), "none of the 24 words"),
        (
            WordVectors(GIVEN[:1], np.ones((1, 8), np.float32)),
            ("--freeze", "words.txt"),
            "words.txt",
        ),
    ],
)
def test_a_start_that_cannot_be_is_refused(vectors, options, message, place, monkeypatch, capsys):
    formats.write(place / "given.bin", vectors)
    (place / "words.txt").write_text("unheard\n")
    run(train, "config.py", "--init-from", "given.bin", *options, monkeypatch=monkeypatch, code=2)
    assert message in capsys.readouterr().err


def test_fit_starts_from_given_tables():
    vocab, ids = jaxemb.text.encode(["a b c d e f g h"] * 50, min_count=1)
    draw = np.random.default_rng(0)
    initial = InOut(*(draw.normal(size=(8, 4)).astype(np.float32) for _ in range(2)))
    frozen = InOut(np.zeros(8, np.float32), np.zeros(8, np.float32))
    options = {"dim": 4, "epochs": 1, "initial": initial}
    key, objective = jax.random.key(0), jaxemb.skipgram()
    same = jaxemb.training.fit(key, ids, vocab, objective, trainable=frozen, **options)
    np.testing.assert_array_equal(same, initial)
    moved = jaxemb.training.fit(key, ids, vocab, objective, **options)
    assert not np.array_equal(moved.input, initial.input)
    with pytest.raises(InputError, match="initial has shapes"):
        jaxemb.training.fit(key, ids, vocab, objective, dim=5, initial=initial)
