"""What a compiled program sends between devices, read from its own text."""

import math
import re
from typing import Any, NamedTuple

_SIZES = {"pred": 1, "s8": 1, "u8": 1, "bf16": 2, "f16": 2, "s64": 8, "u64": 8, "f64": 8}  # else 4
_KINDS = (
    "all-gather|all-reduce|reduce-scatter|all-to-all|ragged-all-to-all|"
    "collective-permute|collective-broadcast"
)
_LINE = re.compile(rf" = (.*?) ({_KINDS})(?:-start)?\((.*?)\)(.*)")
_MADE, _NAME = re.compile(r"(%[\w.-]+) = (.*?) [\w-]+\("), re.compile(r"%[\w.-]+")
_ARRAY = re.compile(r"([a-z]+\d*)\[([\d,]*)\]")
_ALONE = re.compile(r"replica_groups=(\{\{\d+\}|\[\d+,1\])")


class Collective(NamedTuple):
    """One operation that sends: in a loop it stands once, for each time around."""

    kind: str  # "all-gather", "all-reduce", ...
    shapes: tuple[str, ...]  # of what each device has afterwards
    bytes: int  # on each device, of the larger side: what it had, or has afterwards


def of(compiled: Any) -> list[Collective]:
    """The collectives of a compiled program between two devices or more, the largest first.

    Args:
        compiled: `jax.jit(f).lower(...).compile()`, or its text.
    """
    text = compiled if isinstance(compiled, str) else compiled.as_text()
    made, found = dict(_MADE.findall(text)), []
    for result, kind, operands, how in _LINE.findall(text):
        if _ALONE.search(how):
            continue
        shapes = tuple(f"{name}[{sizes}]" for name, sizes in _ARRAY.findall(result))
        had = sum(_bytes(made[name]) for name in _NAME.findall(operands))
        found.append(Collective(kind, shapes, max(_bytes(result), had)))
    return sorted(found, key=lambda each: -each.bytes)


def _bytes(text: str) -> int:
    return sum(
        _SIZES.get(name, 4) * math.prod(int(size) for size in sizes.split(",") if size)
        for name, sizes in _ARRAY.findall(text)
    )
