"""Progress of a long run: bars, a log of measurements, and a clean stop by signals."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markdown import Markdown
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from jaxemb import files
from jaxemb.errors import one_line
from jaxemb.lab.notebook_bar import NotebookBar
from jaxemb.structs import Cursor, Event

METRICS = "metrics.jsonl"  # in a run's folder
# seconds over which a bar judges speed: rich's own 30 hold less than two chunks of a slow run
_SPEED_OVER = 86_400.0
_PICTURE = re.compile(r"^!\[[^\]\n]*\]\(([^)\n]+)\)\n?", re.MULTILINE)
STOPPING = "stopping after this chunk; Ctrl-C again stops at once"
Meter = Callable[[Event, float], float | None]  # shows an event, its loss; words/s


class Log:
    """The file metrics.jsonl: one line per measurement, written at once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.step: int = 0  # of the last line
        self._write(logged(path))

    def _write(self, rows: list[dict[str, Any]]) -> None:
        files.write_text(self._path, "".join(json.dumps(row) + "\n" for row in rows))
        self._file = self._path.open("a", encoding="utf-8")

    def __enter__(self) -> "Log":
        return self

    def __exit__(self, *error: Any) -> None:
        self._file.close()

    def add(self, cursor: Cursor, **values: float | list[Any] | None) -> None:
        """Append the values measured at a position."""
        row = {"step": cursor.step, "epoch": cursor.epoch, "words": cursor.words, **values}
        self.step = max(self.step, cursor.step)
        self._line(row)

    def say(self, line: str) -> None:
        """Print a line for the user, and append it to the file."""
        say(line)
        self._line({"step": self.step, "note": line})

    def last(self, name: str) -> Any:
        """The value of the last line that has one of this name; None if none has."""
        rows = logged(self._path)
        return next((row[name] for row in reversed(rows) if name in row), None)

    def back_to(self, cursor: Cursor) -> None:
        """Remove measurements beyond a position, from which training resumes."""
        self._file.close()
        rows = logged(self._path)
        self._write([row for row in rows if row["step"] <= cursor.step or "note" in row])
        self.step = cursor.step

    def _line(self, row: dict[str, Any]) -> None:
        self._file.write(json.dumps(files.finite(row)) + "\n")
        self._file.flush()


def say(line: str) -> None:
    """Print a line to stderr that is not an error; a bar stays below it."""
    print(one_line(line), file=sys.stderr)


def logged(path: Path) -> list[dict[str, Any]]:
    """Read the lines of a `Log`, sorted by step; none if the file does not exist."""
    lines = files.read_text(path).split("\n") if path.exists() else []
    rows = []
    for line in lines:
        with contextlib.suppress(json.JSONDecodeError):  # a last line torn by a kill
            rows.append(json.loads(line))
    return sorted(rows, key=lambda row: row["step"])


def epoch_ends(rows: Iterable[dict[str, Any]]) -> dict[int, float]:
    """The words at the first measurement after each epoch, by the number of epochs done."""
    ends: dict[int, float] = {}
    for row in sorted((row for row in rows if "words" in row), key=lambda row: row["words"]):
        if epoch := row.get("epoch"):
            ends.setdefault(epoch, row["words"])
    return ends


def rate(rows: list[dict[str, Any]]) -> float | None:
    """The last speed that a log has, in words or predictions a second; None if it has none."""
    rates = (row.get("words_per_second") for row in reversed(rows))
    return next(filter(None, rates), None)


