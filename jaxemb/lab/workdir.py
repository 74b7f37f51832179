"""What a run's folder holds, so that another run is not taken for its continuation."""

import dataclasses
import hashlib
import importlib.metadata
import subprocess
import sys
from pathlib import Path
from typing import Any

from jaxemb import files as provenance
from jaxemb.errors import InputError
from jaxemb.lab.durable import checkpoints
from jaxemb.text import corpus as corpus_lib

CONFIG = "config.json"

# what may differ when a run is continued: it changes no bit of the result
CHANGES_NOTHING = {
    "chunk",
    "checkpoint_every",
    "watch_every",
    "memory",
    "mesh",  # but the last bits, which exact_elastic keeps, too
    "cut",
    "hosts",
    "neighbours_of",
    "workdir",
    "corpus.path",  # the text's own digest decides
    "corpus.prepared",
    "cells",  # their own identity decides
    "init_from",  # the rows' own digest decides
    "grow_from",  # and that of its words, in the corpus
    "vectors",
}


def refuse_other(workdir: Path, config: Any, corpus, start: str | None, begun: bool) -> None:
    """Writes config.json, or refuses a workdir that another config has written.

    Args:
        start: the digest of the rows that training starts from, if they are given.
        begun: whether the folder holds anything of a run.

    Raises:
        InputError: another config, text or start, with what differs.
    """
    sources = corpus_lib.read_manifest(corpus.folder)["sources"]
    digests = " ".join(source["sha256"] for source in sources)
    digest = hashlib.sha256(digests.encode()).hexdigest()
    now = {
        "config": described(config),
        "sources_sha256": digest,
        "start_sha256": start,
    }
    path = workdir / CONFIG
    # a run that never got anywhere is no reason to refuse another config
    if path.exists() and begun:
        was = provenance.read_json(path)
        if not isinstance(was, dict) or not isinstance(was.get("config"), dict):
            raise InputError(f"{path}: damaged: choose another --workdir, or delete this one")
        found = differences(_filled(was["config"], config), now["config"])
        if was.get("sources_sha256") != digest:
            found.append("the text changed")
        if was.get("start_sha256") != start:
            found.append("the vectors to start from, or the frozen rows, changed")
        if found:
            raise InputError(
                f"{workdir}: holds a run of another config: {'; '.join(found)}. "
                "Choose another --workdir, or delete this one"
            )
    else:
        provenance.write_json(path, {**now, **environment()})


def place(workdir: Path) -> checkpoints.Place:
    """Where the checkpoints of a run are, bound to what its folder says that it is."""
    files = {"config": workdir / CONFIG, "vocabulary": workdir / corpus_lib.VOCAB}
    bound = {
        name: hashlib.sha256(path.read_bytes()).hexdigest()
        for name, path in files.items()
        if path.exists()
    }
    return checkpoints.Place(workdir / checkpoints.FOLDER, bound)


def described(config: Any) -> Any:
    """A config as JSON: numbers as they are, functions as module:qualname.

    A function from outside the package is written with the sha256 of its file.
    """
    if dataclasses.is_dataclass(config) and not isinstance(config, type):
        fields = dataclasses.fields(config)
        return {field.name: described(getattr(config, field.name)) for field in fields}
    if isinstance(config, tuple):
        return [described(each) for each in config]
    return provenance.function_name(config) if callable(config) else config


def _filled(was: dict[str, Any], config: Any) -> dict[str, Any]:
    """An older version did what the defaults of the settings say that it did not have yet."""
    filled = dict(was)
    for field in dataclasses.fields(config):
        value, old = getattr(config, field.name), was.get(field.name)
        if field.name not in was and field.default is not dataclasses.MISSING:
            filled[field.name] = described(field.default)
        elif dataclasses.is_dataclass(value) and isinstance(old, dict):
            filled[field.name] = _filled(old, value)
    return filled


def differences(was: dict[str, Any], now: dict[str, Any], prefix: str = "") -> list[str]:
    """What differs between two described configs, leaving out what changes no result."""
    found = []
    for key in sorted(was.keys() | now.keys()):
        old, new = was.get(key), now.get(key)
        if prefix + key in CHANGES_NOTHING:
            continue
        if isinstance(old, dict) and isinstance(new, dict):
            found += differences(old, new, f"{prefix}{key}.")
        elif old != new:
            found.append(f"{prefix}{key} was {old}, now {new}")
    return found


PACKAGES = ("jaxemb", "jax", "jaxlib", "flax", "optax", "numpy")


def environment() -> dict[str, Any]:
    """Versions of Python and of what computes, and the commit of this checkout, if it is one."""
    versions = {"python": sys.version.split()[0]}
    for name in PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = "not installed"
    here = str(Path(__file__).parent)
    command = ["git", "-C", here, "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
        commit = found.stdout.strip() or None
    except (OSError, subprocess.TimeoutExpired):
        commit = None
    return {"versions": versions, "commit": commit}
