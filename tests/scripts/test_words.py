"""Laws of neighbors.py, evaluate.py and ladder.py on files of vectors: output, files, errors."""

import json

import evaluate
import inspect_table
import ladder
import neighbors
import numpy as np
import pytest

from jaxemb import formats
from jaxemb.evaluation import policies
from jaxemb.lab import report as reports
from jaxemb.lab.tables import scores
from tests.scripts.test_train import run

KINGDOM = ("king", "queen", "man", "woman", "paris", "france", "rome", "italy")
WORDS = (*KINGDOM, "dog", "cat", "$x$", "a|b")


def _write(path, seed: int) -> None:
    random = np.random.default_rng(seed)
    vectors = {word: random.normal(size=6) for word in WORDS}
    for a, b, c, d in (("man", "king", "woman", "queen"), ("paris", "france", "rome", "italy")):
        vectors[d] = vectors[b] - vectors[a] + vectors[c]
    rows = [f"{word} {' '.join(f'{x:.6f}' for x in row)}" for word, row in vectors.items()]
    path.write_text(f"{len(WORDS)} 6\n" + "\n".join(rows) + "\n")


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Two files of vectors, a test of similarity and one of analogies."""
    _write(tmp_path / "one.txt", 0)
    _write(tmp_path / "other.txt", 1)
    pairs = "King queen 9\nman woman 8\nparis rome 6\ndog cat 7\ndog italy 1\nunicorn king 3\n"
    (tmp_path / "pairs.txt").write_text(pairs)
    questions = (
        ": royal\nman king woman queen\nMan King Unicorn Queen\n: gram1\nparis france rome italy\n"
    )
    (tmp_path / "questions.txt").write_text(questions)
    monkeypatch.chdir(tmp_path)
    return tmp_path


TESTS = ("--pairs", "pairs.txt", "--questions", "questions.txt", "--out", "out")


def test_neighbors_are_a_column_a_word(place, monkeypatch, capsys):
    run(neighbors, "one.txt", "dog", "$x$", "--k", "3", monkeypatch=monkeypatch)
    out = capsys.readouterr().out
    assert "dog" in out
    assert "$x$" in out
    assert out.count("cosine") == 2


def test_neighbors_of_a_sum_are_one_query(place, monkeypatch, capsys):
    options = ("--minus", "man", "--k", "1")
    run(neighbors, "one.txt", "king", "woman", *options, monkeypatch=monkeypatch)
    out = capsys.readouterr().out
    assert "king + woman - man" in out
    assert "queen" in out
    run(neighbors, "one.txt", "king", "--n", "1", "--euclidean", monkeypatch=monkeypatch)
    assert "distance" in capsys.readouterr().out


def test_a_run_is_evaluated_with_all_that_changes_its_scores(place, monkeypatch, capsys):
    run(evaluate, "one.txt", *TESTS, monkeypatch=monkeypatch)
    out = capsys.readouterr().out
    for text in (
        "5 of 6 (83%)",
        "2 of 3 (67%)",
        "case folded (upper)",
        "skip",
        "300,000",
        "3CosAdd",
    ):
        assert text in out, text
    written = json.loads((place / "out/evaluation.json").read_text())
    table = written["tables"]["one.txt"]
    assert table["analogies"]["questions"]["value"] == 1.0
    assert table["analogies"]["questions"]["sections"]["semantic"]["of"] == 2
    assert table["similarity"]["pairs"]["policy"]["unknown"] == "skip"
    assert written["comparison"] is None
    assert (place / "out/evaluation.png").stat().st_size > 5000
    shown, _, picture = (place / "out/evaluation.md").read_text().partition("![")
    assert shown in out
    assert picture == "evaluation](evaluation.png)\n"


def test_two_tables_are_compared_item_by_item(place, monkeypatch, capsys):
    options = ("--unknown", "mean", "--case", "exact", "--formula", "mul", "--restrict-vocab", "9")
    run(evaluate, "one.txt", "other.txt", *TESTS, *options, monkeypatch=monkeypatch)
    out = capsys.readouterr().out
    for text in ("`one.txt` minus `other.txt`", "McNemar", "mean (the mean", "exact", "3CosMul"):
        assert text in out, text
    written = json.loads((place / "out/evaluation.json").read_text())
    assert written["comparison"]["pairs"]["items"] == 6
    assert 0 <= written["comparison"]["questions"]["mcnemar"] <= 1


def test_a_table_compared_with_itself_does_not_differ(place, monkeypatch):
    (place / "same.txt").write_bytes((place / "one.txt").read_bytes())
    run(evaluate, "one.txt", "same.txt", *TESTS, monkeypatch=monkeypatch)
    comparison = json.loads((place / "out/evaluation.json").read_text())["comparison"]
    assert [(row["value"], row["p"]) for row in comparison.values()] == [(0, 1), (0, 1)]


def test_no_report_takes_the_folder_of_a_report_on_something_else(place, monkeypatch, capsys):
    monkeypatch.setattr(reports, "shown", lambda draw: "")
    tests, inspect, answer = TESTS[:4], inspect_table, evaluate
    formats.write(place / "one.safetensors", formats.read("one.txt"))
    (place / "sub").mkdir()
    (place / "sub/one.txt").write_bytes((place / "one.txt").read_bytes())
    wanted = {
        (inspect, "one.txt"): "runs/inspect/one",
        (inspect, "one.safetensors"): "runs/inspect/one.safetensors",
        (inspect, "sub/one.txt"): "runs/inspect/one.txt",
        (answer, "one.txt"): "runs/evaluate/one",
        (answer, "one.txt", "other.txt"): "runs/evaluate/one.txt-other.txt",
        (answer, "one.safetensors"): "runs/evaluate/one.safetensors",
    }
    for _ in range(2):  # the same report goes to the same folder again
        for (script, *paths), folder in wanted.items():
            options = tests if script is answer else ()
            run(script, *paths, *options, monkeypatch=monkeypatch)
            assert f"written: {folder}\n" in capsys.readouterr().out
    (place / "sub/sub").mkdir()
    (place / "sub/sub/one.txt").write_bytes((place / "one.txt").read_bytes())
    run(inspect, "sub/sub/one.txt", monkeypatch=monkeypatch)
    assert "written: runs/inspect/one.txt-2\n" in capsys.readouterr().out


def test_the_vocabulary_of_a_report_is_told_beside_that_of_evaluate(place):
    tests = scores.at_hand()
    text = scores._policy(tests.analogies_policy.described())
    assert "30,000 most frequent words (evaluate takes 300,000, or --restrict-vocab 30000)" in text
    default = evaluate.Evaluate().restrict_vocab
    assert default == policies.GENSIM.restrict
    assert "evaluate" not in scores._policy(policies.GENSIM.described())


def test_any_vectors_are_the_static_rung(place, monkeypatch, capsys):
    run(ladder, "dog", "--vectors", "one.txt", monkeypatch=monkeypatch)
    assert "static" in capsys.readouterr().out
    assert (place / "ladder.png").stat().st_size > 5000


BAD = {
    "unknown word": (neighbors, ["one.txt", "quen"], "near it: queen"),
    "another case": (neighbors, ["one.txt", "King"], "near it: king"),
    "no word": (neighbors, ["one.txt"], "no word is given"),
    "k 0": (neighbors, ["one.txt", "dog", "--k", "0"], "k is 0"),
    "no vectors": (neighbors, ["no.txt", "dog"], "no.txt"),
    "no pairs": (evaluate, ["one.txt", "--pairs", "no.txt"], "no.txt: cannot be read"),
    "no test": (evaluate, ["one.txt", "--pairs", "--questions"], "no test"),
    "no n-grams": (evaluate, ["one.txt", *TESTS, "--unknown", "ngrams"], "no n-grams"),
    "bad pairs": (evaluate, ["one.txt", "--pairs", "questions.txt"], "questions.txt: line 2"),
    "no vocabulary": (evaluate, ["one.txt", "--restrict-vocab", "0"], "restrict_vocab is 0"),
    "ladder": (ladder, ["quen", "--vectors", "one.txt"], "near it: queen"),
}


@pytest.mark.parametrize("name", BAD)
def test_an_unusable_request_is_an_error_of_one_line(place, monkeypatch, capsys, name):
    script, arguments, message = BAD[name]
    run(script, *arguments, monkeypatch=monkeypatch, code=2)
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (place / "out").exists()
