"""Two real processes on this machine: results bit-identical to one, and an end in time always.

All of it: pytest tests/lab/hosts/test_agreement.py --thorough --moments 20
"""

import dataclasses
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
import types
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from jaxemb.errors import InputError
from jaxemb.lab import command_line
from jaxemb.lab.durable import loop, snapshots
from jaxemb.lab.durable.tensors import arrays
from jaxemb.lab.hosts import agreement, lost, store
from jaxemb.lab.runs.contextual import run
from jaxemb.lab.runs.contextual.config import ContextualConfig
from jaxemb.lab.runs.static import prepare, run as runs
from jaxemb.lab.runs.static.config import StaticConfig
from jaxemb.lab.settings import Hosts
from tests import covering, patience, quickly
from tests.killing import Nursery

ROOT = Path(__file__).parents[3]
ENDS_IN = 10  # seconds: promised in docs/hosts.md for an idle machine and a heartbeat of 5
STATIC = '''
"""A run of some seconds."""
from jaxemb import learners, objectives
from jaxemb.lab import Corpus, StaticConfig

config = StaticConfig(
    corpus=Corpus(path=("text.txt",), min_count=1, held_out=0.1, subsample=0),
    objective=objectives.skipgram, learner=learners.row_sparse, dim=8, learning_rate=5e-4,
    epochs={epochs}, chunk=4, batch=16, workdir="run", checkpoint_every=0.2,
    exact_elastic=True, mesh="data=2",
)
'''
CONTEXTUAL = '''
"""A language model of some seconds."""
from jaxemb.contextual import members, models
from jaxemb.lab import ContextualConfig, Corpus

config = ContextualConfig(
    corpus=Corpus(path=("text.txt",), min_count=1, held_out=0.1, mark_unknown=True), dev=0.1,
    model=members.lstm, optimizer=models.adagrad, dim=6, units=8, unroll=10, batch=8,
    chunk=8, epochs={epochs} // 3, workdir="run", checkpoint_every=0.2, mesh="data=2",
)
'''
# what process 0 does alone is tested elsewhere
ALONE_DONE = """
from jaxemb.lab.runs.contextual import report as contextual
from jaxemb.lab.runs.static import report as static
from jaxemb.training import monitor
for module in (static, contextual):
    module.write = lambda *ignored: "done"
monitor.rotation = lambda *ignored: None
"""


class Script(NamedTuple):
    """A script, its config, and the file that a finished run leaves."""

    name: str
    config: str
    leaves: str


SCRIPTS = [
    Script("train", STATIC, "tables.safetensors"),
    Script("train_contextual", CONTEXTUAL, "model.safetensors"),
]


def _free() -> str:
    """A free address."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{server.getsockname()[1]}"


class Process(NamedTuple):
    """One of a run's processes."""

    nursery: Nursery
    number: int
    output: Path

    def end(self, within: float) -> tuple[int, str]:
        """Its exit code, and what it printed."""
        code = self.nursery.code(patience.seconds(within))
        return code, self.output.read_text()


class Job:
    """Processes of one run, in a folder."""

    def __init__(self, folder: Path, script: Script, epochs: int, nurseries: list) -> None:
        words = np.random.default_rng(0).integers(0, 8, (600, 20))
        lines = [" ".join(f"{'xyz'[i % 3]}{j}" for j in line) for i, line in enumerate(words)]
        (folder / "text.txt").write_text("\n".join(lines))
        (folder / "config.py").write_text(script.config.format(epochs=epochs))
        self.folder, self.script, self.nurseries = folder, script, nurseries

    def start(self) -> list[Process]:
        command = ["config.py", "--coordinator", _free(), "--processes", "2"]
        command += ["--heartbeat", str(_heartbeat())]
        begun = []
        for i, nursery in enumerate(self.nurseries):
            alone = [*command, "--process-id", str(i)]
            number = nursery.start(self.script.name, alone, self.folder, f"output-{i}")
            begun.append(Process(nursery, number, self.folder / f"output-{i}"))
        return begun

    def newest(self) -> int:
        """The step of the newest checkpoint."""
        paths = (self.folder / "run/checkpoints").glob("step-*")
        return max([int(path.name.removeprefix("step-")) for path in paths], default=-1)

    def wait_for_newer(self, step: int, processes: list[Process]) -> None:
        while self.newest() <= step:
            early = [process.output.read_text() for process in processes if process.nursery.ended()]
            assert not early, early
            time.sleep(0.02)


