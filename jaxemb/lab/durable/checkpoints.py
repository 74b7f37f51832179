"""Checkpoints: written whole or not at all, with a digest for every file; the newest are kept.

A checkpoint is a folder `step-000000001200`. It holds one safetensors file for each of 64 ranges of
rows, whatever the number of devices or processes, and a manifest with the sha256 of every file, of
the run that it belongs to, and of itself. The folder is written under another name, forced to
disk, and only then renamed: no kill leaves a partial checkpoint under a final name.
"""

import contextlib
import errno
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import ml_dtypes
import numpy as np
from safetensors.numpy import load, save

from jaxemb.errors import InputError
from jaxemb.files import DISK, Disk
from jaxemb.lab.durable import snapshots

FOLDER = "checkpoints"
FORMAT, KEEP = 1, 3
MANIFEST, _FILE = "manifest.json", "rows-{:02d}.safetensors"
UNFINISHED, OLD, BAD = "unfinished-", "old-", "bad-"  # never read
_BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
_PATIENCE = 300.0  # seconds that the other processes of a run may take to write their parts


class Place(NamedTuple):
    """Where the checkpoints of a run are, and what binds them to it."""

    folder: Path
    bound: dict[str, str]  # digests that identify the run: of its config and vocabulary
    process: int = 0  # the number of this process
    processes: int = 1
    disk: Disk = DISK
    keep: int = KEEP


class Checkpoint(NamedTuple):
    """An intact checkpoint."""

    path: Path
    manifest: dict[str, Any]

    @property
    def cursor(self) -> dict[str, Any]:
        """Where training stood."""
        return self.manifest["cursor"]

    def restored(self, like: Any) -> Any:
        """A tree of `snapshots.Rows` with the structure of `like`.

        Raises:
            InputError: an array is missing, or of another shape or type.
        """
        try:
            return snapshots.restored(self.manifest["arrays"], self.part, like)
        except InputError as error:
            raise InputError(f"{self.path}: {error}") from None

    def part(self, part: int) -> snapshots.Part:
        """Read the rows of one part and check its digest again: a disk may have failed since.

        Raises:
            InputError: the bytes are not as they were written.
        """
        path = self.path / _FILE.format(part)
        if path.name not in self.manifest["files"]:
            return {}
        data = path.read_bytes()
        if _digest(data) != self.manifest["files"][path.name]:
            raise InputError(f"{path}: changed since it was checked")
        arrays = self.manifest["arrays"]
        return {
            name: values.view(_BFLOAT16) if arrays[name]["dtype"] == _BFLOAT16.name else values
            for name, values in load(data).items()
        }


def commit(place: Place, taken: snapshots.Snapshot) -> Path:
    """Write a checkpoint, and then remove all but the newest few.

    Every process writes its own parts; process 0 waits for all parts and renames the folder.

    Raises:
        OSError: the disk is full or missing, or returns other bytes than were written; earlier
            checkpoints have not changed.
    """
    step, disk = int(taken.cursor["step"]), place.disk
    final = place.folder / f"step-{step:012d}"
    unfinished = place.folder / f"{UNFINISHED}{step:012d}"
    try:
        disk.make(unfinished)
        digests = _write_parts(disk, unfinished, taken.parts)
        if place.process:
            _leave(unfinished / f"process-{place.process}.json", digests)
            return final
        for other in range(1, place.processes):
            digests |= _await(unfinished / f"process-{other}.json")
        manifest = {"format": FORMAT, "cursor": taken.cursor, "bound": place.bound}
        manifest |= {"arrays": taken.arrays, "files": dict(sorted(digests.items()))}
        disk.write(unfinished / MANIFEST, _sealed(manifest))
        disk.sync(unfinished / MANIFEST)
        disk.sync(unfinished)
        if bad := faults(unfinished, place.bound):
            raise OSError(errno.EIO, f"{bad[0]}, just after it was written", str(unfinished))
        disk.rename(unfinished, final)
        disk.sync(place.folder)
        disk.sync(place.folder.parent)  # the first time, this folder is new, too
    except OSError:
        if place.process:
            with contextlib.suppress(OSError):  # else process 0 waits to its deadline
                _leave(unfinished / f"process-{place.process}.json", None)
        else:
            shutil.rmtree(unfinished, ignore_errors=True)
        raise
    # this checkpoint is saved; where older ones cannot be removed, the next commit tries again
    with contextlib.suppress(OSError):
        _retire(place, final)
    return final


def _write_parts(disk: Disk, folder: Path, parts: dict[int, snapshots.Part]) -> dict[str, str]:
    """Write some parts; returns the digest of each file."""
    digests = {}
    for part, arrays in parts.items():
        if arrays:
            data, path = (
                save({name: _stored(values) for name, values in arrays.items()}),
                folder / _FILE.format(part),
            )
            disk.write(path, data)
            disk.sync(path)
            digests[path.name] = _digest(data)
    return digests


