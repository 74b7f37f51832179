"""How long to wait for a process: longer on a slow or busy machine."""

import contextlib
import functools
import hashlib
import os
import signal
import time
from collections.abc import Iterator

_WORK = b"\0" * (1 << 22)
_QUICK = 0.0025  # seconds: sha256 of 4 MiB by a processor with instructions for it
MARGIN = 2  # a process that waits for a core may also wait for memory or a disk


class Endless(BaseException):
    """Code exceeded its time limit; no Exception, or a reader might report an unreadable file."""


def seconds(idle: float) -> float:
    """Return how long work of `idle` seconds on an idle, fast machine may take here and now."""
    return idle * MARGIN * max(1.0, _slowness()) * max(1.0, _crowd())


@contextlib.contextmanager
def at_most(idle: float) -> Iterator[None]:
    """Raise `Endless` in the main thread if the block takes longer than `seconds(idle)`."""

    def end(*ignored: object) -> None:
        raise Endless(f"it still runs after {limit:.0f} s")

    limit = seconds(idle)
    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, limit)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@functools.cache
def _slowness() -> float:
    """Return the time of hashing on this processor, best of three, over that of a fast one."""
    took = []
    for _ in range(3):
        start = time.perf_counter()
        hashlib.sha256(_WORK).digest()
        took.append(time.perf_counter() - start)
    return min(took) / _QUICK


def _crowd() -> float:
    """Return the load of the last minute per core, at most 8."""
    return min(os.getloadavg()[0] / (os.cpu_count() or 1), 8.0)
