"""Laws of fault-tolerant training. Oracle: the same training run undisturbed, bit for bit.

First a training run of a few numbers, whose every step is known; then NaN is planted in batches,
gradients and tables of real training runs.
"""

import contextlib
import errno
import json
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import train
import train_contextual

from jaxemb.contextual import training as contextual_training
from jaxemb.counts import glove
from jaxemb.errors import InputError, Interrupted, NumericalError
from jaxemb.files import Disk
from jaxemb.lab.durable import checkpoints, loop
from jaxemb.lab.durable.checkpoints import Place
from jaxemb.lab.workdir import Workdir
from jaxemb.structs import Cursor, Event, Refused, Training
from jaxemb.training import loop as training
from tests import patience
from tests.lab.durable.test_checkpoints import UNSYNCED, failing
from tests.lab.runs import test_glove as glove_tests
from tests.scripts import test_train as script_tests, test_train_contextual as contextual_tests
from tests.scripts.test_train import run as run_script
from tests.training.test_training import (
    _plan_and_text,
    text as text,  # a fixture
)

STEPS = 30


GROWTH = np.float32(0.9)


class State(NamedTuple):
    table: Any
    slots: Any  # of an optimizer
    refused: Any


def counting(fails=lambda step: False, spoils=lambda step: None, seen=None) -> Training:
    """One step per chunk, whose update is known; at steps that `fails`, the update is refused."""

    def start() -> State:
        table = np.zeros((5, 2), np.float32)
        return State(table, table + 1, Refused())

    def events(state, at):
        for step in range(at.step, STEPS):
            in_a_row, in_all = state.refused
            if fails(step):
                state = state._replace(refused=Refused(in_a_row + 1, in_all + 1))
            else:
                table = state.table * GROWTH + np.arange(10, dtype=np.float32).reshape(5, 2) * step
                slots = state.slots + np.float32(step)
                state = State(table, slots, Refused(np.int32(0), in_all))
            if name := spoils(step):
                spoiled = np.array(getattr(state, name))
                spoiled[step % 5, 0] = np.nan
                state = state._replace(**{name: spoiled})
            if seen is not None:
                seen.append(step)
            at, after = Cursor(step=step), Cursor(step=step + 1)
            yield Event(state, at, after, 0.0, (step + 1) / STEPS, False, state.refused)

    where = "step {}, tokens {} to {}".format
    return Training(
        start,
        events,
        lambda event: where(event.began.step + 1, 10 * event.began.step, 10 * event.began.step + 9),
    )


class Once:
    """Steps at which something happens, the first few times that they are reached."""

    def __init__(self, steps, times: int = 1) -> None:
        self.left = dict.fromkeys(steps, times)

    def __call__(self, step: int) -> bool:
        self.left[step] = self.left.get(step, 0) - 1
        return self.left[step] >= 0


class Burst:
    """Steps at which something happens, until the training run was rolled back."""

    def __init__(self, steps) -> None:
        self._steps, self._last = set(steps), -1

    def __call__(self, step: int) -> bool:
        if step <= self._last and step in self._steps:
            self._steps = set()
        self._last = max(step, self._last)
        return step in self._steps


def durably(tmp_path, program: Training, *, stop=None, disk: Disk = UNSYNCED, **options):
    """A fault-tolerant training run, and the lines that it reports."""
    place, lines = Place(tmp_path / "run" / "checkpoints", {}, disk=disk), []
    settings = {"every": 0.0, "say": lines.append, "stop": [] if stop is None else stop, **options}
    return loop.Durable(program, place, **settings), lines


def ends(run: loop.Durable) -> Any:
    """The state at the end; every checkpoint is finished before the next step."""
    for _ in run.events():
        run._saver.wait()
    return run.state


def _same(one: Any, other: Any) -> None:
    jax.tree.map(np.testing.assert_array_equal, one, other)


@pytest.fixture(scope="module")
def undisturbed() -> State:
    *_, last = counting().events(counting().start(), Cursor())
    return last.state


