"""Laws of training a biLM. Oracles: equal bits; the definition of perplexity; bigrams of a text."""

import json
import signal

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import train_contextual

from jaxemb import formats, structs
from jaxemb.contextual import language_model, members, models, perplexity, training, windows
from jaxemb.contextual.training import Plan, Resources, Rule, Text
from jaxemb.formats import WordVectors
from jaxemb.lab.runs.contextual import run as contextual_runs
from jaxemb.training import optimizers
from tests.scripts.test_train import draw_nothing, run

VOCAB, DIM = 12, 6


def _text(seed: int, sentences: int = 60, batch: int = 4) -> Text:
    """Sentences in which two words, equally likely, may follow each word."""
    draw, ids = np.random.default_rng(seed), []
    for _ in range(sentences):
        word = draw.integers(VOCAB)
        for _ in range(draw.integers(2, 8)):
            ids.append(word)
            word = (3 * word + 1 + draw.integers(2)) % VOCAB
        ids.append(-1)
    return Text(*windows.streams(windows.sentences(np.array(ids), VOCAB), batch))


def _plan(chunk: int = 4, epochs: int = 2, samples: int | None = None, **changed) -> Plan:
    layers = changed.pop("layers", 2)
    context = members.lstm(DIM, 8, layers, dropout=0.1)
    model = models.language_model(context, VOCAB, dropout=0.1)
    optimizer = changed.pop("optimizer", optimizers.clipped(models.adagrad, 0.2, 10.0))
    rule = Rule(model, optimizer, 5, samples)
    return Plan(jax.random.key(0), rule, epochs, changed.pop("carried", True), chunk)


def _trained(plan: Plan, text: Text, resources=Resources(), table=None, stop=None):  # noqa: B008
    state, cursor = training.start(plan, text.ids.shape[1], resources, table), training.Cursor()
    for i, event in enumerate(training.events(plan, state, text, resources)):
        state, cursor = event.state, event.cursor
        if i == stop:
            break
    return state, cursor


def _same(left, right) -> None:
    jax.tree.map(np.testing.assert_array_equal, left, right)


@pytest.mark.as_users_compile(always=False)
def test_the_chunk_length_changes_no_bit():
    text = _text(0)
    states = [_trained(_plan(chunk, layers=1), text)[0] for chunk in (1, 7)]
    for state in states[1:]:
        _same(state.params, states[0].params)


@pytest.mark.as_users_compile(always=False)
def test_training_goes_on_from_any_event_to_the_same_bits():
    text, plan = _text(0), _plan(3)
    whole, end = _trained(plan, text)
    for stop in (0, 6):
        state, cursor = _trained(plan, text, stop=stop)
        for event in training.events(plan, state, text, Resources(), cursor):
            state, cursor = event.state, event.cursor
        _same(state, whole)
        assert cursor == end


@pytest.mark.parametrize(
    "optimizer",
    [optimizers.clipped(models.adagrad, 0.2, 10.0), optax.adamw(0.01)],
    ids=["adagrad", "adamw"],
)
def test_frozen_rows_keep_their_bits_under_any_optimizer(optimizer):
    rows = VOCAB + windows.SHIFT
    table = np.random.default_rng(0).normal(size=(rows, DIM)).astype(np.float32)
    frozen = np.arange(rows) % 3 != 0
    state, _ = _trained(_plan(optimizer=optimizer), _text(0), Resources(frozen=frozen), table)
    after = np.asarray(training.table_of(state.params))
    np.testing.assert_array_equal(after[frozen], table[frozen])
    assert (np.abs(after[~frozen] - table[~frozen]).max(axis=1) > 0).all()


