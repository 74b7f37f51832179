"""How a process ends when others are lost: at once, with one last line and an exit code.

JAX's own ways out wait for processes that are no more, or are abort(), which no Python code can
catch.
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

CODE = 75  # EX_TEMPFAIL: another process is lost, or all sense of time; start all again
AGAIN = "start all again with the same command to go on from the newest checkpoint"
_OF_PEERS = ("Gloo", "NCCL", "oordination", "UNAVAILABLE", "DEADLINE_EXCEEDED", "ocket closed")

_kept: list[Any] = []  # functions that C calls
_folders: list[Path] = []


def is_cause_of(error: BaseException) -> bool:
    """Whether an error is what a program meets when another process is gone."""
    said = str(error)
    return any(mark in said for mark in _OF_PEERS)


def end(line: str, code: int = CODE, errors: int = 2) -> NoReturn:
    """Ends this process now.

    Args:
        line: the last one; none if empty.
        errors: the file descriptor that it goes to.
    """
    if line:
        os.write(errors, f"{one_line(line)}\n".encode())
    with contextlib.suppress(OSError, ValueError):  # nobody may read it any more
        sys.stdout.flush()
    _drop_folders()
    os._exit(code)


def scratch() -> Path:
    """A folder that goes away with this process, or at `forget`."""
    _folders.append(Path(tempfile.mkdtemp(prefix="jaxemb-")))
    return _folders[-1]


def forget() -> None:
    """Others are no concern any more: folders go away, and an abort is one again."""
    _drop_folders()
    if _kept:
        signal.signal(signal.SIGABRT, signal.SIG_DFL)


def _drop_folders() -> None:
    while _folders:
        shutil.rmtree(_folders.pop(), ignore_errors=True)


def when_aborted(line: Callable[[], str], errors: int = 2) -> None:
    """From now on abort() ends this process with a line and `CODE`."""
    handler = ctypes.CFUNCTYPE(None, ctypes.c_int)(lambda _: end(line(), errors=errors))
    _kept.append(handler)
    of_c = ctypes.CDLL(None).signal  # Python's own handlers run when C code returns: never
    of_c.argtypes, of_c.restype = (ctypes.c_int, ctypes.c_void_p), ctypes.c_void_p
    of_c(int(signal.SIGABRT), ctypes.cast(handler, ctypes.c_void_p))


def watch(seen: Callable[[], float | None], seconds: float, line: str) -> None:
    """Ends this process when nothing was seen for some seconds: a peer may live, and hang.

    Args:
        seen: when something was seen last, by `time.monotonic`; None: nobody has to be seen.
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
    """Within it nothing that C++ says is shown: of a process that is late it shows all calls.

    Yields:
        The file descriptor of what is shown.
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
