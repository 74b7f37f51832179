"""What a commit asks of a file system: five functions, so that a test can stop it after any."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple


class Disk(NamedTuple):
    """A folder is durable when it was synced, and so was the folder that names it."""

    make: Callable[[Path], Any]
    write: Callable[[Path, bytes], Any]
    sync: Callable[[Path], Any]  # a file, or a folder: what it names
    rename: Callable[[Path, Path], Any]
    remove: Callable[[Path], Any]  # a folder with all in it


def sync(path: Path) -> None:
    """Returns when a file, or what a folder names, is on the disk.

    Raises:
        OSError: no such file, or the disk failed.
    """
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


DISK = Disk(
    lambda path: path.mkdir(parents=True, exist_ok=True),
    Path.write_bytes,
    sync,
    os.replace,
    shutil.rmtree,
)
