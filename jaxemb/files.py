"""Atomic file writes, JSON, syncing to disk; and functions named by module and content."""

import contextlib
import functools
import hashlib
import inspect
import json
import math
import os
import pkgutil
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from jaxemb.errors import InputError


def function_name(function: Callable[..., Any]) -> str:
    """Return `module:qualname`; for functions outside the package, add a sha256 of the source file.

    A `functools.partial` is written with its arguments; functions among them are written by name.
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


def named(name: str, own: Mapping[str, Any], wanted: str) -> Callable[..., Any]:
    """The function of a name: one of `own`, or MODULE:NAME of any function.

    Args:
        own: short names of functions, or of their MODULE:NAME.
        wanted: what the function takes and gives, for the error.

    Raises:
        ValueError: no function has that name, and why.
    """
    given = own.get(name, name)
    if callable(given):
        return given
    module, _, inside = given.partition(":")
    if not (module and inside):
        raise ValueError(f"{name}: wanted {', '.join(own)}, or MODULE:NAME of a function")
    try:
        function = pkgutil.resolve_name(given)
    except AttributeError:
        raise ValueError(f"{name}: module {module} has no {inside}") from None
    except ModuleNotFoundError as error:
        raise ValueError(f"{name}: there is no module {error.name}") from None
    except Exception as error:  # a user's module may raise anything
        raise ValueError(f"{name}: {type(error).__name__}: {error}") from None
    if not callable(function):
        raise ValueError(f"{name}: is {function!r:.60}; wanted {wanted}")
    return function


def _setting(value: Any) -> str:
    if isinstance(value, tuple):  # an optax transformation is a tuple of functions
        return f"({', '.join(_setting(item) for item in value)})"
    return function_name(value) if callable(value) else repr(value)


def read_text(path: Path) -> str:
    """Return the text of a file that this project wrote.

    Raises:
        InputError: the file cannot be read, or is not UTF-8.
    """
    try:
        with path.open(encoding="utf-8", newline="\n") as file:
            return file.read()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: damaged: it is not UTF-8 text") from None


def read_json(path: Path) -> Any:
    """Return the value of a JSON file that this project wrote.

    Raises:
        InputError: the file cannot be read, or is not JSON.
    """
    try:
        return json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise InputError(f"{path}: line {error.lineno}: damaged: it is not JSON") from None


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path to write to; rename it to `path` on success, delete it on failure.

    The content is synced to disk before the rename and the folder after it, so that a crash leaves
    the old file or the whole new one.

    Raises:
        InputError: `path` is a device, a pipe or a folder, which the rename would replace; its
            folder does not exist.
    """
    if not path.parent.is_dir():
        raise InputError(f"{path}: cannot be written: there is no folder {path.parent}")
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
    """Yield a function that appends an array to the file; it writes every byte or raises.

    On a full disk NumPy's `tofile` names no file, and does not report that the last 4 kB are lost.

    Raises:
        InputError: (by the yielded function) the file cannot be written.
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
    """Write a text file atomically: a crash leaves the old file or the whole new one."""
    with replacing(path) as unfinished:
        unfinished.write_text(text, "utf-8", newline="\n")


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file atomically; NaN and infinity become null."""
    text = json.dumps(finite(value), indent=2, ensure_ascii=False, allow_nan=False)
    write_text(path, text + "\n")


def finite(value: Any) -> Any:
    """Return the value with None in place of NaN and infinity, which JSON does not have."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


class Disk(NamedTuple):
    """File operations of checkpoints. A folder is durable once it and its parent are synced."""

    make: Callable[[Path], Any]
    write: Callable[[Path, bytes], Any]
    sync: Callable[[Path], Any]  # the content of a file, or the names in a folder
    rename: Callable[[Path, Path], Any]
    remove: Callable[[Path], Any]  # a folder and everything in it


def sync(path: Path) -> None:
    """Flush the content of a file, or the names in a folder, to the disk before returning.

    Raises:
        OSError: there is no such file, or the disk failed.
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
    """Make a folder writable; if the block fails, remove the folder if it is new and empty."""
    existed = Path(folder).exists()
    writable(folder)
    try:
        yield
    except BaseException:
        if not existed:
            with contextlib.suppress(OSError):  # not empty: the block has saved something
                Path(folder).rmdir()
        raise


def writable(folder: str | Path) -> Path:
    """Return the folder, after creating it if needed and checking that it can be written to.

    Raises:
        InputError: the folder cannot be written to.
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
