"""The manifest of a corpus, as JSON: sources and settings, which alone decide about its reuse."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from jaxemb import files
from jaxemb.errors import InputError
from jaxemb.structs import Vocab
from jaxemb.text import vocabulary
from jaxemb.text.phrases import Rule

FORMAT = 1


class Settings(NamedTuple):
    """The settings that, with the sources, determine the ids."""

    tokenizer: Callable[[str], list[str]]
    min_count: int
    max_vocab: int | None
    bad_utf8: str
    mark_unknown: bool = False  # a dropped word becomes id len(vocab); else it leaves no id
    phrases: Rule | None = None
    grown_from: Vocab | None = None  # words that stay, whatever the text; their counts are added


def described(
    inputs: list[Path],
    settings: Settings,
    known: Sequence[dict[str, Any]] = (),
    run: Callable[..., Any] = map,
) -> dict[str, Any]:
    """The sources and the settings that determine the ids, as JSON.

    Args:
        known: entries of an earlier manifest; a file of unchanged size and time keeps its digest.
        run: `map`, or the `map` of an executor.
    """
    by_name = {entry["path"]: entry for entry in known}
    sources, unknown = [], []
    for file in inputs:
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
    values = {**settings._asdict(), "tokenizer": files.function_name(settings.tokenizer)}
    if rule := settings.phrases:
        score, thresholds = files.function_name(rule.score), list(rule.thresholds)
        values["phrases"] = {**rule._asdict(), "score": score, "thresholds": thresholds}
    if old := settings.grown_from:
        lines = "".join(vocabulary.lines(old)).encode()
        values["grown_from"] = {
            "words": len(old.words),
            "sha256": hashlib.sha256(lines).hexdigest(),
        }
    return {"format": FORMAT, "sources": sources, "settings": values}


def sha256(file: Path) -> str:
    """The SHA-256 digest of a file, in hexadecimal."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def refuse_stale(folder: Path, stored: dict[str, Any], current: dict[str, Any]) -> None:
    """Compare a stored manifest with the current one, by file contents, not names or times.

    Raises:
        InputError: they differ; the message lists all differences.
    """
    was, now = stored["settings"], current["settings"]
    was.setdefault("mark_unknown", False)  # older manifests do not have this setting
    differences = [
        f"{key} was {was.get(key)}, now {now[key]}" for key in now if was.get(key) != now[key]
    ]
    before, after = ([s["sha256"] for s in m["sources"]] for m in (stored, current))
    if before != after:
        names = [Path(s["path"]).name for s in current["sources"] if s["sha256"] not in before]
        what = ", ".join(names[:3]) or "files missing, added or in another order"
        differences.append(f"the text changed ({what})")
    if stored["format"] != FORMAT:
        differences.append(f"format was {stored['format']}, now {FORMAT}")
    if not differences:
        return
    listed = ", ".join(differences)
    raise InputError(
        f"{folder}: was prepared from something else: {listed}. "
        "Delete the folder to prepare it again, or name another"
    )
