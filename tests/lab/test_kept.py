"""Runs that were interrupted and kept: every later version resumes them.

`python -m tests.lab.test_kept` makes them anew, for a format that cannot resume older folders.
"""

import hashlib
import json
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import factor
import numpy as np
import pytest
import train
import train_contextual
from safetensors.numpy import load_file

from jaxemb.lab import progress, workdir
from jaxemb.lab.durable import checkpoints, tensors
from tests.scripts.test_train import draw_nothing, run

KEPT = Path(__file__).parent / "kept"
SCRIPTS = {"static": train, "contextual": train_contextual, "glove": factor}
RESULTS = {
    "static": "tables.safetensors",
    "contextual": "model.safetensors",
    "glove": "biases.safetensors",
}
EXPECTED = "expected.json"
CONFIGS = {
    "static": """from jaxemb import learners, objectives
from jaxemb.lab import Corpus, StaticConfig

config = StaticConfig(
    corpus=Corpus(path=("text.txt",), min_count=2, held_out=0.1),
    objective=objectives.skipgram, learner=learners.row_sparse,
    dim=4, epochs=3, chunk=2, batch=4, workdir="run",
)
""",
    "contextual": """from jaxemb.contextual import members, models
from jaxemb.lab import ContextualConfig, Corpus

config = ContextualConfig(
    corpus=Corpus(path=("text.txt",), min_count=2, mark_unknown=True, held_out=0.1),
    model=members.lstm, optimizer=models.adagrad, dev=0.1,
    dim=4, units=4, layers=1, unroll=6, batch=4, chunk=3, epochs=2, samples=5, workdir="run",
)
""",
    "glove": """from jaxemb.counts import cooccurrence
from jaxemb.lab import Corpus
from jaxemb.lab.runs.counts import glove
from jaxemb.lab.runs.counts.config import GloveConfig

config = GloveConfig(
    corpus=Corpus(path=("text.txt",), min_count=2, held_out=0.1),
    method=glove.glove, weight=cooccurrence.harmonic,
    dim=4, epochs=3, batch=4, chunk=2, workdir="run",
)
""",
}
KINDS = pytest.mark.parametrize("kind", CONFIGS)


def _begin(kind: str, folder: Path) -> None:
    """Write a text of two topics and a config."""
    random = np.random.default_rng(0)
    words = [list("abcdef"), list("uvwxyz")]
    lines = [" ".join(random.choice(words[i % 2], 8)) for i in range(160)]
    (folder / "text.txt").write_text("\n".join([*lines, "once"]) + "\n")
    (folder / "config.py").write_text(CONFIGS[kind])


def _interrupted(kind: str, patch: pytest.MonkeyPatch, after: int = 4) -> None:
    """Train here until Ctrl-C, while a chunk is being trained."""
    original, chunks = progress.Log.add, []

    def add(self, cursor, **values):
        original(self, cursor, **values)
        chunks.extend([cursor] * ("loss" in values))
        if len(chunks) == after:
            os.kill(os.getpid(), signal.SIGINT)

    patch.setattr(progress.Log, "add", add)
    run(SCRIPTS[kind], "config.py", monkeypatch=patch, code=130)
    patch.setattr(progress.Log, "add", original)


def _facts(kind: str) -> dict:
    """What of a finished run depends on no machine."""
    ids = Path("run/corpus/ids.bin").read_bytes()
    report = json.loads(Path("run/report.json").read_text())
    lines = progress.logged(Path("run") / progress.METRICS)
    return {
        "vocabulary_sha256": hashlib.sha256(Path("run/vocab.txt").read_bytes()).hexdigest(),
        "ids_sha256": hashlib.sha256(ids).hexdigest(),
        "tokens": report["tokens"],
        "cursor": tensors.cursor(Path("run") / RESULTS[kind]),
        "steps": sorted({line["step"] for line in lines if "loss" in line}),
    }


@pytest.fixture
def kept(kind, tmp_path, monkeypatch) -> Path:
    """A copy of a kept run, where the test is."""
    shutil.copytree(KEPT / kind, tmp_path / kind)
    monkeypatch.chdir(tmp_path / kind)
    draw_nothing(monkeypatch)
    return tmp_path / kind


@KINDS
def test_a_kept_run_is_of_this_format_and_stands_in_the_middle(kind, kept):
    assert json.loads((kept / "run" / workdir.CONFIG).read_text())["format"] == workdir.FORMAT
    newest = checkpoints.newest(workdir.Workdir.of(kept / "run").place)
    assert newest is not None
    steps = json.loads((kept / EXPECTED).read_text())["steps"]
    assert 0 < newest.cursor["step"] < steps[-1]


@KINDS
def test_a_kept_run_resumes_to_its_end(kind, kept, monkeypatch):
    before = (kept / "run" / progress.METRICS).read_text()
    run(SCRIPTS[kind], "config.py", monkeypatch=monkeypatch)
    assert (kept / "run" / progress.METRICS).read_text().startswith(before)
    assert _facts(kind) == json.loads((kept / EXPECTED).read_text())


@KINDS
def test_a_kept_run_ends_as_one_that_was_not_interrupted(kind, kept, monkeypatch):
    """Up to rounding: it was begun on another machine. A table that is misread is far away."""
    run(SCRIPTS[kind], "config.py", monkeypatch=monkeypatch)
    # a begun run keeps the defaults that it began under: another number of noise words
    then = ("--shared-negatives", "24") if kind == "static" else ()
    run(SCRIPTS[kind], "config.py", "--workdir", "whole", *then, monkeypatch=monkeypatch)
    resumed, whole = (load_file(folder + "/" + RESULTS[kind]) for folder in ("run", "whole"))
    assert resumed.keys() == whole.keys()
    for name, table in whole.items():
        np.testing.assert_allclose(resumed[name], table, rtol=0, atol=1e-4 * np.abs(table).max())


def make() -> None:
    """Write all kept runs, with what they are expected to end as."""
    for kind in CONFIGS:
        folder = KEPT / kind
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        _begin(kind, folder)
        with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as scratch:
            draw_nothing(patch)
            patch.chdir(folder)
            _interrupted(kind, patch)
            for older in sorted((folder / "run/checkpoints").iterdir())[:-1]:
                shutil.rmtree(older)
            shutil.copytree(folder, Path(scratch) / kind)
            patch.chdir(Path(scratch) / kind)
            run(SCRIPTS[kind], "config.py", monkeypatch=patch)
            expected = json.dumps(_facts(kind), indent=1, sort_keys=True)
        (folder / EXPECTED).write_text(expected + "\n")


if __name__ == "__main__":
    sys.path.insert(0, "scripts")
    make()
