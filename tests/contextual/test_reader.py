"""Sentences to vectors. Oracles: ELMo's published vectors; equal bits; the written weights."""

import json
from pathlib import Path

import embed
import jax
import numpy as np
import pytest
from safetensors.numpy import load_file

from jaxemb import formats
from jaxemb.contextual import elmo as pretrained, reader
from jaxemb.contextual.bilm import BiLM, contextualizer, of_cells
from jaxemb.contextual.language_model import Lookup
from jaxemb.contextual.members.lstms import lstm_cell
from jaxemb.contextual.recurrence import Carry
from jaxemb.text import characters
from tests import covering
from tests.rounding import NETWORK, close
from tests.scripts.test_train import run

KEY = jax.random.key(0)
FIXTURE = Path(__file__).parents[3] / "shared/data/elmo_fixture_bilm_tf"
HAS_FIXTURE = pytest.mark.skipif(
    not FIXTURE.is_dir(), reason="../shared/data/elmo_fixture_bilm_tf is not there"
)
ELMO = ("--elmo-options", FIXTURE / "options.json", "--elmo-weights", FIXTURE / "lm_weights.hdf5")


def _published(stream: int) -> tuple[list[str], list[np.ndarray]]:
    """Ten sentences and ELMo's top layer of each, forward and backward side by side."""
    h5py = pytest.importorskip("h5py")
    lines = json.loads((FIXTURE / "lm_embeddings_sentences.json").read_text())[stream]
    with h5py.File(FIXTURE / f"lm_embeddings_{stream}.hdf5") as file:
        return lines, [np.concatenate(list(file[str(i)][...]), axis=-1) for i in range(10)]


@pytest.fixture(scope="module")
def elmo():
    pytest.importorskip("h5py")
    return reader.of_elmo(FIXTURE / "options.json", FIXTURE / "lm_weights.hdf5")


@HAS_FIXTURE
@pytest.mark.parametrize("stream", covering.first(1, range(3)))
def test_elmos_published_vectors_come_out(stream, tmp_path, monkeypatch):
    lines, expected = _published(stream)
    (tmp_path / "in.txt").write_text("\n".join(lines) + "\n", "utf-8")
    out = tmp_path / "out.safetensors"
    run(embed, *ELMO, tmp_path / "in.txt", out, "--stateful", monkeypatch=monkeypatch)
    vectors = load_file(out)
    for i, theirs in enumerate(expected):
        assert vectors[str(i)].shape == (3, len(lines[i].split(" ")), 32)
        close(vectors[str(i)][-1], theirs, ulps=NETWORK)


def _error(embedding: reader.Embedding, *, stateful: bool = True) -> float:
    lines, expected = _published(0)
    vectors = reader.vectors(embedding, [line.split(" ") for line in lines[:4]], stateful=stateful)
    return max(float(np.abs(layers[-1] - expected[i]).max()) for i, layers in vectors)


def _with(embedding: reader.Embedding, **fields) -> reader.Embedding:
    changed = {"cell": lstm_cell(64, 16, cell_clip=3.0, projection_clip=3.0), "skip": False}
    context = contextualizer(BiLM(layers=2, **{**changed, **fields}))
    return embedding._replace(model=embedding.model._replace(context=context))


@HAS_FIXTURE
def test_every_wrong_reading_of_elmo_misses_its_vectors(elmo):
    options, weights = formats.elmo.read(FIXTURE / "options.json", FIXTURE / "lm_weights.hdf5")
    cell = {"cell_clip": options.cell_clip, "projection_clip": options.proj_clip}

    def lstm(**changed):
        return lstm_cell(options.dim, options.projection_dim, **{**cell, **changed})

    def gates(layer):
        order = [0, 2, 1, 3]
        turned = [np.split(np.asarray(x), 4, axis=-1) for x in layer[:2]]
        return (*(np.concatenate([x[k] for k in order], axis=-1) for x in turned), layer[2])

    other = weights._replace(lstms=tuple(tuple(map(gates, stack)) for stack in weights.lstms))
    wrong = {
        "skip connections": _with(elmo, skip=True),
        "no forget bias": _with(elmo, cell=lstm(forget_bias=0.0)),
        "gates i, f, j, o": elmo._replace(model=pretrained.elmo(options, other)),
        "no marks around a sentence": elmo._replace(
            ids=lambda tokens: characters.character_ids(["", *tokens[1:-1], ""])
        ),
    }
    assert _error(elmo) < 2e-6
    assert _error(_with(elmo)) < 2e-6
    assert _error(elmo, stateful=False) > 1e-2
    for name, embedding in wrong.items():
        assert _error(embedding) > 1e-3, name