class Bar:
    """The progress bar of a training run: a `Meter`.

    Its speed and its time left are those of this session, without the first chunk, which compiles:
    rich, too, leaves out what was done at the first update.
    """

    def __init__(self, shown: bool = True, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` gives seconds."""
        columns = "loss {task.fields[loss]}", "{task.fields[rate]:,.0f} words/s"
        self._bar, self._clock = bar("training", *columns, clock=clock), clock
        self._bar.disable |= not shown
        self._task = self._bar.add_task("", total=1.0, loss="?", rate=0.0)
        self._before: tuple[float, int] | None = None
        self._rate = 0.0

    def __enter__(self) -> "Bar":
        self._bar.start()
        return self

    def __exit__(self, *error: Any) -> None:
        self._bar.stop()

    def __call__(self, event: Event, loss: float) -> float:
        now, words = self._clock(), event.cursor.words
        if self._before:  # the first chunk compiles: it is not part of the rate
            self._rate = (words - self._before[1]) / max(now - self._before[0], 1e-9)
        else:
            self._before = (now, words)
        self._bar.update(self._task, completed=event.done, loss=f"{loss:.3f}", rate=self._rate)
        return self._rate


def show(markdown: str) -> None:
    """Print Markdown without its pictures: rendered on a terminal, unchanged elsewhere."""
    console, markdown = Console(), _PICTURE.sub("", markdown)
    if _moves_its_cursor(console):
        console.print(Markdown(markdown))
    else:
        print(markdown)


def pictures(markdown: str) -> list[str]:
    """The names of the pictures that Markdown shows."""
    return _PICTURE.findall(markdown)


@contextlib.contextmanager
def measuring() -> Iterator[None]:
    """Show `measuring ...` on stderr, on a terminal only, while the context lasts."""
    console = Console(stderr=True)
    with (
        console.status("measuring ...") if _moves_its_cursor(console) else contextlib.nullcontext()
    ):
        yield


def _moves_its_cursor(console: Console) -> bool:
    """Whether this is a terminal, and not a cell of a notebook that calls a command.

    Jupyter tells its kernel's children that they write to a terminal, and keeps the codes.
    """
    return console.is_terminal and "JPY_PARENT_PID" not in os.environ


def bar(name: str, *columns: str, clock: Callable[[], float] = time.monotonic) -> Progress:
    """A progress bar on stderr, shown on a terminal and in a notebook.

    Args:
        columns: formats of its texts.
        clock: gives seconds.
    """
    console = Console(stderr=True)
    texts = [TextColumn(column) for column in columns]
    shown = (TextColumn(name), BarColumn(), TaskProgressColumn(), *texts, TimeRemainingColumn())
    return (NotebookBar if console.is_jupyter else Progress)(
        *shown,
        console=console,
        disable=not (console.is_jupyter or _moves_its_cursor(console)),
        get_time=clock,
        speed_estimate_period=_SPEED_OVER,
    )


@contextlib.contextmanager
def watched(name: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar with its rate; yields a function (done, total) that updates it."""
    with bar(name, "{task.fields[rate]:,.0f}/s") as shown:
        task = shown.add_task("", total=None, rate=0.0)
        began: list[tuple[float, int]] = []

        def show(done: int, total: int) -> None:
            now = time.monotonic()
            if not began:  # the rate excludes an earlier session's part, and compilation
                began.append((now, done))
            start, before = began[0]
            rate = (done - before) / max(now - start, 1e-9)
            shown.update(task, completed=done, total=total, rate=rate)

        yield show


@contextlib.contextmanager
def interrupts() -> Iterator[list[int]]:
    """Interrupts received so far: the first is only noted, the second raises KeyboardInterrupt."""
    received: list[int] = []
    before = signal.getsignal(signal.SIGINT)

    def note(number: int, frame: Any) -> None:
        received.append(number)
        if len(received) == 1:
            say(STOPPING)
        elif callable(before):
            before(number, frame)

    try:
        signal.signal(signal.SIGINT, note)
    except ValueError:  # not the main thread: no signals there
        yield received
        return
    try:
        yield received
    finally:
        signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def stop_requests() -> Iterator[list[int]]:
    """Yield the signals received so far: Ctrl-C and SIGTERM request a stop.

    A second one ends the process at once with exit code 128 + its number, whatever is being
    compiled or written: Python's own handlers wait until C code returns, so the signal wakes a
    thread.
    """
    received: list[int] = []
    try:
        before = {number: signal.getsignal(number) for number in _STOPPING}
        for number in _STOPPING:
            signal.signal(number, lambda number, frame: received.append(number))
    except ValueError:  # not the main thread (a notebook's worker): no signals there
        yield received
        return
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    woken_before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    threading.Thread(target=_end_at_second, args=(reading,), daemon=True).start()
    try:
        yield received
    finally:
        signal.set_wakeup_fd(woken_before)
        os.close(writing)  # which ends the thread
        for number, old in before.items():
            signal.signal(number, old)


_STOPPING = (signal.SIGINT, signal.SIGTERM)
_SHOW_CURSOR = b"\x1b[?25h\n"  # a bar hides it


def _end_at_second(reading: int) -> None:
    """Read signal numbers from a pipe until it is closed: the first stop is answered with a line.

    The second one ends the process.
    """
    received = 0
    with open(reading, "rb", buffering=0) as signals:
        while number := signals.read(1):
            received += number[0] in _STOPPING
            if received == 1 and number[0] in _STOPPING:
                with contextlib.suppress(OSError, ValueError):  # nobody reads any more
                    say(STOPPING)
            if received > 1:
                if os.isatty(2):
                    os.write(2, _SHOW_CURSOR)
                os._exit(128 + number[0])
