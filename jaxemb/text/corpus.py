"""A corpus on disk: ids in one file to be memory-mapped, its vocabulary, and a manifest.

Text streams by once, in bounded memory: tokens become provisional numbers in scratch files, which
are then renumbered by frequency. The manifest says what the ids were made from; a second call with
the same sources and settings reuses them, and any difference is refused.
"""

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int

from jaxemb import provenance
from jaxemb.errors import InputError
from jaxemb.structs import Vocab
from jaxemb.text import phrases, reading, sources, vocabulary
from jaxemb.text.phrases import Phrase, Rule
from jaxemb.text.reading import Progress
from jaxemb.text.vocabulary import Tokens

FORMAT = 1
IDS, VOCAB = "ids.bin", "vocab.txt"


class Corpus(NamedTuple):
    """A corpus that is ready to be trained on."""

    vocab: Vocab
    ids: Int[Any, " ids"]  # int32 memory map, -1 at sentence ends
    tokens: Tokens
    replaced: int  # times that U+FFFD was put for bytes that are no character
    folder: Path


class Settings(NamedTuple):
    """What, besides the sources, decides the ids."""

    tokenizer: Callable[[str], list[str]]
    min_count: int
    max_vocab: int | None
    bad_utf8: str
    mark_unknown: bool = False  # a dropped word leaves the id behind the last word's
    phrases: Rule | None = None
    grown_from: Vocab | None = None  # words that stay, whatever the text; their counts are added


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
        stored = read_manifest(folder)
        _refuse_stale(folder, stored, _described(files, settings, stored["sources"]))
        return load(folder)
    taken = [name for name in (IDS, VOCAB, phrases.FILE) if (folder / name).exists()]
    if taken:
        raise InputError(
            f"{folder}: holds {' and '.join(taken)} but no manifest.json, so it was not made by "
            "preparing a corpus: name another folder"
        )
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / "ids.tmp"
    parts: list[reading.Part] = []
    try:
        parts = reading.read(files, settings.tokenizer, settings.bad_utf8, folder, progress)
        whole, joined = reading.together(parts), []
        if settings.phrases is not None:
            whole, joined = phrases.join(whole, settings.phrases, folder)
        where = str(files[0]) if len(files) == 1 else f"{files[0]} and {len(files) - 1:,} others"
        chosen = vocabulary.renumber(
            whole.words,
            whole.counts,
            min_count=settings.min_count,
            max_vocab=settings.max_vocab,
            mark_unknown=settings.mark_unknown,
            where=where,
            old=settings.grown_from,
        )
        before_second_pass(chosen.vocab)
        with unfinished.open("wb") as out:
            for block in whole.blocks():
                chosen(block).tofile(out)
        if settings.phrases is not None:
            phrases.write(folder / phrases.FILE, joined)
        write_vocab(folder / VOCAB, chosen.vocab)
        manifest = _described(files, settings, [])
        manifest["tokens"] = _with_joined(chosen.tokens, joined)._asdict()
        manifest["replaced"] = sum(part.replaced for part in parts)
        manifest["ids"], manifest["words"] = unfinished.stat().st_size // 4, len(chosen.vocab.words)
        os.replace(unfinished, folder / IDS)
        provenance.write_json(manifest_path, manifest)
    finally:
        for scratch in (unfinished, *folder.glob(reading.SCRATCH)):
            scratch.unlink(missing_ok=True)
        if not manifest_path.exists():
            for name in (VOCAB, IDS, phrases.FILE):
                (folder / name).unlink(missing_ok=True)
    return load(folder)


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
    path = folder / "manifest.json"
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
    provenance.write_text(path, "".join(_lines(vocab)))


def _lines(vocab: Vocab) -> Iterator[str]:
    pairs = zip(vocab.words, vocab.counts, strict=True)
    return (f"{word}\t{count}\n" for word, count in pairs)


def _with_joined(tokens: Tokens, found: list[Phrase]) -> Tokens:
    """The account of the text before its phrases were joined: every second word went."""
    joined = sum(phrase.joined for phrase in found)
    if not joined:
        return tokens
    return Tokens(tokens.read + joined, tokens.kept, {**tokens.dropped, "joined": joined})


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
    if rule := settings.phrases:
        score, thresholds = provenance.function_name(rule.score), list(rule.thresholds)
        asked["phrases"] = {**rule._asdict(), "score": score, "thresholds": thresholds}
    if old := settings.grown_from:
        lines = "".join(_lines(old)).encode()
        asked["grown_from"] = {"words": len(old.words), "sha256": hashlib.sha256(lines).hexdigest()}
    return {"format": FORMAT, "sources": described, "settings": asked}


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _refuse_stale(folder: Path, stored: dict, asked: dict) -> None:
    """Content decides, not the place or the time of a file."""

    was, now = stored["settings"], asked["settings"]
    was.setdefault("mark_unknown", False)  # as it was before there was a choice
    found = [f"{key} was {was.get(key)}, now {now[key]}" for key in now if was.get(key) != now[key]]
    before, after = ([s["sha256"] for s in m["sources"]] for m in (stored, asked))
    if before != after:
        names = [Path(s["path"]).name for s in asked["sources"] if s["sha256"] not in before]
        what = ", ".join(names[:3]) or "files missing, added or in another order"
        found.append(f"the text changed ({what})")
    if stored["format"] != FORMAT:
        found.append(f"format was {stored['format']}, now {FORMAT}")
    if not found:
        return
    difference = ", ".join(found)
    raise InputError(
        f"{folder}: was prepared from something else: {difference}. "
        "Delete the folder to prepare it again, or name another"
    )
