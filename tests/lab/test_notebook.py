"""The front door in a notebook. Oracles: the pure functions that it calls; files read back."""

import functools
import inspect
import os
import re
import signal
import subprocess
import sys
import traceback
import warnings
from pathlib import Path

import jax
import numpy as np
import optax
import pytest
from jaxtyping import TypeCheckError

import jaxemb
from jaxemb import errors, formats
from jaxemb.errors import InputError, NumericalError
from jaxemb.evaluation import bundled
from jaxemb.structs import InOut, Refused
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


ROOT = Path(__file__).parents[2]


def test_what_a_prompt_showed_last_stops_nothing(tmp_path):
    code = """
import builtins, numpy as np, jaxemb, jaxemb.lab
builtins._ = shown = jaxemb.linalg.rank(np.eye(3))  # a tuple of arrays, which has no hash
np.save("t.npy", np.eye(3))
jaxemb.load("t.npy"), jaxemb.fit, jaxemb.lab.StaticConfig
assert builtins._ is shown
"""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path, env=env)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("my.tx", r"^my\.tx: no such file; a text of one line .*: \['my\.tx'\]$"),
        ("data/my", "^data/my: no such file"),
        ("*.txt", "no such file"),
        ("my own.txt", "no such file"),
        (Path("my.tx"), r"^my\.tx: no such file$"),
        ("folder", "^folder: a folder; wanted one file, or lines"),
        (["a.txt", "b.txt"], "^a.txt: the text is a list of 2 names of files; wanted lines"),
    ],
)
def test_the_name_of_no_file_is_no_text(text, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    with pytest.raises(InputError, match=message):
        jaxemb.fit(text, jaxemb.skipgram(), min_count=1)


CAT = "The cat sat on the mat. See example.com, or 3/4 of it.\n"
CAT_LINE = "The cat sat on the mat. See it or not"


@pytest.mark.parametrize("text", [CAT, CAT_LINE, "The cat sat at example.com"])
def test_a_text_is_no_name(text):
    settings = {**SMALL, "min_count": 1, "epochs": 1, "subsample": 0}
    assert "cat" in jaxemb.fit(text, jaxemb.skipgram(), **settings)


LONELY = [word for word in CAT_LINE.split() for _ in range(9)]
UNTRAINED = {
    "nothing was trained, .* random start: subsampling left out 20 of 20 words; give more": (
        [CAT_LINE],
        {},
        {"subsample": 1e-9},
    ),
    r"only \d words of text were trained, for the vectors of 9: subsampling left out \d of 10": (
        [CAT_LINE],
        {},
        {"subsample": 0.02, "epochs": 1},
    ),
    "nothing was trained, .* start; or no word has another": (LONELY, {}, {"subsample": 0}),
    "nothing was trained, .* the loss has no gradient": (
        LINES,
        {"loss": lambda hidden, *_: 0 * hidden.sum()},
        {"subsample": 0},
    ),
}


@pytest.mark.parametrize("message", UNTRAINED)
def test_that_nothing_was_trained_is_said(message):
    text, of_objective, settings = UNTRAINED[message]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        jaxemb.fit(text, jaxemb.skipgram(**of_objective), **{**SMALL, "min_count": 1, **settings})
    (warning,) = (w for w in caught if "trained" in str(w.message))
    assert re.match(message, str(warning.message))


def test_a_warning_is_about_the_users_line_however_deep_in_the_package_it_arises():
    code = "def deep(): warn('!')\ndef door(): deep()"
    names = {"warn": inspect.unwrap(errors.warn)}  # without the frames of jaxtyping's checks
    exec(compile(code, str(ROOT / "jaxemb" / "door.py"), "exec"), names)
    with pytest.warns(UserWarning, match="!") as caught:
        names["door"]()
    assert caught[0].filename == __file__


def test_a_text_that_was_trained_is_not_said_to_be_untrained(model, recwarn):
    jaxemb.fit(LINES, jaxemb.skipgram(window=3), **SMALL)
    assert not [w for w in recwarn if "trained" in str(w.message)]


def test_a_loss_that_is_not_finite_ends_the_training_with_its_step():
    events = []
    objective = jaxemb.skipgram(loss=lambda hidden, *_: hidden.sum() * float("nan"))
    settings = {**SMALL, "epochs": 99, "chunk": 4, "batch": 1}
    with pytest.raises(NumericalError, match="no update is finite from step 1 on: check the loss"):
        jaxemb.fit(LINES, objective, **settings, callback=events.append)
    assert len(events) == 3  # the third has 12 in a row


def test_updates_that_were_left_out_are_said():
    def after_three(objective):
        learner = jaxemb.learners.row_sparse(objective, cap=0.5)
        refused = Refused(jax.numpy.int32(0), jax.numpy.int32(3))
        return learner._replace(init=lambda start: learner.init(start)._replace(refused=refused))

    with pytest.warns(UserWarning, match="^3 updates were not finite, and were left out"):
        jaxemb.fit(LINES, jaxemb.skipgram(), **{**SMALL, "cap": None}, learner=after_three)


def test_a_learner_is_named_as_a_function_of_the_objective():
    objective = jaxemb.skipgram(window=3)
    adam = functools.partial(jaxemb.learners.dense, optimizer=optax.scale_by_adam())
    settings = {**SMALL, "cap": None, "learning_rate": 1e-3}
    named = jaxemb.fit(LINES, objective, **settings, learner=adam)
    built = jaxemb.fit(LINES, objective, **settings, learner=adam(objective))
    np.testing.assert_array_equal(named.vectors, built.vectors)
    plain = jaxemb.fit(LINES, objective, **SMALL, learner=jaxemb.learners.row_sparse)
    np.testing.assert_array_equal(
        plain.vectors, jaxemb.fit(LINES, jaxemb.skipgram(window=3), **SMALL).vectors
    )


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda m: m[0], r"got 0; wanted a word.*by number: model\.vectors"),
        (lambda m: m[[0, 1]], "holds 0, of int"),
        (lambda m: m["kong"], "near it: king"),
        (lambda m: m.most_similar(positive=["king"]), r"has no positive: .*analogy\('man'"),
        (lambda m: m.most_similar("king", topn=3), "has no topn: wanted most_similar"),
        (lambda m: m.most_similar("king", n=0), "^n is 0"),
        (lambda m: m.most_similar(3), "words got 3; wanted a word"),
        (lambda m: m.similarity("king", "kong"), "'kong'"),
    ],
)
def test_a_question_that_cannot_be_answered_is_one_line_with_a_short_traceback(model, ask, message):
    with pytest.raises(InputError, match=message) as error:
        ask(model)
    assert error.value.__suppress_context__ or error.value.__context__ is None
    frames = [f for f in traceback.extract_tb(error.value.__traceback__) if ROOT.name in f.filename]
    assert [f.name for f in frames if "/jaxemb/" in f.filename] == ["called"]


