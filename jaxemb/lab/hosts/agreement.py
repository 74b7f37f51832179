"""Several processes that train one model: how they start, agree and end.

Process 0 writes all files, except for the parts of checkpoints that other processes hold. A lost
process cannot be replaced while the others train: all end, each with one last line and the exit
code `lost.CODE`. When all are started again, they resume from the newest checkpoint.
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

_FOR_EVER = 1 << 30  # ms: a wait without an answer is ended by the heartbeat or `lost.watch`
_BEATS = ("heartbeat_timeout_seconds", "shutdown_timeout_seconds")
_BEHIND = 64  # broadcasts that are kept: no process lags by more, for every chunk waits for all

T = TypeVar("T")


class _Job(NamedTuple):
    """This process among the others of its run."""

    process: int
    processes: int
    client: Any  # of the key-value store of all processes: `store.of_all`
    calls: list[int]  # one number: how many broadcasts and barriers there were
    seen: list[float]  # when the last chunk was finished, if one was

    @property
    def name(self) -> str:
        return f"error: process {self.process} of {self.processes}"

    def next(self) -> str:
        """A key of the store that is new, and the same in all processes."""
        self.calls[0] += 1
        return f"jaxemb/{self.calls[0]}"


_job: _Job | None = None


@contextlib.contextmanager
def joined(settings: Hosts) -> Iterator[None]:
    """Join the other processes of a run while the context lasts, if the settings say so.

    An error ends this process at once, so that the others notice.

    Raises:
        InputError: the others cannot be reached in time, or were started with other settings.
    """
    global _job
    if settings.several:
        _job = _connected(settings)
    try:
        if (all_of := broadcast(share()[1])) != share()[1]:
            raise InputError(f"it was started with other --processes than process 0: {all_of}")
        yield
        leave()
    except BaseException as error:
        if _job is None:  # alone, or after `leave`: nobody waits for this one
            raise
        _end(_job, error)


def first() -> bool:
    """Whether this process is process 0, which writes, or the only one."""
    return share()[0] == 0


def share() -> tuple[int, int]:
    """The number of this process, and how many there are."""
    return (0, 1) if _job is None else (_job.process, _job.processes)


def leave() -> None:
    """Wait for all processes, then end all but process 0, which continues alone.

    Raises:
        SystemExit: 0, in all but process 0.
    """
    if _job is not None:
        others = not first()
        _part(_job)
        if others:
            raise SystemExit(0)


def broadcast(value: Any) -> Any:
    """Return the JSON value of process 0; all processes must call it, in the same order."""
    if _job is None:
        return value
    name, client = _job.next(), _job.client
    if _job.process:
        return json.loads(client.blocking_key_value_get(name, _FOR_EVER))
    client.key_value_set(name, json.dumps(value))
    if _job.calls[0] > _BEHIND:
        client.key_value_delete(f"jaxemb/{_job.calls[0] - _BEHIND}")
    return value


def after_first(make: Callable[[], T]) -> T:
    """Call `make` in process 0, then in the others, which find its files; returns its result."""
    made = make() if first() else None
    broadcast(None)
    return made if made is not None else make()


def opened(
    config: Any, corpus: Corpus, result: str, start: str | None = None
) -> tuple[Workdir, bool]:
    """Open the folder of a run whose checkpoints all processes write.

    Args:
        result, start: as in `workdir.bind`.

    Returns:
        The folder, and whether the run in it is finished.

    Raises:
        InputError: as `_own` and `workdir.bind`.
    """
    shared = files.writable(config.workdir)
    own = _own(shared, config)
    workdir.bind(own, config, corpus, result, start)
    finished = broadcast((own / result).exists())  # process 0 has written its files
    process, processes = share()
    place = Workdir.of(shared).place._replace(process=process, processes=processes)
    return Workdir(own, place), finished


def _own(shared: Path, config: Any) -> Path:
    """The folder where this process writes: process 0 in `shared`, others in a temporary one.

    Raises:
        InputError: `shared` is not the same folder on all machines; the config differs from that
            of process 0.
    """
    if _job is None:
        return shared
    now = json.loads(json.dumps(workdir.described(config)))
    if changes := workdir.differences(broadcast(now), now, changing_nothing(config)):
        raise InputError(f"it has another config than process 0: {'; '.join(changes)}")
    if first():
        with tempfile.NamedTemporaryFile(prefix=".shared-", dir=shared) as mark:
            broadcast(Path(mark.name).name)
            _all_here(_job)
        return shared
    if not (shared / broadcast(None)).exists():
        raise InputError(f"{shared}: is not the folder that process 0 has: it has to be shared")
    _all_here(_job)
    return lost.scratch()


def together(layout: loop.Layout) -> loop.Layout:
    """A layout with which all processes stop and save after the same chunk."""
    return layout if _job is None else layout._replace(agree=_agree, broadcast=broadcast)


def _agree(flags: tuple[bool, bool, bool]) -> tuple[bool, bool, bool]:
    """Whether any process has to stop; whether process 0 is due to save, and has trained enough."""
    assert _job is not None
    _job.seen[:] = [time.monotonic()]
    (stop, due, enough), name = flags, "jaxemb/stop/"
    if stop and _job.process:
        _job.client.key_value_set(f"{name}{_job.process}", "", allow_overwrite=True)
    stop = stop or bool(first() and _job.client.key_value_dir_get(name))
    stop, due, enough = broadcast((stop, due, enough))
    return stop, due, enough


def _connected(settings: Hosts) -> _Job:
    """Connect to the other processes, and wait until all are there."""
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
    late += f"not all processes came to {at} within {seconds} s, each with its own number"
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    jax.config.update("jax_enable_preemption_service", False)  # it would take SIGTERM for itself
    with lost.quiet() as errors:
        lost.when_aborted(lambda: late, errors)
        try:
            jax.distributed.initialize(**({} if auto else given), **times)
        except (ValueError, RuntimeError) as error:
            why = str(error).partition("\n")[0].rstrip(".")
            hint = (
                ": wanted srun, mpirun or a TPU, or --hosts.coordinator HOST:PORT" if auto else ""
            )
            raise InputError(f"coordinator {at}: {why}{hint}") from None
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
    _all_here(job)  # however long one process takes
    _job = None
    job.seen.clear()
    jax.distributed.shutdown()
    lost.forget()


def _end(job: _Job, error: BaseException) -> NoReturn:
    """End this process at once; after an interruption all processes end together."""
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
