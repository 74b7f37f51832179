"""Laws of the scripts as their users run them: files, output, exit codes."""

import json
import os
import shlex
import shutil
import signal
import sys
from pathlib import Path

import ladder
import neighbors
import numpy as np
import prepare
import pytest
import train
from safetensors.numpy import load_file, save_file

from jaxemb import formats
from jaxemb.errors import FormatError
from jaxemb.evaluation import bundled
from jaxemb.lab import command_line, progress, report as reports, workdir
from jaxemb.lab.durable import checkpoints
from jaxemb.training import loop

ROOT = Path(__file__).parents[2]

CONFIG = '''
"""A run of a second."""
from jaxemb import learners, objectives
from jaxemb.lab import Corpus, StaticConfig

config = StaticConfig(
    corpus=Corpus(path=("text.txt",), min_count=1, held_out=0.1),
    objective=objectives.skipgram, learner=learners.row_sparse,
    dim=8, epochs=3, chunk=4, batch=4, workdir="run",
)
'''


def _begin(folder: Path) -> None:
    """Write a text of three topics and a config."""
    random = np.random.default_rng(0)
    lines = [
        " ".join(f"{'xyz'[i % 3]}{'abcdefgh'[j]}" for j in random.integers(0, 8, 20))
        for i in range(600)
    ]
    (folder / "text.txt").write_text("\n".join(lines))
    (folder / "config.py").write_text(CONFIG)


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with a text and a config; the working directory."""
    _begin(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def _finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished")
    _begin(folder)
    train_in(folder)
    return folder


@pytest.fixture
def trained(_finished, tmp_path, monkeypatch):
    """A folder with a finished run; the working directory."""
    shutil.copytree(_finished, tmp_path, dirs_exist_ok=True, copy_function=shutil.copy2)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def no_pictures(monkeypatch):
    draw_nothing(monkeypatch)


def draw_nothing(patch: pytest.MonkeyPatch) -> None:
    """Draw no pictures: drawing takes a second, and has its own test."""
    patch.setattr(reports, "shown", lambda draw: "")


def train_in(folder: Path) -> None:
    """Train by the config of a folder, and draw no pictures."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        draw_nothing(patch)
        run(train, "config.py", monkeypatch=patch)


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
    assert {"checkpoints", "tables.safetensors.tmp"}.isdisjoint(os.listdir(folder))
    tables = load_file(folder / "tables.safetensors")
    assert {name: (t.shape, str(t.dtype)) for name, t in tables.items()} == {
        "input": ((24, 8), "float32"),
        "output": ((24, 8), "float32"),
    }
    report = json.loads((folder / "report.json").read_text())
    assert report["rank"]["rank"] == np.linalg.matrix_rank(tables["input"]) == 8
    assert "the 8 columns are independent: rank 8 of 8" in out.out
    assert "the 24 rows are dependent: 24 vectors in 8 dimensions" in out.out
    assert out.err == ""  # no progress bar without a terminal
    written = json.loads((folder / "config.json").read_text())
    assert written["config"]["objective"] == "jaxemb.static.objectives:skipgram"
    assert written["config"]["seed"] == 0
    assert "jax" in written["versions"]
    _tokens_add_up(report["tokens"], epochs=3)
    for picture in ("spectrum.png", "loss.png", "map.png"):
        assert (folder / picture).stat().st_size > 5000
        assert f"({picture})" in (folder / "report.md").read_text()


def _next_commands(printed: str) -> list[list[str]]:
    """The commands that are printed after `next:`, as a shell divides them."""
    lines = printed[printed.index("next:") :].removeprefix("next:").splitlines()
    return [shlex.split(line) for line in lines]


SCRIPTS = {"neighbors.py": neighbors, "ladder.py": ladder}


def test_the_commands_that_a_run_ends_with_can_be_typed_as_they_are(place, monkeypatch, capsys):
    run(train, "config.py", "--neighbours-of", "nobody", monkeypatch=monkeypatch)
    printed = capsys.readouterr().out
    assert "written: run\nreport:  run/report.md\n" in printed
    assert "- not in the vocabulary: nobody; frequent words take their place" in printed
    if bundled.test_files():  # one line, and no table of scores
        assert printed.count("no item has all its words in this text") == 1
    assert "Spearman" not in printed
    assert "questions known" not in printed
    commands = _next_commands(printed)
    assert [command[1] for command in commands] == list(SCRIPTS)
    for _, script, *arguments in commands:
        run(SCRIPTS[script], *arguments, monkeypatch=monkeypatch)


