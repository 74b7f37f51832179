"""Laws of checkpoints. Oracle: the arrays that were saved, and a model of what a disk may lose.

A commit's operations are recorded; for every prefix of them the folder is built as a crash there
could have left it. `pytest --flips N` flips more bits.
"""

import errno
import itertools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from jaxemb.errors import InputError
from jaxemb.files import DISK, Disk
from jaxemb.lab.durable import checkpoints, snapshots
from jaxemb.lab.durable.checkpoints import MANIFEST, Place

BOUND = {"config": "c", "vocabulary": "v"}
UNSYNCED = DISK._replace(sync=lambda path: None)  # a process that is not stopped sees no difference


def state(step: int, rows: int = 6) -> dict:
    return {"table": np.random.default_rng(step).normal(size=(rows, 3)).astype(np.float32)}


def taken(step: int, rows: int = 6) -> snapshots.Snapshot:
    return snapshots.take(state(step, rows), {"step": step})


def committed(folder: Path, *steps: int, keep: int = 3, rows: int = 6) -> Place:
    place = Place(folder / "checkpoints", BOUND, keep=keep, disk=UNSYNCED)
    for step in steps:
        checkpoints.commit(place, taken(step, rows))
    return place


def step_of(place: Place, rows: int = 6, say=lambda line: None) -> int | None:
    """The step of the newest checkpoint, after comparing all its numbers."""
    checkpoint = checkpoints.newest(place, say)
    if checkpoint is None:
        return None
    step = checkpoint.cursor["step"]
    whole = snapshots.whole(checkpoint.restored(state(step, rows)))
    np.testing.assert_array_equal(whole["table"], state(step, rows)["table"])
    return step


# --- every state in which a stopped machine may leave the folder ----------------------------------

DATA = {  # what may be left of bytes that were not synced
    "kept": lambda data: data,
    "torn": lambda data: data[: len(data) // 2],
    "zeroed": lambda data: bytes(len(data)),
    "lost": lambda data: b"",
    "absent": lambda data: None,  # nor is the file
}


HISTORIES = (
    ([2], 3),
    ([1, 2], 3),
    ([1, 2], 1),
    ([1, 2, 3, 4], 3),
)  # steps, and the number of checkpoints kept
ROWS = 3


def recorded(disk: Disk, log: list) -> Disk:
    """A disk that works and logs its operations; it removes a folder file by file."""

    def make(path):
        log.append(("make", path))
        disk.make(path)

    def write(path, data):
        log.append(("write", path, data))
        disk.write(path, data)

    def sync(path):
        log.append(("sync", path))
        disk.sync(path)

    def rename(old, new):
        log.append(("rename", old, new))
        disk.rename(old, new)

    def remove(path):
        log.extend(("unlink", file) for file in sorted(path.iterdir()))
        disk.remove(path)

    return Disk(make, write, sync, rename, remove)


def left_behind(log: list, data: str, renames: str) -> tuple[dict[Path, bytes], set[Path]]:
    """Files and folders after some operations and a power cut: what was synced is there.

    A write, name or rename is durable only after a sync of the file, or of the folder it is in.
    """
    files: dict[Path, list] = {}  # path -> [bytes, synced]
    folders, pending = set(), []  # renames whose folder was not synced
    for kind, path, *rest in log:
        if kind == "make":
            folders.add(path)
        elif kind == "write":
            files[path] = [rest[0], False]
        elif kind == "unlink":
            files.pop(path, None)
        elif kind == "sync" and path in files:
            files[path][1] = True
        elif kind == "sync":
            pending = [rename for rename in pending if rename[0].parent != path]
        elif kind == "rename" and path != rest[0]:
            pending.append((path, rest[0]))
            _move(files, folders, path, rest[0])
    for old, new in reversed(pending) if renames == "lost" else ():
        _move(files, folders, new, old)
    kept = {p: b if synced else DATA[data](b) for p, (b, synced) in files.items()}
    return {p: b for p, b in kept.items() if b is not None}, folders


def _move(files: dict, folders: set, old: Path, new: Path) -> None:
    for path in [path for path in files if path.parent == old]:
        files[new / path.name] = files.pop(path)
    if old in folders:
        folders.remove(old)
        folders.add(new)


class Crash(NamedTuple):
    """What a crash may leave, and the steps that may then be the newest."""

    files: dict[Path, bytes]
    folders: set[Path]
    allowed: tuple[int | None, ...]

    def build(self, place: Place) -> None:
        shutil.rmtree(place.folder, ignore_errors=True)
        for folder in self.folders:
            (place.folder / folder).mkdir(parents=True, exist_ok=True)
        for path, content in self.files.items():
            (place.folder / path).write_bytes(content)


def crashes(place: Place, commit: Callable, steps: list[int]) -> Iterator[Crash]:
    """Commit some steps; yields what every crash during the last commit may leave."""
    log: list = [("make", place.folder)]
    noted = place._replace(disk=recorded(UNSYNCED, log))
    for step in steps[:-1]:
        checkpoints.commit(noted, taken(step, ROWS))
    began = len(log)
    commit(noted, taken(steps[-1], ROWS))
    before = (steps[-2] if len(steps) > 1 else None, steps[-1])
    for length in range(began, len(log) + 1):
        for data, renames in itertools.product(DATA, ("kept", "lost")):
            files, folders = left_behind(log[:length], data, renames)
            yield Crash(
                {path.relative_to(place.folder): content for path, content in files.items()},
                {path.relative_to(place.folder) for path in folders},
                before if length < len(log) else (steps[-1],),  # the commit has returned
            )


def losses(tmp_path: Path, commit: Callable = checkpoints.commit) -> Iterator[bool]:
    """For every crash, whether an allowed step is not the newest, or a damaged one is reported."""
    for number, (steps, keep) in enumerate(HISTORIES):
        real, left = (
            Place(tmp_path / f"{number}-{name}", BOUND, keep=keep) for name in ("real", "left")
        )
        known: dict[Any, bool] = {}
        for crash in crashes(real, commit, steps):
            key = (frozenset(crash.files.items()), frozenset(crash.folders), crash.allowed)
            if key not in known:  # many crashes leave the same files
                crash.build(left)
                reports: list[str] = []
                try:
                    known[key] = step_of(left, ROWS, reports.append) not in crash.allowed or bool(
                        reports
                    )
                except (InputError, AssertionError):
                    known[key] = True
            yield known[key]


def test_every_state_a_crash_can_leave_has_the_old_or_the_new_checkpoint_whole(tmp_path):
    lost = list(losses(tmp_path))
    print(f"{len(lost)} crash states, {sum(lost)} lost")
    assert len(lost) >= 500
    assert not any(lost)


def _unsynced(place: Place, what) -> None:
    checkpoints.commit(place._replace(disk=place.disk._replace(sync=lambda path: None)), what)


def _deleting_first(place: Place, what) -> None:
    for old in checkpoints.steps(place.folder)[max(place.keep - 1, 0) :]:
        place.disk.remove(old)
    checkpoints.commit(place, what)


def _in_place(place: Place, what) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoints, "UNFINISHED", "step-")
        checkpoints.commit(place, what)


