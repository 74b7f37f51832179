"""The seconds that a run may train, over all its sessions."""

from __future__ import annotations

from collections.abc import Callable

from jaxemb.structs import Event


class Budget:
    """Counts seconds of training, without the first chunk of a session and without measurements.

    Attributes:
        seconds: trained so far.
    """

    def __init__(self, most: float | None, seconds: float, clock: Callable[[], float]) -> None:
        """`most`: seconds to train, None for no limit; `seconds`: trained in earlier sessions."""
        self._most, self._clock = most, clock
        self.seconds: float = seconds
        self._since: float | None = None  # of the first chunk, which compiles, nothing counts

    def count(self) -> None:
        """Count the time since the last call as training."""
        now = self._clock()
        if self._since is not None:
            self.seconds += now - self._since
        self._since = now

    def counted(self, event: Event) -> Event:
        """Count the time until an event; returns it, `done` by seconds or by text."""
        self.count()
        if self._most is None:
            return event
        return event._replace(done=max(event.done, min(self.seconds / self._most, 1.0)))

    def skip(self) -> None:
        """Leave out the time since the last call."""
        self._since = self._clock()

    @property
    def spent(self) -> bool:
        """Whether no time is left."""
        return self._most is not None and self.seconds >= self._most

    @property
    def row(self) -> dict[str, float]:
        """The seconds so far, for a line of the log of a run that has a limit."""
        return {} if self._most is None else {"seconds": round(self.seconds, 3)}