@pytest.mark.usefixtures("no_pictures")
def test_a_run_without_a_report_gets_it_from_the_same_command_with_one(place, monkeypatch, capsys):
    run(train, "config.py", "--no-report", monkeypatch=monkeypatch)
    printed = capsys.readouterr().out
    assert printed.startswith("written: run\nnext:")
    assert "without --no-report" in printed
    made = (place / "run/tables.safetensors").stat()
    assert not (place / "run/report.md").exists()
    run(train, "config.py", monkeypatch=monkeypatch)
    assert (place / "run/report.md").exists()
    assert (place / "run/tables.safetensors").stat().st_mtime_ns == made.st_mtime_ns


def _tokens_add_up(tokens: dict, epochs: int) -> None:
    assert tokens["read"] == tokens["kept"] + sum(tokens["dropped"].values()) == 12_000
    train_side = tokens["kept"] - tokens["held_out"]
    assert tokens["trained"] + tokens["subsampled"] == epochs * train_side
    # the tenth span of 1,000 ids; every 21st id is a sentence end
    assert tokens["held_out"] == sum(position % 21 != 20 for position in range(9000, 10_000))


def _logged(place):
    return progress.logged(place / "run" / progress.METRICS)


@pytest.mark.usefixtures("no_pictures")
def test_the_loss_falls_on_text_that_was_held_out(place, monkeypatch):
    run(train, "config.py", "--epochs", "20", "--learning-rate", "0.1", monkeypatch=monkeypatch)
    rows = [json.loads(line) for line in (place / "run/metrics.jsonl").read_text().splitlines()]
    held_out = [row["held_out"] for row in rows if "held_out" in row]
    assert len(held_out) == 21
    assert held_out[-1] < held_out[0] - 0.3


@pytest.mark.usefixtures("no_pictures")
def test_a_text_of_few_words_takes_small_steps_and_one_remark_says_so(place, monkeypatch, capsys):
    (place / "text.txt").write_text("the cat sat on the mat\n" * 200)
    arguments = ("config.py", "--batch", "32", "--corpus.subsample", "0", "--corpus.held-out", "0")
    run(train, *arguments, monkeypatch=monkeypatch)
    printed = capsys.readouterr()
    written = json.loads((place / "run/config.json").read_text())["config"]
    assert written["batch"] < 32
    assert written["cap"] == 0.25
    remark = f"batch is {written['batch']}, and a step moves a vector by 0.25 at most"
    assert printed.err.count(remark) == 1
    assert remark in " ".join((place / "run/report.md").read_text().split())
    assert json.loads((place / "run/report.json").read_text())["step"]["cap"] == 0.25
    longest = max(
        np.linalg.norm(t, axis=1).max() for t in load_file("run/tables.safetensors").values()
    )
    assert longest < 3 * 2.3  # training by single pairs in float64 has rows up to 2.3 long
    run(train, *arguments, monkeypatch=monkeypatch)  # reports again
    assert remark not in capsys.readouterr().err


@pytest.mark.usefixtures("no_pictures")
def test_a_finished_run_reports_again_without_training(place, monkeypatch, capsys):
    run(train, "config.py", monkeypatch=monkeypatch)
    first = capsys.readouterr().out
    written = json.loads((place / "run/config.json").read_text())
    del written["config"]["negatives"], written["config"]["corpus"]["bad_utf8"]  # an older version
    (place / "run/config.json").write_text(json.dumps(written))
    monkeypatch.setattr(loop, "events", None)  # calling it would fail
    run(train, "config.py", "--chunk", "7", monkeypatch=monkeypatch)
    assert capsys.readouterr().out == first


@pytest.mark.usefixtures("no_pictures")
def test_another_config_in_the_same_folder_is_refused_with_the_difference(
    trained, monkeypatch, capsys
):
    before = {p: p.read_bytes() for p in (trained / "run").rglob("*") if p.is_file()}
    run(train, "config.py", "--dim", "9", "--window", "3", monkeypatch=monkeypatch, code=2)
    error = capsys.readouterr().err
    assert "dim was 8, now 9; window was 5, now 3" in error
    assert {p: p.read_bytes() for p in (trained / "run").rglob("*") if p.is_file()} == before


