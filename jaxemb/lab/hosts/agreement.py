"""Several processes that train one model: how they start, what they agree on, how all end.

The first process writes whatever is written, but for the parts of checkpoints that others have. A
process that is lost cannot be replaced while the others train: all end, each with one last line
and the exit code `lost.CODE`, and go on from the newest checkpoint when all are started again.
"""

import contextlib
import json
import socket
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, NoReturn, TypeVar

import jax

from jaxemb import files
from jaxemb.errors import InputError, Interrupted
from jaxemb.lab import command_line, workdir
from jaxemb.lab.durable import loop
from jaxemb.lab.hosts import lost, store
from jaxemb.lab.settings import AUTO, Hosts, changing_nothing
from jaxemb.lab.workdir import Workdir
from jaxemb.text.corpus import Corpus

_FOR_EVER = 1 << 30  # ms: what is not answered is ended by the heartbeat, or by the watch
_BEATS = ("heartbeat_timeout_seconds", "shutdown_timeout_seconds")
_BEHIND = 64  # how far behind no process can be: every chunk waits for the last, on all

T = TypeVar("T")


class _Job(NamedTuple):
    """What this process is among others, while it is."""

    process: int
    processes: int
    client: Any  # of the key-value store that all have: `store.of_all`
    asked: list[int]  # one number: how often something was told or awaited
    seen: list[float]  # when the last chunk was finished, if any was

    @property
    def name(self) -> str:
        return f"error: process {self.process} of {self.processes}"

    def next(self) -> str:
        """A name that all have for this moment, and for no other."""
        self.asked[0] += 1
        return f"jaxemb/{self.asked[0]}"


_job: _Job | None = None


@contextlib.contextmanager
def joined(settings: Hosts) -> Iterator[None]:
    """Within it this process is one of several, if the settings say so.

    Whatever ends one process ends it at once, so that the others learn of it.

    Raises:
        InputError: the others cannot be reached in time, or were started in another way.
    """
    global _job
    if settings.several:
        _job = _connected(settings)
    try:
        if (all_of := told(share()[1])) != share()[1]:
            raise InputError(f"it was told so; process 0 was told that there are {all_of}")
        yield
        leave()
    except BaseException as error:
        if _job is None:  # alone, or the others have left: nobody waits for it
            raise
        _end(_job, error)


def first() -> bool:
    """Whether this process is the one that writes; where there is one only, it is."""
    return share()[0] == 0


def share() -> tuple[int, int]:
    """The number of this process, and of how many."""
    return (0, 1) if _job is None else (_job.process, _job.processes)


def leave() -> None:
    """All come to an end together; only the first goes on after it, alone.

    Raises:
        SystemExit: 0, in all but the first.
    """
    if _job is not None:
        others = not first()
        _part(_job)
        if others:
            raise SystemExit(0)


def told(value: Any) -> Any:
    """What the first process says, a JSON value; all have to ask, in the same order."""
    if _job is None:
        return value
    name, client = _job.next(), _job.client
    if _job.process:
        return json.loads(client.blocking_key_value_get(name, _FOR_EVER))
    client.key_value_set(name, json.dumps(value))
    if _job.asked[0] > _BEHIND:
        client.key_value_delete(f"jaxemb/{_job.asked[0] - _BEHIND}")
    return value


def after_first(make: Callable[[], T]) -> T:
    """What `make` makes: in the first process; then, where it has left its files, in all."""
    made = make() if first() else None
    told(None)
    return made if made is not None else make()


def opened(
    config: Any, corpus: Corpus, result: str, start: str | None = None
) -> tuple[Workdir, bool]:
    """`workdir.opened` of a run whose checkpoints all processes write, and whether it is finished.

    Raises:
        InputError: as `own` and `workdir.opened`.
    """
    shared = files.writable(config.workdir)
    own = workdir.opened(_own(shared, config), config, corpus, result, start)
    finished = told((own.folder / result).exists())  # the first process has written its files
    process, processes = share()
    place = workdir.Workdir.of(shared).place._replace(process=process, processes=processes)
    return own._replace(place=place), finished


def _own(shared: Path, config: Any) -> Path:
    """Where this process writes: `shared`, or for all but the first a folder that goes away.

    Raises:
        InputError: `shared` is another folder on another machine; the config is another than
            that of the first process.
    """
    if _job is None:
        return shared
    now = json.loads(json.dumps(workdir.described(config)))
    if found := workdir.differences(told(now), now, changing_nothing(config)):
        raise InputError(f"it has another config than process 0: {'; '.join(found)}")
    if first():
        with tempfile.NamedTemporaryFile(prefix=".shared-", dir=shared) as mark:
            told(Path(mark.name).name)
            _all_here(_job)
        return shared
    if not (shared / told(None)).exists():
        raise InputError(f"{shared}: is not the folder that process 0 has: it has to be shared")
    _all_here(_job)
    return lost.scratch()


