"""Laws of convert.py, and of pipes given to scripts that read vectors. Oracle: `formats`."""

import json
import os

import convert
import evaluate
import inspect_table
import ladder
import ml_dtypes
import neighbors
import numpy as np
import pytest
from safetensors.numpy import save_file

from jaxemb import formats
from jaxemb.formats import WordVectors
from tests.formats import samples
from tests.scripts.test_train import run

GIVEN = WordVectors(("king", "queen", ". . .", "nan bread", "dog"), samples.random(0, 5, 3).vectors)


@pytest.fixture
def place(tmp_path, monkeypatch):
    formats.write(tmp_path / "in.safetensors", GIVEN)
    formats.write(tmp_path / "in.vec", GIVEN, unwritable=formats.skip)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("list_", [b"king\r\nqueen\r\nnobody\r\n", b"\xef\xbb\xbfqueen \nking\nno"])
def test_only_keeps_every_word_of_a_list_or_names_it(list_, place, monkeypatch, capsys):
    (place / "list").write_bytes(list_)
    run(convert, "in.vec", "out.vec", "--only", "list", monkeypatch=monkeypatch)
    assert formats.read(place / "out.vec").words == ("king", "queen")
    output = capsys.readouterr().out
    assert "warning: list: 1 of its 3 words are not in in.vec: 'no" in output
    assert "out.vec: 2 x 3" in output


def test_a_list_of_unknown_words_writes_nothing(place, monkeypatch, capsys):
    (place / "list").write_text("kings\n")
    run(convert, "in.vec", "out.vec", "--only", "list", monkeypatch=monkeypatch, code=2)
    assert "list: none of its 1 words is in in.vec: 'kings'" in capsys.readouterr().err
    assert not (place / "out.vec").exists()


def test_what_a_format_cannot_hold_is_refused_left_out_or_renamed(place, monkeypatch, capsys):
    run(convert, "in.safetensors", "o.vec", monkeypatch=monkeypatch, code=2)
    error = capsys.readouterr().err
    assert "row 2: this format cannot hold the word '. . .'" in error
    assert "--unwritable skip or rename" in error
    assert not (place / "o.vec").exists()
    for choice, words in (
        ("skip", ("king", "queen", "dog")),
        ("rename", ("king", "queen", "._._.", "nan_bread", "dog")),
    ):
        run(convert, "in.safetensors", "o.vec", "--unwritable", choice, monkeypatch=monkeypatch)
        output, written = capsys.readouterr().out, formats.read(place / "o.vec")
        assert written.words == words
        kept = [
            i for i, word in enumerate(GIVEN.words or ()) if choice == "rename" or word in words
        ]
        np.testing.assert_array_equal(written.vectors, GIVEN.vectors[kept])
        done = {"skip": "left out", "rename": "renamed"}[choice]
        assert (
            f"warning: o.vec: 2 words that this format cannot hold were {done}: '. . .'" in output
        )
        assert f"o.vec: {len(words)} x 3" in output
        changed = json.loads((place / "o.vec.unwritable.json").read_text())
        new = {". . .": "._._.", "nan bread": "nan_bread"}
        assert changed == (new if choice == "rename" else dict.fromkeys(new))


def test_a_pipe_is_refused_in_one_line_by_every_script_that_reads_vectors(
    place, monkeypatch, capsys
):
    os.mkfifo(place / "pipe")
    for script, *arguments in (
        (convert, "pipe", "out.vec"),
        (inspect_table, "pipe"),
        (neighbors, "pipe", "king"),
        (evaluate, "pipe"),
    ):
        run(script, *arguments, monkeypatch=monkeypatch, code=2)
        error = capsys.readouterr().err
        assert "error: pipe: a pipe or a device, which can be read only once" in error
        assert error.count("\n") == 1
    run(convert, "in.vec", "pipe", "--to", "glove", monkeypatch=monkeypatch, code=2)
    assert "error: pipe: no file (a device, a pipe or a folder)" in capsys.readouterr().err