@pytest.mark.parametrize("number", [None, 0, 2])
def test_a_run_of_another_format_is_refused_by_its_version_and_its_tables_are_read(
    trained, monkeypatch, capsys, number
):
    path = trained / "run/config.json"
    written = json.loads(path.read_text())
    assert written.pop("format") == workdir.FORMAT
    if number is not None:
        written["format"] = number
    written["versions"]["jaxemb"] = "0.0.9"
    path.write_text(json.dumps(written))
    run(train, "config.py", monkeypatch=monkeypatch, code=2)
    error = capsys.readouterr().err
    assert f"holds a run of jaxemb 0.0.9 in format {number or 0}" in error
    assert len(error.strip().splitlines()) == 1
    vocab, tables = workdir.load(trained / "run")
    assert formats.read(trained / "run").words == vocab.words
    np.testing.assert_array_equal(formats.read(trained / "run").vectors, tables.input)
    words = (trained / "run/vocab.txt").read_text().splitlines(keepends=True)
    (trained / "run/vocab.txt").write_text("".join(words[:-1]))
    with pytest.raises(FormatError, match=f"vocab.txt: {len(words) - 1:,} words; expected"):
        formats.read(trained / "run")


def _interrupt_after(events: int, monkeypatch) -> None:
    """Ctrl-C while a chunk is being trained."""
    original = loop.events

    def interrupted(*arguments, **options):
        for i, event in enumerate(original(*arguments, **options)):
            if i == events:
                os.kill(os.getpid(), signal.SIGINT)
            yield event

    monkeypatch.setattr(loop, "events", interrupted)


@pytest.mark.usefixtures("no_pictures")
@pytest.mark.parametrize(("after", "optimizer"), [(0, "adagrad"), (5, "sgd")])
def test_a_run_resumed_after_ctrl_c_is_bit_identical(place, monkeypatch, capsys, after, optimizer):
    config = CONFIG
    if optimizer == "adagrad":  # its state is saved too, and its name is the same in both runs
        partial = "functools.partial(learners.row_sparse, optimizer=learners.adagrad)"
        config = config.replace("learners.row_sparse", partial).replace(
            "from", "import functools\nfrom", 1
        )
    (place / "config.py").write_text(config)
    run(train, "config.py", "--workdir", "whole", monkeypatch=monkeypatch)
    with monkeypatch.context() as patch:
        _interrupt_after(after, patch)
        run(train, "config.py", monkeypatch=patch, code=130)
    assert "run the same command to continue" in capsys.readouterr().err
    assert not (place / "run/tables.safetensors").exists()
    # a resumed run measures later steps only: the saved step has been measured
    saved = checkpoints.newest(workdir.Workdir.of(place / "run").place)
    assert saved is not None
    step = saved.cursor["step"]
    assert any(row["step"] == step and "loss" in row for row in _logged(place))
    run(train, "config.py", "--chunk", "3", monkeypatch=monkeypatch)
    continued = f"continued from step {step:,}"
    assert capsys.readouterr().err.splitlines() == [continued]
    assert [row["note"] for row in _logged(place) if row["step"] == step and "note" in row] == [
        continued
    ]
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
    "too large": (["config.py", "--dim", "1000000000"], "GiB: lower --dim"),
    "noise power": (["config.py", "--noise-power", "300"], "noise_power is 300"),
    "seed": (["config.py", "--seed", "99999999999999999999"], "must be below 2^32"),
    "batch": (["config.py", "--batch", "1000000000000000"], "a step"),
    "no user": (["config.py", "--corpus.path", "~nosuchuser/x"], "no such file"),
    "empty path": (["config.py", "--corpus.path", ""], "path of the corpus is empty"),
    "long path": (["config.py", "--corpus.path", "x" * 300], "no such file"),
    "memory": (["config.py", "--memory", "-1"], "memory is -1.0; it must be above 0"),
    "unwritable": (["config.py", "--workdir", "/proc/run"], "/proc/run: cannot be written to"),
    "a file in the way": (["config.py", "--workdir", "text.txt"], "text.txt: cannot be written"),
}


@pytest.mark.usefixtures("no_pictures")
@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_an_error_of_one_line_with_code_2_and_leaves_nothing_half_written(
    place, monkeypatch, capsys, name
):
    arguments, message = BAD[name]
    (place / "empty.txt").write_text("")
    (place / "one.txt").write_text("word " * 100)
    (place / "bad.txt").write_bytes(b"good\n\xff\n")
    run(train, *arguments, monkeypatch=monkeypatch, code=2)
    error = capsys.readouterr().err
    assert message in error
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    # the noise is checked after the text is prepared, and the prepared text is kept
    assert (place / "run").exists() == (name == "noise power")
    assert not list(place.rglob("*.tmp"))


def test_a_mistyped_option_names_the_nearest_one(place, monkeypatch, capsys):
    run(train, "config.py", "--dimm", "3", monkeypatch=monkeypatch, code=2)
    error = capsys.readouterr().err
    assert "--dim" in error
    assert error.count("\n") == 1


