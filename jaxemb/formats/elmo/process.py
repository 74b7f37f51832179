"""Send the datasets of an HDF5 file as plain bytes: a program for a separate process with limits.

Usage: python -P process.py < request > answer

HDF5's library may crash on a crafted file, so a process that has nothing to lose reads it. This
program imports nothing of the project, and is run by its path, so that it starts in 0.1 s.

The request is JSON: path, datasets {name: shape}, seconds, memory. The answer is lines of JSON:
{"at": name} before each dataset is examined; {"shape": shape} followed by its float32 bytes, in the
order of the request; the last line may be an error: {"where", "actual", "expected", "hint"}.
"""

import codecs
import contextlib
import itertools
import json
import math
import os
import sys
import zlib
from collections.abc import Iterator
from typing import Any

import h5py
import numpy as np
from h5py import h5d, h5g, h5l, h5o, h5s, h5t, h5z  # pyright: ignore[reportAttributeAccessIssue]

_GZIP, _SHUFFLE = h5z.FILTER_DEFLATE, h5z.FILTER_SHUFFLE
_RATIO, _FREE = 100, 1 << 20  # weights do not compress a hundredfold; a small bias may
_LINKS = {h5l.TYPE_SOFT: "a soft link", h5l.TYPE_EXTERNAL: "an external link"}
_INSIDE = "nothing outside of the file is ever read"


class Refused(Exception):
    """An error in the file; its arguments are where, actual, expected, hint."""