@pytest.mark.as_users_compile(always=False)
@HAS_FIXTURE
def test_neither_batch_size_nor_companions_nor_order_change_a_bit(elmo, tmp_path, monkeypatch):
    lines = [line for stream in range(3) for line in _published(stream)[0]]
    lines += ["", "one", *lines[:5]]
    texts = [line.split(" ") if line else [] for line in lines]
    vectors = {}
    for batch in (1, 7, 64):
        (tmp_path / "in.txt").write_text("\n".join(lines) + "\n", "utf-8")
        out = tmp_path / f"{batch}.safetensors"
        run(embed, *ELMO, tmp_path / "in.txt", out, "--batch-size", batch, monkeypatch=monkeypatch)
        vectors[batch] = load_file(out)
        assert list(map(len, texts)) == [vectors[batch][str(i)].shape[1] for i in range(len(lines))]
    for batch in (7, 64):
        for name, layers in vectors[1].items():
            np.testing.assert_array_equal(vectors[batch][name], layers)
    turned = dict(reader.vectors(elmo, texts[::-1], batch=5))
    for i, layers in turned.items():
        np.testing.assert_array_equal(vectors[1][str(len(texts) - 1 - i)], layers)
    for i in range(5):  # the same sentence twice
        np.testing.assert_array_equal(vectors[64][str(i)], vectors[64][str(len(lines) - 5 + i)])


@pytest.mark.parametrize("tokens", [1, 60, 126, 127, 300, 5000, 20_000])
def test_long_sentences_have_so_few_companions_that_memory_is_bounded(tokens):
    rows = reader._rows(tokens)
    assert 1 <= rows <= reader.ROWS
    assert rows * tokens <= max(reader._POSITIONS, 1.25 * tokens)
    assert tokens > 126 or rows == reader.ROWS


@pytest.mark.as_users_compile(always=False)
def test_the_companions_of_long_sentences_change_no_bit(monkeypatch):
    monkeypatch.setattr(reader, "_POSITIONS", 64)  # batches of one to eight sentences
    context, table = of_cells(lstm_cell(9, 6), 1, True, 0.0), jax.random.normal(KEY, (50, 6))
    params = {"embed": {"table": table}, "bilm": context.init(KEY)}
    model = pretrained.Model(Lookup(50, 6), context, params)
    read = lambda tokens: np.array([sum(map(ord, t)) % 50 for t in tokens], np.int32)  # noqa: E731
    embedding = reader.Embedding(model, read, 12, 2, lambda texts: [])
    texts = [[f"w{i}" for i in range(n)] for n in (3, 40, 20, 39, 4, 70, 20, 5)]
    whole = dict(reader.vectors(embedding, texts))
    for i, text in enumerate(texts):
        [(_, alone)] = reader.vectors(embedding, [text], batch=1)
        np.testing.assert_array_equal(alone, whole[i])
        assert alone.shape == (2, len(text), 12)


@HAS_FIXTURE
def test_layers_are_all_their_mean_or_the_top(tmp_path, monkeypatch):
    (tmp_path / "in.txt").write_text("a b c\n")
    vectors = {}
    for layers in ("all", "average", "top"):
        out = tmp_path / f"{layers}.safetensors"
        run(embed, *ELMO, tmp_path / "in.txt", out, "--layers", layers, monkeypatch=monkeypatch)
        vectors[layers] = load_file(out)["0"]
    assert [vectors[layers].shape for layers in vectors] == [(3, 3, 32), (1, 3, 32), (1, 3, 32)]
    np.testing.assert_array_equal(vectors["top"], vectors["all"][-1:])
    np.testing.assert_allclose(vectors["average"][0], vectors["all"].mean(0), rtol=1e-6)
    np.testing.assert_array_equal(vectors["all"][0][:, :16], vectors["all"][0][:, 16:])


@HAS_FIXTURE
def test_elmos_weights_go_through_the_model_and_back(tmp_path):
    pytest.importorskip("h5py")
    options, weights = formats.elmo.read(FIXTURE / "options.json", FIXTURE / "lm_weights.hdf5")
    back = pretrained.weights_of(pretrained.elmo(options, weights))
    for ours, theirs in zip(jax.tree.leaves(back), jax.tree.leaves(weights), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    formats.elmo.write(tmp_path / "o.json", tmp_path / "w.hdf5", options, back)
    again = formats.elmo.read(tmp_path / "o.json", tmp_path / "w.hdf5")
    assert again[0] == options


def test_characters_are_bytes_with_marks_each_one_more():
    """bilm-tf's character ids plus one: 0 is padding."""
    ids = characters.character_ids(["aé", "<S>", "</S>", "x" * 60], 8)
    expected = [
        [258, 97, 195, 169, 259, 260, 260, 260],
        [258, 256, 259, 260, 260, 260, 260, 260],
        [258, 257, 259, 260, 260, 260, 260, 260],
        [258, *[120] * 6, 259],
    ]
    np.testing.assert_array_equal(ids, np.array(expected) + 1)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), "name --run, or both"),
        (("--elmo-options", "x"), "name --run, or both"),
        (("--run", "nothing"), "no finished language model"),
        ((*ELMO, "--batch-size", "65"), "batch-size is 65|no such file"),
    ],
)
def test_what_cannot_be_embedded_is_refused(arguments, expected, tmp_path, monkeypatch, capsys):
    (tmp_path / "in.txt").write_text("a b\n")
    run(embed, tmp_path / "in.txt", tmp_path / "out", *arguments, monkeypatch=monkeypatch, code=2)
    message = capsys.readouterr().err
    assert any(part in message for part in expected.split("|")), message


def test_a_carry_is_one_of_each_layer_and_direction():
    carry = BiLM(lstm_cell(5, 3), 2).start((4,))
    assert [[type(state) for state in side] for side in carry] == [[Carry] * 2] * 2
    assert carry[0][0].cell.shape == (4, 5)
    assert carry[1][1].out.shape == (4, 3)