def test_a_table_of_another_byte_order_is_inspected(place, monkeypatch, capsys):
    monkeypatch.setattr(
        "jaxemb.lab.tables.inspection.write",
        lambda *arguments: f"rank {arguments[2]['rank']['rank']}",
    )
    np.save(place / "t.npy", np.eye(4, 3).astype(">f4"))
    run(inspect_table, "t.npy", monkeypatch=monkeypatch)
    assert "\nrank 3\n" in capsys.readouterr().out


def _model(folder) -> dict:
    """Write a model's folder: two matrices of several types in two shards, and a tokenizer."""
    random = np.random.default_rng(0)
    tensors = {
        "embed.weight": random.normal(size=(6, 3)).astype(ml_dtypes.bfloat16),
        "head.weight": random.normal(size=(6, 4)).astype(np.float32),
    }
    folder.mkdir()
    files = {name: f"{name}.safetensors" for name in tensors}
    for name, file in files.items():
        save_file({name: tensors[name]}, folder / file)
    index = json.dumps({"weight_map": files})
    (folder / "model.safetensors.index.json").write_text(index)
    vocab = {word: i for i, word in enumerate(("king", "queen", "dog", "cat", "red"))}
    (folder / "tokenizer.json").write_text(json.dumps({"model": {"vocab": vocab}}))
    return tensors


def test_every_script_that_reads_vectors_takes_one_tensor_of_a_model_by_its_name(
    place, monkeypatch, capsys
):
    tensors = _model(place / "llm-0.5")
    scripts = (
        (convert, "llm-0.5", "out.vec"),
        (inspect_table, "llm-0.5"),
        (neighbors, "llm-0.5", "king"),
        (evaluate, "llm-0.5", "--pairs", "pairs"),
        (ladder, "king", "--vectors", "llm-0.5"),
    )
    (place / "pairs").write_text("king queen 5\nking dog 2\ncat dog 4\n")
    for script, *arguments in scripts:
        run(script, *arguments, monkeypatch=monkeypatch, code=2)
        error = capsys.readouterr().err
        assert "embed.weight BF16 [6, 3], head.weight F32 [6, 4]" in error
        assert "--tensor NAME" in error
        assert error.count("\n") == 1
        for name in tensors:
            run(script, *arguments, "--tensor", name, monkeypatch=monkeypatch)
            assert capsys.readouterr().out
    assert (place / "runs/inspect/llm-0.5.embed.weight/report.md").is_file()
    assert (place / "runs/inspect/llm-0.5.head.weight/report.md").is_file()
    for name, target in (("embed.weight", "o.vec"), ("head.weight", "o.npy")):
        run(convert, "llm-0.5", target, "--tensor", name, monkeypatch=monkeypatch)
        output, written = capsys.readouterr().out, formats.read(place / target)
        assert "1 of 6 rows have no token" in output
        assert written.words == ("king", "queen", "dog", "cat", "red", "<row_5>")
        np.testing.assert_array_equal(written.vectors, np.float32(tensors[name]))


def test_two_tensors_of_one_model_are_compared(place, monkeypatch, capsys):
    _model(place / "llm")
    (place / "pairs").write_text("king queen 5\nking dog 2\ncat dog 4\n")
    tests = ("--pairs", "pairs", "--out", "out")
    names = ("--tensor", "embed.weight", "--other-tensor", "head.weight")
    run(evaluate, "llm", "llm", *tests, *names, monkeypatch=monkeypatch)
    capsys.readouterr()
    report = (place / "out/evaluation.md").read_text()
    assert "llm: embed.weight" in report
    assert "llm: head.weight" in report
    run(evaluate, "llm", *tests, "--other-tensor", "a", monkeypatch=monkeypatch, code=2)
    assert "tensor a: of which file?" in capsys.readouterr().err