def test_frozen_rows_are_not_in_the_norm_that_is_clipped():
    """With all rows frozen, the other parameters move as if the table were not one of them."""
    rows = VOCAB + windows.SHIFT
    table = 30 * np.random.default_rng(0).normal(size=(rows, DIM)).astype(np.float32)
    tight = optax.chain(optax.clip_by_global_norm(1e-3), optax.sgd(1.0))
    plan, text = _plan(1, 1, optimizer=tight), _text(0)
    state, _ = _trained(plan, text, Resources(frozen=np.ones(rows, bool)), table, stop=0)
    before = training.start(plan, 4, Resources(), table).params
    moved = jax.tree.map(lambda a, b: float(jnp.sum((a - b) ** 2)), state.params, before)
    np.testing.assert_allclose(np.sqrt(sum(jax.tree.leaves(moved))), 1e-3, rtol=1e-3)


def test_perplexity_is_exp_of_the_mean_loss_of_every_prediction():
    plan, text = _plan(), _text(1)
    params = training.start(plan, 4, Resources()).params
    measured = perplexity.of(plan, params, text, Resources())
    model = plan.rule.model
    pair, inner = windows.next_words(*text, len(text.ids), True).at(0), params["params"]
    table, kernel, bias = inner["embed"]["table"], inner["kernel"], inner["bias"]
    texts = [
        structs.Text(table[w.inputs] * w.mask[..., None], jnp.asarray(w.mask), jnp.asarray(w.reset))
        for w in pair
    ]
    outputs, _ = model.context.layers(inner["bilm"], texts, model.context.start((4,)))
    assert measured.predictions == {
        name: int(w.weight.sum()) for name, w in zip(measured.by_direction, pair, strict=True)
    }
    for top, window, value in zip(
        (layers[-1] for layers in outputs), pair, measured.by_direction.values(), strict=True
    ):
        logits = np.float64(top) @ np.float64(kernel).T + np.float64(bias)
        nats = (
            np.log(np.exp(logits).sum(-1))
            - np.take_along_axis(logits, window.target[..., None], -1)[..., 0]
        )
        expected = np.exp((nats * window.weight).sum() / window.weight.sum())
        np.testing.assert_allclose(value, expected, rtol=1e-5)
    np.testing.assert_allclose(
        measured.mean, np.sqrt(np.prod(list(measured.by_direction.values())))
    )
    # before training, the perplexity is about the number of words
    assert 0.8 * VOCAB < measured.mean < 1.6 * (VOCAB + windows.SHIFT)


@pytest.mark.parametrize(
    ("samples", "options"),
    [
        (6, {}),
        pytest.param(None, {"tied": True}, marks=pytest.mark.thorough),
        pytest.param(6, {"characters": True}, marks=pytest.mark.thorough),
    ],
    ids=str,
)
def test_a_model_learns_what_follows_what(samples, options):
    text, resources = _text(0, 200, 8), Resources()
    if options.get("characters"):
        from jaxemb.text.characters import character_ids

        spelled = character_ids([*("<S>", "</S>", "?"), *"abcdefghijkl"], 6)
        resources = Resources(characters=spelled)
    small = {"filters": ((1, 4), (2, 4))} if options.get("characters") else {}
    model = models.language_model(members.lstm(DIM, 16), VOCAB, **options, **small)
    rule = Rule(model, optimizers.clipped(models.adam, 0.02, 10.0), 10, samples)
    plan = Plan(jax.random.key(0), rule, 4, True, 8)
    before = perplexity.of(plan, training.start(plan, 8, resources).params, text, resources)
    state, _ = _trained(plan, text, resources)
    after = perplexity.of(plan, state.params, text, resources)
    for name, value in after.by_direction.items():  # two of twelve words or the end may follow
        assert value < 0.75 * before.by_direction[name]


def test_a_sample_of_all_words_and_more_is_the_full_softmax():
    plan, text = _plan(), _text(1)
    params = training.start(plan, 4, Resources()).params
    pair = jax.tree.map(jnp.asarray, windows.next_words(*text, len(text.ids), True).at(0))
    model, key = plan.rule.model, jax.random.key(0)
    rows = VOCAB + windows.SHIFT
    nats = [
        language_model.losses(model, params, pair, model.context.start((4,)), key=key, samples=n)[0]
        for n in (None, rows, rows + 1000)
    ]
    np.testing.assert_array_equal(nats[1], nats[0])
    np.testing.assert_array_equal(nats[2], nats[0])


