"""An executor of new interpreters, one a core, for tasks that may be run twice.

`ProcessPoolExecutor` imports the caller's script in every process, so that a script needs a
`__main__` guard, and gives up when one of them dies. These import what a task names and no more;
one that dies is replaced, and its task is run again.
"""

import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from multiprocessing.connection import Connection
from typing import Any

TRIES = 3  # of one task; a text that kills three processes would kill more


class Processes(Executor):
    """Runs functions that can be imported by name; leaving it by an exception kills what runs."""

    def __init__(self, number: int) -> None:
        """Starts at most `number` interpreters, each when a task asks for it."""
        self._threads = ThreadPoolExecutor(number)  # each waits for an interpreter of its own
        self._own = threading.local()
        self._all: list[_Interpreter] = []
        self._over = False

    def submit(self, fn: Callable, /, *args: Any, **kwargs: Any) -> Future:
        """A future of fn(*args, **kwargs).

        Its exception is the function's own, or BrokenExecutor: each of `TRIES` processes died.
        """
        return self._threads.submit(self._run, fn, args, kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._threads.shutdown(wait, cancel_futures=cancel_futures)
        if wait:
            for interpreter in self._all:
                interpreter.end()

    def __exit__(self, kind, *rest):
        self._over = kind is not None
        if self._over:
            for interpreter in self._all:
                interpreter.kill()
        self.shutdown(cancel_futures=self._over)

    def _run(self, fn: Callable, args: tuple, kwargs: dict) -> Any:
        asked, code = pickle.dumps((fn, args, kwargs)), 0
        for _ in range(TRIES):
            if self._over:
                break
            interpreter = self._interpreter()
            try:
                answer = interpreter.ask(asked)
            except (EOFError, OSError):  # it died before it answered
                code = interpreter.end()
                continue
            failed, value = pickle.loads(answer)
            if failed:
                raise value
            return value
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        raise BrokenExecutor(f"{TRIES} processes died of it, the last by {how}")

    def _interpreter(self) -> "_Interpreter":
        """That of this thread, which may be new."""
        found = getattr(self._own, "interpreter", None)
        if found is None or found.ended:
            found = self._own.interpreter = _Interpreter()
            self._all.append(found)
        return found


class _Interpreter:
    """A process that answers, one question at a time, until nobody can ask any more."""

    def __init__(self) -> None:
        self._connection, theirs = multiprocessing.Pipe()
        with theirs:
            # -P: a file beside the caller's is not taken for a module of the same name
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "jaxemb.text.processes", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env={
                    **os.environ,
                    "PYTHONPATH": os.pathsep.join(each or os.getcwd() for each in sys.path),
                },
            )

    def ask(self, asked: bytes) -> bytes:
        self._connection.send_bytes(asked)
        return self._connection.recv_bytes()

    @property
    def ended(self) -> bool:
        return self._connection.closed

    def kill(self) -> None:
        self._process.kill()

    def end(self) -> int:
        """Its exit code, or minus the signal that it died of."""
        self._connection.close()
        return self._process.wait()


def _answer(asked: bytes) -> bytes:
    try:
        fn, args, kwargs = pickle.loads(asked)
        return pickle.dumps((False, fn(*args, **kwargs)))
    except Exception as error:
        error.add_note(f"in another process:\n{traceback.format_exc()}")
        return pickle.dumps((True, error))


def _serve(connection: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one who asked
    while True:
        try:
            asked = connection.recv_bytes()
        except EOFError:
            return
        connection.send_bytes(_answer(asked))


if __name__ == "__main__":
    _serve(Connection(int(sys.argv[1])))
