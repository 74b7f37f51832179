"""The front door in a notebook. Oracles: the pure functions that it calls; files read back."""

import os
import re
import signal
from pathlib import Path

import jax
import numpy as np
import pytest
from jaxtyping import TypeCheckError

import jaxemb
from jaxemb import formats
from jaxemb.errors import InputError
from jaxemb.structs import InOut
from jaxemb.text import encoding
from tests.formats import elmo_models

LINES = [
    "the king and the queen of the land speak to the people of the land",
    "a man and a woman walk along the river to the town of the king",
] * 30
SMALL = {"dim": 8, "epochs": 2, "seed": 3, "min_count": 2, "progress": False, "cap": 0.5}


@pytest.fixture(scope="module")
def model():
    return jaxemb.fit(LINES, jaxemb.skipgram(window=3), **SMALL)


def test_fit_is_the_pure_fit_of_the_encoded_text(model):
    vocab, ids = encoding.encode(LINES, min_count=2)
    tables = jaxemb.training.fit(
        jax.random.key(3), ids, vocab, jaxemb.skipgram(window=3), dim=8, epochs=2, cap=0.5
    )
    assert model.words == vocab.words
    for ours, pure in zip(model.tables, tables, strict=True):
        np.testing.assert_array_equal(ours, pure)
    words = model.history[-1]["words"]
    assert words == 2 * int((ids >= 0).sum())
    assert model.history[-1]["done"] == 1


def _texts(folder: Path):
    path = folder / "my.txt"
    path.write_text("\n".join(LINES) + "\n")
    vocab, ids = encoding.encode(LINES, min_count=2)
    return {
        "token lists": [line.split() for line in LINES],
        "a string": "\n".join(LINES),
        "a file by its name": str(path),
        "a file by its path": path,
        "(ids, vocab)": (ids, vocab),
        "(vocab, ids)": (vocab, ids),
    }


@pytest.mark.parametrize("form", range(6))
def test_every_form_of_a_text_gives_the_same_model(model, form, tmp_path):
    text = list(_texts(tmp_path).values())[form]
    same = jaxemb.fit(text, jaxemb.skipgram(window=3), **SMALL)
    np.testing.assert_array_equal(same.vectors, model.vectors)


def test_a_model_answers_as_the_pure_functions_do(model):
    table, vocab = model.vectors, model.vocab
    at = vocab.words.index
    np.testing.assert_array_equal(model["king"], table[at("king")])
    np.testing.assert_array_equal(model[["king", "queen"]], table[[at("king"), at("queen")]])
    assert "king" in model
    assert "kong" not in model
    assert len(model) == len(vocab.words) == len(list(model))
    assert model.most_similar("king", n=3) == jaxemb.nearest(vocab, table, "king", 3)
    unit = table / np.linalg.norm(table, axis=1, keepdims=True)
    cosine = unit[at("king")] @ unit[at("queen")]
    np.testing.assert_allclose(model.similarity("king", "queen"), cosine, rtol=1e-6)
    answers = jaxemb.evaluation.analogy(vocab, table, "man", "king", "woman", 5)
    assert model.analogy("man", "king", "woman") == answers
    assert int(model.rank().rank) == np.linalg.matrix_rank(table)
    values = np.linalg.svd(np.float64(table), compute_uv=False)
    np.testing.assert_allclose(model.spectrum().values, values, rtol=1e-5)
    assert model.summary()["rank"]["rank"] == int(model.rank().rank)
    assert set(model.evaluate()) >= {"similarity", "analogies"}


def test_an_unknown_word_is_an_error_with_words_spelled_like_it(model):
    with pytest.raises(InputError, match=r"'kong' is not among .*; near it: king"):
        model["kong"]
    with pytest.raises(InputError, match="'kong'"):
        model[["king", "kong"]]


@pytest.mark.parametrize("name", ["m.vec", "m.safetensors", "m.npy", "m.w2v"])
def test_what_is_saved_is_loaded(model, name, tmp_path):
    model.save(tmp_path / name)
    loaded = jaxemb.load(tmp_path / name)
    assert loaded.words == model.words
    np.testing.assert_array_equal(loaded.vectors, model.vectors)
    assert loaded.most_similar("king") == model.most_similar("king")
    with pytest.raises(InputError, match="format"):
        model.save(tmp_path / "m.unknown")


def test_rows_without_words_are_called_by_their_numbers(tmp_path):
    table = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    np.save(tmp_path / "t.npy", table)
    loaded = jaxemb.load(tmp_path / "t.npy")
    np.testing.assert_array_equal(loaded["3"], table[3])