def _heartbeat() -> int:
    """Seconds that a process may be silent without counting as lost."""
    return round(patience.seconds(2.5))


def _moments(count: int, script: str) -> list[tuple[int, signal.Signals, float]]:
    """(Process, signal, seconds after a checkpoint), half of `count` for each script."""
    choose = random.Random(script)
    first = {"train": (0, signal.SIGKILL, 0.1), "train_contextual": (1, signal.SIGSTOP, 0.0)}
    numbers = signal.SIGSTOP, signal.SIGKILL
    others = [
        (choose.randrange(2), choose.choice(numbers), 0.3 * choose.random())
        for _ in range(-(-count // 2) - 1)
    ]
    return [first[script], *others]


def _static_alone() -> None:
    """The same run by this process alone, on two of its devices."""
    config = command_line.load(Path("config.py"), StaticConfig)
    config = dataclasses.replace(config, workdir="alone", checkpoint_every=1e9)
    made, objective = prepare.prepare(config), config.build_objective()
    runs.train(config, objective, config.build_learner(objective), made)


def _contextual_alone() -> None:
    config = command_line.load(Path("config.py"), ContextualConfig)
    config = dataclasses.replace(config, workdir="alone", checkpoint_every=1e9)
    corpus = run.prepare(config)
    run.train(config, run.build(config, corpus.vocab), corpus)


ALONE = {"train": _static_alone, "train_contextual": _contextual_alone}


@pytest.fixture(scope="module")
def nurseries():
    """Each starts one process at a time."""
    made = [Nursery(ALONE_DONE) for _ in range(2)]
    yield made
    for nursery in made:
        nursery.close()


@pytest.fixture
def job(tmp_path, request, nurseries):
    epochs = 3 * request.config.getoption("--moments")
    made = Job(tmp_path, request.param, epochs, nurseries)
    yield made
    for nursery in nurseries:
        nursery.kill()


@pytest.mark.parametrize(
    "job", covering.first(1, SCRIPTS), ids=[script.name for script in SCRIPTS], indirect=True
)
def test_killed_or_stopped_all_end_in_time_and_a_restart_ends_at_the_bits_of_one(
    job, request, monkeypatch
):
    moments = _moments(request.config.getoption("--moments"), job.script.name)
    for victim, number, delay in moments:
        step, processes = job.newest(), job.start()
        job.wait_for_newer(step, processes)
        time.sleep(delay)
        step = job.newest()
        os.kill(processes[victim].number, number)
        code, output = processes[1 - victim].end(within=ENDS_IN)
        assert code == lost.CODE, output
        *_, last = output.splitlines()
        assert last.startswith(f"error: process {1 - victim} of 2: another process is gone")
        assert "start all again with the same command" in last
        if number == signal.SIGSTOP:  # a stopped process ends when it is continued
            os.kill(processes[victim].number, signal.SIGCONT)
        code, _ = processes[victim].end(within=ENDS_IN)
        assert code == (lost.CODE if number == signal.SIGSTOP else -number)
        assert job.newest() >= step  # no confirmed step is lost
    ended = [process.end(within=120) for process in job.start()]
    assert [code for code, _ in ended] == [0, 0], ended
    assert [line for line in ended[1][1].splitlines() if "Gloo" not in line] == []
    monkeypatch.chdir(job.folder)
    ALONE[job.script.name]()
    ours, alone = (arrays(job.folder / workdir / job.script.leaves) for workdir in ("run", "alone"))
    assert ours.keys() == alone.keys()
    for name, array in ours.items():
        np.testing.assert_array_equal(array, alone[name])


def test_a_process_that_nobody_joins_ends_with_one_line():
    address = _free()
    done = _ends(
        "from jaxemb.lab.hosts import agreement as hosts; from jaxemb.lab.settings import Hosts",
        f"with hosts.joined(Hosts({address!r}, 2, 0, start_within=1)): pass",
    )
    assert done.returncode == lost.CODE
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"error: process 0 of 2: not all processes came to {address} within 1 s")


def test_a_coordinator_that_is_not_there_is_named():
    address = _free()
    with (
        pytest.raises(InputError, match=f"{address}: nobody answers there within 1 s"),
        agreement.joined(Hosts(address, 2, 1, start_within=1)),
    ):
        pass
    with (
        pytest.raises(InputError, match="no such host"),
        agreement.joined(Hosts("no-such-host.invalid:1", 2, 1)),
    ):
        pass


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (Hosts(processes=2), "processes is 2, without a coordinator"),
        (Hosts("auto", process_id=1), "process_id is 1, with coordinator auto"),
        (Hosts("here", 2, 0), "coordinator is 'here'; wanted host:port"),
        (Hosts("here:0", 2, 0), "coordinator is 'here:0'; wanted host:port"),
        (Hosts("here:1", 2), "without process_id: wanted --hosts.processes N"),
        (Hosts("here:1", None, 0), "without processes: wanted --hosts.processes N"),
        (Hosts("here:1", 2, 2), "of 2 processes, wanted 0 to 1"),
        (Hosts("here:1", 2, -1), "of 2 processes, wanted 0 to 1"),
        (Hosts("here:1", 0, 0), "processes is 0"),
        (Hosts(heartbeat=0), "heartbeat is 0"),
        (Hosts(stuck_after=0.0), "stuck_after is 0"),
    ],
)
def test_settings_that_are_none_of_a_process_are_refused(settings, message):
    with pytest.raises(InputError, match=message):
        settings.check("data=2")


