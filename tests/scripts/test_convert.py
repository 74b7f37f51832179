"""Laws of convert.py, and of pipes given to scripts that read vectors. Oracle: `formats`."""

import json
import os

import convert
import evaluate
import inspect_table
import neighbors
import numpy as np
import pytest

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