def test_words_are_composed_of_subwords_as_the_models_file_composes_them(tmp_path, monkeypatch):
    """Of the folder of a run, whose model.bin fastText's rules read, and of one in memory."""
    objective = jaxemb.subword_skipgram(window=3, minn=3, maxn=4, buckets=50)
    model = jaxemb.fit(LINES, objective, **SMALL)
    composed = model[["kingly", "king"]]
    np.testing.assert_array_equal(composed[1], model["king"])
    vocab, ids = encoding.encode(LINES, min_count=2)
    resources, _ = objective.prepare(vocab)
    last = []
    jaxemb.training.fit(
        jax.random.key(3),
        ids,
        vocab,
        objective,
        dim=8,
        epochs=2,
        cap=0.5,
        callback=lambda event: last.append(jax.tree.map(np.asarray, event.state.tables)),
    )
    from jaxemb.formats import fasttext, fasttext_file

    settings = fasttext_file.Settings(
        dim=8,
        ws=3,
        epoch=2,
        minCount=2,
        neg=5,
        wordNgrams=1,
        loss=2,
        model=2,
        bucket=50,
        minn=3,
        maxn=4,
        lrUpdateRate=100,
        t=1e-3,
    )
    whole = last[-1]
    blocks = fasttext.blocks(whole.input, len(vocab.words), np.asarray(resources.bags.buckets), 50)
    path = tmp_path / "model.bin"
    fasttext.write(
        path, settings, vocab.words, vocab.counts.tolist(), len(ids), blocks, whole.output
    )
    expected = formats.unknown_words(path)(["kingly"])
    np.testing.assert_allclose(composed[0], expected[0], rtol=1e-6, atol=1e-7)


def test_an_interrupt_keeps_what_was_trained_and_says_so(recwarn):
    events = []

    def stop(event):
        events.append(event)
        if len(events) == 2:
            os.kill(os.getpid(), signal.SIGINT)

    settings = {**SMALL, "chunk": 2, "batch": 2}
    model = jaxemb.fit(LINES, jaxemb.skipgram(window=3), **settings, callback=stop)
    assert len(model.history) == len(events) == 2
    assert any("interrupted: " in str(warning.message) for warning in recwarn)
    assert np.isfinite(model.vectors).all()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_second_interrupt_ends_the_training():
    def stop(event):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        jaxemb.fit(LINES, jaxemb.skipgram(window=3), **SMALL, callback=stop)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((LINES, "skipgram"), r"got list and str; wanted .*fit\(lines, jaxemb.skipgram\(\)\)"),
        ((jax.random.key(0), np.arange(3)), r"of a key and ids: jaxemb\.training\.fit"),
        ((Path("not/there.txt"), jaxemb.skipgram()), r"not/there\.txt"),
        (("one line", jaxemb.skipgram()), "no word|min_count"),
    ],
)
def test_what_cannot_be_trained_is_an_error_that_says_what_was_wanted(arguments, message):
    with pytest.raises((InputError, TypeCheckError)) as error:  # types are checked in the tests
        jaxemb.fit(*arguments)
    if error.type is InputError:
        assert re.search(message, str(error.value))


def test_values_show_a_few_lines(model):
    values = {
        "model": model,
        "vocab": model.vocab,
        "tables": model.tables,
        "rank": model.rank(),
        "spectrum": model.spectrum(),
        "neighbours": model.most_similar("king"),
        "scores": model.evaluate(),
        "dependence": jaxemb.linalg.dependence(model.vectors[:9]),
        "summary": jaxemb.linalg.summary(model.vectors),
    }
    for name, value in values.items():
        text = repr(value)
        assert 0 < len(text) < 1500, name
        assert text.count("\n") < 25, name
        assert name == "tables" or value._repr_markdown_(), name
    assert repr(model.rank()) == str(model.rank())
    assert repr(InOut(3, 4)) == "InOut(input=3, output=4)"
    assert "king" in repr(model.most_similar("queen"))


def test_elmo_gives_vectors_a_token_and_layer_or_one_a_sentence(tmp_path):
    paths = tmp_path / "options.json", tmp_path / "weights.hdf5"
    formats.elmo.write(*paths, elmo_models.SMALL, elmo_models.weights(elmo_models.SMALL))
    elmo = jaxemb.elmo(*paths)
    layers = elmo(["A sentence .", ["Two", "tokens"]])
    assert [array.shape[1] for array in layers] == [3, 2]
    pooled = elmo(["A sentence .", ["Two", "tokens"]], pool="mean")
    for array, mean in zip(layers, pooled, strict=True):
        np.testing.assert_allclose(mean, array.mean(axis=(0, 1)), rtol=1e-6)
    for wrong, message in (("A sentence .", "wanted a list"), ([""], "sentence 0 has no tokens")):
        with pytest.raises(InputError, match=message):
            elmo(wrong)