def test_several_processes_want_a_mesh():
    with pytest.raises(InputError, match="--mesh data=2"):
        Hosts("here:1", 2, 0).check(None)
    Hosts("here:1", 2, 0).check("data=2")
    Hosts().check(None)


class Store:
    """A key-value store of several processes, called by one at a time."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    def key_value_set(self, key: str, value: str, allow_overwrite: bool = False) -> None:
        assert allow_overwrite or key not in self.values
        self.values[key] = value

    def key_value_delete(self, key: str) -> None:
        self.values.pop(key, None)

    def key_value_dir_get(self, key: str) -> list[tuple[str, str]]:
        return [pair for pair in self.values.items() if pair[0].startswith(key)]

    def blocking_key_value_get(self, key: str, timeout: int) -> str:
        assert timeout > 0
        return self.values[key]

    def wait_at_barrier(self, key: str, timeout: int) -> None:
        assert key
        assert timeout > 0


@pytest.fixture
def be(monkeypatch):
    """A function that makes this process one of three."""
    store = Store()
    jobs = [agreement._Job(i, 3, store, [0], []) for i in range(3)]
    return lambda process: monkeypatch.setattr(agreement, "_job", jobs[process]) or store


def test_what_the_first_process_says_all_do_and_little_of_it_is_kept(be):
    for number in range(200):
        for process in (0, 1, 2):
            be(process)
            assert agreement.broadcast([number, process]) == [number, 0]
    assert len(be(0).values) < 100


def test_what_any_process_is_asked_to_stop_stops_all_after_the_same_chunk(be):
    wants = [(0, 0, 0), (0, 0, 1), (0, 0, 1), (1, 0, 1)]  # of each chunk, of each process
    seen = []
    for chunk in wants:
        answers = []
        for process in (0, 1, 2):
            be(process)
            layout = agreement.together(loop.Layout())
            answers.append(layout.agree((bool(chunk[process]), process == 0, process == 0)))
        seen.append(answers)
    assert [set(answers) for answers in seen[:2]] == [{(False, True, True)}] * 2
    assert [set(answers) for answers in seen[2:]] == [{(True, True, True)}] * 2


def test_another_config_and_a_folder_that_is_not_shared_are_refused(be, tmp_path):
    config = command_line.load(ROOT / "configs/quickstart.py", StaticConfig)
    be(0)
    assert agreement._own(tmp_path, config) == tmp_path
    be(1)
    with pytest.raises(InputError, match="is not the folder that process 0 has"):
        agreement._own(tmp_path, config)  # its mark is gone, as on a disk without process 0
    be(2)
    with pytest.raises(InputError, match="epochs was"):
        agreement._own(tmp_path, dataclasses.replace(config, epochs=99))


def test_what_the_first_makes_the_others_find(be):
    made = []
    for process in (0, 1, 2):
        be(process)
        assert agreement.after_first(lambda: made.append(agreement.share()) or "made") == "made"
    assert made == [(0, 3), (1, 3), (2, 3)]


BROADCASTS = """
import json
from jaxemb.lab.durable import loop as durable
from jaxemb.lab.hosts import agreement as hosts, store
from jaxemb.lab.settings import Hosts
store.of_all = store.Collectives
with hosts.joined(Hosts({at!r}, 2, {i}, start_within=60)):
    agree = hosts.together(durable.Layout()).agree
    values = [hosts.broadcast(["é" * number, {i}]) for number in (0, 1, 300)]
    agreed = [agree((number == {i} == 1, {i} == 0, False)) for number in range(4)]
    made = hosts.after_first(lambda: "made by {i}")
    print(json.dumps([values, agreed, made]), flush=True)
