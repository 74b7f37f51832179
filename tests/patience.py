"""How long to wait for a process: on a slow or a busy machine longer."""

import contextlib
import functools
import hashlib
import os
import signal
import time
from collections.abc import Iterator

_WORK = b"\0" * (1 << 22)
_QUICK = 0.0025  # seconds: sha256 of 4 MiB by a processor with instructions for it
MARGIN = 2  # what waits for a core may wait as long again for memory or a disk


class Endless(BaseException):
    """Something goes on and on; no Exception, or a reader might say that a file cannot be read."""


def seconds(idle: float) -> float:
    """What `idle` seconds on an idle, fast machine may take on this one, as it is now."""
    return idle * MARGIN * max(1.0, _slowness()) * max(1.0, _crowd())


@contextlib.contextmanager
def at_most(idle: float) -> Iterator[None]:
    """Ends what would go on for ever, by an `Endless` in the main thread."""

    def end(*ignored: object) -> None:
        raise Endless(f"it goes on after {limit:.0f} s")

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
    """Of its processor, at its best of some tries."""
    took = []
    for _ in range(3):
        began = time.perf_counter()
        hashlib.sha256(_WORK).digest()
        took.append(time.perf_counter() - began)
    return min(took) / _QUICK


def _crowd() -> float:
    """Processes that wanted to run in the last minute, of each core; the past is not all."""
    return min(os.getloadavg()[0] / (os.cpu_count() or 1), 8.0)
