"""The scripts as a person meets them: what they leave, what they say, how they end."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import ladder
import numpy as np
import prepare
import pytest
import train
from safetensors.numpy import load_file

from jaxemb import command_line, report, runs, training

ROOT = Path(__file__).parents[1]

CONFIG = '''
"""A run of a second."""
from jaxemb import learners, objectives
from jaxemb.config import Corpus, StaticConfig

config = StaticConfig(
    corpus=Corpus(path=("text.txt",), min_count=1, held_out=0.1),
    objective=objectives.skipgram, learner=learners.row_sparse,
    dim=8, epochs=3, chunk=4, batch=4, workdir="run",
)
'''


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with a text of two topics and a config, to be run in."""
    random = np.random.default_rng(0)
    lines = [
        " ".join(f"{'xyz'[i % 3]}{'abcdefgh'[j]}" for j in random.integers(0, 8, 20))
        for i in range(600)
    ]
    (tmp_path / "text.txt").write_text("\n".join(lines))
    (tmp_path / "config.py").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def no_pictures(monkeypatch):
    """Drawing takes a second, and its own test."""
    monkeypatch.setattr(report, "_draw", lambda *ignored: [])


def run(script, *arguments: str, monkeypatch, code: int = 0) -> None:
    monkeypatch.setattr(sys, "argv", [f"{script.__name__}.py", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        command_line.run(script.main)
    assert stop.value.code == code


def test_a_run_leaves_everything_its_report_speaks_of(place, monkeypatch, capsys):
    run(train, "config.py", monkeypatch=monkeypatch)
    out = capsys.readouterr()
    folder = place / "run"
    promised = "tables.safetensors vocab.txt config.json metrics.jsonl report.json report.md"
    assert set(os.listdir(folder)) >= set(promised.split())
    assert {"checkpoint.safetensors", "tables.safetensors.tmp"}.isdisjoint(os.listdir(folder))
    tables = load_file(folder / "tables.safetensors")
    assert {name: (t.shape, str(t.dtype)) for name, t in tables.items()} == {
        "input": ((24, 8), "float32"),
        "output": ((24, 8), "float32"),
    }
    report = json.loads((folder / "report.json").read_text())
    assert report["rank"]["rank"] == np.linalg.matrix_rank(tables["input"]) == 8
    assert "the 8 columns are independent: rank 8 of 8" in out.out
    assert "the 24 rows are dependent: 24 words in 8 dimensions" in out.out
    assert out.err == ""  # no bar where nobody looks
    written = json.loads((folder / "config.json").read_text())
    assert written["config"]["objective"] == "jaxemb.static.objectives:skipgram"
    assert written["config"]["seed"] == 0
    assert "jax" in written["versions"]
    _tokens_add_up(report["tokens"], epochs=3)
    for picture in ("spectrum.png", "loss.png", "map.png"):
        assert (folder / picture).stat().st_size > 5000
        assert f"({picture})" in (folder / "report.md").read_text()


def _tokens_add_up(tokens: dict, epochs: int) -> None:
    assert tokens["read"] == tokens["kept"] + sum(tokens["dropped"].values()) == 12_000
    train_side = tokens["kept"] - tokens["held_out"]
    assert tokens["trained"] + tokens["subsampled"] == epochs * train_side
    # the tenth span of 1,000 ids; every 21st id is a sentence end
    assert tokens["held_out"] == sum(position % 21 != 20 for position in range(9000, 10_000))


@pytest.mark.usefixtures("no_pictures")
def test_the_loss_falls_on_text_that_was_held_out(place, monkeypatch):
    run(train, "config.py", "--epochs", "20", "--learning-rate", "0.1", monkeypatch=monkeypatch)
    rows = [json.loads(line) for line in (place / "run/metrics.jsonl").read_text().splitlines()]
    held_out = [row["held_out"] for row in rows if "held_out" in row]
    assert len(held_out) == 21
    assert held_out[-1] < held_out[0] - 0.3


@pytest.mark.usefixtures("no_pictures")
def test_a_finished_run_reports_again_without_training(place, monkeypatch, capsys):
    run(train, "config.py", monkeypatch=monkeypatch)
    first = capsys.readouterr().out
    monkeypatch.setattr(training, "events", None)  # calling it would fail
    run(train, "config.py", "--chunk", "7", monkeypatch=monkeypatch)
    assert capsys.readouterr().out == first


@pytest.mark.usefixtures("no_pictures")
def test_another_config_in_the_same_folder_is_refused_with_the_difference(
    place, monkeypatch, capsys
):
    run(train, "config.py", monkeypatch=monkeypatch)
    before = {p: p.read_bytes() for p in (place / "run").rglob("*") if p.is_file()}
    capsys.readouterr()
    run(train, "config.py", "--dim", "9", "--window", "3", monkeypatch=monkeypatch, code=2)
    error = capsys.readouterr().err
    assert "dim was 8, now 9; window was 5, now 3" in error
    assert {p: p.read_bytes() for p in (place / "run").rglob("*") if p.is_file()} == before


def _interrupt_after(events: int, monkeypatch) -> None:
    """Ctrl-C while a chunk is being trained."""
    original = training.events

    def interrupted(*arguments, **options):
        for i, event in enumerate(original(*arguments, **options)):
            if i == events:
                os.kill(os.getpid(), signal.SIGINT)
            yield event

    monkeypatch.setattr(training, "events", interrupted)


@pytest.mark.usefixtures("no_pictures")
@pytest.mark.parametrize("after", [0, 5])
@pytest.mark.parametrize("optimizer", ["sgd", "adagrad"])
def test_ctrl_c_saves_and_the_same_command_ends_at_the_same_bits(
    place, monkeypatch, capsys, after, optimizer
):
    config = CONFIG
    if optimizer == "adagrad":
        config = config.replace("learners.row_sparse,", "row_adagrad,") + (
            "\n"  # the config's function is found in the config's own file
        )
        config = config.replace(
            "config = Static",
            "def row_adagrad(objective, cap):\n"
            "    return learners.row_sparse(objective, optimizer=learners.adagrad, cap=cap)\n\n"
            "config = Static",
        )
    (place / "config.py").write_text(config)
    run(train, "config.py", "--workdir", "whole", monkeypatch=monkeypatch)
    with monkeypatch.context() as patch:
        _interrupt_after(after, patch)
        run(train, "config.py", monkeypatch=patch, code=130)
    assert "run the same command to continue" in capsys.readouterr().err
    assert not (place / "run/tables.safetensors").exists()
    run(train, "config.py", "--chunk", "3", monkeypatch=monkeypatch)
    whole, resumed = (load_file(place / f / "tables.safetensors") for f in ("whole", "run"))
    for name in whole:
        np.testing.assert_array_equal(whole[name], resumed[name])
    tokens = [
        json.loads((place / f / "report.json").read_text())["tokens"] for f in ("whole", "run")
    ]
    assert tokens[0] == tokens[1]


BAD = {
    "no config": (["nothing.py"], "no such config"),
    "no argument": ([], "usage"),
    "missing file": (["config.py", "--corpus.path", "no.txt"], "no.txt: no such file"),
    "glob without match": (["config.py", "--corpus.path", "*.nope"], "no file matches"),
    "empty text": (["config.py", "--corpus.path", "empty.txt"], "no tokens"),
    "one word": (["config.py", "--corpus.path", "one.txt"], "vocabulary has 1 word"),
    "all too rare": (["config.py", "--corpus.min-count", "5000"], "would keep a word"),
    "bad utf-8": (["config.py", "--corpus.path", "bad.txt"], "bad.txt: line 2, byte 5: 0xff"),
    "dim 0": (["config.py", "--dim", "0"], "dim is 0; it must be at least 1"),
    "window 0": (["config.py", "--window", "0"], "window is 0; it must be at least 1"),
    "held out 1": (["config.py", "--corpus.held-out", "1"], "held_out is 1.0"),
    "learning rate 0": (["config.py", "--learning-rate", "0"], "learning_rate is 0.0"),
    "too large": (["config.py", "--dim", "1000000000"], "GiB: --dim"),
    "unwritable": (["config.py", "--workdir", "/proc/run"], "/proc/run: cannot be written to"),
    "a file in the way": (["config.py", "--workdir", "text.txt"], "text.txt: cannot be written"),
}


@pytest.mark.usefixtures("no_pictures")
@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_line_and_exit_code_2_and_leaves_no_half(place, monkeypatch, capsys, name):
    arguments, said = BAD[name]
    (place / "empty.txt").write_text("")
    (place / "one.txt").write_text("word " * 100)
    (place / "bad.txt").write_bytes(b"good\n\xff\n")
    run(train, *arguments, monkeypatch=monkeypatch, code=2)
    error = capsys.readouterr().err
    assert said in error
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    leftover = [p for p in (place / "run").rglob("*") if p.is_file()]
    assert not [p for p in leftover if p.suffix == ".tmp" or p.name.startswith("tables")]


def test_a_typo_in_an_option_is_told_the_nearest(place, monkeypatch, capsys):
    run(train, "config.py", "--dimm", "3", monkeypatch=monkeypatch, code=2)
    assert "--dim" in capsys.readouterr().err


def test_bad_bytes_can_be_replaced_and_are_counted(place, monkeypatch, capsys):
    (place / "bad.txt").write_bytes(b"good word\n\xff\xfe word good\n" * 9)
    options = ("--corpus.path", "bad.txt", "--bad-utf8", "replace")
    run(prepare, "out", *options, monkeypatch=monkeypatch)
    assert "18 bad characters replaced" in capsys.readouterr().out


def test_a_loss_that_is_not_finite_ends_with_code_3_and_no_tables(place, monkeypatch, capsys):
    run(train, "config.py", "--learning-rate", "1e38", monkeypatch=monkeypatch, code=3)
    error = capsys.readouterr().err
    assert "step" in error
    assert "epoch 1" in error
    assert not (place / "run/tables.safetensors").exists()


@pytest.mark.usefixtures("no_pictures")
def test_prepared_text_is_shared_by_runs(place, monkeypatch, capsys):
    options = ("--corpus.path", "text.txt", "--corpus.min-count", "1")
    run(prepare, "out", *options, monkeypatch=monkeypatch)
    assert "tokens: 12,000 read = 12,000 kept" in capsys.readouterr().out
    run(train, "config.py", "--corpus.prepared", "out", monkeypatch=monkeypatch)
    assert not (place / "run/corpus").exists()


@pytest.mark.usefixtures("no_pictures")
def test_the_ladder_shows_both_rungs_and_the_word(place, monkeypatch, capsys):
    run(train, "config.py", monkeypatch=monkeypatch)
    capsys.readouterr()
    run(ladder, "xa", "--run", "run", monkeypatch=monkeypatch)
    out = " ".join(capsys.readouterr().out.split())
    for said in ("one-hot", "static", "24"):
        assert said in out
    assert (place / "run/ladder.png").stat().st_size > 5000
    run(ladder, "nothere", "--run", "run", monkeypatch=monkeypatch, code=2)
    run(ladder, "xa", "--run", "nowhere", monkeypatch=monkeypatch, code=2)
    assert "holds no finished run" in capsys.readouterr().err


def test_a_killed_run_is_continued_by_the_same_command(place):
    """SIGTERM to a real process, as a cluster sends it."""
    command = [sys.executable, str(ROOT / "scripts/train.py"), "config.py", "--epochs", "400"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    metrics = place / "run/metrics.jsonl"
    while process.poll() is None and not (metrics.exists() and metrics.stat().st_size > 2000):
        pass
    process.send_signal(signal.SIGTERM)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 143, error
    assert "run the same command to continue" in error
    assert runs.checkpoints.cursor(place / "run/checkpoint.safetensors")["step"] > 0
