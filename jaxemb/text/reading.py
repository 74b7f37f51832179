"""Text to provisional numbers, on all cores: each reads stretches of the text by itself.

A stretch's words are numbered in the order in which it first meets them; who puts stretches
together gives the words common numbers, so any cut gives the same corpus. The other processes are
new interpreters that run this file: they import no jax, and a script needs no `__main__` guard.
"""

import json
import os
import pkgutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int32, Int64

from jaxemb.errors import InputError
from jaxemb.text import compression, sources, vocabulary
from jaxemb.text.sources import Stretch
from jaxemb.text.vocabulary import SENTENCE_END, Numbered

Tokenizer = Callable[[str], list[str]]
Progress = Callable[[int, int], None]  # bytes read, bytes in all
SCRATCH = "numbers.*.tmp"
LEAST = 1 << 23  # bytes worth a process of their own, which takes some 0.3 s to start
_BLOCK = 1 << 22  # numbers read back at a time
_MOST = 1 << 28  # bytes that one process reads, so that memory is bounded and progress is seen


class Part(NamedTuple):
    """What one process read."""

    numbers: Path  # int32, -1 at sentence ends
    words: list[str]  # by number
    counts: Int64[Any, " words"]
    replaced: int


def read(
    files: list[Path],
    tokenizer: Tokenizer,
    bad_utf8: str,
    folder: Path,
    progress: Progress,
    cores: int | None = None,
) -> list[Part]:
    """All text as provisional numbers in files named `SCRATCH`, in order.

    Args:
        tokenizer: read on one core if a new interpreter could not import it by its name.
        cores: by default those of the machine.

    Raises:
        InputError: text that cannot be used; of several faults, the first of the text.
    """
    total = sum(file.stat().st_size for file in files)
    cores = cores or os.cpu_count() or 1
    name = _importable(tokenizer)
    jobs = _jobs(files, total, cores) if name else [[Stretch(file) for file in files]]
    outs = [folder / SCRATCH.replace("*", str(i)) for i in range(len(jobs))]
    if len(jobs) == 1:
        return [number(jobs[0], tokenizer, bad_utf8, outs[0], lambda done: progress(done, total))]
    done = [0] * len(jobs)
    running: list[subprocess.Popen] = []

    def run(i: int) -> Part:
        length = sum((stop or path.stat().st_size) - start for path, start, stop in jobs[i])

        def tell(read: int) -> None:
            done[i] = min(read, length)  # a buffer reaches beyond a stretch's end
            progress(sum(done), total)

        return _in_a_process(jobs[i], str(name), bad_utf8, outs[i], tell, running)

    with ThreadPoolExecutor(min(cores, len(jobs))) as pool:
        futures = [pool.submit(run, i) for i in range(len(jobs))]
        try:
            return [future.result() for future in futures]
        finally:
            for future in futures:
                future.cancel()
            for process in running:
                process.kill()


def together(parts: list[Part]) -> Numbered:
    """One text of all parts: words are numbered in the order of first meeting."""
    numbering = vocabulary.Numbering()
    numbers = [numbering(part.words) for part in parts]
    words = numbering.words()
    counts = np.zeros(len(words), np.int64)
    for part, own in zip(parts, numbers, strict=True):
        counts[own] += part.counts

    def blocks() -> Iterator[Int32[Any, " block"]]:
        for part, own in zip(parts, numbers, strict=True):
            # the last entry is for the sentence end, which reads as -1
            table = np.array([*own, SENTENCE_END], np.int32)
            with part.numbers.open("rb") as file:
                while (found := np.fromfile(file, np.int32, _BLOCK)).size:
                    yield table[found]

    return Numbered(words, counts, blocks)


def number(stretches: list[Stretch], tokenizer: Tokenizer, bad_utf8: str, out: Path, tell) -> Part:
    """One part, read in this process; `tell` is called with the bytes read so far."""
    numbering, tally = vocabulary.Numbering(), sources.Tally()
    counts, words = np.zeros(0, np.int64), 0
    with out.open("wb") as file:
        for numbers in _numbers(stretches, tokenizer, bad_utf8, numbering, tally):
            array = np.array(numbers, np.int32)
            array.tofile(file)
            seen, times = np.unique(array[array >= 0], return_counts=True)
            if len(seen) and seen[-1] >= len(counts):  # doubled, so that growing costs little
                counts = np.resize(counts, 2 * int(seen[-1]) + 2)
                counts[words:] = 0
            words = max(words, int(seen[-1]) + 1) if len(seen) else words
            counts[seen] += times
            tell(tally.bytes)
    return Part(out, numbering.words(), counts[:words], tally.replaced)


def _numbers(stretches, tokenizer, bad_utf8, numbering, tally) -> Iterator[list[int]]:
    """Provisional numbers with sentence ends, in lists of bounded length."""
    pending: list[int] = []
    begun = False  # a sentence: its end may come in a piece without words, after a full list
    for stretch in stretches:
        for piece in sources.read(stretch, tally, bad_utf8=bad_utf8):
            numbers = numbering(tokenizer(piece.text))
            pending += numbers
            begun = begun or bool(numbers)
            if piece.ends and begun:
                pending.append(SENTENCE_END)
                begun = False
            if len(pending) >= 1 << 17:
                yield pending
                pending = []
    yield pending


def _jobs(files: list[Path], total: int, cores: int) -> list[list[Stretch]]:
    """The text in order, in jobs of about equal bytes; plain files may be cut between lines."""
    size = min(max(-(-total // cores), LEAST), _MOST)
    jobs: list[list[Stretch]] = [[]]
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


def _in_a_process(job, tokenizer: str, bad_utf8: str, out: Path, tell, running) -> Part:
    asked = {
        "stretches": [(str(path), start, stop) for path, start, stop in job],
        "tokenizer": tokenizer,
        "bad_utf8": bad_utf8,
        "out": str(out),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "jaxemb.text.reading", json.dumps(asked)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    running.append(process)
    assert process.stdout is not None
    said: dict[str, Any] = {}
    for line in process.stdout:
        said = json.loads(line)
        if "bytes" in said:
            tell(said["bytes"])
    if process.wait() or "words" not in said:
        raise InputError(said.get("error", f"reading {job[0].path} stopped: see the lines above"))
    return Part(out, said["words"], np.array(said["counts"], np.int64), said["replaced"])


def _main() -> None:
    asked = json.loads(sys.argv[1])
    stretches = [Stretch(Path(path), start, stop) for path, start, stop in asked["stretches"]]
    tokenizer = pkgutil.resolve_name(asked["tokenizer"])

    def say(**values) -> None:
        print(json.dumps(values), flush=True)

    try:
        part = number(
            stretches,
            tokenizer,
            asked["bad_utf8"],
            Path(asked["out"]),
            lambda done: say(bytes=done),
        )
    except InputError as error:
        say(error=str(error))
        raise SystemExit(2) from None
    say(words=part.words, counts=part.counts.tolist(), replaced=part.replaced)


if __name__ == "__main__":
    _main()
