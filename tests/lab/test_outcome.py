"""Laws of the end of a command: it can be copied into a shell, and names words that are there."""

import shlex
import sys

import numpy as np
import pytest

from jaxemb.contextual.members import lstm
from jaxemb.contextual.models import adagrad
from jaxemb.lab import outcome, report
from jaxemb.lab.runs.contextual import report as contextual
from jaxemb.lab.runs.contextual.config import ContextualConfig
from jaxemb.lab.settings import Corpus
from jaxemb.structs import Vocab
from jaxemb.text import vocabulary

WORDS = tuple(f"w{i}" for i in range(1000))


@pytest.mark.parametrize(
    ("program", "python", "expected"),
    [
        ("scripts/train.py", "python", "python scripts/neighbors.py runs/quickstart war"),
        ("train.py", ".venv/bin/python", ".venv/bin/python neighbors.py runs/quickstart war"),
        ("/a/bin/jaxemb", "/a/bin/python", "jaxemb neighbors runs/quickstart war"),
        ("jaxemb train", "python", "jaxemb neighbors runs/quickstart war"),
        ("jaxemb/scripts/train.py", "python", "python jaxemb/scripts/neighbors.py runs/q war"),
    ],
)
def test_the_next_command_is_typed_as_this_one_was(program, python, expected, monkeypatch):
    monkeypatch.setattr(sys, "argv", [program, "config.py"])
    monkeypatch.setattr(sys, "orig_argv", [python, program, "config.py"])
    assert outcome.typed("neighbors", *expected.split()[-2:]) == expected


def test_the_installed_program_calls_its_subcommands_and_configs_by_their_own_names(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["jaxemb"])
    assert outcome.typed("train_contextual", "x") == "jaxemb train-contextual x"
    assert outcome.typed("inspect_table", "x") == "jaxemb inspect x"
    assert outcome.config("quickstart") == "quickstart"
    monkeypatch.setattr(sys, "argv", ["scripts/train.py"])
    assert outcome.config("quickstart") == "configs/quickstart.py"
    monkeypatch.setattr(sys, "argv", ["train.py"])
    assert outcome.config("quickstart") == "../configs/quickstart.py"


@pytest.mark.parametrize("word", ["it's", "$x$", "a|b", "two words", "naïve", "*"])
def test_a_shell_reads_the_word_that_was_meant(word, capsys):
    outcome.end("run", *outcome.about_words("run", ["-minus", "\x1b[31m", "", word]))
    line = capsys.readouterr().out.splitlines()[-1]
    assert shlex.split(line)[-2:] == ["run", word]


def test_the_end_names_the_folder_its_report_and_every_command(capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["jaxemb"])
    outcome.end("runs/a", *outcome.about_run("runs/a", WORDS, ("w3",)), report="report.md")
    assert capsys.readouterr().out.splitlines() == [
        "written: runs/a",
        "report:  runs/a/report.md",
        "next:    jaxemb neighbors runs/a w3",
        "         jaxemb ladder w3 --run runs/a",
    ]


def test_a_run_whose_words_cannot_be_typed_is_inspected():
    assert outcome.about_run("run", ("-a", "\x07"), ()) == [("inspect_table", "run")]


@pytest.mark.parametrize(
    ("wanted", "known"),
    [((), 0), (("w7", "w2"), 2), (("w7", "missing"), 1), (("no", "nor this", "nor that"), 0)],
)
def test_a_word_of_the_text_takes_the_place_of_each_that_is_unknown(wanted, known):
    shown = report.words_to_show(WORDS, wanted)
    assert shown[:known] == [word for word in wanted if word in WORDS]
    assert len(shown) == len(set(shown)) == (len(wanted) or report.SHOWN)
    assert shown[known:] == list(WORDS[report.FREQUENT :][: len(shown) - known])


@pytest.mark.parametrize("size", range(1, 8))
def test_a_text_of_few_words_shows_each_of_them_once_at_most(size):
    shown = report.words_to_show(WORDS[:size], ("missing",) * 3 + ("w0",))
    assert len(shown) == len(set(shown)) == min(size, 2)
    assert len(report.words_to_show(WORDS[:size])) == min(size, report.SHOWN)


@pytest.mark.parametrize("static", [None, "static.vec", "static"])
def test_a_language_model_is_compared_with_its_vectors_over_a_word_of_both(
    static, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "static").mkdir()
    (tmp_path / "static/tables.safetensors").touch()
    vocabulary.write(tmp_path / "static/vocab.txt", Vocab(("w1", "w2"), np.array([2, 1])))
    settings = {"vectors": static, "workdir": "lm"}
    config = ContextualConfig(Corpus(), model=lstm, optimizer=adagrad, **settings)
    commands = contextual.following(config, Vocab(WORDS[:3], np.array([3, 2, 1])))
    assert commands[0] == ("compare_embedders", "lm", static or "lm")
    ladders = [("ladder", "w1", "--run", "static", "--contextual", "lm")]
    assert commands[1:] == (ladders if static == "static" else [])
