"""What a person sees of a long run: bars, a log of measurements, and a way to stop it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markdown import Markdown
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from jaxemb import files
from jaxemb.errors import one_line
from jaxemb.structs import Cursor, Event

METRICS = "metrics.jsonl"  # of a run's folder
Meter = Callable[[Event, float], float | None]  # shows an event and its loss; words per second


class Log:
    """metrics.jsonl: one line a measurement, written as it is made."""

    def __init__(self, path: Path) -> None:
        self._path, self.step = path, 0  # of the last line
        self._write(logged(path))

    def _write(self, rows: list[dict]) -> None:
        files.write_text(self._path, "".join(json.dumps(row) + "\n" for row in rows))
        self._file = self._path.open("a", encoding="utf-8")

    def __enter__(self) -> "Log":
        return self

    def __exit__(self, *error) -> None:
        self._file.close()

    def add(self, cursor: Cursor, **values: float | list | None) -> None:
        words = cursor.trained + cursor.subsampled
        row = {"step": cursor.step, "epoch": cursor.epoch, "words": words, **values}
        self.step = max(self.step, cursor.step)
        self._line(row)

    def say(self, line: str) -> None:
        """Tells a person, and keeps what was told."""
        say(line)
        self._line({"step": self.step, "note": line})

    def back_to(self, cursor: Cursor) -> None:
        """Takes away what was measured beyond a position, where training begins again."""
        self._file.close()
        rows = logged(self._path)
        self._write([row for row in rows if row["step"] <= cursor.step or "note" in row])
        self.step = cursor.step

    def _line(self, row: dict[str, Any]) -> None:
        self._file.write(json.dumps(files.finite(row)) + "\n")
        self._file.flush()


def say(line: str) -> None:
    """Tells a person something that is no error; a bar stays below it."""
    print(one_line(line), file=sys.stderr)


def logged(path: Path) -> list[dict[str, Any]]:
    """The lines of a `Log`, by step; none if there is no such file."""
    lines = files.read_text(path).split("\n") if path.exists() else []
    rows = []
    for line in lines:
        with contextlib.suppress(json.JSONDecodeError):  # a last line torn by a kill
            rows.append(json.loads(line))
    return sorted(rows, key=lambda row: row["step"])


class Bar:
    """The progress bar of a training run: a `Meter`."""

    def __init__(self) -> None:
        self._bar = bar("training", "loss {task.fields[loss]}", "{task.fields[rate]:,.0f} words/s")
        self._task = self._bar.add_task("", total=1.0, loss="?", rate=0.0)
        self._before: tuple[float, int] | None = None
        self._rate = 0.0

    def __enter__(self) -> "Bar":
        self._bar.start()
        return self

    def __exit__(self, *error) -> None:
        self._bar.stop()

    def __call__(self, event: Event, loss: float) -> float:
        now, words = time.monotonic(), event.cursor.trained + event.cursor.subsampled
        if self._before:  # the first chunk compiles: it is not part of the rate
            self._rate = (words - self._before[1]) / max(now - self._before[0], 1e-9)
        else:
            self._before = (now, words)
        self._bar.update(self._task, completed=event.done, loss=f"{loss:.3f}", rate=self._rate)
        return self._rate


def show(markdown: str) -> None:
    """Prints a report: laid out on a terminal, as it is anywhere else."""
    console = Console()
    if console.is_terminal:
        console.print(Markdown(markdown))
    else:
        print(markdown)


def bar(name: str, *columns: str) -> Progress:
    console = Console(stderr=True)
    texts = [TextColumn(column) for column in columns]
    shown = (TextColumn(name), BarColumn(), TaskProgressColumn(), *texts, TimeRemainingColumn())
    return Progress(*shown, console=console, disable=not console.is_terminal)


@contextlib.contextmanager
def watched(name: str) -> Iterator[Callable[[int, int], None]]:
    """A bar with its rate, as a function of what is done and what there is in all."""
    with bar(name, "{task.fields[rate]:,.0f}/s") as shown:
        task = shown.add_task("", total=None, rate=0.0)
        began: list[tuple[float, int]] = []

        def show(done: int, total: int) -> None:
            now = time.monotonic()
            if not began:  # an earlier session's part, or compilation, is not in the rate
                began.append((now, done))
            start, before = began[0]
            rate = (done - before) / max(now - start, 1e-9)
            shown.update(task, completed=done, total=total, rate=rate)

        yield show


@contextlib.contextmanager
def stop_requests() -> Iterator[list[int]]:
    """Signals received so far: Ctrl-C and SIGTERM ask to stop; a second one ends the process.

    At once, with 128 + its number, whatever is being compiled or written: Python's own handlers
    wait until C code returns, so a thread is woken by the signal itself.
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
    """Reads the numbers of signals until nobody writes any more."""
    asked = 0
    with open(reading, "rb", buffering=0) as signals:
        while number := signals.read(1):
            asked += number[0] in _STOPPING
            if asked > 1:
                if os.isatty(2):
                    os.write(2, _SHOW_CURSOR)
                os._exit(128 + number[0])
