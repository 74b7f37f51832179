"""The folder of a run: its config, vocabulary, checkpoints and lock."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import hashlib
import importlib.metadata
import os
import shutil
import subprocess
import sys
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jaxemb import files
from jaxemb.errors import InputError
from jaxemb.formats import recognition
from jaxemb.formats.arrays import TABLES as TABLES
from jaxemb.lab import outcome
from jaxemb.lab.durable import checkpoints, tensors
from jaxemb.lab.settings import changing_nothing
from jaxemb.structs import InOut, Vocab
from jaxemb.text import corpus as corpus_lib, vocabulary

CONFIG = "config.json"
PACKAGES = ("jaxemb", "jax", "jaxlib", "flax", "optax", "numpy")
FORMAT = 1  # of a run's folder; incremented by a change that cannot resume older folders


def refuse_other(workdir: Path, config: Any, corpus: Any, start: str | None, begun: bool) -> None:
    """Write config.json, or refuse a workdir that another config has written.

    Args:
        start: the digest of the rows that training starts from, if they are given.
        begun: whether the folder holds checkpoints or a result.

    Raises:
        InputError: a folder of another format; another config, text or start, with what differs.
    """
    sources = corpus_lib.read_manifest(corpus.folder)["sources"]
    digests = " ".join(source["sha256"] for source in sources)
    digest = hashlib.sha256(digests.encode()).hexdigest()
    now = {
        "format": FORMAT,
        "config": described(config),
        "sources_sha256": digest,
        "start_sha256": start,
    }
    path = workdir / CONFIG
    # without a checkpoint or a result nothing is lost to another config
    if path.exists() and begun:
        was = files.read_json(path)
        if not isinstance(was, dict) or not isinstance(was.get("config"), dict):
            raise InputError(f"{path}: damaged: choose another --workdir, or delete this one")
        if was.get("format") != FORMAT:
            versions = was.get("versions")
            by = versions.get("jaxemb", "?") if isinstance(versions, dict) else "?"
            raise InputError(
                f"{workdir}: holds a run of jaxemb {by} in format {was.get('format', 0)}; this "
                f"version continues format {FORMAT}: choose another --workdir (finished tables of "
                "the old one are still read as vectors)"
            )
        free = changing_nothing(config)
        older = getattr(config, "of_older", lambda was: was)(was["config"])
        changes = differences(_filled(older, config), now["config"], free)
        if was.get("sources_sha256") != digest:
            changes.append("the text changed")
        if was.get("start_sha256") != start:
            changes.append("the vectors to start from, or the frozen rows, changed")
        if changes:
            hint = "choose another --workdir, or delete this one"
            if hasattr(config, "init_from") and (workdir / TABLES).is_file():
                hint += f"; --init-from {workdir} with another --workdir trains its vectors further"
            raise InputError(
                f"{workdir}: holds a run of another config: {'; '.join(changes)}: {hint}"
            )
    else:
        files.write_json(path, {**now, **environment()})


def kept(folder: str | Path, name: str, absent: Any) -> Any:
    """The value of a setting that the run in a folder began with.

    Args:
        absent: the value that a run has which is older than the setting.
    """
    return files.read_json(Path(folder) / CONFIG)["config"].get(name, absent)


def described(config: Any) -> Any:
    """A config as JSON: numbers as they are, functions as module:qualname.

    A function from outside the package is written with the sha256 of its file.
    """
    if dataclasses.is_dataclass(config) and not isinstance(config, type):
        fields = dataclasses.fields(config)
        return {field.name: described(getattr(config, field.name)) for field in fields}
    if isinstance(config, tuple):
        return [described(item) for item in config]
    return files.function_name(config) if callable(config) else config


def _filled(was: dict[str, Any], config: Any) -> dict[str, Any]:
    """Add the defaults of settings that did not exist when `was` was written."""
    filled = dict(was)
    for field in dataclasses.fields(config):
        value, old = getattr(config, field.name), was.get(field.name)
        if field.name not in was and field.default is not dataclasses.MISSING:
            filled[field.name] = described(field.default)
        elif dataclasses.is_dataclass(value) and isinstance(old, dict):
            filled[field.name] = _filled(old, value)
    return filled


def differences(
    was: dict[str, Any], now: dict[str, Any], free: Collection[str] = (), prefix: str = ""
) -> list[str]:
    """List the differences between two described configs, as text.

    Args:
        free: the settings that may differ, from `settings.changing_nothing`.
    """
    changes = []
    for key in sorted(was.keys() | now.keys()):
        old, new = was.get(key), now.get(key)
        if prefix + key in free:
            continue
        if isinstance(old, dict) and isinstance(new, dict):
            changes += differences(old, new, free, f"{prefix}{key}.")
        elif old != new:
            changes.append(f"{prefix}{key} was {old}, now {new}")
    return changes


def environment() -> dict[str, Any]:
    """Versions of Python and the numerical packages; the git commit, if this is a checkout."""
    versions = {"python": sys.version.split()[0]}
    for name in PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = "not installed"
    here = str(Path(__file__).parent)
    command = ["git", "-C", here, "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        completed = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
        commit = completed.stdout.strip() or None
    except (OSError, subprocess.TimeoutExpired):
        commit = None
    return {"versions": versions, "commit": commit}


class Workdir(NamedTuple):
    """The folder of a run: bound to one config, and locked by one process while it trains."""

    folder: Path
    place: checkpoints.Place

    @classmethod
    def of(cls, folder: Path) -> Workdir:
        """A folder with its checkpoints, which are bound to the config and vocabulary in it."""
        bound = {
            name: hashlib.sha256(path.read_bytes()).hexdigest()
            for name, file in (("config", CONFIG), ("vocabulary", vocabulary.FILE))
            if (path := folder / file).exists()
        }
        return cls(folder, checkpoints.Place(folder / checkpoints.FOLDER, bound))

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Lock the folder for this process while it trains; a killed process leaves no lock.

        A file system without locks is not checked.

        Raises:
            InputError: another process trains there.
        """
        held = os.open(self.folder, os.O_RDONLY)
        try:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise InputError(
                    f"{self.folder}: another process is training there; let it end, or take "
                    "another workdir"
                ) from None
            except OSError:
                pass
            yield
        finally:
            os.close(held)

    def finish(self) -> None:
        """Delete the checkpoints, which a finished run does not need."""
        shutil.rmtree(self.folder / checkpoints.FOLDER, ignore_errors=True)


