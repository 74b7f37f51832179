"""Files: whole or absent, as JSON, synced to disk; and functions by name and content."""

import contextlib
import functools
import hashlib
import inspect
import json
import math
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from jaxemb.errors import InputError


def function_name(function: Callable) -> str:
    """module:qualname; of a function from outside the package, also the sha256 of its file.

    A partial is written with its settings; functions among them by name.
    """
    if isinstance(function, functools.partial):
        settings = [_setting(value) for value in function.args]
        settings += [f"{key}={_setting(value)}" for key, value in function.keywords.items()]
        return f"{function_name(function.func)}({', '.join(settings)})"
    module = getattr(function, "__module__", None) or "builtins"
    name = f"{module}:{getattr(function, '__qualname__', repr(function))}"
    if module.split(".")[0] in ("jaxemb", "builtins"):
        return name
    try:
        source = Path(inspect.getfile(function)).read_bytes()
    except (TypeError, OSError):  # compiled, or typed into a notebook
        return name
    return f"{name} sha256:{hashlib.sha256(source).hexdigest()[:16]}"


def _setting(value: Any) -> str:
    if isinstance(value, tuple):  # an optax transformation is a tuple of functions
        return f"({', '.join(_setting(each) for each in value)})"
    return function_name(value) if callable(value) else repr(value)


def read_text(path: Path) -> str:
    """The text of a file that this project wrote.

    Raises:
        InputError: no such file, or one that is not text.
    """
    try:
        with path.open(encoding="utf-8", newline="\n") as file:
            return file.read()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: damaged: it is not UTF-8 text") from None


def read_json(path: Path) -> Any:
    """The value of a JSON file that this project wrote.

    Raises:
        InputError: no such file, or one that is not JSON.
    """
    try:
        return json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise InputError(f"{path}: line {error.lineno}: damaged: it is not JSON") from None


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A name to write under; the file takes its own when all went well, and else is taken away.

    What is written is on the disk before, and the name after: a machine that stops leaves either.

    Raises:
        InputError: a device, a pipe or a folder has that name, and would be replaced.
    """
    if path.exists() and not path.is_file():
        raise InputError(f"{path}: no file (a device, a pipe or a folder): wanted a file's name")
    unfinished = path.with_name(path.name + ".tmp")
    try:
        yield unfinished
        sync(unfinished)
        os.replace(unfinished, path)
        sync(path.parent)
    finally:
        unfinished.unlink(missing_ok=True)


@contextlib.contextmanager
def arrays_into(path: Path, mode: str = "wb") -> Iterator[Callable[[Any], None]]:
    """A function that writes arrays into a file, one behind the other, all or with an error.

    NumPy's `tofile` does not say which file did not fit on a disk, nor that its last 4 kB did not.

    Raises:
        InputError: the file cannot be written, in the function.
    """
    with path.open(mode, buffering=0) as file:

        def write(array: Any) -> None:
            left = memoryview(array).cast("B") if len(array) else b""
            try:
                while left:
                    left = left[file.write(left) :]
            except OSError as error:
                raise InputError(f"{path}: cannot be written ({error.strerror})") from None

        yield write


def write_text(path: Path, text: str) -> None:
    """Writes a file that is whole, or as it was before."""
    with replacing(path) as unfinished:
        unfinished.write_text(text, "utf-8", newline="\n")


def write_json(path: Path, value: Any) -> None:
    """Writes a JSON file that is whole, or as it was before."""
    text = json.dumps(finite(value), indent=2, ensure_ascii=False, allow_nan=False)
    write_text(path, text + "\n")


def finite(value: Any) -> Any:
    """The same value with null for NaN and infinity, which JSON does not have."""
    if isinstance(value, dict):
        return {key: finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


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


@contextlib.contextmanager
def left_as_found(folder: str | Path) -> Iterator[None]:
    """A folder that can be written to; one that is new and still empty goes with a failure."""
    existed = Path(folder).exists()
    writable(folder)
    try:
        yield
    except BaseException:
        if not existed:
            with contextlib.suppress(OSError):  # not empty: something of worth is in it
                Path(folder).rmdir()
        raise


def writable(folder: str | Path) -> Path:
    """The folder, made if need be.

    Raises:
        InputError: it cannot be written to.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".writable-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be written to ({error.strerror}): choose another"
        ) from None
    return folder
