"""The collectives of a compiled program, read from its text."""

import math
import re
from typing import Any, NamedTuple

# bytes of an entry; of all other types, 4
SIZES = {"pred": 1, "s8": 1, "u8": 1, "bf16": 2, "f16": 2, "s16": 2, "u16": 2}
SIZES |= {"s64": 8, "u64": 8, "f64": 8, "c64": 8}
_KINDS = (
    "all-gather|all-reduce|reduce-scatter|all-to-all|ragged-all-to-all|"
    "collective-permute|collective-broadcast"
)
_LINE = re.compile(rf" = (.*?) ({_KINDS})(-start)?\((.*?)\)(.*)")
_MADE, _NAME = re.compile(r"(%[\w.-]+) = (.*?) [\w-]+\("), re.compile(r"%[\w.-]+")
_ARRAY = re.compile(r"([a-z]+\d*)\[([\d,]*)\]")
# groups of devices, in XLA's three notations: {{0,2},{1,3}}; [2,2]<=[4], whose second number is
# the size of a group; mesh['data'=2,'model'=4] {'model'}, where 'model':(2)2 is a part of an axis
_LISTED = re.compile(r"replica_groups=\{\{([\d,]*)\}")
_COUNTED = re.compile(r"replica_groups=\[(?:\d+,)*(\d+)\]")
_OF_MESH = re.compile(r"replica_groups=mesh\[(.*?)\].*? \{(.*?)\}")
_AXIS, _PART = re.compile(r"([^,=]+)=(\d+)"), re.compile(r"([^,:]+)(?::\(\d+\)(\d+))?")


class Collective(NamedTuple):
    """One collective operation; an operation in a loop is listed once, not once per iteration."""

    kind: str  # "all-gather", "all-reduce", ...
    shapes: tuple[str, ...]  # shapes of the results on each device
    bytes: int  # on each device: those of the operands or of the results, whichever are more


def of(compiled: Any) -> list[Collective]:
    """The collectives of a compiled program between two or more devices, the largest first.

    Args:
        compiled: `jax.jit(f).lower(...).compile()`, or its text.
    """
    text = compiled if isinstance(compiled, str) else compiled.as_text()
    results, operations = dict(_MADE.findall(text)), []
    for result, kind, starts, operands, attributes in _LINE.findall(text):
        if together(attributes) == 1:
            continue
        shapes = tuple(f"{name}[{sizes}]" for name, sizes in _ARRAY.findall(result))
        names = _NAME.findall(operands)
        had, size = sum(_bytes(results[name]) for name in names), _bytes(result)
        if starts and len(shapes) >= 2 * len(names):  # its tuple begins with the operands
            shapes, size = shapes[len(names) :], size - had
        operations.append(Collective(kind, shapes, max(size, had)))
    return sorted(operations, key=lambda operation: -operation.bytes)


def together(attributes: str) -> int | None:
    """The number of devices in a group, from an operation's text; None if it names no groups."""
    if listed := _LISTED.search(attributes):
        return len(listed[1].split(","))
    if counted := _COUNTED.search(attributes):
        return int(counted[1])
    if of_mesh := _OF_MESH.search(attributes):
        sizes = dict(_AXIS.findall(of_mesh[1]))
        return math.prod(int(part or sizes[name]) for name, part in _PART.findall(of_mesh[2]))
    return None


def _bytes(text: str) -> int:
    return sum(
        SIZES.get(name, 4) * math.prod(int(size) for size in sizes.split(",") if size)
        for name, sizes in _ARRAY.findall(text)
    )
