"""Checkpoints committed in a background thread while training continues, one at a time."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from jaxemb.lab.durable import checkpoints, snapshots


class Saver:
    """Commits one checkpoint at a time in a background thread."""

    def __init__(self, place: checkpoints.Place, every: float, say: Callable[[str], Any]) -> None:
        self._place, self._every, self._say = place, every, say
        self._thread = ThreadPoolExecutor(1)
        self._running: Future[Any] | None = None
        self._next = 0.0

    def __enter__(self) -> "Saver":
        return self

    def __exit__(self, *error: Any) -> None:
        self.wait()
        self._thread.shutdown()

    def due(self) -> bool:
        """Whether a checkpoint is to be made now: the interval has passed and none is running."""
        if self._running and not self._running.done():
            return False
        self.wait()
        return time.monotonic() >= self._next

    def start(self, taken: snapshots.Snapshot) -> None:
        """Begin to commit a snapshot, after waiting for the last one."""
        self.wait()
        self._running = self._thread.submit(checkpoints.commit, self._place, taken)

    def wait(self) -> bool:
        """Wait for the running commit; False if it failed, which is reported and tried later."""
        if self._running is None:
            return True
        running, self._running = self._running, None
        try:
            running.result()
        except OSError as error:
            why = f"{error.strerror or error}"
            self._say(f"no checkpoint was saved ({why}): training continues, and tries again later")
            return False
        finally:
            self._next = time.monotonic() + self._every
        return True
