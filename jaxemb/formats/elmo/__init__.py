"""Read and write ELMo's weights: options.json and the HDF5 file of bilm-tf and AllenNLP.

    options, weights = formats.elmo.read("options.json", "weights.hdf5")

A separate process with limits reads HDF5 (`process.py`), because its library has repeatedly crashed
on crafted files. What that process sends is checked again here.
"""

import contextlib
import importlib.util
import json
import math
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from jaxemb.errors import FormatError, InputError
from jaxemb.files import replacing
from jaxemb.formats import foreign
from jaxemb.formats.elmo import layout, options as elmo_options
from jaxemb.formats.elmo.layout import Shape, Weights
from jaxemb.formats.elmo.options import CharOptions, Options
from jaxemb.formats.options import existing, named
from jaxemb.text import compression

__all__ = ["CharOptions", "Options", "Weights", "read", "read_options", "write"]

_WANTED = "wants h5py: pip install 'jaxemb[elmo]'"
_PROGRAM = Path(__file__).with_name("process.py")
_SECONDS = 20  # to read the weights, at most; one more for every _PACE bytes
_PACE = 5_000_000
_MEMORY = 512 << 20  # bytes, besides twice the weights
_UNPACKED, _FREE = 128, 1 << 20  # most bytes of weights: per byte of the file, and in any case
_LONGEST = 1 << 16  # bytes of a line


def read_options(path: str | Path) -> Options:
    """Read the sizes in an options.json; keys that only training uses are ignored.

    Raises:
        FormatError: the file is not JSON; a key is missing, repeated, or has an invalid value, such
            as `"bidirectional": false`.
        InputError: there is no such file.

    Warns:
        FormatWarning: ELMo's options have no such key.
    """
    return elmo_options.read(named("options", path))[0]


def read(options: str | Path, weights: str | Path) -> tuple[Options, Weights]:
    """Read a model from its two files.

    Args:
        options: the path of options.json.
        weights: the path of the HDF5 file.

    Returns:
        Options, and float32 arrays in the layout of the file (see `Weights`).

    Raises:
        FormatError: as in `read_options`; or the weights lack a dataset or have one that the
            options do not; or a dataset is not float32, of the shape that the options say, finite,
            and wholly stored in the file; or HDF5 crashes or hangs on the file.
        InputError: there is no such file, or h5py is missing.

    Source:
        Peters et al. 2018, arXiv:1802.05365; bilm-tf, `dump_weights`.
    """
    sizes, words = elmo_options.read(named("options", options))
    path = existing(weights, "ELMo's weights (HDF5)")
    if not path.is_file():
        raise InputError(f"{path}: no such file, but a folder: wanted ELMo's weights (HDF5)")
    if importlib.util.find_spec("h5py") is None:
        raise InputError(f"{path}: {_WANTED}")
    with path.open("rb") as file:
        if file.read(4) != b"\x89HDF":
            _refuse_foreign(path)
    arrays = _arrays(path, layout.shapes(sizes, words))
    return sizes, layout.build(sizes, words, lambda name, _: arrays[name])


def _refuse_foreign(path: Path) -> None:
    """Raise FormatError for a file that is clearly not HDF5, which may follow a user block."""
    if not compression.is_plain(path):
        raise FormatError(path, "byte 0", "a compressed file", "HDF5", "decompress it first")
    foreign.check(path)


def _arrays(path: Path, shapes: dict[str, Shape]) -> dict[str, np.ndarray]:
    """Let a separate process read every dataset; return the arrays by name."""
    held = path.stat().st_size
    promised = 4 * sum(math.prod(n or 0 for n in shape) for shape in shapes.values())
    most = _UNPACKED * held + _FREE
    open_ended = any(None in shape for shape in shapes.values())
    size = min(promised + held * open_ended, most)
    seconds = _SECONDS + size // _PACE
    request = {
        "path": str(path),
        "datasets": shapes,
        "seconds": seconds + 1,
        "memory": _MEMORY + 2 * size,
    }
    with _started(seconds) as (process, late):
        answer = _Answer(path, shapes, process.stdout, most)
        with contextlib.suppress(BrokenPipeError), process.stdin as stdin:  # if it ends early
            stdin.write(json.dumps(request).encode())
        if answer.receive():
            return answer.arrays
        code = process.wait()
        if late.is_set():
            actual, hint = f"reading took more than {seconds} s", ""
        elif code < 0:
            actual, hint = f"the HDF5 library crashed (signal {-code})", ""
        else:
            actual = f"the process that reads HDF5 ended with {code}"
            hint = "does `python -c 'import h5py'` work?"
        raise FormatError(path, answer.at, actual, "a file that HDF5 can read", hint)


