"""Meshes of devices, and where the arrays of a training lie on them. No other file makes a mesh.

A mesh has two axes: `data` divides the blocks of every batch; `model` cuts the tables, by rows or
by dim. The rows of a table are padded with zeros to a multiple that no number of devices decides,
so that a training can go on with another number; padded rows are never read, and never kept.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec as P

from jaxemb.errors import InputError
from jaxemb.training import mesh_sizes

PADDED = mesh_sizes.PARTS  # rows are a multiple of this, and each part whole on a device


class Placement(NamedTuple):
    """Where the arrays of a state lie."""

    mesh: Mesh
    specs: Callable[[Any], Any]  # from a state, or its shapes, to PartitionSpecs
    multiple: int = 1  # to which arrays are padded along their first axis


def parse(text: str) -> Mesh:
    """A mesh by its sizes, as "data=4,model=2"; an axis that is not named is 1.

    Raises:
        InputError: another axis; no size; more devices than there are.
    """
    sizes, there = mesh_sizes.sizes(text), jax.devices()
    wanted = sizes["data"] * sizes["model"]
    if wanted > len(there):
        raise InputError(
            f"mesh is {text}: {wanted} devices, but there are {len(there)} "
            f"({there[0].platform}); XLA_FLAGS=--xla_force_host_platform_device_count={wanted} "
            "makes virtual ones of a CPU"
        )
    if jax.process_count() > 1 and wanted < len(there):
        raise InputError(
            f"mesh is {text}: {wanted} devices, but the {jax.process_count()} processes have "
            f"{len(there)}: a mesh wants all of them"
        )
    auto = (AxisType.Auto, AxisType.Auto)
    shape = (sizes["data"], sizes["model"])
    return jax.make_mesh(shape, ("data", "model"), auto, devices=there[:wanted])


def size(mesh: Mesh, axes: tuple[str, ...]) -> int:
    """The number of devices along some axes."""
    return int(np.prod([mesh.shape[axis] for axis in axes]))


def lies(where: Placement, state: Any) -> Any:
    """The sharding of each array of a state."""
    specs = where.specs(state)
    return jax.tree.map(lambda _, spec: NamedSharding(where.mesh, spec), state, specs)


def begin(where: Placement, start: Callable[[], Any]) -> Any:
    """The state of `start`, traced, so that each device makes only its own part; padded."""
    padded = functools.partial(jax.tree.map, functools.partial(_padded, where.multiple))
    into = lies(where, jax.eval_shape(start))
    return jax.jit(lambda: padded(start()), out_shardings=into)()


def _padded(multiple: int, leaf):
    if not leaf.ndim:
        return leaf
    return jnp.pad(leaf, ((0, -leaf.shape[0] % multiple), *[(0, 0)] * (leaf.ndim - 1)))


def place(where: Placement, tree: Any) -> Any:
    """A state of unpadded arrays on the mesh.

    Args:
        tree: arrays, or leaves with shape, dtype and `read(start, stop)`, of which this process
            reads only the rows that its own devices take.
    """
    leaves, structure = jax.tree.flatten(tree, is_leaf=_is_read)
    shapes = [jax.ShapeDtypeStruct(leaf.shape, leaf.dtype) for leaf in leaves]
    into = jax.tree.leaves(lies(where, jax.tree.unflatten(structure, shapes)))
    placed = [_place(where.multiple, *pair) for pair in zip(leaves, into, strict=True)]
    return jax.tree.unflatten(structure, placed)


def _is_read(leaf: Any) -> bool:
    return hasattr(leaf, "read")


def _place(multiple: int, leaf: Any, into: NamedSharding):
    read = leaf.read if _is_read(leaf) else functools.partial(_rows, leaf)
    if not leaf.shape:
        value = np.asarray(read())
        return jax.make_array_from_callback((), into, lambda _: value)
    rows, more = leaf.shape[0], [(0, 0)] * (len(leaf.shape) - 1)

    @functools.lru_cache(maxsize=1)  # devices that have the same rows follow one another
    def padded(first: int, last: int):
        found = read(first, max(min(last, rows), first))
        return np.pad(found, ((0, last - first - len(found)), *more))

    def part(index):
        first, last, _ = index[0].indices(rows + -rows % multiple)
        return padded(first, last)[(slice(None), *index[1:])]

    return jax.make_array_from_callback((rows + -rows % multiple, *leaf.shape[1:]), into, part)


def _rows(leaf: Any, *at: int) -> Any:
    return np.asarray(leaf[slice(*at)] if at else leaf)


def divided(mesh: Mesh, tree: Any, *spec: Any) -> Any:
    """Arrays of the host on the mesh; a process puts only what its own devices take."""

    def put(leaf):
        into = NamedSharding(mesh, P(*spec))
        return jax.make_array_from_callback(
            np.shape(leaf), into, lambda index: np.asarray(leaf)[index]
        )

    return jax.tree.map(put, tree)


def by_rows(where: Placement, state: Any) -> Any:
    """The state cut by rows over all devices in their order, so that each process can save its own.

    Over fewer axes where a device would have less than whole parts of a checkpoint; over none where
    rows are not padded.
    """
    axes = next(
        axes
        for axes in (("data", "model"), ("data",), ("model",), ())
        if where.multiple % size(where.mesh, axes) == 0
    )
    cut = NamedSharding(where.mesh, P(axes))
    into = jax.tree.map(lambda leaf: cut if leaf.ndim else NamedSharding(where.mesh, P()), state)
    return jax.device_put(state, into)


def whole(state: Any, like: Any) -> Any:
    """A state on the host, without its padding.

    Args:
        like: arrays without padding, or their shapes.
    """

    def one(leaf, wanted):
        if jax.process_count() > 1:
            leaf = multihost_utils.process_allgather(leaf, tiled=True)
        return np.asarray(leaf)[tuple(slice(length) for length in wanted.shape)]

    return jax.tree.map(one, state, like)
