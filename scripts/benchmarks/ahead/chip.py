"""Chips to compile for: each is one small file of `chips/`."""

import functools
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

from jaxemb.errors import InputError

CHIPS = Path(__file__).parent / "chips"


class Chip(NamedTuple):
    """A chip: what its compiler must know, and the rates that its maker publishes."""

    name: str
    platform: str  # "tpu" or "cuda"
    topology: str  # of four of them
    rates: dict[str, float]  # a second: bytes of memory; of a TPU, cycles
    target: dict[str, Any] = {}  # noqa: RUF012 (XLA's description of a GPU)


def names() -> list[str]:
    """The chips that there are files of."""
    return sorted(path.stem for path in CHIPS.glob("*.toml"))


@functools.cache
def read(name: str) -> Chip:
    """Read a chip's file.

    Raises:
        InputError: there is none of this name.
    """
    path = CHIPS / f"{name}.toml"
    if not path.exists():
        raise InputError(f"target is {name!r}; wanted one of {', '.join(names())}")
    return Chip(**tomllib.loads(path.read_text("utf-8")))


def textproto(fields: dict[str, Any]) -> str:
    """Write a description as XLA's compiler reads it: protocol buffers' text format."""
    lines = []
    for name, value in fields.items():
        if isinstance(value, dict):
            lines.append(f"{name} {{ {textproto(value)} }}")
        else:
            lines.append(f'{name}: "{value}"' if isinstance(value, str) else f"{name}: {value}")
    return "\n".join(lines)


def devices(chip: Chip) -> list[Any]:
    """Four devices of the chip, which are not there: programs compile for them, and never run.

    Raises:
        RuntimeError: (from JAX) its compiler is not installed.
    """
    from jax.experimental import topologies

    if chip.platform == "tpu":
        described = topologies.get_topology_desc(chip.topology, "tpu")
    else:
        described = topologies.get_topology_desc(
            chip.name, chip.platform, target_config=textproto(chip.target), topology=chip.topology
        )
    return list(described.devices)
