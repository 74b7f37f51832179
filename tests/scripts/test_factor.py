"""Laws of factor.py as its users run it: files, output, reuse of counts, errors."""

import json

import factor
import numpy as np
import pytest

from jaxemb.counts import cells as merging, cooccurrence, factorizations
from jaxemb.errors import InputError, NumericalError
from jaxemb.lab import workdir
from jaxemb.lab.runs.counts import report, run as counting
from jaxemb.lab.runs.counts.config import CountConfig, PmiConfig
from jaxemb.lab.runs.static.config import Corpus
from jaxemb.lab.tables import scores
from tests.scripts.test_train import run

CONFIG = '''
"""A run of a second."""
from jaxemb.counts import factorizations
from jaxemb.lab import Corpus, PmiConfig

config = PmiConfig(
    corpus=Corpus(path=("text.txt",), min_count=1, subsample=0.005, held_out=0.2),
    method=factorizations.ppmi_svd, dim=6, window=3, workdir="run", neighbours_of=("xa", "nobody"),
)
'''
WORDS = [f"{topic}{letter}" for topic in "xyz" for letter in "abcdefgh"]


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with a text of three topics and a config; the working directory."""
    random = np.random.default_rng(0)
    lines = [
        " ".join("xyz"[i % 3] + "abcdefgh"[j] for j in random.integers(0, 8, 20))
        for i in range(300)
    ]
    (tmp_path / "text.txt").write_text("\n".join(lines))
    (tmp_path / "config.py").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def no_report(monkeypatch):
    """Write no report: it takes seconds, and has its own test."""
    monkeypatch.setattr(report, "write", lambda config, result: "")


def test_a_run_leaves_what_every_script_reads_and_its_sums_hold(place, monkeypatch, capsys):
    nothing = scores.Tests((), ())  # no tests: the text lacks their words
    monkeypatch.setattr(scores, "at_hand", lambda: nothing)
    run(factor, "config.py", monkeypatch=monkeypatch)
    out = capsys.readouterr().out
    vocab, tables = workdir.load("run")
    assert sorted(vocab.words) == sorted(WORDS)
    assert tables.input.shape == tables.output.shape == (24, 6)
    written = json.loads((place / "run/report.json").read_text())
    tokens, counted = written["tokens"], written["counted"]
    assert tokens["read"] == tokens["kept"] == 6000
    assert tokens["held_out"] + tokens["subsampled"] + tokens["counted"] == 6000
    assert min(tokens["held_out"], tokens["subsampled"], tokens["counted"]) > 0
    # a line of n remaining words has n - d pairs at distance d, counted in both directions
    np.testing.assert_allclose(counted["sum"], 2 * np.dot([1, 2 / 3, 1 / 3], counted["pairs"]))
    topic = {word[0] for word, _ in written["neighbours"][0]["cosine"][:5]}
    assert topic == {"x"}  # words of the same lines
    assert written["neighbours_unknown"] == ["nobody"]
    assert len(written["factorization"]["singular_values"]) == 6
    for text in ("are above 0 in PMI - log 1", "singular values 6 are known", "factorization.png"):
        assert text in out
    assert out.startswith((place / "run/report.md").read_text().partition("![")[0].strip())
    assert "neighbors.py run xa" in out
    for picture in ("spectrum.png", "factorization.png"):
        assert (place / "run" / picture).stat().st_size > 1000


@pytest.mark.usefixtures("no_report")
def test_the_same_command_uses_what_is_there_and_another_shares_the_cells(place, monkeypatch):
    run(factor, "config.py", monkeypatch=monkeypatch)
    before = workdir.load("run")[1]

    def never(*_, **__):
        raise AssertionError("counted again")

    monkeypatch.setattr(cooccurrence, "count", never)
    run(factor, "config.py", monkeypatch=monkeypatch)
    np.testing.assert_array_equal(before.input, workdir.load("run")[1].input)
    more = ("--workdir", "other", "--cells", "run/cells", "--side-power", "1", "--dim", "3")
    run(factor, "config.py", *more, monkeypatch=monkeypatch)
    other = workdir.load("other")[1]
    np.testing.assert_allclose(other.output.T @ other.output, np.eye(3), atol=1e-5)


@pytest.mark.usefixtures("no_report")
def test_another_config_or_other_cells_are_refused_by_name(place, monkeypatch, capsys):
    run(factor, "config.py", monkeypatch=monkeypatch)
    run(factor, "config.py", "--dim", "4", monkeypatch=monkeypatch, code=2)
    assert "dim was 6, now 4" in capsys.readouterr().err
    more = ("--workdir", "other", "--cells", "run/cells", "--window", "2")
    run(factor, "config.py", *more, monkeypatch=monkeypatch, code=2)
    assert "window was 3, now 2" in capsys.readouterr().err
    (place / "run/cells" / merging.FILES.rows).write_bytes(b"")
    (place / "run" / workdir.TABLES).unlink()
    run(factor, "config.py", monkeypatch=monkeypatch, code=2)
    assert "cells.rows: has 0 bytes" in capsys.readouterr().err


@pytest.mark.usefixtures("no_report")
def test_cells_of_the_same_words_in_another_text_are_refused(place, monkeypatch, capsys):
    """Three of nine n and y become a phrase, which is too rare for the vocabulary."""
    with (place / "text.txt").open("a") as file:
        file.write("\nn xa y\n" * 6 + "n y\n" * 3)
    run(factor, "config.py", "--corpus.min-count", "5", monkeypatch=monkeypatch)
    more = ("--phrases", "1", "--phrase-min-count", "2", "--phrase-threshold", "50")
    again = ("--corpus.min-count", "5", "--workdir", "other", "--cells", "run/cells", *more)
    run(factor, "config.py", *again, monkeypatch=monkeypatch, code=2)
    assert "vocabulary_sha256 was" in capsys.readouterr().err
    words = [(place / folder / "vocab.txt").read_text() for folder in ("run", "other/corpus")]
    assert words[0] != words[1]
    assert words[0].count("\n") == words[1].count("\n")


@pytest.mark.usefixtures("no_report")
def test_an_interrupted_factorisation_keeps_the_cells_and_an_interrupted_count_nothing(
    place, monkeypatch
):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(merging, "write_cells", interrupted)
        run(factor, "config.py", monkeypatch=patched, code=130)
    assert not (place / "run/cells").exists()
    with monkeypatch.context() as patched:
        patched.setattr(factorizations.pmi, "ppmi", interrupted)
        run(factor, "config.py", monkeypatch=patched, code=130)
    kept = (place / "run/cells" / merging.FILES.values).stat().st_mtime_ns
    run(factor, "config.py", monkeypatch=monkeypatch)
    assert (place / "run/cells" / merging.FILES.values).stat().st_mtime_ns == kept
    assert (place / "run" / workdir.TABLES).exists()


def test_cells_that_do_not_add_up_are_an_error_of_numbers():
    cells = cooccurrence.cooccurrence(np.array([0, 1, 0, 1]), 2, cooccurrence.Window(1))
    with pytest.raises(NumericalError, match=r"their sum is 6.0, that of pairs 8.0"):
        counting._account(cooccurrence.Counted(cells, np.array([4]), 4, 0), cooccurrence.Window(1))


def _own(cells, vocab, *, dim, smoothing=1.0, progress=None):
    return dim, smoothing


def test_a_method_gets_the_settings_that_it_names():
    config = CountConfig(Corpus(path=("t",)), "w", _own, dim=7, cells="folder")
    assert config.build_method()(None, None) == (7, 1.0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"window": 0}, "window is 0"),
        ({"left": False, "right": False}, "left and right are both off"),
        ({"negatives": 0.0}, "negatives is 0.0; it must be above 0"),
        ({"negatives": float("inf")}, "negatives is inf; it must be above 0 and finite"),
        ({"noise_power": -1.0}, "noise_power is -1.0"),
        ({"noise_power": float("inf")}, "noise_power is inf"),
        ({"side_power": 1.5}, "side_power is 1.5; it must be between 0 and 1"),
        ({"dim": 0}, "dim is 0"),
        ({"corpus": Corpus(path=("t",), mark_unknown=True)}, "mark_unknown is for language"),
    ],
)
def test_a_setting_out_of_its_range_is_refused(settings, message):
    defaults = {"corpus": Corpus(path=("t",)), "workdir": "w", "method": factorizations.ppmi_svd}
    with pytest.raises(InputError, match=message):
        PmiConfig(**{**defaults, **settings}).check()
