"""How a process ends when others are lost: at once, with one last line and an exit code.

JAX itself waits for the lost processes, or calls abort(), which no Python code can catch.
"""

import contextlib
import ctypes
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

from jaxemb.errors import one_line

CODE = 75  # EX_TEMPFAIL: another process is lost, or no chunk ends; start all again
AGAIN = "start all again with the same command to resume from the newest checkpoint"
_OF_PEERS = ("Gloo", "NCCL", "oordination", "UNAVAILABLE", "DEADLINE_EXCEEDED", "ocket closed")

_kept: list[Any] = []  # functions that C calls, kept alive
_folders: list[Path] = []


def is_cause_of(error: BaseException) -> bool:
    """Whether an error comes from the loss of another process."""
    message = str(error)
    return any(mark in message for mark in _OF_PEERS)


def end(line: str, code: int = CODE, errors: int = 2) -> NoReturn:
    """End this process now.

    Args:
        line: the last line that is printed; none if empty.
        errors: the file descriptor that it is written to.
    """
    if line:
        os.write(errors, f"{one_line(line)}\n".encode())
    with contextlib.suppress(OSError, ValueError):  # nobody may read it any more
        sys.stdout.flush()
    _drop_folders()
    os._exit(code)


def scratch() -> Path:
    """A temporary folder, removed when this process ends, or by `forget`."""
    _folders.append(Path(tempfile.mkdtemp(prefix="jaxemb-")))
    return _folders[-1]


def forget() -> None:
    """Remove the temporary folders, and restore the default action of abort()."""
    _drop_folders()
    if _kept:
        signal.signal(signal.SIGABRT, signal.SIG_DFL)


def _drop_folders() -> None:
    while _folders:
        shutil.rmtree(_folders.pop(), ignore_errors=True)


def when_aborted(line: Callable[[], str], errors: int = 2) -> None:
    """From now on, end this process with a line and `CODE` at abort()."""
    handler = ctypes.CFUNCTYPE(None, ctypes.c_int)(lambda _: end(line(), errors=errors))
    _kept.append(handler)
    of_c = ctypes.CDLL(None).signal  # Python's own handlers run when C code returns: never
    of_c.argtypes, of_c.restype = (ctypes.c_int, ctypes.c_void_p), ctypes.c_void_p
    of_c(int(signal.SIGABRT), ctypes.cast(handler, ctypes.c_void_p))


def watch(seen: Callable[[], float | None], seconds: float, line: str) -> None:
    """End this process when there was no progress for some seconds: a live peer may hang.

    Args:
        seen: returns the time of the last progress, by `time.monotonic`; None if none is due.
        seconds: the longest time without progress.
        line: the last line that is printed.
    """

    def look() -> None:
        while True:
            time.sleep(min(1.0, seconds / 4))
            last = seen()
            if last is not None and time.monotonic() - last > seconds:
                end(line)

    threading.Thread(target=look, daemon=True).start()


@contextlib.contextmanager
def quiet() -> Iterator[int]:
    """Hide what C++ code prints to stderr: for a late process it prints its whole stack.

    Yields:
        A file descriptor of stderr that is still shown.
    """
    sys.stderr.flush()
    errors = os.dup(2)
    with tempfile.TemporaryFile() as unread:
        os.dup2(unread.fileno(), 2)
        try:
            yield errors
        finally:
            os.dup2(errors, 2)
            os.close(errors)