def test_bad_bytes_can_be_replaced_and_are_counted(place, monkeypatch, capsys):
    (place / "bad.txt").write_bytes(b"good word\n\xff\xfe word good\n" * 9)
    options = ("--corpus.path", "bad.txt", "--bad-utf8", "replace")
    run(prepare, "out", *options, monkeypatch=monkeypatch)
    assert "18 bad characters replaced" in capsys.readouterr().out


def test_a_loss_that_is_not_finite_ends_with_code_3_and_no_tables(place, monkeypatch, capsys):
    run(train, "config.py", "--learning-rate", "1e38", monkeypatch=monkeypatch, code=3)
    error = capsys.readouterr().err
    assert "at step " in error
    assert "in epoch 1, tokens 0 to 262,144" in error
    assert not (place / "run/tables.safetensors").exists()


@pytest.mark.usefixtures("no_pictures")
def test_a_failed_run_without_checkpoint_does_not_block_its_folder(place, monkeypatch):
    run(train, "config.py", "--learning-rate", "1e38", monkeypatch=monkeypatch, code=3)
    run(train, "config.py", monkeypatch=monkeypatch)


@pytest.mark.usefixtures("no_pictures")
def test_the_dense_learner_trains_from_a_config(place, monkeypatch):
    (place / "config.py").write_text(CONFIG.replace("learners.row_sparse", "learners.dense"))
    run(train, "config.py", monkeypatch=monkeypatch)


def test_one_dimension_and_words_with_signs_can_be_drawn(place, monkeypatch, capsys):
    odd = r"$\foo$ a|b [/x] $"
    (place / "text.txt").write_text(f"{odd} plain words\n" * 300)
    config = CONFIG.replace("min_count=1", "min_count=1, tokenizer=str.split")
    (place / "config.py").write_text(config)
    run(train, "config.py", "--dim", "1", monkeypatch=monkeypatch)
    assert r"a\|b" in (place / "run/report.md").read_text()
    run(ladder, "[/x]", "--run", "run", monkeypatch=monkeypatch)
    report = json.loads((place / "run/report.json").read_text(), parse_constant=pytest.fail)
    assert report["similarity"] == {} or report["similarity"]["WordSim-353"]["value"] is None


def _damage(name: str, data: bytes):
    return lambda place: (place / "run" / name).write_bytes(data)


def _other_arrays(place):
    save_file({"other": np.ones(3)}, place / "run/tables.safetensors", {"cursor": "{}"})


DAMAGE = {
    "config not json": (_damage("config.json", b"{"), "config.json: line 1: damaged"),
    "config empty": (_damage("config.json", b"{}"), "config.json: damaged"),
    "manifest torn": (_damage("corpus/manifest.json", b'{"form'), "manifest.json: line 1: damaged"),
    "manifest of another": (_damage("corpus/manifest.json", b"[]"), "manifest.json: damaged"),
    "vocabulary binary": (_damage("corpus/vocab.txt", b"\xff\xfe"), "vocab.txt: damaged"),
    "vocabulary torn": (_damage("corpus/vocab.txt", b"word\n"), "vocab.txt: line 1: got 'word'"),
    "ids cut": (_damage("corpus/ids.bin", b"1234"), "its manifest promises"),
    "ids beyond": (_damage("corpus/ids.bin", b"\x00\x00\x00\x40" * 12600), "wanted -1 (sent"),
    "tables cut": (_damage("tables.safetensors", b"xx"), "not a checkpoint"),
    "tables of another": (_other_arrays, "tables.safetensors"),
}


@pytest.mark.usefixtures("no_pictures")
@pytest.mark.parametrize("name", DAMAGE)
def test_damaged_files_are_named_in_one_line(trained, monkeypatch, capsys, name):
    damage, message = DAMAGE[name]
    damage(trained)
    run(train, "config.py", monkeypatch=monkeypatch, code=2)
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


@pytest.mark.usefixtures("no_pictures")
def test_a_torn_last_measurement_is_left_out(trained):
    before = _logged(trained)
    with (trained / "run/metrics.jsonl").open("a") as file:
        file.write('{"step": 9, "lo')
    assert _logged(trained) == before


HOME = "jaxemb.lab.runs.static.config"

WRONG_CONFIGS = {
    "config = (": "line 1: SyntaxError",
    "import no_such_module": "line 1: ModuleNotFoundError",
    f"from {HOME} import StaticConfig\nconfig = StaticConfig(dmi=4)": "line 2: TypeError",
    "x = 1": "`config` is NoneType: wanted config = StaticConfig(...)",
}


