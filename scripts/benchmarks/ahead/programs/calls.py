"""What a program is called with, as shapes: nothing is computed."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, Mesh, SingleDeviceSharding

KEY = jax.ShapeDtypeStruct((), jax.random.key(0).dtype)


class Place(NamedTuple):
    """The devices that a program is compiled for, and how large its tables are."""

    devices: list[Any]
    small: bool = False  # for laws that ask only whether a program can be lowered

    def size(self, full: int, small: int) -> int:
        """A size, of a real program or of a small one."""
        return small if self.small else full

    def mesh(self, data: int, model: int) -> Mesh:
        """A mesh of the first devices, with the axes of `training.mesh`."""
        devices = np.asarray(self.devices[: data * model]).reshape(data, model)
        return Mesh(devices, ("data", "model"), axis_types=(AxisType.Auto,) * 2)


class Call(NamedTuple):
    """A jitted function and its arguments; what is traced is a `jax.ShapeDtypeStruct`."""

    function: Any
    arguments: tuple[Any, ...]
    named: dict[str, Any] = {}  # noqa: RUF012 (a NamedTuple does not change)
    table: tuple[int, int] | None = None  # [rows, dim] of a whole table, on one device
    tokens: int | None = None  # of text in a step


class Program(NamedTuple):
    """A program of the list."""

    build: Callable[[Place], Call]
    covers: str  # the jitted function, as `room.module.name`
    quick: bool = False  # compiled at every landing


def float32(*shape: int) -> Any:
    return jax.ShapeDtypeStruct(shape, jnp.float32)


def int32(*shape: int) -> Any:
    return jax.ShapeDtypeStruct(shape, jnp.int32)


def shapes(tree: Any) -> Any:
    """The shapes of arrays, in JAX's own types."""
    return jax.eval_shape(lambda: tree)


def lies(leaf: Any, sharding: Any) -> Any:
    """The shape of an array, with where it lies."""
    return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding)


def at(tree: Any, sharding: Any) -> Any:
    """The shapes of arrays that all lie alike."""
    return jax.tree.map(lambda leaf: lies(leaf, sharding), tree)


def on_one(place: Place, call: Call) -> Call:
    """The call with every shape on the first device, unless it says where it is."""
    first = SingleDeviceSharding(place.devices[0])

    def put(leaf: Any) -> Any:
        free = isinstance(leaf, jax.ShapeDtypeStruct) and leaf.sharding is None
        return lies(leaf, first) if free else leaf

    arguments, named = jax.tree.map(put, (call.arguments, call.named))
    return call._replace(arguments=arguments, named=named)


def lowered(call: Call, platform: str) -> Any:
    """The program as JAX hands it to a platform's compiler."""
    traced = call.function.trace(*call.arguments, **call.named)
    return traced.lower(lowering_platforms=(platform,))


def jitted(function: Callable, *arguments: Any, table: tuple[int, int] | None = None) -> Call:
    """A call of a function that users put under `jax.jit`."""
    return Call(jax.jit(function), arguments, table=table)
