"""From text to provisional numbers, on any executor: each task reads some stretches of the text.

The default executor runs processes of this machine, one a core. A cluster's executor serves as
well, if all its workers see the text and the scratch folder under the same names. Any cut of the
text, and a task that is run twice, give the same corpus: see `parts`.
"""

import contextlib
import functools
import hashlib
import os
import pkgutil
import socket
import sys
import tempfile
import unicodedata
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from pathlib import Path
from typing import Any, NamedTuple

from jaxemb.errors import InputError
from jaxemb.text import compression, parts, sources, vocabulary
from jaxemb.text.parts import Part
from jaxemb.text.processes import Processes
from jaxemb.text.sources import Stretch
from jaxemb.text.vocabulary import SENTENCE_END

Tokenizer = Callable[[str], list[str]]
Progress = Callable[[int, int], None]  # bytes read, bytes in all
Job = list[Stretch]  # what one task reads, in order
LEAST = 1 << 23  # bytes that are worth a task of their own
_MOST = 1 << 28  # bytes that one task reads, so that its memory is bounded
PENDING = 1 << 17  # numbers that are collected before they are written
_BYTES_READ = ".bytes"  # suffix of the files in which tasks report their progress


class Readers(NamedTuple):
    """The executor that reads a text (None: this process), and the jobs the text is cut into."""

    executor: Executor | None
    jobs: list[Job]


@contextlib.contextmanager
def readers(
    files: list[Path],
    tokenizer: Tokenizer,
    executor: Executor | None = None,
    workers: int | None = None,
) -> Iterator[Readers]:
    """Cut a text into jobs, and provide the executor that reads them.

    Args:
        files: the text, in order.
        tokenizer: an executor that is given must be able to pickle it. Without an executor, this
            process reads the text if a new interpreter could not import the tokenizer by name.
        executor: it may run a task twice; by default processes of this machine.
        workers: how many tasks the executor runs at once; by default the cores of this machine.
    """
    workers = workers or os.cpu_count() or 1
    files = [file.absolute() for file in files]  # a worker may stand in another folder
    jobs = cut(files, workers)
    if executor is not None:
        yield Readers(executor, jobs)
    elif len(jobs) == 1 or not _importable(tokenizer):
        yield Readers(None, [[Stretch(file) for file in files]])
    else:
        with Processes(min(workers, len(jobs))) as processes:
            yield Readers(processes, jobs)


def read(
    readers: Readers, tokenizer: Tokenizer, bad_utf8: str, scratch: Path, progress: Progress
) -> Iterator[Part]:
    """Read the text into parts in a scratch folder; a part is yielded when all before it are.

    Args:
        readers: from the function `readers`.
        scratch: a folder that all workers see.
        progress: called with bytes read and bytes in all.

    Raises:
        InputError: the text cannot be used (of several faults, the first in text order); a worker
            does not see the files, or runs another version; a job killed its workers.
    """
    lengths = [sum(_length(stretch) for stretch in job) for job in readers.jobs]
    total = sum(lengths)
    if readers.executor is None:
        [job], folder = readers.jobs, Path(tempfile.mkdtemp(dir=scratch))
        yield number(job, tokenizer, bad_utf8, folder, lambda done: progress(done, total))
        return
    futures = [
        readers.executor.submit(_task, job, tokenizer, bad_utf8, scratch.absolute(), index)
        for index, job in enumerate(readers.jobs)
    ]
    done = [0] * len(lengths)

    def look() -> None:
        _update(done, lengths, futures, scratch)
        progress(sum(done), total)

    results = parts.in_order(futures, look)
    for job in readers.jobs:
        try:
            part = next(results)
        except BrokenExecutor as error:
            raise InputError(f"reading {job[0].path} stopped: {error}") from error
        if part.code != _code():
            raise InputError(f"{part.host} runs another version of jaxemb, or of Python")
        yield part
    progress(total, total)


