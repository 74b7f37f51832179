"""Layouts of the state of a fault-tolerant training run on the devices of a mesh."""

import functools
from collections.abc import Callable
from typing import Any

import jax
from jax.sharding import Mesh, PartitionSpec as P

from jaxemb.lab.durable import loop
from jaxemb.training.mesh import Placement, begin, by_rows, divided, parse, place, whole


def of_streams(mesh: Mesh) -> Placement:
    """Placement of a language model's state: replicated, except for the carry of its streams."""

    def specs(state: Any) -> Any:
        carry = jax.tree.map(lambda _: P("data"), state.carry)
        return jax.tree.map(lambda _: P(), state)._replace(carry=carry)

    return Placement(mesh, specs)


def streams(text: str | None) -> tuple[loop.Layout, Callable[[Any], Any]]:
    """Layout and `put` of a language model's training run: its streams divided over `data`.

    Args:
        text: a mesh, see `training.mesh.parse`; None: one device.
    """
    if text is None:
        return loop.Layout(), lambda windows: windows
    mesh = parse(text)
    return layout(of_streams(mesh)), lambda windows: divided(mesh, windows, None, None, "data")


def layout(where: Placement) -> loop.Layout:
    """The layout of a fault-tolerant training run whose state is placed on a mesh."""
    return loop.Layout(
        begin=functools.partial(begin, where),
        place=functools.partial(place, where),
        by_rows=functools.partial(by_rows, where),
        whole=whole,
    )
