"""Fault-tolerant training: asynchronous checkpoints, clean shutdown, rollback on non-finite values.

One loop for every `Training`. A kill loses what was done since the newest checkpoint; doing it
again gives bit-identical results.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxemb.errors import Interrupted, NumericalError
from jaxemb.functional import finite
from jaxemb.lab import progress
from jaxemb.lab.durable import checkpoints, snapshots
from jaxemb.lab.durable.saver import Saver
from jaxemb.structs import Cursor, Event, Training

if TYPE_CHECKING:
    from jaxemb.lab.workdir import Workdir

PATIENCE = 10  # updates in a row that are not finite, before a training run goes back


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


class Watch(NamedTuple):
    """What is measured while a run trains; the numbers of a line of its log, by name.

    start(state, log) -> function   before the first step of a new run; called beside the training
    step(event) -> numbers          after every chunk; they are read one chunk later
    epoch(state) -> numbers         after every epoch
    end(state) -> lines             for people, of the whole state on the host
    """

    start: Callable[[Any, progress.Log], Callable[[], Any]] = lambda state, log: lambda: None
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
) -> tuple[Any, Cursor]:
    """Trains in a folder to the end, from the newest checkpoint there, with a bar and a log.

    Args:
        every: seconds between checkpoints.
        meter: shows events; by default a bar.

    Returns:
        The state on the host, without padding; where it stands.

    Raises:
        InputError: another process trains in the folder.
        NumericalError: updates that are not finite, also when they are done again.
        Interrupted: after Ctrl-C or SIGTERM, when the chunk is finished and saved.
    """
    with (
        workdir.alone(),
        progress.stop_requests() as stop,
        progress.Log(workdir.folder / progress.METRICS) as log,
        contextlib.ExitStack() as shown,
        ThreadPoolExecutor(1) as beside,
    ):
        show = meter or shown.enter_context(progress.Bar())
        place, say = workdir.place, log.say
        durable = Durable(training, place, every=every, stop=stop, say=say, layout=layout)
        log.back_to(durable.cursor)
        new = not durable.cursor.step
        started = beside.submit(watch.start(durable.state, log)) if new else None
        before = waiting = None
        for event, saving in durable.events():
            if went_back(before, event):
                log.back_to(event.began)
            elif waiting:  # one chunk late, so that the device never waits for the host
                _log(*waiting, show, log)
            before, waiting = event, (event, watch.step(event))
            if event.ends_epoch or saving:  # at once: a continued run would not measure it again
                _log(*waiting, show, log)
                waiting = None
            if event.ends_epoch:
                log.add(event.cursor, **watch.epoch(event.state))
        if started:
            started.result()  # raises what went wrong there
        whole = layout.whole(durable.state, durable.like)
        for line in watch.end(whole):
            log.say(line)
    return whole, durable.cursor


def _log(event: Event, numbers: dict[str, Any], meter: progress.Meter, log: progress.Log) -> None:
    losses = np.asarray(event.loss, np.float64)
    rates = {"learning_rate": event.learning_rate, "words_per_second": meter(event, losses.mean())}
    known = {name: rate for name, rate in rates.items() if rate is not None}
    numbers = {name: np.asarray(x, np.float64).round(7).tolist() for name, x in numbers.items()}
    log.add(event.cursor, loss=losses.tolist(), **known, **_refusals(event), **numbers)


class Durable:
    """A training run that resumes from the newest good checkpoint.

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
        layout: Layout = Layout(),  # noqa: B008
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
        self._saver = Saver(place, every, say)
        self.like = jax.eval_shape(training.start)
        self._failed = -1  # the last step at which it had to go back
        self.state, self.cursor = self._newest()

    def events(self) -> Iterator[tuple[Event, bool]]:
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
        left_out = _refusals(last).get("refused_in_all") if last else 0
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
            return self._layout.begin(self._training.start), Cursor()
        return self._layout.place(found.restored(self.like)), Cursor(**found.cursor)


def went_back(before: Any, event: Any) -> bool:
    """Whether an event does again what was done before it; `before` is None at first."""
    return before is not None and event.began.step < before.cursor.step


def _refusals(event: Any) -> dict[str, int]:
    """For a line of the log: updates that were not finite so far, in a row and in all, if any."""
    in_all = int(np.max(event.refused.in_all))
    return {"refused": _in_a_row(event), "refused_in_all": in_all} if in_all else {}


def _in_a_row(event: Any) -> int:
    return int(np.max(event.refused.in_a_row))
