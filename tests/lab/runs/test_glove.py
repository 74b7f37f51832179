"""GloVe as a method of factor.py. Oracles: the logarithms of counts; runs that were not stopped."""

import os
import signal

import factor
import numpy as np
import pytest
from safetensors.numpy import load_file

from jaxemb.errors import InputError, Interrupted, NumericalError
from jaxemb.lab.durable import checkpoints
from jaxemb.lab.runs.counts import glove, report
from jaxemb.structs import Sparse, Vocab
from jaxemb.training import learners
from tests.scripts.test_train import run

WORDS = 15


def _cells() -> Sparse:
    """Counts of words of two kinds, which meet their own kind more."""
    random = np.random.default_rng(0)
    kind = np.arange(WORDS) % 2
    mean = np.where(kind[:, None] == kind[None, :], 9.0, 1.0)
    counts = random.poisson(mean * random.uniform(0.5, 2, (WORDS, 1))) + 0.5
    counts[0, 3:] = 0  # cells that were never seen
    rows, columns = (side.astype(np.int32) for side in np.nonzero(counts))
    return Sparse(rows, columns, counts[rows, columns].astype(np.float32))


CELLS = _cells()
VOCAB = Vocab(tuple("abcdefghijklmno"), np.arange(WORDS, 0, -1))
SMALL = {"dim": 4, "batch": 16, "chunk": 4, "epochs": 6}


def fit(**settings):
    return glove.glove(CELLS, VOCAB, **{**SMALL, **settings})


def _same(one, other) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one.tables, other.tables, strict=True))


def test_words_that_meet_the_same_words_end_up_alike():
    calls = []
    factored = fit(epochs=40, progress=lambda *counts: calls.append(counts))
    unit = factored.tables.input / np.linalg.norm(factored.tables.input, axis=1, keepdims=True)
    cosine, kind = unit @ unit.T, np.arange(WORDS) % 2
    alike, off = kind[:, None] == kind[None, :], ~np.eye(WORDS, dtype=bool)
    assert cosine[alike & off].mean() > cosine[~alike].mean() + 0.3
    assert factored.account["losses"][-1] < 0.2 * factored.account["losses"][0]
    assert calls[-1] == (40 * len(CELLS.values),) * 2
    assert factored.account["trained"] == 40 * len(CELLS.values)


def test_the_optimizer_is_a_value():
    rates = []

    def optimizer(learning_rate):
        rates.append(learning_rate)
        return learners.adagrad_stanford(learning_rate)

    factored = fit(optimizer=optimizer, learning_rate=0.05)
    assert rates == [0.05]
    assert factored.account["losses"][-1] < factored.account["losses"][0]


def test_the_contexts_are_added_or_not(tmp_path):
    both, alone = fit(workdir=tmp_path), fit(add_contexts=False)
    np.testing.assert_array_equal(both.tables.output, alone.tables.output)
    np.testing.assert_array_equal(both.tables.input, alone.tables.input + alone.tables.output)
    biases = load_file(tmp_path / glove.BIASES)
    assert {name: bias.shape for name, bias in biases.items()} == {
        "input": (WORDS,),
        "output": (WORDS,),
    }
    w, c = alone.tables
    apart = w @ c.T + biases["input"][:, None] + biases["output"][None, :]
    errors = apart[CELLS.rows, CELLS.columns] - np.log(CELLS.values)
    assert np.sqrt(np.mean(errors**2)) < 0.6 * np.std(np.log(CELLS.values))


@pytest.mark.as_users_compile(always=False)
def test_an_interrupted_training_goes_on_to_the_same_bits(tmp_path):
    whole, chunks = fit(), []

    def stop(done, total):
        del total
        chunks.append(done)
        if len(chunks) in (2, 7):
            os.kill(os.getpid(), signal.SIGINT)

    for _ in range(2):
        with pytest.raises(Interrupted, match="run the same command to continue"):
            fit(workdir=tmp_path, progress=stop)
    resumed = fit(workdir=tmp_path, progress=stop)
    assert _same(resumed, whole)
    assert resumed.account == whole.account
    assert chunks == sorted(set(chunks))  # no chunk was trained twice


def test_what_cannot_be_trained_is_refused():
    with pytest.raises(InputError, match="epochs is 0"):
        fit(epochs=0)
    with pytest.raises(InputError, match="learning_rate is -1"):
        fit(learning_rate=-1.0)
    with pytest.raises(NumericalError, match=r"is finite.* lower learning_rate"):
        fit(learning_rate=1e30)


CONFIG = '''
"""GloVe of a second."""
from jaxemb.counts import cooccurrence as counts
from jaxemb.lab import Corpus, GloveConfig
from jaxemb.lab.runs.counts import glove as glove_training

config = GloveConfig(
    corpus=Corpus(path=("text.txt",), min_count=1, subsample=0, held_out=0),
    method=glove_training.glove, window=3, weight=counts.harmonic,
    dim=4, epochs=2, batch=16, workdir="run",
)
'''


def test_factor_trains_glove_and_leaves_vectors_biases_and_an_account(
    tmp_path, monkeypatch, capsys
):
    random = np.random.default_rng(0)
    lines = (" ".join(random.choice(list("abcdefgh"), 20)) for _ in range(40))
    (tmp_path / "text.txt").write_text("\n".join(lines))
    (tmp_path / "config.py").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(report, "write", lambda config, result: result.remarks[0])
    run(factor, "config.py", monkeypatch=monkeypatch)
    out = capsys.readouterr().out
    assert "128 cells trained in 8 steps, each of 64 2 times" in out
    vectors = load_file(tmp_path / "run/tables.safetensors")
    assert {name: table.shape for name, table in vectors.items()} == {
        "input": (8, 4),
        "output": (8, 4),
    }
    assert (tmp_path / "run" / glove.BIASES).is_file()
    assert not (tmp_path / "run" / checkpoints.FOLDER).exists()
    monkeypatch.setattr(glove.glove_lib, "events", None)  # calling it would fail
    run(factor, "config.py", monkeypatch=monkeypatch)
    assert capsys.readouterr().out == out
    run(factor, "config.py", "--x-max", "0", monkeypatch=monkeypatch, code=2)
    assert "x_max is 0" in capsys.readouterr().err