def bind(
    folder: Path, config: Any, corpus: corpus_lib.Corpus, result: str, start: str | None = None
) -> None:
    """Bind a folder to a run: write its config.json and vocabulary, or check that they agree.

    Args:
        result: the name of the file that a finished run leaves.
        start: the digest of the rows that training starts from, if they are given.

    Raises:
        InputError: a folder of another format; another config, text or start, with what differs.
    """
    begun = any((folder / name).exists() for name in (checkpoints.FOLDER, result))
    refuse_other(folder, config, corpus, start, begun)
    vocabulary.write(folder / vocabulary.FILE, corpus.vocab)


def no_run(folder: str | Path, wanted: str, script: str, config: str) -> InputError:
    """The error of a folder that holds no finished run.

    Args:
        wanted: what it does not hold.
        script, config: what makes one.
    """
    if recognition.is_unfinished(Path(folder)):
        return InputError(f"{folder}: {recognition.UNFINISHED}: {recognition.GO_ON}")
    made = outcome.typed(script, outcome.config(config))
    return InputError(f"{folder}: holds no {wanted}; one is made by {made}")


def load(workdir: str | Path) -> tuple[Vocab, InOut[np.ndarray]]:
    """Load the vocabulary and the tables of a finished run.

    Raises:
        InputError: no finished run there, or files that do not belong together.
    """
    path = Path(workdir) / TABLES
    if not path.is_file():
        raise no_run(workdir, f"finished run (no {TABLES})", "train", "quickstart")
    arrays = tensors.arrays(path)
    vocab = vocabulary.read(Path(workdir) / vocabulary.FILE)
    if set(arrays) != {"input", "output"}:
        raise InputError(f"{path}: holds {sorted(arrays)}, wanted input and output")
    tables = InOut(arrays["input"], arrays["output"])
    if not all(np.isfinite(table).all() for table in tables):
        raise InputError(f"{path}: holds NaN or infinity")
    if tables.input.ndim != 2:
        raise InputError(f"{workdir}: holds several models: name one, as {workdir}/member_0")
    if len(tables.input) != len(vocab.words):
        raise InputError(
            f"{workdir}: {TABLES} has {len(tables.input):,} rows, "
            f"but {vocabulary.FILE} has {len(vocab.words):,} words"
        )
    return vocab, tables
