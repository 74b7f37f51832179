"""Device meshes, and how the arrays of a training state are sharded over them.

This is the only module that makes a mesh. A mesh has two axes: `data` divides the blocks of every
batch, and `model` shards the tables, by rows or by dim. The rows of a table are zero-padded to a
fixed multiple that does not depend on the mesh, so that a training run can resume on another number
of devices. Padded rows are never read, and `whole` removes them.
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

PADDED = mesh_sizes.PARTS  # rows are padded to a multiple: a checkpoint has equal parts


class Placement(NamedTuple):
    """How the arrays of a state are sharded over a mesh."""

    mesh: Mesh
    specs: Callable[[Any], Any]  # from a state, or its shapes, to a tree of PartitionSpecs
    multiple: int = 1  # the first axis of every array is zero-padded to a multiple of this


def parse(text: str) -> Mesh:
    """Make a mesh from its sizes, such as "data=4,model=2"; an axis that is not named has size 1.

    Raises:
        InputError: an unknown axis, an invalid size, or more devices than JAX has; with several
            processes, also fewer.
    """
    sizes, devices = mesh_sizes.sizes(text), jax.devices()
    wanted = sizes["data"] * sizes["model"]
    if wanted > len(devices):
        raise InputError(
            f"mesh is {text}: {wanted} devices, but there are {len(devices)} "
            f"({devices[0].platform}); XLA_FLAGS=--xla_force_host_platform_device_count={wanted} "
            "makes virtual devices on a CPU"
        )
    if jax.process_count() > 1 and wanted < len(devices):
        raise InputError(
            f"mesh is {text}: {wanted} devices, but the {jax.process_count()} processes have "
            f"{len(devices)}: a mesh wants all of them"
        )
    auto = (AxisType.Auto, AxisType.Auto)
    shape = (sizes["data"], sizes["model"])
    return jax.make_mesh(shape, ("data", "model"), auto, devices=devices[:wanted])


def size(mesh: Mesh, axes: tuple[str, ...]) -> int:
    """The number of devices along the given axes."""
    return int(np.prod([mesh.shape[axis] for axis in axes]))


def lies(where: Placement, state: Any) -> Any:
    """The `NamedSharding` of each array of a state, or of its shapes."""
    specs = where.specs(state)
    return jax.tree.map(lambda _, spec: NamedSharding(where.mesh, spec), state, specs)


def begin(where: Placement, start: Callable[[], Any]) -> Any:
    """The padded state of `start`, which runs under jit: each device computes only its shard."""
    padded = functools.partial(jax.tree.map, functools.partial(_padded, where.multiple))
    into = lies(where, jax.eval_shape(start))
    return jax.jit(lambda: padded(start()), out_shardings=into)()


def _padded(multiple: int, leaf):
    if not leaf.ndim:
        return leaf
    return jnp.pad(leaf, ((0, -leaf.shape[0] % multiple), *[(0, 0)] * (leaf.ndim - 1)))


def place(where: Placement, tree: Any) -> Any:
    """Pad a state and put it on the mesh.

    Args:
        tree: unpadded arrays, or leaves with shape, dtype and `read(start, stop)`. Of such a leaf
            this process reads only the rows that its own devices hold.
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

    @functools.lru_cache(maxsize=1)  # devices that hold the same rows follow one another
    def padded(first: int, last: int):
        values = read(first, max(min(last, rows), first))
        return np.pad(values, ((0, last - first - len(values)), *more))

    def part(index):
        first, last, _ = index[0].indices(rows + -rows % multiple)
        return padded(first, last)[(slice(None), *index[1:])]

    return jax.make_array_from_callback((rows + -rows % multiple, *leaf.shape[1:]), into, part)


def _rows(leaf: Any, *bounds: int) -> Any:
    return np.asarray(leaf[slice(*bounds)] if bounds else leaf)


def divided(mesh: Mesh, tree: Any, *spec: Any) -> Any:
    """Put host arrays on the mesh; each process transfers only what its own devices hold.

    Args:
        spec: the entries of every array's `PartitionSpec`.
    """

    def put(leaf):
        into = NamedSharding(mesh, P(*spec))
        return jax.make_array_from_callback(
            np.shape(leaf), into, lambda index: np.asarray(leaf)[index]
        )

    return jax.tree.map(put, tree)


def by_rows(where: Placement, state: Any) -> Any:
    """Reshard a state by rows over all devices in their order: each process saves its own rows.

    The rows are sharded over fewer axes where a device would hold less than one part of a
    checkpoint, and over none where rows are not padded.
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
    """Gather a state on the host as NumPy arrays, without its padding.

    Args:
        like: the state's arrays without padding, or their shapes.
    """

    def one(leaf, wanted):
        if jax.process_count() > 1:
            leaf = multihost_utils.process_allgather(leaf, tiled=True)
        return np.asarray(leaf)[tuple(slice(length) for length in wanted.shape)]

    return jax.tree.map(one, state, like)
