"""Laws of the seconds of a run. Oracle: a clock that the test turns."""

import itertools

import pytest

from jaxemb.errors import Interrupted
from jaxemb.lab import progress
from jaxemb.lab.durable import loop
from jaxemb.lab.durable.budget import Budget
from jaxemb.lab.workdir import Workdir
from tests.lab.durable.test_loop import STEPS, counting


class Clock:
    """Seconds that pass by `every` each time that they are read."""

    def __init__(self, every: float) -> None:
        self.now, self.every = 0.0, every

    def __call__(self) -> float:
        self.now += self.every
        return self.now


def _run(folder, seconds, every=1.0, **options):
    folder.mkdir(exist_ok=True)
    with_meter = {"meter": lambda event, loss: None, "every": 0.0}
    return loop.run(
        counting(), Workdir.of(folder), seconds=seconds, clock=Clock(every), **with_meter, **options
    )


@pytest.mark.parametrize("seconds", [3.0, 7.5])
def test_a_run_ends_after_its_seconds_which_leave_out_the_first_chunk(tmp_path, seconds):
    _, cursor = _run(tmp_path / "run", seconds)
    rows = progress.logged(tmp_path / "run" / progress.METRICS)
    spent = [row["seconds"] for row in rows]
    assert spent[0] == 0.0  # the first chunk compiles
    assert cursor.step == rows[-1]["step"]
    # the chunk in which they are spent, and the one that was under way
    assert spent[-2] >= seconds > spent[-3]


def test_a_run_of_more_seconds_than_it_needs_and_of_none_ends_with_its_text(tmp_path):
    whole, cursor = _run(tmp_path / "none", None)
    long, last = _run(tmp_path / "long", 1e9)
    assert cursor == last
    assert cursor.step == STEPS
    assert (whole.table == long.table).all()
    assert all("seconds" not in row for row in progress.logged(tmp_path / "none/metrics.jsonl"))


def test_the_seconds_of_an_interrupted_run_are_counted_with_those_of_the_next(tmp_path):
    import os
    import signal

    def interrupt(event):
        if event.cursor.step == 5:
            os.kill(os.getpid(), signal.SIGINT)
        return {}

    with pytest.raises(Interrupted):
        _run(tmp_path / "run", 12.0, watch=loop.Watch(step=interrupt))
    before = progress.logged(tmp_path / "run/metrics.jsonl")[-1]
    assert 0 < before["seconds"] < 12
    _, cursor = _run(tmp_path / "run", 12.0)
    rows = [r for r in progress.logged(tmp_path / "run/metrics.jsonl") if "seconds" in r]
    assert rows[-2]["seconds"] >= 12 > rows[-3]["seconds"]
    assert all(a["seconds"] <= b["seconds"] for a, b in itertools.pairwise(rows))
    assert cursor.step < STEPS


def test_what_is_skipped_is_not_counted():
    event = next(counting().events(counting().start(), loop.Cursor()))
    now = [0.0]
    budget = Budget(10.0, 2.0, lambda: now[0])
    assert budget.counted(event).done == 0.2
    now[0] = 3.0
    assert budget.counted(event).done == 0.5
    now[0] = 100.0  # measuring
    budget.skip()
    now[0] = 104.0
    assert not budget.spent
    assert budget.counted(event).done == 0.9
    now[0] = 105.5
    assert budget.counted(event).done == 1.0
    assert budget.spent
    assert budget.row == {"seconds": 10.5}
