"""A Dask cluster as an executor, for text that one machine would read too slowly."""

import contextlib
import importlib.util
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Executor, Future
from typing import Any, NamedTuple

from jaxemb.errors import InputError

SECONDS = 10.0


class Cluster(NamedTuple):
    """An executor, and how many tasks it runs at once; None is the default of one machine."""

    executor: Executor | None = None
    workers: int | None = None


@contextlib.contextmanager
def dask(address: str, seconds: float = SECONDS) -> Iterator[Cluster]:
    """The workers of a running Dask cluster.

    Args:
        address: HOST:PORT of the scheduler.
        seconds: to wait for the scheduler, and for a worker.

    Raises:
        InputError: the extra `cluster` is not installed; no scheduler answers; the cluster has no
            worker, or goes away; one task killed worker after worker.
    """
    if importlib.util.find_spec("distributed") is None:
        raise InputError("a Dask cluster needs an extra: pip install 'jaxemb[cluster]'")
    import distributed

    def connected() -> distributed.Client:
        return distributed.Client(address, timeout=seconds, set_as_default=False)

    try:
        # distributed's timeout is for connecting: a silent peer would be waited for for ever
        client = _within(2 * seconds, connected)
    except (OSError, ValueError) as error:  # TimeoutError is an OSError
        raise InputError(
            f"{address}: no Dask scheduler answered within {seconds:g} s ({error}): wanted "
            "HOST:PORT of a running `dask scheduler`"
        ) from None
    with client:
        try:
            client.wait_for_workers(1, timeout=seconds)
        except TimeoutError:
            raise InputError(
                f"{address}: has no worker: start some with `dask worker {address}`"
            ) from None
        workers = sum(client.nthreads().values())
        try:
            yield Cluster(client.get_executor(pure=False), workers)
        except distributed.KilledWorker as error:
            raise InputError(f"{address}: {error}") from error
        except CancelledError:
            raise InputError(f"{address}: the Dask scheduler went away") from None


def _within(seconds: float, function: Callable[[], Any]) -> Any:
    """The function's result, or TimeoutError; its thread is then left behind."""
    answer: Future[Any] = Future()

    def run() -> None:
        try:
            answer.set_result(function())
        except BaseException as error:
            answer.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return answer.result(seconds)