def test_neighbours_are_pairs_of_a_word_and_its_cosine(model):
    near = model.most_similar("king", n=3)
    assert len(near) == len(list(near)) == 3
    assert near[0] == next(iter(near)) == (near.words[0], near.values[0])
    assert dict(near)[near.words[2]] == near.values[2]
    assert model[[]].shape == (0, 8)


def test_scores_say_why_there_are_none(model, monkeypatch):
    assert "\n- ?: no correlation of one pair" in repr(model.evaluate())
    none = jaxemb.Model(jaxemb.Vocab(("xx", "yy"), np.ones(2, int)), model.tables)
    assert re.fullmatch(r"- not scored on .*: no item has .*\n", repr(none.evaluate()))
    monkeypatch.setattr(bundled, "test_files", lambda: None)
    assert repr(model.evaluate()) == bundled.HOW_TO_GET


def test_a_models_line_ends_with_dots_only_where_words_are_left_out(model):
    assert repr(model).endswith(", ...")
    few = jaxemb.Model(jaxemb.Vocab(("a", "b"), np.ones(2, int)), InOut(np.eye(2), None))
    assert repr(few).endswith(": a, b")


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
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.save(tmp_path / "saved.bin")
        loaded = jaxemb.load(tmp_path / "saved.bin")
        loaded.save(tmp_path / "again.bin")
    np.testing.assert_allclose(loaded[["kingly", "king"]], composed, rtol=1e-6, atol=1e-7)
    saved, again = ((tmp_path / name).read_bytes() for name in ("saved.bin", "again.bin"))
    assert saved == again
    ours, theirs = (fasttext.model(tmp_path / name).settings for name in ("saved.bin", path))
    assert ours == theirs._replace(minCount=2, t=1e-3)
    for other in (model, loaded):
        with pytest.warns(
            UserWarning, match=r"not what composes unknown words; NAME\.bin keeps it"
        ):
            other.save(tmp_path / "m.vec")


@pytest.fixture
def interruptible():
    """SIGINT as a notebook has it: a process that a shell starts in the background ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_an_interrupt_keeps_what_was_trained_and_says_so(interruptible, recwarn):
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


def test_a_second_interrupt_ends_the_training(interruptible):
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
