"""A corpus on disk: ids in one file to be memory-mapped, its vocabulary, and a manifest.

Text streams by once, in bounded memory: tokens become provisional numbers in a scratch file, which
is then renumbered by frequency. The manifest says what the ids were made from; a second call with
the same sources and settings reuses them, and any difference is refused.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int

from jaxemb import provenance
from jaxemb.errors import InputError
from jaxemb.structs import Vocab
from jaxemb.text import sources, vocabulary
from jaxemb.text.vocabulary import SENTENCE_END, Tokens

FORMAT = 1
_BLOCK = 1 << 22  # ids renumbered at a time


class Corpus(NamedTuple):
    """A corpus that is ready to be trained on."""

    vocab: Vocab
    ids: Int[Any, " ids"]  # int32 memory map, -1 at sentence ends
    tokens: Tokens
    replaced: int  # bad bytes that were replaced
    folder: Path


class Settings(NamedTuple):
    """What, besides the sources, decides the ids."""

    tokenizer: Callable[[str], list[str]]
    min_count: int
    max_vocab: int | None
    bad_utf8: str


Progress = Callable[[int, int], None]  # bytes read, bytes in all


def prepare(
    path,
    folder: str | Path,
    settings: Settings,
    *,
    progress: Progress = lambda done, total: None,
    before_second_pass: Callable[[Vocab], None] = lambda vocab: None,
) -> Corpus:
    """Reads text into `folder`, or reuses what is there if it was made from the same.

    Args:
        path: see `sources.resolve`.
        folder: where ids.bin, vocab.txt and manifest.json go; nothing is left there on failure.
        progress: called with bytes read and bytes in all.
        before_second_pass: sees the vocabulary before ids are written; may raise.

    Raises:
        InputError: text that cannot be used; or a folder made from something else, with what
            differs.
    """
    folder = Path(folder)
    files = sources.resolve(path)
    manifest_path = folder / "manifest.json"
    if manifest_path.exists():
        stored = json.loads(manifest_path.read_text("utf-8"))
        _refuse_stale(folder, stored, _described(files, settings, stored.get("sources", [])))
        return load(folder)
    folder.mkdir(parents=True, exist_ok=True)
    scratch, unfinished = folder / "numbers.tmp", folder / "ids.tmp"
    try:
        numbering, tally = vocabulary.Numbering(), sources.Tally()
        counts = _first_pass(files, settings, numbering, tally, scratch, progress)
        where = str(path) if isinstance(path, str | Path) else f"{files[0]} and others"
        chosen = vocabulary.renumber(
            numbering.words(),
            counts,
            min_count=settings.min_count,
            max_vocab=settings.max_vocab,
            where=where,
        )
        before_second_pass(chosen.vocab)
        _second_pass(scratch, unfinished, chosen)
        write_vocab(folder / "vocab.txt", chosen.vocab)
        manifest = _described(files, settings, [])
        manifest["tokens"], manifest["replaced"] = chosen.tokens._asdict(), tally.replaced
        manifest["ids"], manifest["words"] = unfinished.stat().st_size // 4, len(chosen.vocab.words)
        os.replace(unfinished, folder / "ids.bin")
        provenance.write_json(manifest_path, manifest)
    finally:
        scratch.unlink(missing_ok=True)
        unfinished.unlink(missing_ok=True)
        if not manifest_path.exists():
            for name in ("vocab.txt", "ids.bin"):
                (folder / name).unlink(missing_ok=True)
    return load(folder)


def load(folder: str | Path) -> Corpus:
    """A prepared corpus; its ids are memory-mapped, not read.

    Raises:
        InputError: no prepared corpus there, or files that do not fit its manifest.
    """
    folder = Path(folder)
    try:
        manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
        vocab = read_vocab(folder / "vocab.txt")
        size = (folder / "ids.bin").stat().st_size
    except OSError as error:
        raise InputError(f"{folder}: holds no prepared corpus ({error.strerror})") from error
    wanted = (manifest["ids"] * 4, manifest["words"])
    if (size, len(vocab.words)) != wanted:
        raise InputError(
            f"{folder}: ids.bin has {size} bytes and vocab.txt {len(vocab.words)} words, but its "
            f"manifest promises {wanted[0]} and {wanted[1]}: delete the folder and prepare again"
        )
    ids = np.memmap(folder / "ids.bin", np.int32, mode="r") if size else np.zeros(0, np.int32)
    return Corpus(vocab, ids, Tokens(**manifest["tokens"]), manifest["replaced"], folder)


def read_vocab(path: Path) -> Vocab:
    """Words and counts from a file of `word TAB count` lines."""
    words, counts = [], []
    for number, line in enumerate(path.read_text("utf-8").split("\n")[:-1], 1):
        word, tab, count = line.rpartition("\t")
        if not tab or not count.isdecimal():
            raise InputError(f"{path}: line {number}: got {line!r}, wanted word, tab, count")
        words.append(word)
        counts.append(int(count))
    return Vocab(tuple(words), np.array(counts, np.int64))


def write_vocab(path: Path, vocab: Vocab) -> None:
    """A line `word TAB count` for every word, by id."""
    pairs = zip(vocab.words, vocab.counts, strict=True)
    lines = (f"{word}\t{count}\n" for word, count in pairs)
    provenance.write_text(path, "".join(lines))


def _first_pass(files, settings: Settings, numbering, tally, scratch: Path, progress: Progress):
    """Provisional numbers of all tokens into a file; their counts."""
    total = sum(file.stat().st_size for file in files)
    counts = np.zeros(0, np.int64)
    with scratch.open("wb") as out:
        for numbers in _numbers(files, settings, numbering, tally):
            array = np.array(numbers, np.int32)
            array.tofile(out)
            more = np.bincount(array[array >= 0])
            grown = np.zeros(max(len(counts), len(more)), np.int64)
            grown[: len(counts)] = counts
            grown[: len(more)] += more
            counts = grown
            progress(tally.bytes, total)
    return counts


def _numbers(files, settings: Settings, numbering, tally) -> Iterator[list[int]]:
    """Provisional numbers with sentence ends, in lists of bounded length."""
    pending: list[int] = []
    for file in files:
        for piece in sources.read(file, tally, bad_utf8=settings.bad_utf8):
            pending += numbering(settings.tokenizer(piece.text))
            if piece.ends and pending and pending[-1] != SENTENCE_END:
                pending.append(SENTENCE_END)
            if len(pending) >= 1 << 17:
                yield pending
                pending = []
    yield pending


def _second_pass(scratch: Path, unfinished: Path, chosen: vocabulary.Renumbering) -> None:
    with scratch.open("rb") as numbers, unfinished.open("wb") as out:
        while (part := np.fromfile(numbers, np.int32, _BLOCK)).size:
            chosen(part).tofile(out)


def _described(files: list[Path], settings: Settings, known: list[dict]) -> dict:
    """What decides the ids, as JSON. A file of unchanged size and time keeps its known digest."""
    by_name = {entry["path"]: entry for entry in known}
    described = []
    for file in files:
        stat = file.stat()
        entry = {"path": str(file), "size": stat.st_size, "modified_ns": stat.st_mtime_ns}
        old = by_name.get(str(file), {})
        same = all(old.get(key) == value for key, value in entry.items())
        entry["sha256"] = old["sha256"] if same else _sha256(file)
        described.append(entry)
    asked = {**settings._asdict(), "tokenizer": provenance.function_name(settings.tokenizer)}
    return {"format": FORMAT, "sources": described, "settings": asked}


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _refuse_stale(folder: Path, stored: dict, asked: dict) -> None:
    """Content decides, not the place or the time of a file."""

    def content(manifest: dict) -> dict[str, Any]:
        digests = {Path(s["path"]).name: s["sha256"][:12] for s in manifest.get("sources", [])}
        return {**manifest.get("settings", {}), "sources": digests}

    was, now = content(stored), content(asked)
    if (was, stored.get("format")) == (now, FORMAT):
        return
    keys = [key for key in now if key != "sources" and was.get(key) != now[key]]
    found = [f"{key} was {was.get(key)}, now {now[key]}" for key in keys]
    before, after = was["sources"], now["sources"]
    changed = [f for f in {**before, **after} if before.get(f) != after.get(f)]
    if changed:
        found.append(f"the text changed ({', '.join(changed[:3])})")
    difference = ", ".join(found) or f"another format ({stored.get('format')})"
    raise InputError(
        f"{folder}: was prepared from something else: {difference}. "
        "Delete the folder to prepare it again, or name another"
    )
