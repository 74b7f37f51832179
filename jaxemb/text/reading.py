"""Text to provisional numbers, by any executor: each of its tasks reads stretches of the text.

By default they are processes of this machine, one a core; a cluster's serves as well, if all its
workers see the text and the scratch folder under the same names. Any cut of the text, and a task
that is run twice, give the same corpus: see `parts`.
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
from typing import NamedTuple

from jaxemb.errors import InputError
from jaxemb.text import compression, parts, sources, vocabulary
from jaxemb.text.parts import Part
from jaxemb.text.processes import Processes
from jaxemb.text.sources import Stretch
from jaxemb.text.vocabulary import SENTENCE_END

Tokenizer = Callable[[str], list[str]]
Progress = Callable[[int, int], None]  # bytes read, bytes in all
Job = list[Stretch]  # what one task reads, in order
LEAST = 1 << 23  # bytes worth a task
_MOST = 1 << 28  # bytes that one task reads, so that its memory is bounded
PENDING = 1 << 17  # numbers of a text before they are written
_SAID = ".bytes"  # files in which tasks say how far they are


class Readers(NamedTuple):
    """Who reads a text, and the jobs it is cut into; without an executor, this process."""

    executor: Executor | None
    jobs: list[Job]


@contextlib.contextmanager
def readers(
    files: list[Path],
    tokenizer: Tokenizer,
    executor: Executor | None = None,
    workers: int | None = None,
) -> Iterator[Readers]:
    """Cuts a text into jobs for whoever is to read it.

    Args:
        tokenizer: a given executor must find its own way to it. Without one it is read in this
            process if a new interpreter could not import it by its name.
        executor: of tasks that may be run twice; by default processes of this machine.
        workers: how many tasks it runs at once; by default the cores of this machine.
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
    """All text as parts in a scratch folder, in order; each as soon as those before it are read.

    Args:
        scratch: a folder that all workers see.
        progress: called with bytes read and bytes in all.

    Raises:
        InputError: text that cannot be used; of several faults, the first of the text. Workers
            that do not see the files, that run another version, or that died of a job.
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


def number(job: Job, tokenizer: Tokenizer, bad_utf8: str, folder: Path, tell) -> Part:
    """One part, read in this process; `tell` is called with the bytes read so far."""
    numbering, tally = vocabulary.Numbering(), sources.Tally()
    with parts.Writer(folder) as writer:
        for numbers in _numbers(job, tokenizer, bad_utf8, numbering, tally):
            writer.add(numbers)
            tell(tally.bytes)
        writer.end(numbering.words())
    return Part(folder, tally.replaced, socket.gethostname(), _code())


def _task(job: Job, tokenizer: Tokenizer, bad_utf8: str, scratch: Path, index: int) -> Part:
    """One part, read by a worker, perhaps not for the first time."""
    for path in (scratch, *(stretch.path for stretch in job)):
        if not path.exists():
            raise InputError(
                f"{path}: is not there on {socket.gethostname()}: every worker must see the text "
                "and the folder under the same names"
            )
    said = scratch / f"{index}{_SAID}"

    def tell(done: int) -> None:
        said.write_text(str(done))

    try:
        return number(job, tokenizer, bad_utf8, Path(tempfile.mkdtemp(dir=scratch)), tell)
    finally:
        said.unlink(missing_ok=True)


def _update(done: list[int], lengths: list[int], futures: list[Future], scratch: Path) -> None:
    """Sets the bytes read of each job: all of what is done, and what running tasks say."""
    for said in scratch.glob(f"*{_SAID}"):
        with contextlib.suppress(OSError, ValueError):  # gone, or being written
            index = int(said.stem)  # a buffer reaches beyond a stretch's end
            done[index] = max(done[index], min(int(said.read_text()), lengths[index]))
    for index, future in enumerate(futures):
        done[index] = lengths[index] if future.done() else done[index]


@functools.cache
def _code() -> str:
    """What decides the words of a text, besides its tokenizer: this code, and Python's Unicode."""
    files = sorted(Path(__file__).parent.glob("*.py"))
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    return f"{digest} {unicodedata.unidata_version}"


def _numbers(job: Job, tokenizer, bad_utf8, numbering, tally) -> Iterator[list[int]]:
    """Provisional numbers with sentence ends, in lists of bounded length."""
    pending: list[int] = []
    begun = False  # a sentence: its end may come in a piece without words, after a full list
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
    """The text in order, in jobs of about equal bytes; plain files may be cut between lines."""
    total = sum(file.stat().st_size for file in files)
    size = min(max(-(-total // workers), LEAST), _MOST)
    jobs: list[Job] = [[]]
    room = size
    for file in files:
        length, start = file.stat().st_size, 0
        while length - start > room and compression.is_plain(file):
            stop = sources.line_start(file, start + room)
            if length - stop < LEAST // 2:  # too little to leave behind
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
    """module:qualname, if a new interpreter finds the very same function under it."""
    module, qualname = (getattr(tokenizer, at, None) for at in ("__module__", "__qualname__"))
    name = f"{module}:{qualname}"
    try:
        root = str(module).split(".")[0]  # not importlib.util.find_spec: it looks in sys.modules
        found = any(finder.find_spec(root, None) for finder in sys.meta_path)
        return name if found and pkgutil.resolve_name(name) is tokenizer else None
    except (ImportError, AttributeError, ValueError):
        return None
