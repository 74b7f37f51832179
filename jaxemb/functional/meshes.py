"""Functions of arrays on several devices, whatever the types of the axes of their mesh.

The axes of `jax.make_mesh` are Explicit by default: the sharding of an array is then part of its
type, and a product over the rows of two sharded tables is a type error until the sharding of its
result is stated. The results here are small and replicated, except those with a row for each row of
a sharded table; `on_any_mesh` states that once for all functions.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import jax
from jax.core import Tracer
from jax.sharding import AxisType, NamedSharding, PartitionSpec

F = TypeVar("F", bound=Callable[..., Any])


class _Cut(NamedTuple):
    """The sharding of an array on a mesh with Explicit axes."""

    mesh: Any
    by_rows: Any  # the mesh axes that shard its first axis, or None
    rows: int


def on_any_mesh(function: F) -> F:
    """Extend a function to arrays on meshes with Explicit axes, which are Auto while it runs.

    No array is moved for that. Results lie on the same mesh with its own axis types: a result with
    a row for each row of the first such array is sharded like it, all others are replicated.
    """

    @functools.wraps(function)
    def wrapped(*args: Any, **settings: Any) -> Any:
        leaves, tree = jax.tree.flatten((args, settings))
        cuts = [_cut(leaf) for leaf in leaves]
        first = next((cut for cut in cuts if cut), None)
        if first is None:
            return function(*args, **settings)
        types = jax.typeof(leaves[cuts.index(first)]).sharding.mesh
        free = types.update_axis_types(dict.fromkeys(_explicit(types), AxisType.Auto))
        with jax.sharding.use_abstract_mesh(free):
            freed = [
                jax.sharding.reshard(leaf, PartitionSpec(*[None] * leaf.ndim)) if cut else leaf
                for leaf, cut in zip(leaves, cuts, strict=True)
            ]
            args, settings = jax.tree.unflatten(tree, freed)
            result = function(*args, **settings)
        return jax.tree.map(functools.partial(_returned, first), result)

    return wrapped  # pyright: ignore[reportReturnType]


def _explicit(mesh: Any) -> list[str]:
    if mesh.empty:
        return []
    pairs = zip(mesh.axis_names, mesh.axis_types, strict=True)
    return [name for name, kind in pairs if kind == AxisType.Explicit]


def _cut(leaf: Any) -> _Cut | None:
    """The sharding of a leaf; None if it is no array, or not on such a mesh."""
    if not isinstance(leaf, jax.Array):
        return None
    typed = jax.typeof(leaf).sharding
    if not _explicit(typed.mesh):
        return None
    # a tracer knows no devices
    mesh = typed.mesh if isinstance(leaf, Tracer) else getattr(leaf.sharding, "mesh", typed.mesh)
    return _Cut(mesh, typed.spec[0] if leaf.ndim else None, leaf.shape[0] if leaf.ndim else 0)


def _returned(cut: _Cut, leaf: Any) -> Any:
    if not isinstance(leaf, jax.Array):
        return leaf
    by_rows = leaf.ndim and leaf.shape[0] == cut.rows and cut.by_rows
    spec = PartitionSpec(cut.by_rows) if by_rows else PartitionSpec()
    return jax.sharding.reshard(leaf, NamedSharding(cut.mesh, spec))
