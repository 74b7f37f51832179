"""A corpus on disk: ids in one file to be memory-mapped, its vocabulary, and a manifest.

Text streams by once, in bounded memory: tokens become provisional numbers in scratch files, which
are then renumbered by frequency. The manifest says what the ids were made from; a second call with
the same sources and settings reuses them, and any difference is refused.
"""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int

from jaxemb import files as provenance
from jaxemb.errors import InputError
from jaxemb.structs import Vocab
from jaxemb.text import manifests, parts, phrases, reading, sources, vocabulary
from jaxemb.text.manifests import Settings
from jaxemb.text.phrases import Phrase
from jaxemb.text.reading import Progress
from jaxemb.text.vocabulary import Tokens

IDS, VOCAB, MANIFEST = "ids.bin", "vocab.txt", "manifest.json"
_FILES = (IDS, VOCAB, phrases.FILE, MANIFEST)  # the last says that all are there
_SCRATCH = "preparing."


class Corpus(NamedTuple):
    """A corpus that is ready to be trained on."""

    vocab: Vocab
    ids: Int[Any, " ids"]  # int32 memory map, -1 at sentence ends
    tokens: Tokens
    replaced: int  # times that U+FFFD was put for bytes that are no character
    folder: Path


def prepare(
    path,
    folder: str | Path,
    settings: Settings,
    *,
    progress: Progress = lambda done, total: None,
    before_second_pass: Callable[[Vocab], None] = lambda vocab: None,
    executor: Executor | None = None,
    workers: int | None = None,
) -> Corpus:
    """Reads text into `folder`, or reuses what is there if it was made from the same.

    Args:
        path: see `sources.resolve`.
        folder: where ids.bin, vocab.txt and manifest.json go; nothing is left there on failure.
            Of several processes that prepare it at once, one does and the others wait for it.
        progress: called with bytes read and bytes in all.
        before_second_pass: sees the vocabulary before ids are written; may raise.
        executor, workers: see `reading.readers`; they change no byte.

    Raises:
        InputError: text that cannot be used; or a folder made from something else, with what
            differs.
    """
    folder, files = Path(folder), sources.resolve(path)
    if not (folder / MANIFEST).exists():
        folder.mkdir(parents=True, exist_ok=True)
        with (
            _alone(folder) as scratch,
            reading.readers(files, settings.tokenizer, executor, workers) as readers,
        ):
            if not (folder / MANIFEST).exists():
                _refuse_files_of_others(folder)
                _make(files, settings, scratch, readers, progress, before_second_pass)
                for name in filter(lambda name: (scratch / name).exists(), _FILES):
                    os.replace(scratch / name, folder / name)
    stored = read_manifest(folder)
    manifests.refuse_stale(folder, stored, manifests.described(files, settings, stored["sources"]))
    return load(folder)


def _make(files, settings, scratch: Path, readers, progress, before_second_pass) -> None:
    """Makes all files of a corpus in the scratch folder."""
    found = reading.read(readers, settings.tokenizer, settings.bad_utf8, scratch, progress)
    whole, read = parts.together(found)
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
        where=str(files[0]) if len(files) == 1 else f"{files[0]} and {len(files) - 1:,} others",
        old=settings.grown_from,
    )
    before_second_pass(chosen.vocab)
    run = map if readers.executor is None else readers.executor.map
    if readers.executor is None or joined:
        with provenance.arrays_into(scratch / IDS) as write:
            for block in whole.blocks():
                write(chosen(block))
    else:
        parts.encode(read, chosen, scratch / IDS, run)
    write_vocab(scratch / VOCAB, chosen.vocab)
    manifest = manifests.described(files, settings, run=run)
    manifest["tokens"] = _with_joined(chosen.tokens, joined)._asdict()
    manifest["replaced"] = sum(part.replaced for part in read)
    manifest["ids"] = (scratch / IDS).stat().st_size // 4
    manifest["words"] = len(chosen.vocab.words)
    provenance.write_json(scratch / MANIFEST, manifest)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[Path]:
    """A scratch folder in this one, for one process at a time: others wait.

    What one that was killed has left is removed.
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
        finally:  # a worker that is still at it, somewhere, finds no folder to begin a file in
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
    """A prepared corpus; its ids are memory-mapped, not read.

    Raises:
        InputError: no prepared corpus there, or files that do not fit its manifest.
    """
    folder = Path(folder)
    manifest, vocab = read_manifest(folder), read_vocab(folder / VOCAB)
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
    """What a prepared corpus was made from.

    Raises:
        InputError: none there, or one that is damaged.
    """
    path = folder / MANIFEST
    found = provenance.read_json(path)
    wanted = {"format", "sources", "settings", "tokens", "replaced", "ids", "words"}
    if not isinstance(found, dict) or not wanted <= found.keys():
        raise InputError(f"{path}: damaged: delete {folder} and prepare the text again")
    return found


def read_vocab(path: Path) -> Vocab:
    """Words and counts from a file of `word TAB count` lines.

    Raises:
        InputError: no such file, or a line that is something else.
    """
    words, counts = [], []
    for number, line in enumerate(provenance.read_text(path).split("\n")[:-1], 1):
        word, tab, count = line.rpartition("\t")
        if not tab or not (count.isascii() and count.isdecimal()):
            raise InputError(f"{path}: line {number}: got {line!r}, wanted word, tab, count")
        words.append(word)
        counts.append(int(count))
    return Vocab(tuple(words), np.array(counts, np.int64))


def write_vocab(path: Path, vocab: Vocab) -> None:
    """A line `word TAB count` for every word, by id."""
    provenance.write_text(path, "".join(vocabulary.lines(vocab)))


def _with_joined(tokens: Tokens, found: list[Phrase]) -> Tokens:
    """The account of the text before its phrases were joined: every second word went."""
    joined = sum(phrase.joined for phrase in found)
    if not joined:
        return tokens
    return Tokens(tokens.read + joined, tokens.kept, {**tokens.dropped, "joined": joined})