def number(
    job: Job, tokenizer: Tokenizer, bad_utf8: str, folder: Path, tell: Callable[[int], None]
) -> Part:
    """Read one part in this process; `tell` is called with the bytes read so far."""
    numbering, tally = vocabulary.Numbering(), sources.Tally()
    with parts.Writer(folder) as writer:
        for numbers in _numbers(job, tokenizer, bad_utf8, numbering, tally):
            writer.add(numbers)
            tell(tally.bytes)
        writer.end(numbering.words())
    return Part(folder, tally.replaced, socket.gethostname(), _code())


def _task(job: Job, tokenizer: Tokenizer, bad_utf8: str, scratch: Path, index: int) -> Part:
    """Read one part in a worker; the same task may have run before."""
    for path in (scratch, *(stretch.path for stretch in job)):
        if not path.exists():
            raise InputError(
                f"{path}: is not there on {socket.gethostname()}: every worker must see the text "
                "and the folder under the same names"
            )
    report = scratch / f"{index}{_BYTES_READ}"

    def tell(done: int) -> None:
        report.write_text(str(done))

    try:
        return number(job, tokenizer, bad_utf8, Path(tempfile.mkdtemp(dir=scratch)), tell)
    finally:
        report.unlink(missing_ok=True)


def _update(done: list[int], lengths: list[int], futures: list[Future[Any]], scratch: Path) -> None:
    """Set the bytes read of each job: all of a finished one, what a running one reported."""
    for report in scratch.glob(f"*{_BYTES_READ}"):
        with contextlib.suppress(OSError, ValueError):  # gone, or being written
            index = int(report.stem)  # a buffer may reach beyond a stretch's end
            done[index] = max(done[index], min(int(report.read_text()), lengths[index]))
    for index, future in enumerate(futures):
        done[index] = lengths[index] if future.done() else done[index]


@functools.cache
def _code() -> str:
    """A digest of what decides the words besides the tokenizer: this code and Python's Unicode."""
    files = sorted(Path(__file__).parent.glob("*.py"))
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    return f"{digest} {unicodedata.unidata_version}"


def _numbers(job: Job, tokenizer, bad_utf8, numbering, tally) -> Iterator[list[int]]:
    """Provisional numbers with sentence ends, in lists of bounded length."""
    pending: list[int] = []
    begun = False  # a sentence, whose end may come in a piece without words, after a full list
    for stretch in job:
        for piece in sources.read(stretch, tally, bad_utf8=bad_utf8):
            numbers = numbering(tokenizer(piece.text))
            pending += numbers
            begun = begun or bool(numbers)
            if piece.ends and begun:
                pending.append(SENTENCE_END)
                begun = False
            if len(pending) >= PENDING:
                yield pending
                pending = []
    yield pending


def _length(stretch: Stretch) -> int:
    return (stretch.stop or stretch.path.stat().st_size) - stretch.start


def cut(files: list[Path], workers: int) -> list[Job]:
    """Cut a text, in order, into jobs of about equal bytes; plain files are cut between lines."""
    total = sum(file.stat().st_size for file in files)
    size = min(max(-(-total // workers), LEAST), _MOST)
    jobs: list[Job] = [[]]
    room = size
    for file in files:
        length, start = file.stat().st_size, 0
        while length - start > room and compression.is_plain(file):
            stop = sources.line_start(file, start + room)
            if length - stop < LEAST // 2:  # the rest is too little for a job
                break
            jobs[-1].append(Stretch(file, start, stop))
            jobs.append([])
            start, room = stop, size
        jobs[-1].append(Stretch(file, start, None if start == 0 else length))
        room -= length - start
        if room <= 0:
            jobs.append([])
            room = size
    return [job for job in jobs if job]


def _importable(tokenizer: Tokenizer) -> str | None:
    """module:qualname of a tokenizer, if a new interpreter would import the same function by it."""
    module, qualname = (getattr(tokenizer, key, None) for key in ("__module__", "__qualname__"))
    name = f"{module}:{qualname}"
    try:
        root = str(module).split(".")[0]  # not importlib.util.find_spec: it looks in sys.modules
        importable = any(finder.find_spec(root, None) for finder in sys.meta_path)
        return name if importable and pkgutil.resolve_name(name) is tokenizer else None
    except (ImportError, AttributeError, ValueError):
        return None
