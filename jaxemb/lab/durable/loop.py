"""A training that survives: saved beside its work, stopped in order, taken back when numbers fail.

One mechanism for every training that goes on by events. What can be lost is what was done since
the last checkpoint; what is done again comes out to the same bits.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxemb.errors import Interrupted, NumericalError
from jaxemb.functional import finite
from jaxemb.lab.durable import checkpoints, snapshots

PATIENCE = 10  # updates in a row that are not finite, before a training goes back


class Training(NamedTuple):
    """What can be gone on with.

    start() -> state
    events(state, cursor) -> events with `state`, `began`, `cursor`, `refused`
    cursor(**values) -> where a training stands
    where(event) -> str, the place of an event for people
    """

    start: Callable[[], Any]
    events: Callable[[Any, Any], Iterator[Any]]
    cursor: Callable[..., Any]
    where: Callable[[Any], str]


class Layout(NamedTuple):
    """Where the state of a training lies.

    begin(start) -> state              what start() gives, which may be traced, as it is to lie
    place(rows) -> state               from `snapshots.Rows`, which are read as far as they go
    by_rows(state) -> state            cut by rows over all processes, for each to save its own
    agree(flags) -> flags              what any process wants, all do
    whole(state, like) -> state        on the host; `like` is without padding
    told(value) -> value               what the first process says, all do
    """

    begin: Callable[[Callable[[], Any]], Any] = lambda start: start()
    place: Callable[[Any], Any] = lambda rows: jax.tree.map(jnp.asarray, snapshots.whole(rows))
    by_rows: Callable[[Any], Any] = lambda state: state
    agree: Callable[[Any], Any] = lambda flags: flags
    whole: Callable[[Any, Any], Any] = lambda state, like: state
    told: Callable[[Any], Any] = lambda value: value


class Durable:
    """A training that goes on where the newest good checkpoint stands.

    Attributes:
        state, cursor: where it stands; at first, where it begins.
        like: the shapes of a state without padding.
    """

    def __init__(
        self,
        training: Training,
        place: checkpoints.Place,
        *,
        every: float,
        stop: list[int],
        say: Callable[[str], Any],
        layout: Layout = Layout(),  # noqa: B008 (a NamedTuple does not change)
        patience: int = PATIENCE,
    ) -> None:
        """Args:
        every: seconds between checkpoints; the first is made at once.
        stop: becomes true when somebody asks to stop.
        say: takes a line for people: what was damaged, not saved, or not finite.
        patience: updates in a row that are not finite, before the training goes back.
        """
        self._training, self._place, self._layout = training, place, layout
        self._stop, self._say, self._patience = stop, say, patience
        self._saver = _Saver(place, every, say)
        self.like = jax.eval_shape(training.start)
        self._failed = -1  # the last step at which it had to go back
        self.state, self.cursor = self._newest()

    def events(self) -> Iterator[Any]:
        """Trains to the end: each event, and whether a checkpoint follows at once.

        An event that begins before the last one ended (`went_back`) says that the training did.

        Raises:
            NumericalError: updates that are not finite, also when they are done again.
            Interrupted: stopped, and saved.
        """
        with self._saver:
            while True:
                at, before, first = None, None, None
                for at in self._training.events(self.state, self.cursor):
                    self.state, self.cursor = at.state, at.cursor
                    stop, due = self._layout.agree((bool(self._stop), self._saver.due()))
                    stop = stop and at.done < 1
                    yield at, stop or due
                    # one late: the device does not wait for the host
                    first = (first or before) if before and _in_a_row(before) else None
                    if self._refuses(before):
                        break
                    before = at
                    if stop or due:
                        if not self._sound(at):
                            break
                        if stop or not _in_a_row(at):  # else something is going wrong
                            self._save(stop)
                else:
                    if at is None or self._sound(at):
                        return self._tell(at)
                self._back(first or at)

    def _tell(self, last: Any) -> None:
        left_out = refusals(last).get("refused_in_all") if last else 0
        if left_out:
            self._say(f"updates that were not finite, and were left out: {left_out:,}")

    def _save(self, stop: bool) -> None:
        state, where = self._layout.by_rows(self.state), self.cursor._asdict()
        own = (self._place.process, self._place.processes)
        self._saver.start(snapshots.take(state, where, self.like, *own))
        if stop:
            saved = self._saver.wait()
            step, folder = self.cursor.step, self._place.folder.parent
            told = f"saved in {folder}" if saved else "which could not be saved"
            raise Interrupted(
                f"interrupted after step {step:,}, {told}: run the same command to continue",
                self._stop[0] if self._stop else 15,
            )

    def _refuses(self, event: Any) -> bool:
        return event is not None and _in_a_row(event) >= self._patience

    def _sound(self, event: Any) -> bool:
        return not self._refuses(event) and bool(finite.all_finite(self.state))

    def _back(self, event: Any) -> None:
        where = self._training.where(event)
        said = f"numbers are not finite at {where}"
        if event.began.step <= self._failed:
            raise NumericalError(
                f"{said}, twice: lower learning_rate or batch, or set a cap or a clip"
            )
        self._failed = event.began.step
        self._saver.wait()
        self.state, self.cursor = self._newest()
        self._say(f"{said}: going back to step {self.cursor.step:,}")

    def _newest(self) -> tuple[Any, Any]:
        first, told = self._place.process == 0, self._layout.told
        found = checkpoints.newest(self._place, self._say) if first else None
        name = told(found and found.path.name)
        found = checkpoints.opened(self._place.folder / name) if name and not first else found
        if found is None:
            return self._layout.begin(self._training.start), self._training.cursor()
        return self._layout.place(found.restored(self.like)), self._training.cursor(**found.cursor)


def went_back(before: Any, event: Any) -> bool:
    """Whether an event does again what was done before it; `before` is None at first."""
    return before is not None and event.began.step < before.cursor.step


def refusals(event: Any) -> dict[str, int]:
    """For a line of the log: updates that were not finite so far, in a row and in all, if any."""
    in_all = int(np.max(event.refused.in_all))
    return {"refused": _in_a_row(event), "refused_in_all": in_all} if in_all else {}


def _in_a_row(event: Any) -> int:
    return int(np.max(event.refused.in_a_row))


class _Saver:
    """Commits one checkpoint at a time, in a thread of its own."""

    def __init__(self, place: checkpoints.Place, every: float, say: Callable[[str], Any]) -> None:
        self._place, self._every, self._say = place, every, say
        self._thread = ThreadPoolExecutor(1)
        self._running: Future | None = None
        self._next = 0.0

    def __enter__(self) -> "_Saver":
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