def test_a_checkpoint_is_made_of_the_first_event_and_then_of_every_interval(tmp_path):
    run, _ = durably(tmp_path, counting(), every=1e9)
    saving = [saving for _, saving in run.events()]
    assert saving == [True] + [False] * (STEPS - 1)
    checkpoint = checkpoints.newest(Place(tmp_path / "run" / "checkpoints", {}))
    assert checkpoint is not None
    assert checkpoint.cursor["step"] == 1


@pytest.mark.parametrize("last", [1, 7, STEPS - 1])
def test_a_stopped_training_goes_on_to_the_same_bits(tmp_path, last, undisturbed):
    stop = [signal.SIGTERM] if last == 1 else []
    run, _ = durably(tmp_path, counting(), stop=stop, every=1e9)
    steps = []

    def until_stopped() -> None:
        for event, _ in run.events():
            steps.append(event.cursor.step)
            if event.cursor.step == last - 1:
                stop.append(signal.SIGTERM)

    with pytest.raises(Interrupted, match=rf"step {last:,}, saved in .*run: run the same command"):
        until_stopped()
    assert steps == list(range(1, last + 1))
    again, _ = durably(tmp_path, counting())
    _same(ends(again), undisturbed)


def test_one_that_is_asked_to_stop_at_its_end_ends(tmp_path, undisturbed):
    stop: list[int] = []
    run, _ = durably(tmp_path, counting(), stop=stop)
    for event, _ in run.events():
        if event.cursor.step == STEPS:
            stop.append(signal.SIGINT)
    _same(run.state, undisturbed)


# --- disks ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("times", [1, 12])
def test_a_disk_that_is_full_at_any_operation_does_not_end_a_training(tmp_path, times, undisturbed):
    warned = 0
    for at in range(0, 22 if times == 1 else 40, 1 if times == 1 else 8):
        place = tmp_path / str(at)
        run, lines = durably(place, counting(), disk=failing(at, times))
        _same(ends(run), undisturbed)
        assert all("no checkpoint was saved (No space left on device)" in line for line in lines)
        warned += bool(lines)
        folder = place / "run" / "checkpoints"
        # saved again since: a checkpoint of the end, and no other files
        assert {path.name[:5] for path in folder.iterdir()} == {"step-"}
        checkpoint = checkpoints.newest(Place(folder, {}))
        assert checkpoint is not None
        assert checkpoint.cursor["step"] >= STEPS - 1
    print(f"{warned} training runs survived a full disk")
    assert warned > 3


def _gone(folder: Path) -> None:
    shutil.rmtree(folder.parent)


