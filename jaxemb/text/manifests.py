"""What a corpus was made from, as JSON: whether it may be used again is decided by that alone."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from jaxemb import files as provenance
from jaxemb.errors import InputError
from jaxemb.structs import Vocab
from jaxemb.text import vocabulary
from jaxemb.text.phrases import Rule

FORMAT = 1


class Settings(NamedTuple):
    """What, besides the sources, decides the ids."""

    tokenizer: Callable[[str], list[str]]
    min_count: int
    max_vocab: int | None
    bad_utf8: str
    mark_unknown: bool = False  # a dropped word leaves the id behind the last word's
    phrases: Rule | None = None
    grown_from: Vocab | None = None  # words that stay, whatever the text; their counts are added


def described(files: list[Path], settings: Settings, known: Sequence[dict] = (), run=map) -> dict:
    """What decides the ids, as JSON.

    Args:
        known: files of before; one of unchanged size and time keeps its digest.
        run: what maps a function over files, here or elsewhere.
    """
    by_name = {entry["path"]: entry for entry in known}
    sources, unknown = [], []
    for file in files:
        stat = file.stat()
        entry = {"path": str(file), "size": stat.st_size, "modified_ns": stat.st_mtime_ns}
        old = by_name.get(str(file), {})
        if all(old.get(key) == value for key, value in entry.items()):
            entry["sha256"] = old["sha256"]
        else:
            unknown.append(entry)
        sources.append(entry)
    paths = [Path(entry["path"]).absolute() for entry in unknown]
    for entry, digest in zip(unknown, run(sha256, paths), strict=True):
        entry["sha256"] = digest
    asked = {**settings._asdict(), "tokenizer": provenance.function_name(settings.tokenizer)}
    if rule := settings.phrases:
        score, thresholds = provenance.function_name(rule.score), list(rule.thresholds)
        asked["phrases"] = {**rule._asdict(), "score": score, "thresholds": thresholds}
    if old := settings.grown_from:
        lines = "".join(vocabulary.lines(old)).encode()
        asked["grown_from"] = {"words": len(old.words), "sha256": hashlib.sha256(lines).hexdigest()}
    return {"format": FORMAT, "sources": sources, "settings": asked}


def sha256(file: Path) -> str:
    """Of the bytes of a file, in hexadecimal."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def refuse_stale(folder: Path, stored: dict, asked: dict) -> None:
    """Content decides, not the place or the time of a file.

    Raises:
        InputError: with all that differs.
    """
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
