"""What a run's folder holds, so that another run is not taken for its continuation."""

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

from jaxemb import files as provenance
from jaxemb.errors import InputError
from jaxemb.formats.arrays import TABLES as TABLES
from jaxemb.lab.durable import checkpoints, tensors
from jaxemb.lab.settings import changing_nothing
from jaxemb.structs import InOut, Vocab
from jaxemb.text import corpus as corpus_lib

CONFIG = "config.json"
PACKAGES = ("jaxemb", "jax", "jaxlib", "flax", "optax", "numpy")
FORMAT = 1  # of a run's folder; a change that cannot continue an older folder takes the next number


def refuse_other(workdir: Path, config: Any, corpus, start: str | None, begun: bool) -> None:
    """Writes config.json, or refuses a workdir that another config has written.

    Args:
        start: the digest of the rows that training starts from, if they are given.
        begun: whether the folder holds anything of a run.

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
    # a run that never got anywhere is no reason to refuse another config
    if path.exists() and begun:
        was = provenance.read_json(path)
        if not isinstance(was, dict) or not isinstance(was.get("config"), dict):
            raise InputError(f"{path}: damaged: choose another --workdir, or delete this one")
        _refuse_format(workdir, was)
        free = changing_nothing(config)
        found = differences(_filled(was["config"], config), now["config"], free)
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


def _refuse_format(workdir: Path, was: dict[str, Any]) -> None:
    if was.get("format") != FORMAT:
        versions = was.get("versions")
        by = versions.get("jaxemb", "?") if isinstance(versions, dict) else "?"
        raise InputError(
            f"{workdir}: holds a run of jaxemb {by} in format {was.get('format', 0)}; this version "
            f"continues format {FORMAT}: choose another --workdir (finished tables of the old one "
            "are still read as vectors)"
        )


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


def differences(
    was: dict[str, Any], now: dict[str, Any], free: Collection[str] = (), prefix: str = ""
) -> list[str]:
    """What differs between two described configs, for people.

    Args:
        free: the settings that may differ, from `settings.changing_nothing`.
    """
    found = []
    for key in sorted(was.keys() | now.keys()):
        old, new = was.get(key), now.get(key)
        if prefix + key in free:
            continue
        if isinstance(old, dict) and isinstance(new, dict):
            found += differences(old, new, free, f"{prefix}{key}.")
        elif old != new:
            found.append(f"{prefix}{key} was {old}, now {new}")
    return found


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


class Workdir(NamedTuple):
    """The folder of a run: of one config for good, and of one process at a time while it trains."""

    folder: Path
    place: checkpoints.Place

    @classmethod
    def of(cls, folder: Path) -> Workdir:
        """A folder with its checkpoints, which are bound to the config and vocabulary in it."""
        bound = {
            name: hashlib.sha256(path.read_bytes()).hexdigest()
            for name, file in (("config", CONFIG), ("vocabulary", corpus_lib.VOCAB))
            if (path := folder / file).exists()
        }
        return cls(folder, checkpoints.Place(folder / checkpoints.FOLDER, bound))

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Within it no other process trains in the folder; the lock ends with this process.

        A file system without locks is trusted.

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
        """Deletes the checkpoints, which a finished run needs no more."""
        shutil.rmtree(self.folder / checkpoints.FOLDER, ignore_errors=True)


def opened(
    folder: Path, config: Any, corpus: corpus_lib.Corpus, result: str, start: str | None = None
) -> Workdir:
    """The folder of a run, with its config.json and vocabulary written, or found to be the same.

    Args:
        result: the file of a finished run.
        start: the digest of the rows that training starts from, if they are given.

    Raises:
        InputError: a folder of another format; another config, text or start, with what differs.
    """
    begun = any((folder / name).exists() for name in (checkpoints.FOLDER, result))
    refuse_other(folder, config, corpus, start, begun)
    corpus_lib.write_vocab(folder / corpus_lib.VOCAB, corpus.vocab)
    return Workdir.of(folder)


def load(workdir: str | Path) -> tuple[Vocab, InOut]:
    """The vocabulary and the tables of a finished run.

    Raises:
        InputError: no finished run there, or files that do not belong together.
    """
    path = Path(workdir) / TABLES
    if not path.is_file():
        raise InputError(
            f"{workdir}: holds no finished run (no {TABLES}); one is made by "
            "python scripts/train.py configs/quickstart.py"
        )
    arrays = tensors.arrays(path)
    vocab = corpus_lib.read_vocab(Path(workdir) / corpus_lib.VOCAB)
    if set(arrays) != {"input", "output"}:
        raise InputError(f"{path}: holds {sorted(arrays)}, wanted input and output")
    found = InOut(arrays["input"], arrays["output"])
    if not all(np.isfinite(table).all() for table in found):
        raise InputError(f"{path}: holds NaN or infinity")
    if found.input.ndim != 2:
        raise InputError(f"{workdir}: holds several models: name one, as {workdir}/member_0")
    if len(found.input) != len(vocab.words):
        raise InputError(
            f"{workdir}: {TABLES} has {len(found.input):,} rows, "
            f"but {corpus_lib.VOCAB} has {len(vocab.words):,} words"
        )
    return vocab, found