@pytest.mark.parametrize("mutant", [_unsynced, _deleting_first, _in_place])
def test_a_commit_without_its_care_loses_checkpoints(tmp_path, mutant):
    assert any(losses(tmp_path, mutant))


# --- bits, files and folders that changed --------------------------------------------------------


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_every_flipped_bit_is_found_and_the_previous_step_taken(tmp_path, request):
    flips, random = request.config.getoption("--flips"), np.random.default_rng(0)
    place = committed(tmp_path, 1, 2, rows=3)
    new = place.folder / "step-000000000002"
    files = _files(new)
    for flip in range(flips):
        path = files[flip % len(files)]
        data = path.read_bytes()
        place_of_flip, bit = random.integers(len(data)), 1 << random.integers(8)
        path.write_bytes(
            data[:place_of_flip] + bytes([data[place_of_flip] ^ bit]) + data[place_of_flip + 1 :]
        )
        reports: list[str] = []
        assert step_of(place, 3, reports.append) == 1
        assert len(reports) == 1
        assert path.name in reports[0]
        assert new.name in reports[0]
        (place.folder / f"bad-{new.name}").rename(new)
        path.write_bytes(data)
    print(f"{flips} flipped bits, {flips} found")
    assert step_of(place, 3) == 2


def _truncated(path: Path, other: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def _deleted(path: Path, other: Path) -> None:
    path.unlink()


def _swapped(path: Path, other: Path) -> None:
    shutil.copy(other / path.name, path)


@pytest.mark.parametrize("damage", [_truncated, _deleted, _swapped])
def test_a_file_that_is_cut_gone_or_of_another_step_is_found(tmp_path, damage):
    place = committed(tmp_path, 1, 2)
    old, new = reversed(checkpoints.steps(place.folder))
    shutil.copytree(new, tmp_path / "whole")
    for name in [path.name for path in _files(new)]:
        damage(new / name, old)
        reports: list[str] = []
        assert step_of(place, say=reports.append) == 1
        assert name in reports[0]
        assert new.name in reports[0]
        shutil.copytree(tmp_path / "whole", new)


def test_a_checkpoint_under_the_name_of_another_step_is_not_taken(tmp_path):
    place = committed(tmp_path, 1)
    shutil.copytree(place.folder / "step-000000000001", place.folder / "step-000000000007")
    reports: list[str] = []
    assert step_of(place, say=reports.append) == 1
    assert "step-000000000007: manifest.json: is of step 1" in reports[0]


def test_a_checkpoint_of_another_run_is_not_taken(tmp_path):
    place = committed(tmp_path, 1)
    other = place._replace(bound={**BOUND, "vocabulary": "w"})
    with pytest.raises(InputError, match="is of a run with another vocabulary"):
        checkpoints.newest(other)


def test_a_damaged_checkpoint_is_set_aside_and_never_taken_again(tmp_path):
    place = committed(tmp_path, 1, 2)
    bad = place.folder / "step-000000000002"
    damaged = (bad / MANIFEST).read_bytes()
    (bad / MANIFEST).write_bytes(b"")
    assert step_of(place) == 1
    aside = place.folder / f"bad-{bad.name}"
    (aside / MANIFEST).write_bytes(damaged)  # even if it is intact again
    reports: list[str] = []
    assert step_of(place, say=reports.append) == 1
    assert not reports
    checkpoints.commit(place, taken(3))
    assert step_of(place) == 3
    assert aside.exists()


def test_where_all_are_damaged_it_is_said_what_to_do(tmp_path):
    place = committed(tmp_path, 1, 2)
    for path in checkpoints.steps(place.folder):
        (path / MANIFEST).unlink()
    with pytest.raises(InputError, match=r"no checkpoint is good .* delete the folder to start"):
        checkpoints.newest(place)
    assert len(checkpoints.steps(place.folder)) == 2  # nothing was removed


# --- disks that fail ------------------------------------------------------------------------------


def failing(at: int, times: int = 1, disk: Disk = UNSYNCED) -> Disk:
    """A disk that is full at its `at`-th operation, and works again after some more."""
    count = itertools.count()

    def wrapped(operation):
        def tried(*arguments):
            if at <= next(count) < at + times:
                raise OSError(errno.ENOSPC, "No space left on device")
            return operation(*arguments)

        return tried

    return Disk(*map(wrapped, disk))


def test_no_space_at_any_operation_leaves_the_old_checkpoint_and_no_rest(tmp_path):
    log: list = []
    first = committed(tmp_path / "counted", 1, keep=1)
    checkpoints.commit(first._replace(disk=recorded(UNSYNCED, log)), taken(2))
    operations = sum(kind != "unlink" for kind, *_ in log) + 1
    failed = 0
    for at in range(operations):
        place = committed(tmp_path / str(at), 1, keep=1)
        try:
            checkpoints.commit(place._replace(disk=failing(at)), taken(2))
        except OSError:
            failed += 1
        assert not list(place.folder.glob("unfinished-*"))
        assert step_of(place) in (1, 2)
        checkpoints.commit(place, taken(3))  # the next interval
        assert [path.name for path in place.folder.iterdir()] == ["step-000000000003"]
        assert step_of(place) == 3
    print(f"no space at each of {operations} operations: {failed} commits failed, 0 lost")
    assert failed >= operations - 2  # except for removing old ones, which is done later


def test_a_file_that_reads_back_otherwise_is_not_given_its_name(tmp_path):
    place = committed(tmp_path, 1, keep=1)

    def write(path, data):
        path.write_bytes(bytes(len(data)) if path.name == "rows-03.safetensors" else data)

    with pytest.raises(OSError, match=r"rows-03\.safetensors: is not as it was written"):
        checkpoints.commit(place._replace(disk=UNSYNCED._replace(write=write)), taken(2))
    assert step_of(place) == 1
    assert [path.name for path in place.folder.iterdir()] == ["step-000000000001"]


def test_the_last_few_are_kept_and_one_newer_by_name_does_not_count(tmp_path):
    place = committed(tmp_path, *range(1, 6), keep=3)
    assert [int(path.name[-2:]) for path in checkpoints.steps(place.folder)] == [5, 4, 3]
    (place.folder / "step-000000000099").mkdir()  # damaged, where it cannot be renamed
    checkpoints.commit(place._replace(keep=1), taken(6))
    assert [int(path.name[-2:]) for path in checkpoints.steps(place.folder)] == [99, 6]


def of_process(place: Place, index: int) -> tuple[Place, snapshots.Snapshot]:
    """The place and the half of a state of one of two processes."""
    own = snapshots.take(state(2, 128), {"step": 2}, None, index, 2)
    return place._replace(process=index, processes=2), own


@pytest.mark.parametrize("full", [False, True])
def test_two_processes_commit_together_or_neither_does(tmp_path, full):
    place = committed(tmp_path, 1, rows=128)
    other, its = of_process(place, 1)
    if full:
        other = other._replace(disk=failing(7))
        with pytest.raises(OSError, match="No space"):
            checkpoints.commit(other, its)
        with pytest.raises(OSError, match="another process could not write its parts"):
            checkpoints.commit(*of_process(place, 0))
    else:
        checkpoints.commit(other, its)
        checkpoints.commit(*of_process(place, 0))
    assert step_of(place, 128) == (1 if full else 2)
    assert not list(place.folder.glob("unfinished-*"))