@contextlib.contextmanager
def _started(seconds: float) -> Iterator[tuple[Any, threading.Event]]:
    """Start a process that reads HDF5; kill it at the end, or at a timeout, which sets `late`."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "HDF5_PLUGIN_PRELOAD": "::",  # no filter is loaded from anywhere
        "OPENBLAS_NUM_THREADS": "1",  # it computes nothing
    }
    process: Any = subprocess.Popen(
        [sys.executable, "-P", str(_PROGRAM)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
    )
    late = threading.Event()

    def stop() -> None:
        late.set()
        process.kill()

    timer = threading.Timer(seconds, stop)
    timer.start()
    try:
        yield process, late
    finally:
        timer.cancel()
        process.kill()
        process.wait()
        process.stdout.close()


class _Answer:
    """Receives the messages and arrays that the process sends, and checks each of them.

    Attributes:
        at: the dataset that the process named last.
        arrays: the arrays received, by name.
    """

    def __init__(self, path: Path, shapes: dict[str, Shape], stream: Any, most: int) -> None:
        self._path, self._shapes, self._stream, self._most = path, shapes, stream, most
        self.at = "the file"
        self.arrays: dict[str, np.ndarray] = {}

    def receive(self) -> bool:
        """Receive the datasets; False if the process ended before the last."""
        for name, wanted in self._shapes.items():
            if (shape := self._next()) is None:
                return False
            size = 4 * math.prod(shape)
            if self.at != name or not layout.fits(shape, wanted) or size > self._most:
                raise self._nonsense(f"shape {list(shape)}")
            array = np.empty(shape, "<f4")
            view = memoryview(array.data).cast("B")
            while view:
                if not (got := self._stream.readinto(view)):
                    return False
                view = view[got:]
            self._check_finite(name, array)
            self.arrays[name] = array.reshape(layout.in_memory(shape))
        return True

    def _next(self) -> tuple[int, ...] | None:
        """Return the shape of the next dataset; None at the end."""
        while (line := self._stream.readline(_LONGEST)).endswith(b"\n"):
            try:
                message = json.loads(line)
                if "actual" in message:
                    where, *parts = (
                        str(message.get(name, ""))[:1000]
                        for name in ("where", "actual", "expected", "hint")
                    )
                    raise FormatError(self._path, where or self.at, *parts)
                if "shape" in message:
                    return tuple(int(n) for n in message["shape"])
                self.at = (
                    message["at"] if message["at"] in self._shapes else str(message["at"])[:200]
                )
            except (ValueError, TypeError, KeyError) as error:
                if isinstance(error, FormatError):
                    raise
                raise self._nonsense(f"{line[:80]!r}") from None
        return None

    def _check_finite(self, name: str, array: np.ndarray) -> None:
        finite = np.isfinite(array)
        if not finite.all():
            index = np.argwhere(~finite)[0].tolist()
            actual = f"{array[tuple(index)]} at {index}"
            raise FormatError(self._path, name, actual, "finite numbers")

    def _nonsense(self, message: str) -> FormatError:
        actual = f"the process that reads HDF5 sent {message}"
        return FormatError(self._path, self.at, actual, "a dataset or an error")


def write(
    options_path: str | Path, weights_path: str | Path, options: Options, weights: Weights
) -> None:
    """Write a model to two files as bilm-tf does, each atomically.

    Raises:
        InputError: the arrays do not match the options, or are not finite float32; the options
            could not be read back; h5py is missing.
    """
    options_path = named("options_path", options_path)
    weights_path = named("weights_path", weights_path)
    for held, kind in ((options, Options), (weights, Weights)):
        if not isinstance(held, kind):
            wanted = f"formats.elmo.{kind.__name__}"
            raise InputError(f"got {type(held).__name__} to write; wanted {wanted}")
    words = None if weights.embedding is None else len(weights.embedding)
    data = elmo_options.written(options_path, options, words)
    arrays = layout.flat(options, weights)
    try:
        import h5py
    except ImportError:
        raise InputError(f"{weights_path}: {_WANTED}") from None
    with replacing(options_path) as to_options, replacing(weights_path) as to_weights:
        to_options.write_bytes(data)
        with h5py.File(to_weights, "w") as file:
            for name, array in arrays.items():
                file.create_dataset(name, data=array, dtype="<f4")
