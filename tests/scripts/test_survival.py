"""Law: a training run killed at random moments and rerun leaves a bit-identical file.

Oracle: the file of an uninterrupted run. `--thorough --kills 200` kills 200 times.
"""

import numpy as np
import pytest

from jaxemb import formats
from jaxemb.formats import WordVectors
from tests import covering
from tests.killing import Job, Nursery, kill

STATIC = '''
"""Skip-gram of a few seconds."""
from jaxemb import learners, objectives
from jaxemb.lab import Corpus, StaticConfig

config = StaticConfig(
    corpus=Corpus(path=("text.txt",), min_count=1, held_out=0.1),
    objective=objectives.skipgram, learner=learners.row_sparse,
    dim=16, epochs={epochs}, chunk=32, batch=8, workdir="run", checkpoint_every=0.1,
)
'''
CONTEXTUAL = '''
"""A biLM of a few seconds."""
from jaxemb.contextual import members, models
from jaxemb.lab import ContextualConfig, Corpus

config = ContextualConfig(
    corpus=Corpus(path=("text.txt",), min_count=2, held_out=0.1, mark_unknown=True),
    model=members.lstm, optimizer=models.adagrad, vectors="given.bin", dev=0.1,
    dim=6, units=16, unroll=10, batch=8, chunk=8, epochs={epochs}, workdir="run",
    checkpoint_every=0.1,
)
'''


@pytest.fixture(scope="module")
def nursery():
    started = Nursery()
    yield started
    started.close()


def _job(folder, script: str, times: int) -> Job:
    draw = np.random.default_rng(0)
    lines = [" ".join("abcdefghijklmnop"[i] for i in draw.integers(0, 16, 20)) for _ in range(600)]
    (folder / "text.txt").write_text("once " + "\n".join(lines))
    if script == "train":
        (folder / "config.py").write_text(STATIC.format(epochs=min(40, 8 * times)))
        return Job(script, folder, "tables.safetensors")
    (folder / "config.py").write_text(CONTEXTUAL.format(epochs=min(14, 3 * times)))
    table = draw.normal(size=(16, 6)).astype(np.float32)
    formats.write(folder / "given.bin", WordVectors(tuple("abcdefghijklmnop"), table))
    return Job(script, folder, "model.safetensors")


@pytest.mark.parametrize("script", covering.first(1, ["train", "train_contextual"]))
def test_a_run_killed_at_random_moments_is_bit_identical_to_an_uninterrupted_one(
    tmp_path, nursery, script, request
):
    times = -(-request.config.getoption("--kills") // 2)
    job = _job(tmp_path, script, times)
    nursery.start(*job.command("whole"))
    assert nursery.code() == 0, (tmp_path / "output.txt").read_text()
    kills = kill(nursery, job, (tmp_path / "whole" / job.leaves).read_bytes(), times, seed=0)
    signals = ", ".join(f"{count} by {name}" for name, count in kills.signals.items())
    print(
        f"{script}: {times} kills ({signals}; {kills.saving} while saving) of {kills.runs} runs: "
        "bit-identical, no saved step lost"
    )
    assert sum(kills.signals.values()) == times
    assert kills.saving >= times // 4
