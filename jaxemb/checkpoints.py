"""Checkpoints: each whole or absent, each file known by its digest, the last few kept.

A checkpoint is a folder `step-000000001200` with one safetensors file for each range of rows, 64 of
them whatever the number of devices or processes, and a manifest with the sha256 of every file, of
the run that it belongs to, and of itself. The folder is written under another name, forced to
disk, and only then renamed: there is no moment at which a kill leaves half of one under its name.
"""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from safetensors.numpy import load, save

from jaxemb import snapshots
from jaxemb.errors import InputError

FOLDER = "checkpoints"
FORMAT, KEEP = 1, 3
MANIFEST = "manifest.json"
_PATIENCE = 300.0  # seconds that the other processes of a run may take to write their parts


class Disk(NamedTuple):
    """All that a commit asks of a file system, so that a test can stop it after any of them."""

    make: Callable[[Path], Any]
    write: Callable[[Path, bytes], Any]
    sync: Callable[[Path], Any]  # a file, or a folder: what it names
    rename: Callable[[Path, Path], Any]
    remove: Callable[[Path], Any]  # a folder with all in it


def _sync(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


DISK = Disk(
    lambda path: path.mkdir(parents=True, exist_ok=True),
    Path.write_bytes,
    _sync,
    os.replace,
    shutil.rmtree,
)


class Place(NamedTuple):
    """Where the checkpoints of a run are, and what binds them to it."""

    folder: Path
    bound: dict[str, str]  # digests of what the run is: its config, text and vocabulary
    process: int = 0  # the number of this one
    processes: int = 1
    disk: Disk = DISK
    keep: int = KEEP


class Checkpoint(NamedTuple):
    """One that was found whole."""

    path: Path
    manifest: dict[str, Any]

    @property
    def cursor(self) -> dict[str, Any]:
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
        """The rows of one part, whose bytes are looked at again: a disk may fail between.

        Raises:
            InputError: they are not as they were written.
        """
        path = self.path / _file(part)
        if path.name not in self.manifest["files"]:
            return {}
        data = path.read_bytes()
        if _digest(data) != self.manifest["files"][path.name]:
            raise InputError(f"{path}: changed since it was looked through")
        return load(data)


def commit(place: Place, taken: snapshots.Snapshot) -> Path:
    """Writes a checkpoint, and then takes away all but the newest few.

    Every process writes its own parts; the first one waits for them and gives the folder its name.

    Raises:
        OSError: the disk is full, or not there; nothing that stood there before has changed.
        InputError: what was written does not read back as it was.
    """
    step, disk = int(taken.cursor["step"]), place.disk
    final = place.folder / f"step-{step:012d}"
    unfinished = place.folder / f"unfinished-{step:012d}"
    try:
        disk.make(unfinished)
        digests = {}
        for part, arrays in taken.parts.items():
            if arrays:
                data, path = save(arrays), unfinished / _file(part)
                disk.write(path, data)
                disk.sync(path)
                digests[path.name] = _digest(data)
        if place.process:
            _leave(unfinished / f"process-{place.process}.json", digests)
            return final
        for other in range(1, place.processes):
            digests |= _await(unfinished / f"process-{other}.json")
        manifest = {"format": FORMAT, "cursor": taken.cursor, "bound": place.bound}
        manifest |= {"arrays": taken.arrays, "files": dict(sorted(digests.items()))}
        manifest["sha256"] = _own_digest(manifest)
        disk.write(unfinished / MANIFEST, json.dumps(manifest, indent=1).encode())
        disk.sync(unfinished / MANIFEST)
        disk.sync(unfinished)
        disk.rename(unfinished, final)
        disk.sync(place.folder)
    except OSError:
        if not place.process:
            shutil.rmtree(unfinished, ignore_errors=True)
        raise
    if bad := faults(final, place.bound):
        raise InputError(f"{final}: {bad[0]}, just after it was written")
    for old in steps(place.folder)[place.keep :]:
        # first out of the way: half of one under its name would be taken for a damaged one
        disk.rename(old, old.with_name(f"old-{old.name}"))
        disk.remove(old.with_name(f"old-{old.name}"))
    return final


def steps(folder: Path) -> list[Path]:
    """All checkpoints of a folder by name, the newest first; not whether they are good."""
    return sorted(folder.glob("step-" + "[0-9]" * 12), reverse=True)


def newest(place: Place, say: Callable[[str], Any] = lambda line: None) -> Checkpoint | None:
    """The newest checkpoint of which every bit is as it was written; None where there is none.

    Damaged ones before it are named `bad-step-...`, and said, with file and step.

    Raises:
        InputError: there are checkpoints, and none of them is good.
    """
    for left in place.folder.glob("unfinished-*"):
        shutil.rmtree(left, ignore_errors=True)
    for left in place.folder.glob("old-step-*"):
        shutil.rmtree(left, ignore_errors=True)
    damaged = []
    for path in steps(place.folder):
        found = faults(path, place.bound)
        if not found:
            for bad, why in damaged:
                aside = bad.with_name(f"bad-{bad.name}")
                shutil.rmtree(aside, ignore_errors=True)
                bad.rename(aside)
                say(f"{bad}: {why}; going on from {path.name}, the damaged one is kept as {aside}")
            return Checkpoint(path, _manifest(path))
        damaged.append((path, found[0]))
    if damaged:
        listed = "; ".join(f"{path.name}: {why}" for path, why in damaged)
        raise InputError(
            f"{place.folder}: no checkpoint is good ({listed}): delete the folder to start again"
        )
    return None


def faults(path: Path, bound: dict[str, str] | None = None) -> list[str]:
    """What is wrong with a checkpoint, each with its file; nothing if it is as it was written."""
    try:
        manifest = _manifest(path)
    except InputError as error:
        return [str(error)]
    found = []
    for name, value in (bound or {}).items():
        if manifest["bound"].get(name) != value:
            found.append(f"{MANIFEST}: is of a run with another {name}")
    if path.name != f"step-{manifest['cursor']['step']:012d}":
        found.append(f"{MANIFEST}: is of step {manifest['cursor']['step']}")
    for name, wanted in manifest["files"].items():
        try:
            got = _digest((path / name).read_bytes())
        except OSError as error:
            found.append(f"{name}: cannot be read ({error.strerror})")
            continue
        if got != wanted:
            found.append(f"{name}: is not as it was written (sha256 {got[:12]}, not {wanted[:12]})")
    return found


def _file(part: int) -> str:
    return f"rows-{part:02d}.safetensors"


def _manifest(path: Path) -> dict[str, Any]:
    try:
        manifest = json.loads((path / MANIFEST).read_bytes())
        if manifest["format"] != FORMAT or manifest["sha256"] != _own_digest(manifest):
            raise ValueError
    except OSError as error:
        raise InputError(f"{MANIFEST}: cannot be read ({error.strerror})") from None
    except (ValueError, KeyError, TypeError):
        raise InputError(f"{MANIFEST}: is not as it was written") from None
    return manifest


def _own_digest(manifest: dict[str, Any]) -> str:
    rest = {key: value for key, value in manifest.items() if key != "sha256"}
    return _digest(json.dumps(rest, sort_keys=True).encode())


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _leave(path: Path, digests: dict[str, str]) -> None:
    """Tells the first process what this one wrote: whole, for it is renamed when it is."""
    unfinished = path.with_suffix(".tmp")
    unfinished.write_text(json.dumps(digests))
    os.replace(unfinished, path)


def _await(path: Path) -> dict[str, str]:
    deadline = time.monotonic() + _PATIENCE
    while not path.exists():
        if time.monotonic() > deadline:
            raise TimeoutError(None, "another process has not written its parts", str(path))
        time.sleep(0.02)
    found = json.loads(path.read_text())
    path.unlink()
    return found