def _a_file(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_text("in the way")


@pytest.mark.parametrize("harm", [_gone, _a_file])
def test_a_folder_that_vanishes_does_not_end_a_training(tmp_path, harm, undisturbed):
    run, lines = durably(tmp_path, counting())
    folder = tmp_path / "run" / "checkpoints"
    for event, _ in run.events():
        if event.began.step == 5:
            run._saver.wait()
            harm(folder)
    _same(run.state, undisturbed)
    assert bool(lines) == (harm is _a_file)  # a missing folder is made again


def test_a_disk_that_cannot_be_written_any_more_does_not_end_a_training(tmp_path, undisturbed):
    def write(path, data):
        if path.parent.name[-6:] >= "000005":
            raise OSError(errno.EROFS, "Read-only file system")
        path.write_bytes(data)

    run, lines = durably(tmp_path, counting(), disk=UNSYNCED._replace(write=write))
    _same(ends(run), undisturbed)
    assert "Read-only file system" in lines[0]
    checkpoint = checkpoints.newest(Place(tmp_path / "run" / "checkpoints", {}))
    assert checkpoint is not None
    assert checkpoint.cursor["step"] <= 4


def test_one_that_is_stopped_with_a_full_disk_says_that_it_was_not_saved(tmp_path):
    run, lines = durably(tmp_path, counting(), stop=[signal.SIGINT], disk=failing(0, 10**6))
    with pytest.raises(Interrupted, match="which could not be saved"):
        ends(run)
    assert "No space left" in lines[0]


# --- numbers that are not finite ------------------------------------------------------------------


def test_fewer_refused_updates_than_patience_change_nothing_but_themselves(tmp_path):
    bad = set(range(10, 10 + loop.PATIENCE - 1))
    run, lines = durably(tmp_path, counting(bad.__contains__))
    events = list(run.events())
    assert lines == [f"updates that were not finite, and were left out: {len(bad)}"]
    assert [event.cursor.step for event, _ in events] == list(range(1, STEPS + 1))
    # while updates are refused, nothing is saved
    saved = {e.cursor.step for e, saving in events if saving and not e.refused.in_a_row}
    assert not saved & {step + 1 for step in bad}


def test_as_many_as_patience_go_back_and_end_at_the_bits_of_one_undisturbed(tmp_path, undisturbed):
    fails = Burst(range(10, 10 + loop.PATIENCE))
    run, lines = durably(tmp_path, counting(fails))
    _same(ends(run), undisturbed)
    place = "numbers are not finite at step 11, tokens 100 to 109: going back to step "
    assert [line.startswith(place) for line in lines] == [True]
    assert 1 <= int(lines[0].removeprefix(place)) <= 10


@pytest.mark.parametrize("part", ["table", "slots"])
@pytest.mark.parametrize("step", [0, 23, STEPS - 1])
def test_a_number_that_spoils_the_state_is_never_saved(tmp_path, part, step, undisturbed):
    once = Once([step])
    program = counting(spoils=lambda at: part if once(at) else None)
    run, lines = durably(tmp_path, program)
    _same(ends(run), undisturbed)
    assert len(lines) == 1
    assert "numbers are not finite at step" in lines[0]


def test_one_that_fails_again_is_an_error_with_its_place(tmp_path):
    run, lines = durably(tmp_path, counting(lambda step: step >= 15))
    with pytest.raises(NumericalError, match=r"step 16, tokens 150 to 159, twice: lower learning"):
        ends(run)
    assert len(lines) == 1
    checkpoint = checkpoints.newest(Place(tmp_path / "run" / "checkpoints", {}))
    assert checkpoint is not None
    assert checkpoint.cursor["step"] <= 15


def test_failing_later_and_later_is_gone_back_from_each_time(tmp_path, undisturbed):
    once = Once([5, 17, 27])
    run, lines = durably(tmp_path, counting(spoils=lambda at: "table" if once(at) else None))
    _same(ends(run), undisturbed)
    assert len(lines) == 3


class Planted:
    """A second of skip-gram training, with NaN in what some steps read."""

    def __init__(self, text) -> None:
        plan, (self.resources, self.rows), self.split = _plan_and_text(text)
        plain = plan.learner

        def step(state, blocks, rate, trainable):
            # the rate marks such a step: it is negative, or multiplied by 2^20
            batch, gradient = (jnp.where(bad, jnp.nan, 1.0) for bad in (rate < 0, rate > 1))
            blocks = blocks._replace(weight=blocks.weight * batch, target=blocks.target * gradient)
            rate = jnp.where(rate > 1, rate / 2**20, jnp.abs(rate))
            return plain.step(state, blocks, rate, trainable)

        self.plan = plan._replace(learner=plain._replace(step=step))
        self.program = training.one(self.plan)

    def __call__(self, where: str, bad: Burst) -> Training:
        def chunk(state, first, count, texts, rates, resources):
            hit = np.zeros(len(rates), bool)
            hit[: int(count)] = [bad(int(first) + i) for i in range(int(count))]
            if where == "table" and hit.any():
                spoiled = state.tables.input.at[int(first) % 12, 0].set(jnp.nan)
                state = state._replace(tables=state.tables._replace(input=spoiled))
            mark = {"batch": -1.0, "gradient": 2.0**20, "table": 1.0}[where]
            marked = rates * np.where(hit, np.float32(mark), np.float32(1))
            return self.program.chunk(state, first, count, texts, marked, resources)

        own = self.program._replace(chunk=chunk)
        rest = (self.resources, self.split)
        return Training(
            lambda: own.start(self.rows),
            lambda state, at: training.events(self.plan, state, *rest, at, own),
            training.where,
        )


def test_planted_nan_is_never_saved_and_gone_back_from_to_the_same_bits(tmp_path, text):
    build, random = Planted(text), np.random.default_rng(0)
    run, _ = durably(tmp_path, build("table", Burst([])))
    whole, steps = ends(run), run.cursor.step
    for number, where in enumerate(["batch", "gradient", "table"] * 3):
        long = 1 if where == "table" else loop.PATIENCE + 8  # to the end of a chunk of 8
        first = int(random.integers(steps - long))
        program = build(where, Burst(range(first, first + long)))
        run, lines = durably(tmp_path / str(number), program)
        _same(ends(run), whole)  # snapshots.take refuses NaN: none was saved
        assert len(lines) == 1
        assert "numbers are not finite at step" in lines[0]
        assert ", tokens " in lines[0]


def test_single_steps_that_fail_are_left_out_however_many(tmp_path, text):
    program = Planted(text)("batch", Burst(range(0, 10**6, 8)))
    run, lines = durably(tmp_path, program)
    state = ends(run)
    assert run.cursor.step > 8 * loop.PATIENCE
    assert np.isfinite(state.tables.input).all()
    left_out = -(-run.cursor.step // 8)
    assert tuple(state.refused) == (0, left_out)
    assert lines == [f"updates that were not finite, and were left out: {left_out}"]


def test_nan_among_glove_s_cells_is_gone_back_from_to_the_same_bits(tmp_path, monkeypatch, capsys):
    (tmp_path / "whole").mkdir()
    (tmp_path / "run").mkdir()
    whole, original = glove_tests.fit(workdir=tmp_path / "whole"), glove._train
    bad, calls = Once(range(6, 10)), iter(range(10**6))  # of 4 steps each

    def spoiled(state, cells, *rest):
        values = cells.values * jnp.where(bad(next(calls)), jnp.nan, 1.0)
        return original(state, cells._replace(values=values), *rest)

    monkeypatch.setattr(glove, "_train", spoiled)
    resumed = glove_tests.fit(workdir=tmp_path / "run")
    assert "numbers are not finite at step" in capsys.readouterr().err
    assert glove_tests._same(resumed, whole)
    assert resumed.account == whole.account


def _rows(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


static_place, no_pictures = script_tests.place, script_tests.no_pictures
contextual_place = contextual_tests.place


@pytest.mark.usefixtures("no_pictures")
def test_a_run_writes_down_what_it_refused_and_where_it_ends(static_place, monkeypatch, capsys):
    one = training.one
    lasting = Once([60], times=2)

    def planted(plan):
        program = one(plan)

        def chunk(state, first, *rest):
            if any(lasting(int(first) + i) for i in range(4)):
                spoiled = jax.tree.map(lambda leaf: leaf * jnp.nan, state.tables)
                state = state._replace(tables=spoiled)
            return program.chunk(state, first, *rest)

        return program._replace(chunk=chunk)

    monkeypatch.setattr(training, "one", planted)
    run_script(train, "config.py", monkeypatch=monkeypatch, code=3)
    error = capsys.readouterr().err
    assert "error: numbers are not finite at step 61, in epoch 2, tokens 0 to 262,144, twice" in (
        error.replace("\n", " ")
    )
    rows = _rows(static_place / "run")
    assert any("going back to step 4" in row.get("note", "") for row in rows)
    refused = [(row["step"], row["refused"]) for row in rows if "refused" in row]
    assert refused[:2] == [(64, 4), (68, 8)]
    run_script(train, "config.py", monkeypatch=monkeypatch)  # the third time nothing is planted
    assert np.isfinite(_rows(static_place / "run")[-1]["held_out"])


def test_a_language_model_goes_back_to_the_same_bits_and_writes_it_down(
    contextual_place, monkeypatch, capsys
):
    run_script(train_contextual, "config.py", "--workdir", "whole", monkeypatch=monkeypatch)
    original, batch, table = contextual_training._chunk, Burst(range(6, 18)), Once([1])

    def chunk(rule, state, resources, steps, first, real, windows):
        forward, backward = windows
        weight = np.array(forward.weight)
        for i in range(real):
            weight[i] *= np.nan if batch(first + i) else 1
        if any(table(first + i) for i in range(real)):
            spoiled = contextual_training.table_of(state.params).at[0, 0].set(jnp.nan)
            state = state._replace(params=contextual_training.with_table(state.params, spoiled))
        pair = (forward._replace(weight=weight), backward)
        return original(rule, state, resources, steps, first, real, pair)

    monkeypatch.setattr(contextual_training, "_chunk", chunk)
    run_script(train_contextual, "config.py", monkeypatch=monkeypatch)
    whole, again = ((contextual_place / name) for name in ("whole", "run"))
    assert (whole / "model.safetensors").read_bytes() == (again / "model.safetensors").read_bytes()
    assert capsys.readouterr().err.count("numbers are not finite at step") == 2
    rows = _rows(again)
    notes = [row["note"] for row in rows if "note" in row]
    assert [note[-20:] for note in notes] == ["going back to step 0", "going back to step 3"]
    losses = [row["step"] for row in rows if "loss" in row]
    assert losses == sorted(set(losses))  # what was trained twice is logged once
    assert all(row["largest_norm"] > 0 for row in rows if "loss" in row)


# --- two in one folder ----------------------------------------------------------------------------


@pytest.fixture
def in_its_place(request):
    """A function that trains in the folder `run` and checks the exit code, for each kind of run."""
    if request.param == "glove":
        (request.getfixturevalue("tmp_path") / "run").mkdir()
        request.getfixturevalue("monkeypatch").chdir(request.getfixturevalue("tmp_path"))

        def fit(code: int) -> None:
            with pytest.raises(InputError) if code else contextlib.nullcontext():
                glove_tests.fit(workdir="run")

        return fit
    script = {"static": train, "contextual": train_contextual}[request.param]
    request.getfixturevalue(f"{request.param}_place")
    patch = request.getfixturevalue("monkeypatch")
    return lambda code: run_script(script, "config.py", monkeypatch=patch, code=code)


@pytest.mark.parametrize("in_its_place", ["static", "contextual", "glove"], indirect=True)
@pytest.mark.usefixtures("no_pictures")
def test_of_two_trainings_in_one_folder_the_second_is_refused_and_leaves_no_trace(in_its_place):
    folder = Path("run")
    folder.mkdir(exist_ok=True)
    (folder / "metrics.jsonl").write_text("the first one's")
    with Workdir.of(folder).alone():
        in_its_place(2)
        assert (folder / "metrics.jsonl").read_text() == "the first one's"
        assert not (folder / "checkpoints").exists()
    (folder / "metrics.jsonl").unlink()
    in_its_place(0)


HOLDS = """
import sys, time
from pathlib import Path
from jaxemb.lab.workdir import Workdir
with Workdir.of(Path(sys.argv[1])).alone():
    print("it is mine", flush=True)
    time.sleep(600)
"""


def test_a_folder_is_free_again_when_who_had_it_is_killed(tmp_path):
    command = [sys.executable, "-c", HOLDS, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout.readline() == "it is mine\n"
        with pytest.raises(InputError, match="another process is training there"):
            Workdir.of(tmp_path).alone().__enter__()
        first.kill()
    with Workdir.of(tmp_path).alone():
        pass


# --- signals --------------------------------------------------------------------------------------

WORKING = {
    "writing": "concurrent.futures.ThreadPoolExecutor(1).submit(time.sleep, 60).result()",
    "in C code": "hashlib.pbkdf2_hmac('sha256', b'', b'', 10**9)",
}
STOPPED = """
import concurrent.futures, hashlib, sys, time
from jaxemb.lab import progress
with progress.stop_requests() as stop:
    print("ready", flush=True)
    {work}
"""


def _is_pending(process: int, number: signal.Signals) -> bool:
    """Whether a signal was sent and not yet delivered."""
    status = Path(f"/proc/{process}/status").read_text()
    masks = re.findall(r"^S\w+Pnd:\s*(\w+)$", status, re.MULTILINE)
    return any(int(mask, 16) >> (number - 1) & 1 for mask in masks)


@pytest.mark.parametrize("work", WORKING.values(), ids=WORKING)
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_second_signal_ends_at_once_whatever_is_done(work, number, code):
    process = subprocess.Popen(
        [sys.executable, "-c", STOPPED.format(work=work)], stdout=subprocess.PIPE
    )
    assert process.stdout
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(signal.SIGTERM)
    while _is_pending(process.pid, signal.SIGTERM):  # two pending ones would count as one
        time.sleep(0.01)
    assert process.poll() is None
    process.send_signal(number)
    assert process.wait(timeout=patience.seconds(20)) == code
    process.stdout.close()