"""


def test_without_jaxs_store_two_processes_agree_by_what_they_compute_together():
    at, env = _free(), {**quickly.environment(), "PYTHONPATH": str(ROOT)}
    begun = [
        subprocess.Popen(
            [sys.executable, "-c", BROADCASTS.format(at=at, i=i)],
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for i in range(2)
    ]
    ended = [process.communicate(timeout=patience.seconds(60)) for process in begun]
    assert [process.returncode for process in begun] == [0, 0], ended
    for i, (out, _) in enumerate(ended):
        values, agreed, made = json.loads(out.splitlines()[-1])
        assert values == [["é" * number, 0] for number in (0, 1, 300)]
        assert agreed == [
            [False, True, False],
            [False, True, False],
            [True, True, False],
            [True, True, False],
        ]
        assert made == f"made by {i}"


@pytest.mark.parametrize(
    "internals",
    [
        None,
        types.SimpleNamespace(),
        types.SimpleNamespace(distributed=types.SimpleNamespace()),
        types.SimpleNamespace(
            distributed=types.SimpleNamespace(global_state=types.SimpleNamespace(client=None))
        ),
    ],
)
def test_where_jax_has_its_store_elsewhere_there_is_another(monkeypatch, internals):
    monkeypatch.setitem(sys.modules, "jax._src", internals)
    assert isinstance(store.of_all(), store.Collectives)


def test_rows_that_a_process_has_to_save_and_does_not_have_are_missed():
    table, whole = np.ones((64, 2), np.float32), np.ones((128, 2), np.float32)
    taken = snapshots.take({"table": whole}, {"step": 1}, index=1, processes=2)
    assert sorted(taken.parts) == list(range(32, 64))
    with pytest.raises(InputError, match="process 1 has to save rows from 64"):
        snapshots.take({"table": table}, {"step": 1}, {"table": whole}, index=1, processes=2)


def _ends(*lines: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", "\n".join(lines)],
        capture_output=True,
        text=True,
        timeout=patience.seconds(30),
        check=False,
    )


def test_an_abort_ends_with_one_line_and_its_folders_are_gone():
    begin = (
        "import os, threading; from jaxemb.lab.hosts import lost; print(lost.scratch(), flush=True)"
    )
    when = "lost.when_aborted(lambda: 'the' + chr(10) + 'end')"
    done = _ends(
        begin, when, "threading.Thread(target=os.abort).start()", "threading.Event().wait()"
    )
    assert (done.returncode, done.stderr) == (lost.CODE, "the\\nend\n")
    assert not Path(done.stdout.strip()).exists()
    after = _ends(begin, when, "lost.forget()", "os.abort()")
    assert after.returncode == -signal.SIGABRT
    assert not Path(after.stdout.strip()).exists()


def test_a_chunk_that_never_ends_is_noticed_and_one_that_does_is_not():
    begin = "import time; from jaxemb.lab.hosts import lost; at = time.monotonic()"
    watch, wait = "lost.watch(lambda: {}, 0.2, 'stuck')", "time.sleep(0.8); print('went on')"
    done = _ends(begin, watch.format("at"), wait)
    assert (done.returncode, done.stderr) == (lost.CODE, "stuck\n")
    for seen in ("time.monotonic()", "None"):
        assert _ends(begin, watch.format(seen), wait).stdout == "went on\n"