def _stored(values: Any) -> Any:
    """The bits of bfloat16: safetensors writes it, but reads it into no NumPy array."""
    return values.view(np.uint16) if values.dtype == _BFLOAT16 else values


def _retire(place: Place, newest: Path) -> None:
    """Remove all but the last few checkpoints up to `newest`, which was just checked."""
    older = [path for path in steps(place.folder) if path.name < newest.name]
    for old in older[place.keep - 1 :]:
        # renamed first: half of one under its final name would count as damaged
        place.disk.rename(old, old.with_name(f"{OLD}{old.name}"))
    for old in place.folder.glob(f"{OLD}step-*"):
        place.disk.remove(old)


def steps(folder: Path) -> list[Path]:
    """Paths of all checkpoints in a folder, the newest first; they are not checked."""
    return sorted(folder.glob("step-" + "[0-9]" * 12), reverse=True)


def opened(path: Path) -> Checkpoint:
    """Open a checkpoint that this process, or another, has checked."""
    return Checkpoint(path, _manifest(path))


def newest(place: Place, say: Callable[[str], Any] = lambda line: None) -> Checkpoint | None:
    """Return the newest intact checkpoint; None if there are no checkpoints.

    Newer ones, which are damaged, are renamed to `bad-step-...` and reported with file and step.

    Raises:
        InputError: there are checkpoints, and all are damaged.
    """
    for left in (f"{UNFINISHED}*", f"{OLD}step-*"):
        for path in place.folder.glob(left):
            shutil.rmtree(path, ignore_errors=True)
    damaged = []
    for path in steps(place.folder):
        flaws = faults(path, place.bound)
        if not flaws:
            for bad, why in damaged:
                say(f"{bad}: {why}; resuming from {path.name}, the damaged one {_aside(bad)}")
            return opened(path)
        damaged.append((path, flaws[0]))
    if damaged:
        listed = "; ".join(f"{path.name}: {why}" for path, why in damaged)
        raise InputError(
            f"{place.folder}: no checkpoint is good ({listed}): delete the folder to start again"
        )
    return None


def _aside(bad: Path) -> str:
    """Give a damaged checkpoint a name that is never read; returns what was done, as text."""
    aside = bad.with_name(f"{BAD}{bad.name}")
    try:
        shutil.rmtree(aside, ignore_errors=True)
        bad.rename(aside)
    except OSError as error:
        return f"stays where it is ({error.strerror})"
    return f"is kept as {aside.name}"


def faults(path: Path, bound: dict[str, str] | None = None) -> list[str]:
    """List what is wrong with a checkpoint, each fault with its file; empty if it is intact."""
    try:
        manifest = _manifest(path)
    except InputError as error:
        return [str(error)]
    flaws = []
    for name, value in (bound or {}).items():
        if manifest["bound"].get(name) != value:
            flaws.append(f"{MANIFEST}: is of a run with another {name}")
    if not path.name.endswith(f"-{manifest['cursor']['step']:012d}"):
        flaws.append(f"{MANIFEST}: is of step {manifest['cursor']['step']}")
    for name, wanted in manifest["files"].items():
        try:
            got = _digest((path / name).read_bytes())
        except OSError as error:
            flaws.append(f"{name}: cannot be read ({error.strerror})")
            continue
        if got != wanted:
            flaws.append(f"{name}: is not as it was written (sha256 {got[:12]}, not {wanted[:12]})")
    return flaws


def _manifest(path: Path) -> dict[str, Any]:
    try:
        data = (path / MANIFEST).read_bytes()
        manifest = json.loads(data)
        if manifest["format"] != FORMAT or data != _sealed(manifest):
            raise ValueError
    except OSError as error:
        raise InputError(f"{MANIFEST}: cannot be read ({error.strerror})") from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise InputError(f"{MANIFEST}: is not as it was written") from None
    return manifest


def _sealed(manifest: dict[str, Any]) -> bytes:
    """Serialize a manifest with its own digest, in the only form that is accepted."""
    rest = {key: value for key, value in manifest.items() if key != "sha256"}
    own = _digest(json.dumps(rest, sort_keys=True).encode())
    return json.dumps({**rest, "sha256": own}, indent=1).encode()


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _leave(path: Path, digests: dict[str, str] | None) -> None:
    """Tell process 0 what this process wrote; None: it could not write."""
    unfinished = path.with_suffix(".tmp")  # renamed when it is whole
    unfinished.write_text(json.dumps(digests))
    os.replace(unfinished, path)


def _await(path: Path) -> dict[str, str]:
    deadline = time.monotonic() + _PATIENCE
    while not path.exists():
        if time.monotonic() > deadline:
            raise TimeoutError(None, "another process has not written its parts", str(path))
        time.sleep(0.02)
    digests = json.loads(path.read_text())
    path.unlink()
    if digests is None:
        raise OSError(errno.EIO, "another process could not write its parts", str(path))
    return digests
