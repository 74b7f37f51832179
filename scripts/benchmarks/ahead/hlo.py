"""The text of an optimized program (HLO), as computations of instructions."""

import math
import re
from collections.abc import Iterator
from typing import NamedTuple

from jaxemb.lab.studies.planning.collectives import SIZES

_ARRAY = re.compile(r"\b([a-z]+\d+|pred)\[([\d,]*)\](?:\{([^}]*)\})?")
_HEAD = re.compile(r"(ENTRY )?%?([\w.\-]+) \(.*\) -> .*\{$")
_NAME = re.compile(r"%([\w.\-]+)")
_CALLED = re.compile(r"\b(?:calls|to_apply|body|condition|\w+_computation)=%?([\w.\-]+)")
_CALLED_LISTS = re.compile(r"\b(?:branch_computations|called_computations)=\{([^}]*)\}")
_TRIPS = re.compile(r'"known_trip_count":\{"n":"(\d+)"\}')


class Instruction(NamedTuple):
    """One line of a computation: `%name = shape opcode(operands), attributes`."""

    name: str
    shape: str
    opcode: str
    operands: tuple[str, ...]
    attributes: str
    first: str = ""  # the text within the parentheses: a parameter's number

    @property
    def called(self) -> tuple[str, ...]:
        """The names of the computations that it runs."""
        lists = "".join(_CALLED_LISTS.findall(self.attributes))
        return (*_CALLED.findall(self.attributes), *_NAME.findall(lists))


class Module(NamedTuple):
    """A program: its computations by name, and the one that it starts with."""

    computations: dict[str, tuple[Instruction, ...]]
    entry: str


class Array(NamedTuple):
    """An array in the text of a shape."""

    kind: str  # f32, bf16, s32, ...
    dims: tuple[int, ...]
    layout: str  # "1,0:T(8,128)S(1)": minor to major, TPU tiles, a memory space

    @property
    def bytes(self) -> int:
        """What it occupies, with the padding to whole tiles."""
        dims = [*self.dims]
        if dims and (tile := re.search(r":T\(([\d,]+)\)", self.layout)):
            order = [int(i) for i in self.layout.split(":")[0].split(",")]
            sizes = [int(size) for size in tile[1].split(",")]
            for axis, size in zip(order, reversed(sizes), strict=False):
                dims[axis] += -dims[axis] % size
        return SIZES.get(self.kind, 4) * math.prod(dims)

    @property
    def on_chip(self) -> bool:
        """Whether it lies in another memory than the large one."""
        return "S(" in self.layout


class Loop(NamedTuple):
    """A `while` that the program reaches."""

    body: str
    trips: int | None  # None: depends on data, or the compiler does not say
    depth: int  # 0: in no other loop


def parse(text: str) -> Module:
    """Read the text of `compiled.as_text()`."""
    computations: dict[str, list[Instruction]] = {}
    entry, current = "", None
    for line in text.splitlines():
        if line.startswith("}"):
            current = None
        elif line[:1] not in (" ", "") and (head := _HEAD.match(line)):
            current = computations.setdefault(head[2], [])
            entry = head[2] if head[1] else entry
        elif current is not None and (instruction := _instruction(line)):
            current.append(instruction)
    return Module({name: tuple(lines) for name, lines in computations.items()}, entry)


def _instruction(line: str) -> Instruction | None:
    left, equals, right = line.strip().partition(" = ")
    if not equals:
        return None
    shape, rest = _split(right) if right.startswith("(") else right.split(" ", 1)
    opcode, _, rest = rest.strip().partition("(")
    operands, attributes = _split(f"({rest}")
    name = left.removeprefix("ROOT ").removeprefix("%")
    first = operands[1:-1]
    return Instruction(name, shape, opcode, tuple(_NAME.findall(first)), attributes, first)


def _split(text: str) -> tuple[str, str]:
    """Split after the parenthesis that closes the first one."""
    depth = 0
    for i, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if not depth:
            return text[: i + 1], text[i + 1 :]
    return text, ""


def arrays(shape: str) -> list[Array]:
    """The arrays of a shape, also of a tuple's."""
    return [
        Array(kind, tuple(int(size) for size in dims.split(",") if size), layout)
        for kind, dims, layout in _ARRAY.findall(shape)
    ]


def reached(module: Module, name: str) -> Iterator[Instruction]:
    """The instructions of a computation and of all that it runs."""
    seen, waiting = set(), [name]
    while waiting:
        current = waiting.pop()
        if current in seen:
            continue
        seen.add(current)
        for instruction in module.computations.get(current, ()):
            yield instruction
            waiting.extend(instruction.called)


def loops(module: Module) -> list[Loop]:
    """Every loop that the program reaches, those outside first."""
    result, seen, waiting = [], set(), [(module.entry, 0)]
    while waiting:
        name, depth = waiting.pop(0)
        if name in seen:
            continue
        seen.add(name)
        for instruction in module.computations.get(name, ()):
            if instruction.opcode == "while":
                body = re.search(r"body=%?([\w.\-]+)", instruction.attributes)
                trips = _TRIPS.search(instruction.attributes)
                assert body
                result.append(Loop(body[1], int(trips[1]) if trips else None, depth))
                waiting.append((body[1], depth + 1))
            else:
                waiting.extend((called, depth) for called in instruction.called)
    return sorted(result, key=lambda loop: loop.depth)


def kernels(module: Module, name: str) -> list[Instruction]:
    """What a computation launches: the instructions that compute, without those inside a fusion."""
    result = []
    for instruction in module.computations.get(name, ()):
        if instruction.opcode == "call":  # on a GPU, kernels that are launched together
            result += [k for called in instruction.called for k in kernels(module, called)]
        elif instruction.opcode not in FREE:
            result.append(instruction)
    return result


# what costs nothing, or is counted elsewhere
FREE = {"parameter", "get-tuple-element", "tuple", "bitcast", "constant", "after-all", "while"}
FREE |= {"conditional", "copy-done", "slice-done", "async-done", "async-update", "partition-id"}
FREE |= {"opt-barrier", "add-dependency", "replica-id", "send-done", "recv-done"}
FREE |= {f"{kind}-done" for kind in ("all-reduce", "all-gather", "collective-permute")}
