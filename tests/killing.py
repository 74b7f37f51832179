"""Start training processes and kill them.

A nursery is a process that has imported everything and initialised no device; each training run is
a fork of it. So a start costs no imports, which are most of a small job's time. To the kernel, and
so to SIGKILL and to files, a fork is a process like any other.
"""

import json
import os
import random
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from jaxemb.lab.durable import checkpoints
from tests import quickly

ROOT = Path(__file__).parents[1]
PATHS = str(ROOT), str(ROOT / "scripts")
_NURSERY = """
import json, os, sys
sys.path[:0] = sys.argv[1:]
from jaxemb.lab import command_line
import train, train_contextual
import flax.linen, jaxemb.lab.progress, jaxemb.training.ensembles
import jaxemb.lab.runs.static.report, jaxemb.lab.runs.contextual.report
import importlib.util
importlib.util.find_spec = lambda name: None  # no pictures
{prepared}
for line in sys.stdin:
    job = json.loads(line)
    child = os.fork()
    if not child:
        os.chdir(job["folder"])
        out = os.open(job["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        for stream in (1, 2):
            os.dup2(out, stream)
        sys.argv = [job["script"], *job["arguments"]]
        code = 70
        try:
            command_line.run(sys.modules[job["script"]].main)
        except SystemExit as stop:
            code = stop.code
        except BaseException:
            import traceback
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Nursery:
    """Starts scripts, one at a time."""

    def __init__(self, prepared: str = "") -> None:
        """Start the nursery; it runs the code `prepared` once, after the imports."""
        self._process = subprocess.Popen(
            [sys.executable, "-c", _NURSERY.replace("{prepared}", prepared), *PATHS],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,  # unbuffered, so that select sees all unread output
            env=quickly.environment(),
        )
        self._number, self._runs = 0, False

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def start(
        self, script: str, arguments: list[str], folder: Path, output: str = "output.txt"
    ) -> int:
        """Start a script; return its process id."""
        job = {"script": script, "arguments": arguments, "folder": str(folder), "output": output}
        self._process.stdin.write(json.dumps(job).encode() + b"\n")
        self._number, self._runs = int(self._process.stdout.readline()), True
        return self._number

    def code(self, within: float | None = None) -> int:
        """Wait for the process to end; return its exit code, or minus the signal that killed it."""
        assert self.ended(within), f"it still runs after {within} s"
        self._runs = False
        return int(self._process.stdout.readline())

    def kill(self) -> None:
        """Kill the process, if one runs."""
        if not self.ended():
            os.kill(self._number, signal.SIGKILL)
        if self._runs:
            self.code()

    def ended(self, within: float | None = 0.0) -> bool:
        """Whether no process runs any more, or none after waiting `within` seconds."""
        return not self._runs or bool(select.select([self._process.stdout], [], [], within)[0])


class Job(NamedTuple):
    """A script that trains in folder/run, and the file that it writes at the end."""

    script: str
    folder: Path
    leaves: str

    def command(self, run: str) -> tuple[str, list[str], Path]:
        return self.script, ["config.py", "--workdir", run], self.folder


class Kills(NamedTuple):
    """The kills, by signal, and the training runs that ended."""

    signals: dict[str, int]
    saving: int  # kills while a checkpoint was being written
    runs: int  # training runs that ended, each with a bit-identical result


def kill(nursery: Nursery, job: Job, whole: bytes, times: int, seed: int) -> Kills:
    """Start a job, kill it and restart it, until it was killed `times` times and has ended once.

    A process is killed only after it has saved a newer step, or the job would never end.

    Raises:
        AssertionError: the result differs from `whole`, or a saved step is lost or damaged.
    """
    draw = random.Random(seed)
    counts, saving, runs, done = {"SIGKILL": 0, "SIGTERM": 0, "SIGINT": 0}, 0, 0, 0
    while done < times or runs == 0:
        name = f"run{runs}"
        folder, newest = job.folder / name / "checkpoints", 0
        while True:
            process = nursery.start(*job.command(name))
            number = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)[done % 3]
            inside = done % 3 == done // 3 % 3  # a third of the kills, of each signal, hit a save
            hit = done < times and _await(process, folder, newest, draw.uniform(0, 0.2), inside)
            if hit:
                during = any(folder.glob("unfinished-*"))
                os.kill(process, number)
            code = nursery.code()
            if code == 0:
                break
            output = (job.folder / "output.txt").read_text()
            assert hit, output
            assert code in (-number, 128 + number), output
            done, saving = done + 1, saving + during
            counts[number.name] += 1
            if not (job.folder / name / job.leaves).exists():  # it trains, not reports
                newest = _confirmed(folder, newest)
        assert (job.folder / name / job.leaves).read_bytes() == whole, "not bit-identical"
        assert not folder.exists()
        runs += 1
    return Kills(counts, saving, runs)


def _await(process: int, folder: Path, newest: int, delay: float, inside: bool) -> bool:
    """Wait until a process has saved a newer step, then `delay` s; return whether it still runs."""
    while _latest(folder) <= newest:
        if not _runs(process):
            return False
        time.sleep(0.002)
    until = time.monotonic() + delay
    while time.monotonic() < until or (inside and not any(folder.glob("unfinished-*"))):
        if not _runs(process):
            return False
        time.sleep(0.0005 if inside else 0.005)
    return _runs(process)


def _runs(process: int) -> bool:
    """Whether a process runs; a zombie, whose exit code nobody has read, does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def _latest(folder: Path) -> int:
    return max((int(path.name[5:]) for path in checkpoints.steps(folder)), default=0)


def _confirmed(folder: Path, newest: int) -> int:
    """Return the newest checkpoint's step, which must be intact and not before `newest`."""
    kept = checkpoints.steps(folder)
    assert kept, "no checkpoint is left"
    assert not checkpoints.faults(kept[0])
    assert _latest(folder) >= newest, "a saved step is gone"
    assert not list(folder.glob("bad-*"))
    return _latest(folder)
