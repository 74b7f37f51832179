"""Snapshots: the state of a training run as parts on the host, as checkpoints hold it.

Every array is cut into the same number of ranges of rows, whatever the number of devices: any
number of processes can write the parts that they have, and read those that they need.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxemb.errors import InputError
from jaxemb.lab.durable.tensors import named, refuse_nan
from jaxemb.training.mesh_sizes import PARTS

Part = dict[str, Any]  # some rows of each array, by name


class Snapshot(NamedTuple):
    """A state at one moment: the parts that this process saves."""

    parts: dict[int, Part]
    arrays: dict[str, Any]  # of the whole state: name -> {"dtype", "shape"}
    cursor: dict[str, Any]  # JSON values; "step" among them


class Rows(NamedTuple):
    """An array in parts, of which any rows can be read."""

    part: Callable[[int], Part]
    name: str
    shape: tuple[int, ...]
    dtype: Any

    def read(self, start: int = 0, stop: int | None = None) -> Any:
        """Read some rows, by default all; a scalar array is read as it is."""
        if not self.shape:
            return self.part(0)[self.name]
        stop, size = self.shape[0] if stop is None else stop, _size(self.shape)
        rows = np.empty((max(stop - start, 0), *self.shape[1:]), self.dtype)
        for part in range(start // size, -(-stop // size)) if stop > start else ():
            first, last = max(start, part * size), min(stop, (part + 1) * size)
            values = self.part(part)[self.name]
            rows[first - start : last - start] = values[first - part * size : last - part * size]
        return rows


def take(
    tree: Any, cursor: dict[str, Any], like: Any = None, index: int = 0, processes: int = 1
) -> Snapshot:
    """Copy a state to the host; the device may reuse its memory at once.

    Args:
        tree: arrays. With several processes each is replicated on all of them, or sharded by rows
            over all devices in their order.
        cursor: JSON values; "step" among them.
        like: the shapes without padding; rows beyond them are not saved. By default all are.
        index, processes: the number of this process, and of all.

    Raises:
        NumericalError: an array holds NaN or infinity, which is never saved.
        InputError: rows that this process has to save lie on the devices of another.
    """
    wanted = named(tree if like is None else like)
    own = [part for part in range(PARTS) if part * processes // PARTS == index]
    parts: dict[int, Part] = {part: {} for part in own}
    for name, leaf in named(tree).items():
        shape = tuple(wanted[name].shape)
        for first, values in _on_host(leaf, processes):
            refuse_nan(name, values, "it is not saved")
            if not shape and index == 0:
                parts[0][name] = values
            for part in own if shape else ():
                begin, end = part * _size(shape), min((part + 1) * _size(shape), shape[0])
                if first <= begin < end <= first + len(values):
                    parts[part][name] = values[begin - first : end - first]
        for part in own if shape else ():
            if part * _size(shape) < shape[0] and name not in parts[part]:
                raise InputError(
                    f"{name}: process {index} has to save rows from {part * _size(shape):,}, and "
                    "its devices have others: a mesh wants the devices in the order of processes"
                )
    arrays = {n: {"dtype": str(a.dtype), "shape": list(a.shape)} for n, a in wanted.items()}
    return Snapshot(parts, arrays, cursor)


def restored(arrays: dict[str, Any], part: Callable[[int], Part], like: Any) -> Any:
    """A tree of `Rows` with the structure of `like`.

    Args:
        arrays: see `Snapshot`.
        part: reads one part.
        like: arrays, or their shapes.

    Raises:
        InputError: an array is missing, or of another shape or type.
    """
    rows = []
    for name, leaf in named(like).items():
        entry = arrays.get(name)
        wanted = {"dtype": str(leaf.dtype), "shape": list(leaf.shape)}
        if entry != wanted:
            got = f"{entry['dtype']} {entry['shape']}" if entry else "nothing"
            raise InputError(f"{name}: got {got}, wanted {wanted['dtype']} {wanted['shape']}")
        rows.append(Rows(part, name, tuple(leaf.shape), leaf.dtype))
    return jax.tree.unflatten(jax.tree.structure(like), rows)


def whole(rows: Any) -> Any:
    """Read a tree of `Rows` into arrays; every part is read once."""
    leaves, structure = jax.tree.flatten(rows, is_leaf=lambda node: isinstance(node, Rows))
    arrays = [np.empty(leaf.shape, leaf.dtype) for leaf in leaves]
    for part in range(PARTS) if leaves else ():
        values = leaves[0].part(part)
        for leaf, array in zip(leaves, arrays, strict=True):
            if not leaf.shape and part == 0:
                array[...] = values[leaf.name]
            elif leaf.shape and part * _size(leaf.shape) < leaf.shape[0]:
                begin = part * _size(leaf.shape)
                array[begin : begin + _size(leaf.shape)] = values[leaf.name]
    return jax.tree.unflatten(structure, arrays)


def _size(shape: tuple[int, ...]) -> int:
    """The number of rows in each part but the last ones."""
    return max(-(-shape[0] // PARTS), 1)


def _on_host(leaf: Any, processes: int) -> Iterator[tuple[int, Any]]:
    """Copy the rows of an array that this process has; yields (number of first row, rows)."""
    if processes == 1 or not isinstance(leaf, jax.Array):
        yield 0, np.array(leaf, order="C")
    elif leaf.is_fully_replicated:
        yield 0, np.array(leaf.addressable_data(0), order="C")
    else:
        for shard in leaf.addressable_shards:
            yield shard.index[0].start or 0, np.array(shard.data, order="C")