@pytest.mark.parametrize("text", WRONG_CONFIGS)
def test_a_config_that_cannot_be_read_is_named_with_its_line(place, monkeypatch, capsys, text):
    (place / "config.py").write_text(text)
    run(train, "config.py", monkeypatch=monkeypatch, code=2)
    assert f"config.py: {WRONG_CONFIGS[text]}" in capsys.readouterr().err


@pytest.mark.usefixtures("no_pictures")
def test_memory_is_predicted_for_a_corpus_that_was_there_already(place, monkeypatch, capsys):
    options = ("--corpus.path", "text.txt", "--corpus.min-count", "1")
    run(prepare, "out", *options, monkeypatch=monkeypatch)
    options = ("--corpus.prepared", "out", "--memory", "1e-9")
    run(train, "config.py", *options, monkeypatch=monkeypatch, code=2)
    assert "lower --dim" in capsys.readouterr().err


def test_a_workdir_inside_its_own_corpus_is_refused(place, monkeypatch, capsys):
    run(train, "config.py", "--corpus.path", str(place), monkeypatch=monkeypatch, code=2)
    assert "is inside the corpus" in capsys.readouterr().err


@pytest.mark.usefixtures("no_pictures")
def test_a_run_that_trained_nothing_says_so_on_the_terminal_and_in_its_report(
    place, monkeypatch, capsys
):
    (place / "text.txt").write_text("the cat sat on the mat\n")
    said = (
        "nothing was trained, and the vectors are those of the random start: subsampling left out"
    )
    for _ in range(2):  # also when it is only reported again
        run(train, "config.py", "--corpus.subsample", "1e-9", monkeypatch=monkeypatch)
        out = capsys.readouterr()
        assert f"warning: {said} 18 of 18 words" in out.err
        assert "or set --corpus.subsample 0\n" in out.err
        assert f"- {said}" in (place / "run/report.md").read_text()


@pytest.mark.usefixtures("no_pictures")
def test_prepared_text_is_shared_by_runs(place, monkeypatch, capsys):
    options = ("--corpus.path", "text.txt", "--corpus.min-count", "1")
    run(prepare, "out", *options, monkeypatch=monkeypatch)
    assert "tokens: 12,000 read = 12,000 kept" in capsys.readouterr().out
    run(train, "config.py", "--corpus.prepared", "out", monkeypatch=monkeypatch)
    assert not (place / "run/corpus").exists()


@pytest.mark.usefixtures("no_pictures")
def test_phrases_are_joined_reported_and_part_of_the_identity_of_a_corpus(
    place, monkeypatch, capsys
):
    phrases = ("--phrases", "2", "--phrase-score", "npmi", "--phrase-threshold", "0.2", "0.1")
    options = ("--corpus.path", "text.txt", "--corpus.min-count", "1")
    run(prepare, "out", *options, *phrases, monkeypatch=monkeypatch)
    out = capsys.readouterr().out
    assert "tokens: 12,000 read = " in out
    assert " joined)" in out
    assert " phrases (phrases.txt), the first: " in out
    shared = ("--corpus.prepared", "out")
    run(train, "config.py", *shared, *phrases, monkeypatch=monkeypatch)
    tokens = json.loads((place / "run/report.json").read_text())["tokens"]
    assert tokens["read"] == 12_000 == tokens["kept"] + tokens["dropped"]["joined"]
    assert any("_" in line for line in (place / "run/vocab.txt").read_text().splitlines())
    run(train, "config.py", *shared, "--workdir", "other", monkeypatch=monkeypatch, code=2)
    assert "out: was prepared from something else: phrases was" in capsys.readouterr().err
    run(prepare, "on", *options, "--phrase-score", "pmi", monkeypatch=monkeypatch, code=2)
    assert "pmi: wanted word2phrase, gensim, npmi" in capsys.readouterr().err


@pytest.mark.usefixtures("no_pictures")
def test_the_ladder_shows_both_rungs_and_the_word(trained, monkeypatch, capsys):
    run(ladder, "xa", "--run", "run", monkeypatch=monkeypatch)
    out = " ".join(capsys.readouterr().out.split())
    for text in ("one-hot", "static", "24"):
        assert text in out
    assert (trained / "run/ladder.png").stat().st_size > 5000
    run(ladder, "nothere", "--run", "run", monkeypatch=monkeypatch, code=2)
    run(ladder, "xa", "--run", "nowhere", monkeypatch=monkeypatch, code=2)
    assert "holds no finished run" in capsys.readouterr().err
