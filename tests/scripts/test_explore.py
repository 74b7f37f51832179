"""Laws of explore.py: the page holds what the table and the run say. Oracles: the files, NumPy."""

import base64
import json
import re
from pathlib import Path

import explore
import numpy as np
import pytest

from jaxemb import formats, linalg
from jaxemb.errors import InputError
from jaxemb.lab.explorer import clouds, page, training, vendoring
from tests.scripts.test_context import made as made, place as place
from tests.scripts.test_train import run


def held(path: Path):
    """The values and the codes of a page, read from its HTML."""
    text = path.read_text("utf-8")
    (values,) = re.findall(r'id="values">(.*?)</script>', text, re.DOTALL)
    (codes,) = re.findall(r'id="codes">(.*?)</script>', text, re.DOTALL)
    return json.loads(values), base64.b64decode(codes)


@pytest.fixture
def written(place, monkeypatch, capsys):
    arguments = ("static.txt", "--contextual", "lm", "--clouds", "w", "xa", "--no-umap")
    run(explore, *arguments, monkeypatch=monkeypatch)
    return place / "explorer.html", capsys.readouterr().out


def test_the_page_holds_the_table_to_half_a_step(written):
    values, codes = held(written[0])
    words, table = formats.read("static.txt")
    assert tuple(values["words"]) == words
    assert [values["rows"], values["dim"]] == list(table.shape)
    bits = np.unpackbits(np.frombuffer(codes, np.uint8))[: 12 * table.size].reshape(-1, 12)
    numbers = (bits @ (1 << np.arange(12)[::-1])).reshape(table.shape)
    scores = np.array(values["low"]) + np.array(values["step"]) * numbers
    exact = np.asarray(table, np.float64) @ np.asarray(linalg.spectrum(table).basis)
    assert (np.abs(scores - exact) <= np.array(values["step"]) * 0.500001).all()
    assert values["verdict"] == str(linalg.rank(table)) in written[1]
    assert "12 bits a number" in written[1]


def test_the_page_needs_no_network(written):
    text = written[0].read_text("utf-8")
    fetched = re.findall(r"<(?:script|link|img)[^>]*(?:src|href)=\"?([^\" >]*)", text)
    assert [address for address in fetched if not address.startswith("data:")] == []
    assert not re.search(r"@import|url\(\s*['\"]?http|\bfetch\(|XMLHttpRequest|WebSocket", text)
    assert "import " not in page.program()


def test_a_static_layer_is_one_point_and_a_contextual_one_a_cloud(written):
    seen = {one["word"]: one for one in held(written[0])[0]["clouds"]["words"]}
    assert set(seen) == {"w", "xa"}
    for one in seen.values():
        first, last = one["layers"]
        n = len(one["contexts"])
        assert len(first["points"]) == len(last["points"]) == len(one["group"]) == n
        assert np.ptp(first["points"], axis=0).max() == 0.0
        assert first["alike"] == pytest.approx(1.0, abs=1e-12)
        assert np.ptp(last["points"], axis=0).min() > 0.001
        assert last["alike"] < 1


def test_every_occurrence_is_shown_in_its_sentence(written, place):
    lines = (place / "text.txt").read_text().splitlines()
    (one,) = (one for one in held(written[0])[0]["clouds"]["words"] if one["word"] == "w")
    for left, right in one["contexts"]:
        assert f"{left} w {right}".strip() in lines


def test_a_plane_is_turned_to_meet_that_of_the_layer_before():
    before = np.random.default_rng(0).normal(size=(40, 2))
    before -= before.mean(axis=0)
    turn = np.array([[0.0, -1.0], [1.0, 0.0]])
    unit = [np.concatenate([cloud, np.ones((40, 1))], axis=1) for cloud in (before, before @ turn)]
    first, second = clouds._layers(unit)
    np.testing.assert_allclose(first["points"], second["points"], atol=2e-4)


