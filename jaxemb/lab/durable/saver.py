"""Checkpoints committed beside the training that they are of, one at a time."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from jaxemb.lab.durable import checkpoints, snapshots


class Saver:
    """Commits one checkpoint at a time, in a thread of its own."""

    def __init__(self, place: checkpoints.Place, every: float, say: Callable[[str], Any]) -> None:
        self._place, self._every, self._say = place, every, say
        self._thread = ThreadPoolExecutor(1)
        self._running: Future | None = None
        self._next = 0.0

    def __enter__(self) -> "Saver":
        return self

    def __exit__(self, *error) -> None:
        self.wait()
        self._thread.shutdown()

    def due(self) -> bool:
        if self._running and not self._running.done():
            return False
        self.wait()
        return time.monotonic() >= self._next

    def start(self, taken: snapshots.Snapshot) -> None:
        self.wait()
        self._running = self._thread.submit(checkpoints.commit, self._place, taken)

    def wait(self) -> bool:
        """Whether what was begun is saved; a full disk is told, and the next interval tries."""
        if self._running is None:
            return True
        running, self._running = self._running, None
        try:
            running.result()
        except OSError as error:
            why = f"{error.strerror or error}"
            self._say(f"no checkpoint was saved ({why}): training goes on, and tries again later")
            return False
        finally:
            self._next = time.monotonic() + self._every
        return True
