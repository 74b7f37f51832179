"""Laws of a report's sentences: they say of a table what linalg measures, and each thing once."""

import functools
import re

import numpy as np
import pytest

from jaxemb import learners, linalg, objectives
from jaxemb.lab import Corpus, StaticConfig, report
from jaxemb.lab.runs.static import steps as runs_steps
from jaxemb.lab.tables import inspection
from jaxemb.static import steps

RANDOM = np.random.default_rng(0)
TALL = RANDOM.normal(size=(60, 5))
TABLES = {
    "wide": RANDOM.normal(size=(8, 20)),
    "square": RANDOM.normal(size=(7, 7)),
    "tall": TALL.astype(np.float32),
    "wide and dependent": np.vstack([np.eye(3, 9), np.ones((1, 3)) @ np.eye(3, 9)]),
    "orthonormal columns": np.linalg.qr(TALL)[0],
    "orthogonal rows": 2 * np.linalg.qr(TALL)[0].T,
    "identity": np.eye(4),
    "one row": np.ones((1, 4)),
    "undecided": TALL @ np.diag([1, 1, 1, 1, 3e-16]),
}


def _text(name: str, words=None) -> str:
    return inspection.markdown(inspection.describe(TABLES[name], words))


@pytest.mark.parametrize("name", TABLES)
def test_rows_are_called_dependent_where_linalg_says_so_and_nowhere_else(name):
    table, text = TABLES[name], " ".join(_text(name).split())
    dependent = bool(linalg.dependence(table[: table.shape[1] + 1]))
    assert ("an explicit dependence among" in text) == dependent
    assert ("with coefficients of length 1 is zero" in text) == (not dependent)
    assert not (dependent and "rows are independent" in text)
    assert not (not dependent and "rows are dependent" in text)


@pytest.mark.parametrize("name", TABLES)
def test_the_verdict_on_the_rank_stands_once(name):
    text, report_ = " ".join(_text(name).split()), linalg.summary(TABLES[name]).rank
    assert text.count(str(report_)) == 1
    assert len(re.findall(r"\brank \d+ of", text)) == 1


@pytest.mark.parametrize("name", TABLES)
def test_orthogonal_columns_and_rows_are_called_so_and_no_others(name):
    table, text = TABLES[name], _text(name)
    for side, rows in (("columns", False), ("rows", True)):
        held = linalg.orthogonality(table, rows=rows)
        kind = "orthonormal" if held.unit else "orthogonal to each other"
        assert (f"the {side} are orth" in text) == bool(held.orthogonal)
        assert (f"the {side} are {kind}" in text) == bool(held.orthogonal)
    assert "far from orthogonal" not in text


def test_rows_without_words_are_named_as_rows():
    words = [f"w{i}" for i in range(60)]
    plain, named = _text("tall"), _text("tall", words)
    assert re.sub(r"\brow (\d+)", r"w\1", " ".join(plain.split())) == " ".join(named.split())
    assert len(re.findall(r"[-+]\d\.\d{3} row \d+", " ".join(plain.split()))) == 4


@pytest.mark.parametrize("name", TABLES)
def test_no_line_of_a_table_in_sentences_begins_with_a_number(name):
    lines = [line for line in _text(name).split("\n") if not line.startswith("|")]
    assert [line for line in lines if re.match(r"\s*[(\[]?[-+]?\d", line)] == []
    assert max(map(len, lines)) <= report.WIDTH


@pytest.mark.parametrize("seed", range(20))
def test_items_keep_their_words_and_no_line_begins_with_a_number(seed):
    random = np.random.default_rng(seed)
    parts = ["a", "word", "3", "-0.5", "(7", "+1e3,", "of"]
    items = [f"- of {' '.join(random.choice(parts, 60))}" for _ in range(3)]
    rest = ["", "| 1 | 2 |", "5 is text"]
    whole = report.wrapped("\n".join(["# head", "", *items, *rest]))
    assert whole.split() == " ".join(["# head", *items, *rest]).split()
    assert whole.endswith("\n".join(rest))
    lines = whole.split("\n")
    assert not any(re.match(r"  [(\[]?[-+]?\d", line) for line in lines)
    assert len(lines) > len(items) + 5
    assert report.wrapped(whole) == whole


@pytest.mark.parametrize("sums", [True, False])
def test_summed_updates_are_told_of_the_learner_that_sums_them_alone(sums):
    learner = learners.row_sparse if sums else functools.partial(learners.dense, optimizer=None)
    config = StaticConfig(Corpus(), objective=objectives.skipgram, learner=learner, workdir="run")
    step = steps.Step(4, None, steps.Load(0.0123, 0.00456), None)
    account = {**runs_steps.account(config, step), "ran_away": None}
    assert {"blocks", "cap", "most", "mean", "said"} < set(account)
    text = runs_steps.markdown(account)
    assert ("0.0123 in the row" in text and "0.00456 in that" in text) == sums
    assert ("scaled by the optimizer" in text) == (not sums)
