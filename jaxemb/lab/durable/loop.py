"""Fault-tolerant training: asynchronous checkpoints, clean shutdown, rollback on non-finite values.

One loop for every `Training`. A kill loses what was done since the newest checkpoint; doing it
again gives bit-identical results.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxemb.errors import Interrupted, NumericalError
from jaxemb.functional import finite
from jaxemb.lab import memory, progress
from jaxemb.lab.durable import checkpoints, snapshots
from jaxemb.lab.durable.budget import Budget
from jaxemb.lab.durable.saver import Saver
from jaxemb.structs import Cursor, Event, Training
from jaxemb.training import monitor
from jaxemb.training.fitting import PATIENCE

if TYPE_CHECKING:
    from jaxemb.lab.workdir import Workdir


class Layout(NamedTuple):
    """Where the state of a training run lies, and how its processes agree.

    begin(start) -> state              the state of start(), which may be traced, in its place
    place(rows) -> state               from `snapshots.Rows`, of which each process reads its own
    by_rows(state) -> state            sharded by rows, so that each process saves its own
    agree(flags) -> flags              the same flags in all processes, which then act alike
    whole(state, like) -> state        on the host; `like` is without padding
    broadcast(value) -> value          the value of process 0, in all processes
    """

    begin: Callable[[Callable[[], Any]], Any] = lambda start: start()
    place: Callable[[Any], Any] = lambda rows: jax.tree.map(jnp.asarray, snapshots.whole(rows))
    by_rows: Callable[[Any], Any] = lambda state: state
    agree: Callable[[Any], Any] = lambda flags: flags
    whole: Callable[[Any, Any], Any] = lambda state, like: state
    broadcast: Callable[[Any], Any] = lambda value: value


class Watch(NamedTuple):
    """What is measured during training: the numbers of a line of the log, by name.

    start(state, log)        before the first step of a new run
    step(event) -> numbers   after every chunk; they are read one chunk later
    epoch(state) -> numbers  after every epoch
    end(state) -> lines      for the user, from the whole state on the host
    """

    start: Callable[[Any, progress.Log], None] = lambda state, log: None
    step: Callable[[Event], dict[str, Any]] = lambda event: {}
    epoch: Callable[[Any], dict[str, Any]] = lambda state: {}
    end: Callable[[Any], list[str]] = lambda state: []


def run(
    training: Training,
    workdir: Workdir,
    *,
    every: float,
    layout: Layout = Layout(),  # noqa: B008 (a NamedTuple does not change)
    watch: Watch = Watch(),  # noqa: B008
    meter: progress.Meter | None = None,
    seconds: float | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> tuple[Any, Cursor]:
    """Train in a folder to the end, from its newest checkpoint, with a progress bar and a log.

    Args:
        every: seconds between checkpoints.
        meter: shows events and losses; by default a progress bar.
        seconds: of training, over all sessions, after which the run ends; None: at its last epoch.
        clock: gives seconds.

    Returns:
        The state on the host, without padding, and its cursor.

    Raises:
        InputError: another process trains in the folder.
        NumericalError: updates that are not finite, also after a rollback.
        Interrupted: after Ctrl-C or SIGTERM, when the chunk is finished and saved.
    """
    with (
        workdir.alone(),
        progress.stop_requests() as stop,
        progress.Log(workdir.folder / progress.METRICS) as log,
        contextlib.ExitStack() as shown,
    ):
        show = meter or shown.enter_context(progress.Bar())
        place, say = workdir.place, log.say
        durable = Durable(training, place, every=every, stop=stop, say=say, layout=layout)
        log.back_to(durable.cursor)
        new = not durable.cursor.step
        if not new and workdir.place.process == 0:
            say(f"continued from step {durable.cursor.step:,}")
        if new:
            watch.start(durable.state, log)
        memory.give_back()  # what compiling left
        spent = log.last("seconds") if seconds else None
        budget = Budget(seconds, spent or 0.0, clock)
        _follow(durable, watch, budget, show, log)
        whole = layout.whole(durable.state, durable.like)
        for line in watch.end(whole):
            log.say(line)
    return whole, durable.cursor


def _follow(
    durable: Durable, watch: Watch, budget: Budget, show: progress.Meter, log: progress.Log
) -> None:
    """Train to the end, and measure, show and log every chunk."""
    before = waiting = None
    for trained, saving in durable.events():
        event = budget.counted(trained)
        durable.enough = budget.spent
        if went_back(before, event):
            log.back_to(event.began)
        elif waiting:  # one chunk late, so that the device never waits for the host
            _log(*waiting, show, log)
        before, waiting = event, (event, {**watch.step(event), **budget.row})
        if event.ends_epoch or saving:  # at once: a resumed run would not measure it again
            _log(*waiting, show, log)
            waiting = None
        if event.ends_epoch:
            budget.count()
            log.add(event.cursor, **watch.epoch(event.state))
            budget.skip()


def _log(event: Event, numbers: dict[str, Any], meter: progress.Meter, log: progress.Log) -> None:
    losses = np.asarray(event.loss, np.float64)
    rates = {"learning_rate": event.learning_rate, "words_per_second": meter(event, losses.mean())}
    known = {name: rate for name, rate in rates.items() if rate is not None}
    measured = {**_refusals(event), **monitor.plain(numbers)}
    log.add(event.cursor, loss=losses.tolist(), **known, **measured)


class Durable:
    """A training run that resumes from the newest good checkpoint.

    Attributes:
        state, cursor: the current state and its position; at first, those it resumes from.
        enough: set by the caller: training ends with the next event.
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
        layout: Layout = Layout(),  # noqa: B008
        patience: int = PATIENCE,
    ) -> None:
        """Args:
        every: seconds between checkpoints; the first is made at once.
        stop: signals received so far; any of them requests a stop.
        say: takes a line for the user: what was damaged, not saved, or not finite.
        patience: updates in a row that are not finite, before a rollback.
        """
        self._training, self._place, self._layout = training, place, layout
        self._stop, self._say, self._patience = stop, say, patience
        self.enough = False
        self._saver = Saver(place, every, say)
        self.like: Any = jax.eval_shape(training.start)
        self.state: Any
        self.cursor: Cursor
        self._failed = -1  # the last step that was rolled back
        self.state, self.cursor = self._newest()

    def events(self) -> Iterator[tuple[Event, bool]]:
        """Train to the end; yields each event, and whether a checkpoint follows at once.

        After a rollback an event begins before the previous one ended: `went_back`.

        Raises:
            NumericalError: updates that are not finite, also after a rollback.
            Interrupted: a stop was requested, and the state is saved.
        """
        with self._saver:
            while True:
                event, before, first = None, None, None
                for event in self._training.events(self.state, self.cursor):
                    self.state, self.cursor = event.state, event.cursor
                    flags = bool(self._stop), self._saver.due(), self.enough
                    stop, due, enough = self._layout.agree(flags)
                    stop = stop and event.done < 1 and not enough
                    yield event, stop or due or enough
                    # one late: the device does not wait for the host
                    first = (first or before) if before and _in_a_row(before) else None
                    if self._refuses(before):
                        break
                    before = event
                    if enough:
                        if self._sound(event):
                            return self._tell(event)
                        break
                    if stop or due:
                        if not self._sound(event):
                            break
                        if stop or not _in_a_row(event):  # else something is going wrong
                            self._save(stop)
                else:
                    if event is None or self._sound(event):
                        return self._tell(event)
                self._back(first or event)

    def _tell(self, last: Any) -> None:
        left_out = _refusals(last).get("refused_in_all") if last else 0
        if left_out:
            self._say(f"updates that were not finite, and were left out: {left_out:,}")

    def _save(self, stop: bool) -> None:
        memory.give_back()  # before a copy of the state is made
        state, where = self._layout.by_rows(self.state), self.cursor._asdict()
        own = (self._place.process, self._place.processes)
        self._saver.start(snapshots.take(state, where, self.like, *own))
        if stop:
            saved = self._saver.wait()
            step, folder = self.cursor.step, self._place.folder.parent
            outcome = f"saved in {folder}" if saved else "which could not be saved"
            raise Interrupted(
                f"interrupted after step {step:,}, {outcome}: run the same command to continue",
                self._stop[0] if self._stop else 15,
            )

    def _refuses(self, event: Any) -> bool:
        return event is not None and _in_a_row(event) >= self._patience

    def _sound(self, event: Any) -> bool:
        return not self._refuses(event) and bool(finite.all_finite(self.state))

    def _back(self, event: Any) -> None:
        where = self._training.where(event)
        message = f"numbers are not finite at {where}"
        if event.began.step <= self._failed:
            raise NumericalError(
                f"{message}, twice: lower learning_rate or batch, or set a cap or a clip; if that "
                "does not help, the loss itself is NaN or infinite there"
            )
        self._failed = event.began.step
        self._saver.wait()
        self.state, self.cursor = self._newest()
        self._say(f"{message}: going back to step {self.cursor.step:,}")

    def _newest(self) -> tuple[Any, Cursor]:
        first, broadcast = self._place.process == 0, self._layout.broadcast
        saved = checkpoints.newest(self._place, self._say) if first else None
        name = broadcast(saved and saved.path.name)
        saved = checkpoints.opened(self._place.folder / name) if name and not first else saved
        if saved is None:
            return self._layout.begin(self._training.start), Cursor()
        return self._layout.place(saved.restored(self.like)), Cursor(**saved.cursor)


def went_back(before: Any, event: Any) -> bool:
    """Whether training was rolled back between two events; `before` is None at first."""
    return before is not None and event.began.step < before.cursor.step


def _refusals(event: Any) -> dict[str, int]:
    """Numbers of updates so far that were not finite, for a line of the log; empty if none."""
    in_all = int(np.max(event.refused.in_all))
    return {"refused": _in_a_row(event), "refused_in_all": in_all} if in_all else {}


def _in_a_row(event: Any) -> int:
    return int(np.max(event.refused.in_a_row))
