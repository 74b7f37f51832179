"""How the state of a training that is kept lies on the devices of a mesh."""

import functools
from collections.abc import Callable
from typing import Any

import jax
from jax.sharding import Mesh, PartitionSpec as P

from jaxemb.lab.durable import loop
from jaxemb.training.mesh import Placement, begin, by_rows, divided, parse, place, whole


def of_streams(mesh: Mesh) -> Placement:
    """Where a language model's state lies: whole on every device, but for the carry of streams."""

    def specs(state: Any) -> Any:
        carry = jax.tree.map(lambda _: P("data"), state.carry)
        return jax.tree.map(lambda _: P(), state)._replace(carry=carry)

    return Placement(mesh, specs)


def streams(text: str | None) -> tuple[loop.Layout, Callable[[Any], Any]]:
    """Layout and `put` of a language model's training: its streams divided over `data`.

    Args:
        text: see `parse`; None is one device.
    """
    if text is None:
        return loop.Layout(), lambda windows: windows
    mesh = parse(text)
    return layout(of_streams(mesh)), lambda windows: divided(mesh, windows, None, None, "data")


def layout(where: Placement) -> loop.Layout:
    """How a training that is kept lies on the mesh."""
    return loop.Layout(
        begin=functools.partial(begin, where),
        place=functools.partial(place, where),
        by_rows=functools.partial(by_rows, where),
        whole=whole,
    )
