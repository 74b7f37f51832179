"""A corpus on disk: ids in one file to be memory-mapped, its vocabulary, and a manifest.

The text is read once, as a stream, in bounded memory: tokens become provisional numbers in scratch
files, which are then renumbered by frequency. The manifest records the sources and the settings: a
second call with equal ones reuses the ids, and a call with others raises InputError.
"""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int

from jaxemb import files
from jaxemb.errors import InputError
from jaxemb.structs import Vocab
from jaxemb.text import manifests, parts, phrases, reading, sources, vocabulary
from jaxemb.text.manifests import Settings
from jaxemb.text.phrases import Phrase
from jaxemb.text.reading import Progress
from jaxemb.text.vocabulary import Tokens

IDS, MANIFEST = "ids.bin", "manifest.json"
_FILES = (
    IDS,
    vocabulary.FILE,
    phrases.FILE,
    MANIFEST,
)  # the last is written last: with it, all are complete
_SCRATCH = "preparing."


class Corpus(NamedTuple):
    """A corpus that is ready to be trained on."""

    vocab: Vocab
    ids: Int[np.ndarray, " ids"]  # int32 memory map, -1 at sentence ends
    tokens: Tokens
    replaced: int  # U+FFFD put in place of bytes that are not UTF-8
    folder: Path


def prepare(
    path: str | Path | Iterable[str | Path],
    folder: str | Path,
    settings: Settings,
    *,
    progress: Progress = lambda done, total: None,
    before_second_pass: Callable[[Vocab], None] = lambda vocab: None,
    executor: Executor | None = None,
    workers: int | None = None,
) -> Corpus:
    """Encode a text into `folder`, or load the corpus there if text and settings are the same.

    Args:
        path: see `sources.resolve`.
        folder: where ids.bin, vocab.txt and manifest.json go; nothing is left there on failure.
            If several processes prepare it at once, one does the work and the others wait.
        settings: what, besides the text, determines the ids.
        progress: called with bytes read and bytes in all.
        before_second_pass: called with the vocabulary before ids are written; may raise.
        executor, workers: see `reading.readers`; the files are the same for any.

    Raises:
        InputError: the text cannot be used; or the folder was made from another text or with other
            settings, and the message lists the differences.
    """
    folder, inputs = Path(folder), sources.resolve(path)
    if not (folder / MANIFEST).exists():
        folder.mkdir(parents=True, exist_ok=True)
        with (
            _alone(folder) as scratch,
            reading.readers(inputs, settings.tokenizer, executor, workers) as readers,
        ):
            if not (folder / MANIFEST).exists():
                _refuse_files_of_others(folder)
                _make(inputs, settings, scratch, readers, progress, before_second_pass)
                for name in filter(lambda name: (scratch / name).exists(), _FILES):
                    os.replace(scratch / name, folder / name)
    stored = read_manifest(folder)
    manifests.refuse_stale(folder, stored, manifests.described(inputs, settings, stored["sources"]))
    return load(folder)


def _make(inputs, settings, scratch: Path, readers, progress, before_second_pass) -> None:
    """Write all files of a corpus to the scratch folder."""
    part_stream = reading.read(readers, settings.tokenizer, settings.bad_utf8, scratch, progress)
    whole, read = parts.together(part_stream)
    joined: list[Phrase] = []
    if settings.phrases is not None:
        whole, joined = phrases.join(whole, settings.phrases, scratch)
        phrases.write(scratch / phrases.FILE, joined)
    chosen = vocabulary.renumber(
        whole.words,
        whole.counts,
        min_count=settings.min_count,
        max_vocab=settings.max_vocab,
        mark_unknown=settings.mark_unknown,
        where=str(inputs[0]) if len(inputs) == 1 else f"{inputs[0]} and {len(inputs) - 1:,} others",
        old=settings.grown_from,
    )
    before_second_pass(chosen.vocab)
    run = map if readers.executor is None else readers.executor.map
    if readers.executor is None or joined:
        with files.arrays_into(scratch / IDS) as write:
            for block in whole.blocks():
                write(chosen(block))
    else:
        parts.encode(read, chosen, scratch / IDS, run)
    vocabulary.write(scratch / vocabulary.FILE, chosen.vocab)
    manifest = manifests.described(inputs, settings, run=run)
    manifest["tokens"] = _with_joined(chosen.tokens, joined)._asdict()
    manifest["replaced"] = sum(part.replaced for part in read)
    manifest["ids"] = (scratch / IDS).stat().st_size // 4
    manifest["words"] = len(chosen.vocab.words)
    files.write_json(scratch / MANIFEST, manifest)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[Path]:
    """A scratch folder inside `folder`, for one process at a time: other processes wait.

    Scratch folders that a killed process left behind are removed.
    """
    lock = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(lock, fcntl.LOCK_EX)
            for left in folder.glob(f"{_SCRATCH}*"):
                shutil.rmtree(left, ignore_errors=True)
        scratch = Path(tempfile.mkdtemp(dir=folder, prefix=_SCRATCH)).absolute()
        try:
            yield scratch
        finally:  # a worker that is still running finds no folder to create a file in
            shutil.rmtree(scratch.rename(f"{scratch}.over"), ignore_errors=True)
    finally:
        os.close(lock)


def _refuse_files_of_others(folder: Path) -> None:
    taken = [name for name in _FILES if (folder / name).exists()]
    if taken:
        raise InputError(
            f"{folder}: holds {' and '.join(taken)} but no manifest.json, so it was not made by "
            "preparing a corpus: name another folder"
        )


def load(folder: str | Path) -> Corpus:
    """Load a prepared corpus; its ids are memory-mapped, not read.

    Raises:
        InputError: the folder holds no prepared corpus, or its files do not fit the manifest.
    """
    folder = Path(folder)
    manifest, vocab = read_manifest(folder), vocabulary.read(folder / vocabulary.FILE)
    size = (folder / IDS).stat().st_size if (folder / IDS).exists() else 0
    wanted = (manifest["ids"] * 4, manifest["words"])
    if (size, len(vocab.words)) != wanted:
        raise InputError(
            f"{folder}: ids.bin has {size} bytes and vocab.txt {len(vocab.words)} words, but its "
            f"manifest promises {wanted[0]} and {wanted[1]}: delete the folder and prepare again"
        )
    ids = np.memmap(folder / IDS, np.int32, mode="r") if size else np.zeros(0, np.int32)
    return Corpus(vocab, ids, Tokens(**manifest["tokens"]), manifest["replaced"], folder)


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a prepared corpus: its sources, its settings and its counts.

    Raises:
        InputError: the folder holds no manifest, or a damaged one.
    """
    path = folder / MANIFEST
    manifest = files.read_json(path)
    wanted = {"format", "sources", "settings", "tokens", "replaced", "ids", "words"}
    if not isinstance(manifest, dict) or not wanted <= manifest.keys():
        raise InputError(f"{path}: damaged: delete {folder} and prepare the text again")
    return manifest


def _with_joined(tokens: Tokens, pairs: list[Phrase]) -> Tokens:
    """Token counts of the text before joining: of every joined pair, one token is `joined`."""
    joined = sum(phrase.joined for phrase in pairs)
    if not joined:
        return tokens
    return Tokens(tokens.read + joined, tokens.kept, {**tokens.dropped, "joined": joined})
