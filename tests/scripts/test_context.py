"""Laws of compare_embedders.py and ladder.py --contextual on a short run: files and output."""

import json

import compare_embedders
import evaluate
import ladder
import numpy as np
import pytest
import train_contextual

from jaxemb.contextual import members, models
from jaxemb.lab.runs.contextual import run as contextual_runs
from jaxemb.lab.runs.contextual.config import ContextualConfig
from jaxemb.lab.runs.static.config import Corpus
from jaxemb.lab.studies.context import tokens
from jaxemb.lab.studies.ladder import cloud as context_ladder
from jaxemb.text import corpus
from tests.scripts.test_train import draw_nothing, run

CONFIG = """
from jaxemb.contextual import members, models
from jaxemb.lab import ContextualConfig, Corpus

config = ContextualConfig(
    corpus=Corpus(path=("text.txt",), min_count=2, mark_unknown=True, held_out=0.2),
    model=members.lstm, optimizer=models.adagrad, dim=8, units=8, layers=1,
    epochs=1, batch=4, samples=None, dev=0.05, workdir="lm",
)
"""
WORDS = [a + b for a in "xy" for b in "abcdef"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A run over a text in which w occurs among x-words or y-words, and static vectors."""
    folder, random = tmp_path_factory.mktemp("made"), np.random.default_rng(0)
    lines = [
        " ".join("w" if k % 3 == 0 else WORDS[6 * (i % 2) + j] for k, j in enumerate(draw))
        for i, draw in enumerate(random.integers(0, 6, (120, 7)))
    ]
    (folder / "text.txt").write_text("\n".join([*lines, "once"]))
    (folder / "config.py").write_text(CONFIG)
    rows = [" ".join([word, *map(str, random.normal(size=5))]) for word in ("w", *WORDS)]
    (folder / "static.txt").write_text("\n".join(rows) + "\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        draw_nothing(patch)
        run(train_contextual, "config.py", monkeypatch=patch)
    return folder


@pytest.fixture
def place(made, monkeypatch):
    monkeypatch.chdir(made)
    return made


def test_a_static_table_is_constant_and_a_language_model_is_not(place, monkeypatch, capsys):
    run(compare_embedders, "lm", "static.txt", monkeypatch=monkeypatch)
    folder = place / "runs/compare/lm-static"
    assert (folder / "comparison.md").read_text().partition("![")[0] in capsys.readouterr().out
    assert (folder / "contextuality_a.png").stat().st_size > 5000
    assert not (folder / "contextuality_b.png").exists()
    comparison = json.loads((folder / "comparison.json").read_text(), parse_constant=pytest.fail)
    lm, static = comparison["embedders"]
    assert [layer["layer"] for layer in lm["layers"]] == [0, 1]
    for layer in (lm["layers"][0], *static["layers"]):  # layer 0 is the table
        assert layer["context_share"] == 0.0
        assert layer["self_similarity"] == pytest.approx(1.0, abs=1e-12)
    assert (lm["jacobian_share"][0], static["jacobian_share"]) == (0.0, [0.0])
    assert 0 < lm["jacobian_share"][1] < 1
    assert 0 < lm["layers"][1]["context_share"] < 1
    assert lm["layers"][1]["self_similarity"] < 1
    assert static["layers"][0]["rank"]["rank"] == 5


def test_a_run_against_itself_has_cka_1_and_a_text_of_ones_own(place, monkeypatch):
    (place / "own.txt").write_text("w xa once w xb\n\nw ya w yb w zz\nw w xa\n")
    run(compare_embedders, "lm", "lm", "own.txt", "--out", "out", monkeypatch=monkeypatch)
    comparison = json.loads((place / "out/comparison.json").read_text())
    assert comparison["text"] == {"sentences": 3, "tokens": 14}
    assert comparison["embedders"][0]["layers"][0]["occurrences"] == 12  # not "once", not "zz"
    assert comparison["embedders"][0] == comparison["embedders"][1]
    assert comparison["embedders"][0]["layers"][0]["self_similarity"] == pytest.approx(
        1.0, abs=1e-12
    )
    np.testing.assert_allclose(np.diag(comparison["cka"]), 1.0, rtol=1e-9)
    assert (place / "out/contextuality_b.png").exists()


def test_the_text_by_default_is_what_the_run_held_out(place):
    prepared = corpus.load(place / "lm/corpus")
    settings = Corpus(path=("text.txt",), held_out=0.2)
    model, optimizer = members.lstm, models.adagrad
    config = ContextualConfig(settings, "lm", model, optimizer, dev=0.05)
    parts = contextual_runs.sentences(config, prepared)
    words = ("", "", "<UNK>", *prepared.vocab.words)
    expected = [[words[i] for i in ids[1:-1]] for ids in parts.held_out]
    assert tokens.held_out("lm") == expected
    assert 5 < len(expected) < 60


@pytest.fixture
def known_senses(place):
    """Write the true senses of w, which its sentence determines."""
    lines = (place / "text.txt").read_text().split("\n")[:-1]
    senses = [i % 2 for i, line in enumerate(lines) for word in line.split() if word == "w"]
    path = place / "lm/senses.json"
    path.write_text(json.dumps({"w": {"names": ["among x", "among y"], "senses": senses}}))
    yield
    path.unlink()


@pytest.mark.usefixtures("known_senses")
def test_true_senses_stand_at_their_occurrences(place):
    cloud = context_ladder.rung("lm", "w").cloud
    assert (cloud.known, cloud.names) == (True, ("among x", "among y"))
    for sense, (left, right) in zip(cloud.group, cloud.contexts, strict=True):
        assert "xy"[1 - sense] not in left + right
    assert len(cloud.points) == 360


def test_the_ladder_has_a_third_rung(place, monkeypatch, capsys):
    options = ("--vectors", "static.txt", "--contextual", "lm", "--picture", "three.png")
    run(ladder, "w", *options, monkeypatch=monkeypatch)
    out = " ".join(capsys.readouterr().out.split())
    for text in ("one-hot", "static", "contextual", "written: three.png"):
        assert text in out, text
    assert (place / "three.png").stat().st_size > 20_000
    third = context_ladder.rung("lm", "w")
    assert "self-similarity" in third.rung.law
    assert not third.cloud.known
    assert third.rung.rank <= third.rung.dim == 16


def test_words_in_context_are_scored_by_every_layer(place, monkeypatch, capsys):
    lines = ["w\tN\t1-0\txa w xb\tw xc", "w\tN\t1-0\txa w xb\tw yc", "q\tN\t0-0\tq w\tq xa"]
    (place / "dev.data.txt").write_text("\n".join(lines * 8) + "\n")
    (place / "dev.gold.txt").write_text("T\nF\nT\n" * 8)
    run(evaluate, "static.txt", "--wic", "dev.data.txt", "--run", "lm", monkeypatch=monkeypatch)
    values = json.loads((place / "runs/evaluate/dev.data/wic.json").read_text())
    model, table = values["sources"]
    assert (len(model["layers"]), model["pairs"], model["unknown"]) == (2, 24, 0)
    assert (len(table["layers"]), table["pairs"], table["unknown"]) == (1, 16, 8)
    assert "| lm | 1 |" in capsys.readouterr().out
    run(evaluate, "--wic", "dev.data.txt", code=2, monkeypatch=monkeypatch)
    assert "wanted --run RUN, VECTORS or both" in capsys.readouterr().err
    run(evaluate, code=2, monkeypatch=monkeypatch)
    assert "wanted VECTORS" in capsys.readouterr().err


def test_two_means_find_two_clusters_and_the_plane_keeps_their_distances():
    random = np.random.default_rng(0)
    cluster = np.repeat([0, 1], [10, 30])
    planar = random.normal(size=(40, 2)) * 0.1 + 5.0 * cluster[:, None]
    rotated = planar @ np.linalg.qr(random.normal(size=(6, 2)))[0].T + 3.0
    assigned = context_ladder.two_means(rotated)
    assert len(set(zip(cluster.tolist(), assigned.tolist(), strict=True))) == 2
    points, explained = context_ladder.plane(rotated)
    distances = [np.linalg.norm(x[:, None] - x[None], axis=2) for x in (planar, points)]
    np.testing.assert_allclose(*distances, atol=1e-10)
    assert explained == pytest.approx(1.0)


BAD = {
    "no such run": (compare_embedders, ["no", "lm"], "no: no such file"),
    "two static": (compare_embedders, ["static.txt", "static.txt"], "neither static.txt nor"),
    "no text": (compare_embedders, ["lm", "lm", "no.txt"], "no.txt: cannot be read"),
    "empty text": (compare_embedders, ["lm", "lm", "empty.txt"], "no word that is known"),
    "no sentence": (compare_embedders, ["lm", "lm", "--sentences", "0"], "sentences is 0"),
    "no rung": (ladder, ["w", "--vectors", "static.txt", "--contextual", "no"], "no finished lang"),
    "wrong kind": (
        ladder,
        ["w", "--vectors", "static.txt", "--contextual", "."],
        "no finished lan",
    ),
    "rare": (ladder, ["rare", "--vectors", "rare.txt", "--contextual", "lm"], "rare"),
}


@pytest.mark.parametrize("name", BAD)
def test_an_unusable_request_is_an_error_of_one_line(place, monkeypatch, capsys, name):
    script, arguments, message = BAD[name]
    (place / "empty.txt").write_text("\n")
    (place / "rare.txt").write_text("w 1 2\nrare 2 1\nxa 1 1\n")
    run(script, *arguments, "--out" if script is compare_embedders else "--picture", "new.png",
        monkeypatch=monkeypatch, code=2)  # fmt: skip
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (place / "new.png").exists()