def test_without_carried_states_sentences_do_not_know_each_other():
    plan = _plan(carried=False)
    params = training.start(plan, 1, Resources()).params
    sentences = windows.sentences(np.array([1, 2, 3, -1, 4, 5, -1, 6, 7, 8, -1]), VOCAB)

    def nats(order, carried):
        text = Text(*windows.streams([sentences[i] for i in order], 1))
        measured = perplexity.of(plan._replace(carried=carried), params, text, Resources())
        return list(measured.by_direction.values())

    np.testing.assert_allclose(nats((0, 1, 2), False), nats((2, 0, 1), False), rtol=1e-5)
    assert not np.allclose(nats((0, 1, 2), True), nats((2, 0, 1), True), rtol=1e-5)


CONFIG = """
from jaxemb.contextual import members, models
from jaxemb.lab import ContextualConfig, Corpus
from jaxemb.lab.runs.contextual import run as contextual_runs

config = ContextualConfig(
    corpus=Corpus(path=("text.txt",), min_count=2, mark_unknown=True, held_out=0.1),
    model=members.lstm, optimizer=models.adagrad, vectors="given.bin", dev=0.1,
    dim=6, units=8, unroll=6, batch=4, chunk=3, epochs=2, samples=5, workdir="run",
)
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    draw = np.random.default_rng(0)
    lines = [" ".join("abcdefgh"[i] for i in draw.integers(0, 8, 9)) for _ in range(60)]
    (tmp_path / "text.txt").write_text("once " + "\n".join(lines))
    (tmp_path / "config.py").write_text(CONFIG)
    table = draw.normal(size=(7, 6)).astype(np.float32)
    formats.write(tmp_path / "given.bin", WordVectors(tuple("abcdefg"), table))
    monkeypatch.chdir(tmp_path)
    draw_nothing(monkeypatch)
    return tmp_path


def _interrupted(monkeypatch, after: int) -> None:
    """Press Ctrl-C while chunk `after` is computed."""
    events = training.events

    def slow(*arguments):
        for i, event in enumerate(events(*arguments)):
            if i == after:
                signal.raise_signal(signal.SIGINT)
            yield event

    monkeypatch.setattr(training, "events", slow)


def test_ctrl_c_saves_and_a_resumed_run_reports_every_token(place, monkeypatch, capsys):
    """That the result is bit-identical: tests/scripts/test_survival.py."""
    with monkeypatch.context() as patch:
        _interrupted(patch, 4)
        run(train_contextual, "config.py", monkeypatch=patch, code=130)
    assert "run the same command to continue" in capsys.readouterr().err
    assert not (place / "run/model.safetensors").exists()
    run(train_contextual, "config.py", monkeypatch=monkeypatch)
    given = formats.read(place / "given.bin")
    loaded = contextual_runs.load(place / "run")
    table = np.asarray(training.table_of(loaded.params))
    for word, row in zip(given.words or (), given.vectors, strict=True):
        number = loaded.vocab.words.index(word) + windows.SHIFT
        np.testing.assert_array_equal(table[number], row)  # the given rows stay frozen
    report = json.loads((place / "run/report.json").read_text())
    tokens = report["tokens"]
    assert tokens["read"] == 541 == tokens["train"] + tokens["dev"] + tokens["held_out"]
    assert tokens["unknown"] == 1  # "once" occurs once
    assert report["perplexity"]["forward"] > 1
    assert report["baseline"]["backward"]["perplexity"] > 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--dim", "5"), "--dim 6"),
        (("--vectors", "none.bin"), "none.bin: no such file"),
        (("--units", "0"), "units is 0"),
        (("--dev", "0"), "dev is 0"),
        (("--characters",), "characters take the place of vectors"),
        (("--batch", "4000"), "lower batch"),
    ],
)
def test_what_cannot_be_trained_is_refused_in_one_line(
    place, options, message, monkeypatch, capsys
):
    run(train_contextual, "config.py", *options, monkeypatch=monkeypatch, code=2)
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
