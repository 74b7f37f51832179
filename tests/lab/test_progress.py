"""Laws of bars and of what is shown meanwhile. Oracle: arithmetic, on a clock of the test."""

import builtins
import re
import warnings

import pytest

from jaxemb.lab import progress
from jaxemb.structs import Cursor, Event, Refused

CHUNK = 1000  # words
TOTAL = 200  # chunks of a run


@pytest.fixture
def terminal(monkeypatch):
    """Rich takes stderr for a terminal of many columns."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "200")


def _after(chunks: int) -> Event:
    """The event that follows this many chunks of the run."""
    at, after = (Cursor(step=n, trained=n * CHUNK) for n in (chunks - 1, chunks))
    return Event(None, at, after, 1.0, chunks / TOTAL, False, Refused())


def _shown(text: str) -> tuple[str, str]:
    """The last words/s and time left that a terminal got."""
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text)
    return re.findall(r"([\d,]+) words/s.*?(-:--:--|\d+:\d\d:\d\d)", plain)[-1]


@pytest.mark.parametrize("seconds", [2, 45])  # for one chunk
@pytest.mark.parametrize("before", [0, 120])  # chunks of an earlier session
@pytest.mark.usefixtures("terminal")
def test_speed_and_time_left_are_those_of_this_session(before, seconds, capsys):
    now, chunks = [500.0], 5
    with progress.Bar(clock=lambda: now[0]) as meter:
        now[0] += 90.0  # compiling is no part of the speed
        for chunk in range(before + 1, before + 1 + chunks):
            now[0] += seconds
            rate = meter(_after(chunk), 1.0)
    assert rate == pytest.approx(CHUNK / seconds)
    left = (TOTAL - before - chunks) * seconds
    expected = f"{left // 3600}:{left // 60 % 60:02}:{left % 60:02}"
    assert _shown(capsys.readouterr().err) == (f"{CHUNK / seconds:,.0f}", expected)


def test_an_epoch_ends_at_the_first_measurement_after_it():
    rows = [
        {"step": 3, "words": 30, "epoch": 2},
        {"step": 0, "words": 0, "epoch": 0},
        {"step": 1, "note": "resumed"},
        {"step": 1, "words": 10, "epoch": 0},
        {"step": 2, "words": 20, "epoch": 1},
        {"step": 4, "words": 40, "epoch": 2},
        {"step": 5, "words": 50, "epoch": None},
    ]
    assert progress.epoch_ends(rows) == {1: 20, 2: 30}
    assert progress.epoch_ends([{"words": 10}]) == {}


class ZMQInteractiveShell:
    """What IPython's kernel is called, by which rich knows a notebook."""


def test_a_notebook_shows_a_bar_without_ipywidgets(monkeypatch, capsys):
    monkeypatch.setattr(builtins, "get_ipython", ZMQInteractiveShell, raising=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # rich warns that it wants ipywidgets
        with progress.Bar() as meter:
            meter(_after(TOTAL), 1.25)
    out = capsys.readouterr()
    lines = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", out.err).splitlines()
    assert out.out == ""
    assert any(re.match(r"training .*100% loss 1\.250", line) for line in lines)
    assert all(line[:8] in ("", "training") for line in lines)  # one line, written over


@pytest.mark.usefixtures("terminal")
def test_a_terminal_is_shown_that_the_report_is_being_made(capsys):
    with progress.measuring():
        pass
    assert "measuring ..." in capsys.readouterr().err


def test_without_a_terminal_nothing_is_shown_while_the_report_is_made(capsys):
    with progress.measuring():
        pass
    out = capsys.readouterr()
    assert (out.out, out.err) == ("", "")