def together(layout: loop.Layout) -> loop.Layout:
    """A layout with which all processes do the same after the same chunk."""
    return layout if _job is None else layout._replace(agree=_agree, told=told)


def _agree(flags: tuple[bool, bool]) -> tuple[bool, bool]:
    """Whether any process is asked to stop; whether the first is to save."""
    assert _job is not None
    _job.seen[:] = [time.monotonic()]
    (stop, due), name = flags, "jaxemb/stop/"
    if stop and _job.process:
        _job.client.key_value_set(f"{name}{_job.process}", "", allow_overwrite=True)
    stop = stop or bool(first() and _job.client.key_value_dir_get(name))
    stop, due = told((stop, due))
    return stop, due


def _connected(settings: Hosts) -> _Job:
    """This process among the others, when all are there."""
    auto, at, seconds = settings.coordinator == AUTO, settings.coordinator, settings.start_within
    process, processes = settings.process_id or 0, settings.processes or 0
    job = _Job(process, processes, None, [0], [])
    if process:
        _reach(str(at), seconds)
    given: dict[str, Any] = {"coordinator_address": at, "cluster_detection_method": "deactivate"}
    given |= {"num_processes": processes, "process_id": process}
    times: dict[str, Any] = {"initialization_timeout": seconds}
    times |= dict.fromkeys(_BEATS, settings.heartbeat)
    late = "" if auto else f"{job.name}: "
    late += f"not all processes came to {at} within {seconds} s, each with a number of its own"
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    jax.config.update("jax_enable_preemption_service", False)  # it would take SIGTERM for itself
    with lost.quiet() as errors:
        lost.when_aborted(lambda: late, errors)
        try:
            jax.distributed.initialize(**({} if auto else given), **times)
        except (ValueError, RuntimeError) as error:
            why = str(error).partition("\n")[0].rstrip(".")
            told_so = ": wanted srun, mpirun or a TPU, or --coordinator HOST:PORT" if auto else ""
            raise InputError(f"coordinator {at}: {why}{told_so}") from None
    if auto:
        process, processes = jax.process_index(), jax.process_count()
    job = _Job(process, processes, store.of_all(), [0], [])
    gone = f"has not answered for {settings.heartbeat} s (JAX says more above)"
    lost.when_aborted(lambda: f"{job.name}: another process is gone, or {gone}: {lost.AGAIN}")
    stuck = f"no chunk was finished in {settings.stuck_after:g} minutes"
    line = f"{job.name}: {stuck}: {lost.AGAIN}"
    lost.watch(lambda: job.seen[0] if job.seen else None, 60 * settings.stuck_after, line)
    return job


def _reach(coordinator: str, seconds: float) -> None:
    host, _, port = coordinator.rpartition(":")
    deadline = time.monotonic() + seconds
    while True:
        try:
            with socket.create_connection((host.strip("[]"), int(port)), timeout=1.0):
                return
        except socket.gaierror:
            raise InputError(f"coordinator {coordinator}: no such host") from None
        except OSError:
            if time.monotonic() > deadline:
                raise InputError(
                    f"coordinator {coordinator}: nobody answers there within {seconds:g} s: "
                    "is process 0 started, and on that host?"
                ) from None
            time.sleep(0.2)


def _all_here(job: _Job) -> None:
    job.client.wait_at_barrier(job.next(), _FOR_EVER)


def _part(job: _Job) -> None:
    global _job
    _all_here(job)  # however long one of them takes
    _job = None
    job.seen.clear()
    jax.distributed.shutdown()
    lost.forget()


def _end(job: _Job, error: BaseException) -> NoReturn:
    """Ends this process at once, but for one that all were asked to end together."""
    if isinstance(error, Interrupted):  # all have saved
        _part(job)
        raise SystemExit(128 + error.number) if job.process else error
    if isinstance(error, SystemExit):
        lost.end("", error.code if isinstance(error.code, int) else 1)
    if ended := command_line.ending(error):
        line, code = ended
        lost.end(f"{job.name}: {line.removeprefix('error: ')}", code)
    if lost.is_cause_of(error):
        why = str(error).partition("\n")[0]
        lost.end(f"{job.name}: another process is gone ({why}): {lost.AGAIN}")
    traceback.print_exception(error)
    lost.end("", 1)
