"""An executor of new interpreters, one a core, for tasks that may be run twice.

`ProcessPoolExecutor` imports the caller's script in every process, so that a script needs a
`__main__` guard, and gives up when one of them dies. The interpreters here import what a task names
and no more; an interpreter that dies is replaced, and its task is run again.
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
    """Runs functions that can be imported by name; an exception in its `with` kills the tasks."""

    def __init__(self, number: int) -> None:
        """Start at most `number` interpreters, each when a task first needs it."""
        self._threads = ThreadPoolExecutor(number)  # each thread waits for its own interpreter
        self._own = threading.local()
        self._all: list[_Interpreter] = []
        self._over = False

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """A future of fn(*args, **kwargs).

        Its exception is the function's own, or BrokenExecutor if each of `TRIES` processes died.
        """
        return self._threads.submit(self._run, fn, args, kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Accept no more tasks; with `wait`, wait for those that run and end the interpreters."""
        self._threads.shutdown(wait, cancel_futures=cancel_futures)
        if wait:
            for interpreter in self._all:
                interpreter.end()

    def __exit__(self, kind: Any, *rest: Any) -> None:
        self._over = kind is not None
        if self._over:
            for interpreter in self._all:
                interpreter.kill()
        self.shutdown(cancel_futures=self._over)

    def _run(self, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        request, code = pickle.dumps((fn, args, kwargs)), 0
        for _ in range(TRIES):
            if self._over:
                break
            interpreter = self._interpreter()
            try:
                answer = interpreter.ask(request)
            except (EOFError, OSError):  # the process died before it answered
                code = interpreter.end()
                continue
            failed, value = pickle.loads(answer)
            if failed:
                raise value
            return value
        cause = f"signal {-code}" if code < 0 else f"exit code {code}"
        raise BrokenExecutor(f"{TRIES} processes died while running this task, the last by {cause}")

    def _interpreter(self) -> "_Interpreter":
        """The interpreter of this thread; a new one if there is none, or if it died."""
        current = getattr(self._own, "interpreter", None)
        if current is None or current.ended:
            current = self._own.interpreter = _Interpreter()
            self._all.append(current)
        return current


class _Interpreter:
    """A process that answers one request at a time, until its parent closes the connection."""

    def __init__(self) -> None:
        self._connection, theirs = multiprocessing.Pipe()
        with theirs:
            # -P: a file in the caller's folder does not shadow a module of the same name
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "jaxemb.text.processes", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env={
                    **os.environ,
                    "PYTHONPATH": os.pathsep.join(entry or os.getcwd() for entry in sys.path),
                },
            )

    def ask(self, request: bytes) -> bytes:
        self._connection.send_bytes(request)
        return self._connection.recv_bytes()

    @property
    def ended(self) -> bool:
        return self._connection.closed

    def kill(self) -> None:
        self._process.kill()

    def end(self) -> int:
        """Close the connection and wait; the exit code, or minus the signal that killed it."""
        self._connection.close()
        return self._process.wait()


def _answer(request: bytes) -> bytes:
    try:
        fn, args, kwargs = pickle.loads(request)
        return pickle.dumps((False, fn(*args, **kwargs)))
    except Exception as error:
        error.add_note(f"in another process:\n{traceback.format_exc()}")
        return pickle.dumps((True, error))


def _serve(connection: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent process
    while True:
        try:
            request = connection.recv_bytes()
        except EOFError:
            return
        connection.send_bytes(_answer(request))


if __name__ == "__main__":
    _serve(Connection(int(sys.argv[1])))
