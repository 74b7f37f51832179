"""Laws of what a command says of runs that ended, were interrupted or are asked for otherwise."""

import inspect
import os
import shlex
import signal
import sys
import threading

import embed
import inspect_table
import ladder
import neighbors
import numpy as np
import pytest
import train
from safetensors.numpy import save_file

from jaxemb import formats
from jaxemb.evaluation import contextuality
from jaxemb.lab import command_line, outcome, progress, report as reports
from jaxemb.lab.runs.contextual import embed as embedding
from jaxemb.structs import Vocab
from jaxemb.text import vocabulary
from tests.scripts.test_train import _begin, _interrupt_after, draw_nothing, run, train_in


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of a text, a config and a finished run."""
    folder = tmp_path_factory.mktemp("finished")
    _begin(folder)
    train_in(folder)
    return folder


@pytest.fixture
def interrupted(tmp_path, monkeypatch, capsys):
    """The folder of a text, a config and an interrupted run."""
    _begin(tmp_path)
    monkeypatch.chdir(tmp_path)
    with monkeypatch.context() as patch:
        _interrupt_after(1, patch)
        run(train, "config.py", monkeypatch=patch, code=130)
    return capsys.readouterr().err


def test_ctrl_c_is_answered_at_once_and_once(interrupted):
    assert interrupted.splitlines()[0] == progress.STOPPING
    assert interrupted.count(progress.STOPPING) == 1
    assert "run the same command to continue" in interrupted.splitlines()[-1]


def test_the_first_interrupt_of_a_notebook_is_answered(capsys):
    with progress.interrupts() as stop:
        os.kill(os.getpid(), signal.SIGINT)
        threading.Event().wait(0.01)
        assert capsys.readouterr().err == f"{progress.STOPPING}\n"
    assert stop == [signal.SIGINT]


@pytest.mark.usefixtures("interrupted")
def test_an_interrupted_run_is_called_unfinished_by_all_that_want_a_finished_one(
    monkeypatch, capsys
):
    for script, arguments in (
        (neighbors, ("run", "xa")),
        (ladder, ("xa", "--run", "run")),
        (inspect_table, ("run",)),
        (embed, ("text.txt", "out.safetensors", "--run", "run")),
    ):
        run(script, *arguments, monkeypatch=monkeypatch, code=2)
        error = capsys.readouterr().err
        assert "holds a run that is not finished" in error
        assert "run the command that began it again" in error


def test_ctrl_c_in_a_report_says_that_the_tables_are_saved(finished, monkeypatch, capsys):
    def write(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.chdir(finished)
    with monkeypatch.context() as patch:
        patch.setattr(reports, "write", write)
        run(train, "config.py", monkeypatch=patch, code=130)
    last = capsys.readouterr().err.splitlines()[-1]
    assert "the tables are saved in run" in last
    assert "the same command writes the report" in last


def test_a_finished_run_that_is_run_again_is_said_to_be_trained(finished, monkeypatch, capsys):
    monkeypatch.chdir(finished)
    draw_nothing(monkeypatch)
    run(train, "config.py", monkeypatch=monkeypatch)
    assert capsys.readouterr().err == "run: already trained; reported again\n"
    run(train, "config.py", "--no-report", monkeypatch=monkeypatch)
    assert capsys.readouterr().err == "run: already trained\n"


def test_more_epochs_of_a_finished_run_begin_with_its_vectors(finished, monkeypatch, capsys):
    monkeypatch.chdir(finished)
    draw_nothing(monkeypatch)
    run(train, "config.py", "--epochs", "4", monkeypatch=monkeypatch, code=2)
    error = capsys.readouterr().err
    assert "epochs was 3, now 4" in error
    assert "--init-from run with another --workdir" in error
    options = ("--epochs", "1", "--workdir", "more", "--init-from", "run")
    run(train, "config.py", *options, monkeypatch=monkeypatch)


@pytest.mark.parametrize("program", ["/a/bin/jaxemb", "/a/ipykernel_launcher.py", "train.py"])
def test_every_hint_is_typed_as_the_program_was_started(program, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", [program, "x"])
    monkeypatch.setattr(sys, "orig_argv", ["python", program, "x"])
    with pytest.raises(command_line.InputError) as stop:
        ladder.workdir.load(tmp_path)
    hint = str(stop.value).partition("one is made by ")[2]
    python = "python train.py ../configs/quickstart.py"
    assert hint == (python if program == "train.py" else "jaxemb train quickstart")
    with pytest.raises(command_line.InputError) as stop:
        embedding.of_run(tmp_path)
    hint = str(stop.value).partition("one is made by ")[2]
    assert hint.startswith("python" if program == "train.py" else "jaxemb train-contextual ")


def test_the_next_command_has_the_tensor_of_this_one_and_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    draw_nothing(monkeypatch)
    table = np.random.default_rng(0).normal(size=(12, 3)).astype(np.float32)
    formats.write(
        tmp_path / "t.safetensors",
        formats.WordVectors(tuple(f"w{i}" for i in range(12)), table),
    )
    from safetensors.numpy import load_file

    held = load_file("t.safetensors")
    save_file({**held, "a": held["vectors"], "b": held["vectors"]}, "t.safetensors")
    run(inspect_table, "t.safetensors", "--tensor", "a", monkeypatch=monkeypatch)
    following = shlex.split(capsys.readouterr().out.splitlines()[-1])
    assert following[-2:] == ["--tensor", "a"]
    run(neighbors, *following[following.index("t.safetensors") :], monkeypatch=monkeypatch)
    assert "cosine" in capsys.readouterr().out


@pytest.mark.parametrize(("times", "known", "offered"), [(5, True, 1), (4, True, 0), (9, False, 0)])
def test_a_text_is_compared_only_where_a_known_word_occurs_often(tmp_path, times, known, offered):
    vocabulary.write(tmp_path / "vocab.txt", Vocab(("w" if known else "v",), np.array([9])))
    texts = [["w", "x"]] * times
    commands = outcome.about_text(tmp_path, "text.txt", texts)
    assert commands == [("compare_embedders", tmp_path, tmp_path, "text.txt")][:offered]
    named = outcome.about_text(tmp_path, "text.txt", texts, "mine.py")
    assert [command[4:] for command in named] == [("--config", "mine.py")] * offered
    describe = inspect.signature(contextuality.describe)
    assert describe.parameters["min_occurrences"].default == outcome.OFTEN


@pytest.mark.parametrize("there", [True, False])
def test_a_config_whose_text_is_not_installed_is_not_offered(there, monkeypatch):
    monkeypatch.setattr(outcome, "_DEMO", "numpy" if there else "no_such_package")
    monkeypatch.setattr(sys, "argv", ["jaxemb"])
    assert outcome.of_demo("polysemy", "polysemy") == [("polysemy", "polysemy")] * there


def test_a_terminal_gets_the_paths_of_pictures_and_not_their_markdown(tmp_path, capsys):
    text = "# head\n\n- a line\n\n![spectrum](spectrum.png)\n![rows](rows.png)\n"
    (tmp_path / "report.md").write_text(text)
    progress.show(text)
    assert capsys.readouterr().out.rstrip() == "# head\n\n- a line"
    outcome.end(tmp_path, report="report.md")
    lines = capsys.readouterr().out.splitlines()
    assert lines[2:] == [f"picture: {tmp_path / name}.png" for name in ("spectrum", "rows")]