def members(group: Any, tree: dict[str, Any], place: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the full name of each dataset of the tree, and the dataset, checked.

    Raises:
        Refused: a dataset breaks a rule, or the file has another member.
    """
    for name, inner in tree.items():
        where = place + name
        say(at=where)
        wanted = "a group" if isinstance(inner, dict) else f"a dataset {inner}"
        member = _member(group, name, where, wanted)
        if isinstance(inner, dict):
            if not isinstance(member, h5g.GroupID):
                raise Refused(where, _kind(member), wanted)
            yield from members(member, inner, where + "/")
        else:
            if not isinstance(member, h5d.DatasetID):
                raise Refused(where, _kind(member), wanted)
            _check(where, member, inner)
            yield where, member
    for raw in group:
        name = raw.decode("utf-8", "replace")
        if name not in tree:
            hint = "a token-input model has no char_cnn" if name == "embedding" else ""
            raise Refused(
                place + name[:80], "a member", "only the members that the options imply", hint
            )


def _member(group: Any, name: str, where: str, wanted: str) -> Any:
    """Return the member that a hard link leads to; other links are refused."""
    if not group.links.exists(name.encode()):
        raise Refused(where, "nothing", wanted)
    link = group.links.get_info(name.encode()).type
    if link != h5l.TYPE_HARD:
        raise Refused(where, _LINKS.get(link, "a user-defined link"), wanted, _INSIDE)
    return h5o.open(group, name.encode())


def _kind(member: Any) -> str:
    return {h5g.GroupID: "a group", h5d.DatasetID: "a dataset"}.get(type(member), "a datatype")


def _check(where: str, dataset: Any, shape: list[int | None]) -> None:
    """Raise Refused unless all of the dataset is stored in the file, as float32 of this shape.

    The order matters: to return the shape of a virtual dataset, HDF5 may open other files.
    """
    plan = dataset.get_create_plist()
    layout = plan.get_layout()
    if layout not in (h5d.COMPACT, h5d.CONTIGUOUS, h5d.CHUNKED):
        raise Refused(where, "a virtual dataset", "a dataset that stores its numbers", _INSIDE)
    if plan.get_external_count():
        raise Refused(where, "external storage", "numbers within the file", _INSIDE)
    filters = _filters(plan)
    if filters not in ([], [_GZIP], [_SHUFFLE], [_SHUFFLE, _GZIP]):
        raise Refused(where, f"filters {filters}", "shuffle (2), then gzip (1), and no other")
    if not dataset.get_type().equal(h5t.IEEE_F32LE):
        raise Refused(where, _dtype(dataset), "little-endian float32 (<f4)")
    space = dataset.get_space()
    if space.get_simple_extent_type() != h5s.SIMPLE:
        raise Refused(where, "a scalar or no numbers at all", f"shape {shape}")
    dims = list(space.get_simple_extent_dims())
    if len(dims) != len(shape) or any(
        size != wanted if wanted is not None else size < 1
        for size, wanted in zip(dims, shape, strict=True)
    ):
        raise Refused(where, f"shape {dims}", f"shape {shape}", "as the options say")
    _check_stored(where, dataset, dims, plan.get_chunk() if layout == h5d.CHUNKED else None)


def _check_stored(where: str, dataset: Any, shape: list[int], chunk: Any) -> None:
    """Raise Refused if the file does not store all numbers of the dataset."""
    stored, size = dataset.get_storage_size(), 4 * math.prod(shape)
    if chunk is None:
        if stored != size:
            raise Refused(where, f"{stored:,} bytes are stored", f"{size:,}, all of the dataset")
        return
    pieces = math.prod(-(-n // step) for n, step in zip(shape, chunk, strict=True))
    if (held := dataset.get_num_chunks()) != pieces:
        raise Refused(where, f"{held:,} chunks are stored", f"{pieces:,}, all of the dataset")
    if size > _RATIO * stored + _FREE:
        raise Refused(where, f"{stored:,} bytes that unpack to {size:,}", "weights, not a bomb")


def _check_apart(datasets: dict[str, Any]) -> None:
    """Raise Refused if two datasets share bytes, which means that an address is wrong."""
    starts = {name: dataset.get_offset() for name, dataset in datasets.items()}
    end, before = 0, ""
    for name in sorted((n for n in starts if starts[n] is not None), key=lambda n: starts[n]):
        if starts[name] < end:
            raise Refused(name, f"shares bytes with {before}", "bytes that no other dataset uses")
        end, before = starts[name] + datasets[name].get_storage_size(), name


def _filters(plan: Any) -> list[int]:
    return [plan.get_filter(i)[0] for i in range(plan.get_nfilters())]


def _numbers(where: str, dataset: Any) -> np.ndarray:
    """Return the numbers of a dataset. Chunks are decompressed here, because HDF5 accepts a chunk
    that is too short and leaves the rest of its memory uninitialised.
    """
    data, plan = np.zeros(dataset.shape, "<f4"), dataset.get_create_plist()
    if plan.get_layout() != h5d.CHUNKED:
        dataset.read(h5s.ALL, h5s.ALL, data)
        return data
    chunk, filters = plan.get_chunk(), _filters(plan)
    grid = (range(0, n, step) for n, step in zip(data.shape, chunk, strict=True))
    for corner in itertools.product(*grid):
        skipped, raw = dataset.read_direct_chunk(corner)
        used = [filter_id for i, filter_id in enumerate(filters) if not skipped >> i & 1]
        try:
            piece = np.frombuffer(_unpacked(raw, used, 4 * math.prod(chunk)), "<f4").reshape(chunk)
        except (ValueError, zlib.error) as error:
            raise Refused(
                where, f"a damaged chunk at {corner} ({error})", "one that fits"
            ) from None
        inside = tuple(slice(at, at + step) for at, step in zip(corner, chunk, strict=True))
        rest = tuple(slice(n - at) for n, at in zip(data.shape, corner, strict=True))
        data[inside] = piece[rest]
    return data


def _unpacked(raw: bytes, filters: list[int], size: int) -> bytes:
    if _GZIP in filters:
        stream = zlib.decompressobj()
        raw = stream.decompress(raw, size + 1)
        if not stream.eof or stream.unused_data:
            raise ValueError("not one whole gzip stream of its size")
    if len(raw) != size:
        raise ValueError(f"{len(raw):,} bytes of {size:,}")
    return np.frombuffer(raw, "u1").reshape(4, -1).T.tobytes() if _SHUFFLE in filters else raw


def _dtype(dataset: Any) -> str:
    try:
        return f"{dataset.dtype.str} ({dataset.dtype})"[:80]
    except Exception:  # types that NumPy has no name for
        return "numbers of another type"


def _tree(datasets: dict[str, list[Any]]) -> dict[str, Any]:
    """Return {"a/b": shape} as {"a": {"b": shape}}."""
    tree: dict[str, Any] = {}
    for name, shape in datasets.items():
        *groups, last = name.split("/")
        inner = tree
        for group in groups:
            inner = inner.setdefault(group, {})
        inner[last] = shape
    return tree


def limit(seconds: int, memory: int) -> None:
    """Limit the CPU seconds and the bytes of memory of this process; forbid it to write files."""
    for name, most in {"CORE": 0, "FSIZE": 0, "CPU": seconds}.items():
        _bound(name, most)
    with contextlib.suppress(OSError), open("/proc/self/statm") as file:
        _bound("AS", int(file.read().split()[0]) * os.sysconf("SC_PAGESIZE") + memory)


def _bound(name: str, most: int) -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):  # unsupported, or above a limit
        import resource

        resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (most, most))


def no_more_files() -> None:
    """Forbid this process to open files from here on, whatever a crafted file makes HDF5 do."""
    codecs.lookup("ascii")  # load the module now: h5py needs it to name a type
    _bound("NOFILE", 0)


def say(**values: Any) -> None:
    """Send one line of JSON."""
    OUT.write(json.dumps(values).encode() + b"\n")
    OUT.flush()


def answer(request: dict[str, Any]) -> None:
    """Check all datasets, then send them."""
    say(at="the file")
    with h5py.File(request["path"], "r", locking=False) as file:
        no_more_files()
        datasets = dict(members(h5g.open(file.id, b"/"), _tree(request["datasets"])))
        _check_apart(datasets)
        for name in request["datasets"]:
            say(at=name)
            data = _numbers(name, datasets[name])
            say(shape=data.shape)
            OUT.write(data.data)
        OUT.flush()


def reply(request: dict[str, Any]) -> None:
    """Send the answer, or an error."""
    try:
        answer(request)
    except Refused as error:
        say(**dict(zip(("where", "actual", "expected", "hint"), error.args, strict=False)))
    except MemoryError:
        most = f"at most {request['memory'] >> 20:,} MB"
        say(actual="more memory than its size explains", expected=most, hint="")
    except Exception as error:  # h5py raises any kind, for any damage
        lines = f"{error}".splitlines()
        say(
            actual=f"damaged ({lines[0][:200] if lines else type(error).__name__})", expected="HDF5"
        )


OUT: Any = None  # where the answer goes

if __name__ == "__main__":
    with os.fdopen(os.dup(1), "wb", 1 << 20) as OUT:
        os.dup2(2, 1)  # what a library prints must not reach the answer
        received: dict[str, Any] = json.load(sys.stdin)
        limit(received["seconds"], received["memory"])
        reply(received)