def test_the_curves_are_those_of_the_log(tmp_path):
    rows = [
        {"step": 0, "words": 0, "epoch": 0, "held_out": 4.0},
        *(
            {"step": i, "words": 10 * i, "epoch": i // 4, "loss": [1.0 * i, 2.0]}
            for i in range(1, 9)
        ),
        {"step": 8, "note": "resumed", "singular_values": [1.0, 1.0]},
        {"step": 8, "words": 80, "epoch": 2, "dev": [np.e, 1.0], "singular_values": [2.0, 1.0]},
    ]
    torn = '{"step": 9, "words": 90, "lo'  # by a kill
    (tmp_path / "metrics.jsonl").write_text("\n".join([*map(json.dumps, rows), torn]))
    series = training.series(tmp_path)
    assert series is not None
    curves = {curve["name"]: (curve["x"], curve["y"]) for curve in series["curves"]}
    assert curves["loss 1"] == ([10.0 * i for i in range(1, 9)], [1.0 * i for i in range(1, 9)])
    assert curves["held_out"] == ([0.0], [4.0])
    assert [curves["dev 1"][1], curves["dev 2"][1]] == [[1.0], [0.0]]  # nats of a perplexity
    assert series["epochs"] == [40, 80]
    assert series["unit"] == "predictions"  # a loss of two directions is a language model's
    assert series["spectra"] == [{"words": 80, "values": [2.0, 1.0]}]
    assert training.series(tmp_path / "no") is None


def test_a_long_curve_is_averaged_and_keeps_its_mean(tmp_path):
    n = 3 * training.POINTS
    lines = [json.dumps({"step": i, "words": i, "loss": float(i % 7)}) for i in range(n)]
    (tmp_path / "metrics.jsonl").write_text("\n".join(lines))
    series = training.series(tmp_path)
    assert series is not None
    (curve,) = series["curves"]
    assert series["unit"] == "words read"
    assert curve["averaged"]
    assert len(curve["y"]) == training.POINTS
    assert np.mean(curve["y"]) == pytest.approx(np.mean([i % 7 for i in range(n)]))


def test_a_word_may_be_markup(place, monkeypatch):
    rows = ["</script><script>alert(1)</script> 1 0 0", "<!-- 0 1 0", "<b> 0 0 1", "& 1 1 0"]
    (place / "markup.txt").write_text("\n".join(rows) + "\n")
    run(explore, "markup.txt", "--out", "markup.html", "--no-umap", monkeypatch=monkeypatch)
    values, _ = held(place / "markup.html")
    assert values["words"] == [row.rsplit(" ", 3)[0] for row in rows]


BAD = {
    "no clouds without a model": (["static.txt", "--clouds", "w"], "name it by --contextual"),
    "no config without a model": (["static.txt", "--config", "config"], "name it by --contextual"),
    "no frequent word": (["static.txt", "--contextual", "lm"], "name the words by --clouds"),
    "no page": (["static.txt", "--out", "page.pdf"], "wanted a file that ends in .html"),
    "no words": (["static.txt", "--words", "0"], "wanted 1 or more"),
    "an unknown word": (["static.txt", "--contextual", "lm", "--clouds", "zz"], "'zz'"),
    "a rare word": (["static.txt", "--contextual", "lm", "--clouds", "<UNK>"], "<UNK>"),
    "no run": (["static.txt", "--contextual", "nothing"], "nothing"),
    "no folder": (["static.txt", "--out", "no/page.html"], "there is no folder no"),
    "no folder, before any work": (["no.txt", "--out", "no/page.html"], "there is no folder no"),
    "two rows": (["static.txt", "--words", "2"], "has 2 rows; wanted 3"),
}


@pytest.mark.parametrize("name", BAD)
def test_an_unusable_request_is_an_error_of_one_line(place, monkeypatch, capsys, name):
    arguments, message = BAD[name]
    run(explore, *arguments, "--no-umap", monkeypatch=monkeypatch, code=2)
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_the_bundle_says_the_licence_of_every_library_in_it():
    lock = json.loads((page.VENDOR / "package-lock.json").read_text())
    licences = (page.VENDOR / "LICENSES.txt").read_text()
    packages = [(place, about) for place, about in lock["packages"].items() if place]
    inside = [place.rpartition("/")[2] for place, about in packages if not about.get("dev")]
    assert len(inside) > 5
    for name in inside:
        assert re.search(rf"^{name} [\d.]+ \((MIT|ISC|BSD-3-Clause)\)$", licences, re.MULTILINE)


def test_without_npm_the_bundle_is_one_clear_error(monkeypatch, tmp_path):
    monkeypatch.setattr(vendoring.shutil, "which", lambda name: None)
    with pytest.raises(InputError, match=r"npm is not there: install Node\.js"):
        vendoring.bundle(tmp_path)
    assert not any(tmp_path.iterdir())
