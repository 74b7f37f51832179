"""What a compiled program does, counted in its text. Nothing here compiles or runs."""

import math
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from benchmarks.ahead import hlo, traffic
from benchmarks.ahead.hlo import Instruction, Module
from jaxemb.lab.studies.planning import collectives

_CYCLES = re.compile(r'"estimated_cycles":"(\d+)"')
# of a TPU's compiler: they call nothing
_NOTES = {"AssumeGatherIndicesInBound", "ConcatBitcast", "AllocateBuffer", "ZeroCrop"}
_NOTES |= {"AsyncCollectiveStart", "AsyncCollectiveDone"}
_REPEATS = re.compile(r'^%?async_collective_fusion|"AsyncCollectiveDone"', re.MULTILINE)
_UNKNOWN = 1 << 62  # cycles that the compiler does not know
# of an instruction, or of a library's product
_PRECISION = re.compile(r'operand_precision(?:=\{|":\[")(\w+)')
_SUMMED = re.compile(r'lhs_contracting_dim(?:s=\{|ensions":\[")(\d[\d,]*)')
_TARGET = re.compile(r'custom_call_target="([^"]+)"')
# what JAX's precisions of a float32 product mean on a platform
PRODUCTS = {
    "tpu": {"default": "bf16", "high": "3 x bf16", "highest": "float32"},
    "cuda": {"default": "TF32", "high": "TF32", "highest": "float32"},
}


def of(text: str, platform: str, table: tuple[int, int] | None = None) -> dict[str, Any]:
    """All facts of a program.

    Args:
        text: `compiled.as_text()`.
        platform: "tpu" or "cuda".
        table: [rows, dim] of a whole table, on one device.
    """
    module = hlo.parse(text)
    loops = hlo.loops(module)
    outer = [loop for loop in loops if not loop.depth]
    outside, inside = table_copies(module, *table) if table else (0, 0)
    step = max(outer, key=lambda loop: traffic.of(module, loop.body), default=None)
    return {
        "copies outside": outside,
        "copies inside": inside,
        "tables on chip": on_chip(module, step.body, *table) if table and step else False,
        "sorts": sorts(module, inside=step.body if step else None),
        "loops": [_loop(module, loop, platform) for loop in outer],
        "inner loops": sum(loop.depth > 0 for loop in loops),
        "bytes a step": traffic.of(module, step.body) if step else None,
        "products": products(module, platform),
        "product flops": flops(module),
        "float64": len(re.findall(r"\bf64\[", text)),
        "custom calls": custom_calls(module),
        "collectives": exchanged(text),
    }


def _loop(module: Module, loop: hlo.Loop, platform: str) -> dict[str, Any]:
    own: dict[str, Any] = {"trips": loop.trips, "kernels": len(hlo.kernels(module, loop.body))}
    return own | ({"cycles": cycles(module, loop.body)} if platform == "tpu" else {})


def table_copies(module: Module, rows: int, dim: int) -> tuple[int, int]:
    """(outside, inside) the loops: instructions that copy a whole table, or turn its layout."""
    bodies = {loop.body for loop in hlo.loops(module)}
    within = {id(i) for body in bodies for i in hlo.reached(module, body)}
    copies = [i for i in hlo.reached(module, module.entry) if _copies(module, i, rows, dim)]
    inside = sum(id(copy) in within for copy in copies)
    return len(copies) - inside, inside


def _copies(module: Module, instruction: Instruction, rows: int, dim: int) -> bool:
    whole = any(
        sorted(array.dims) == sorted((rows, dim)) for array in hlo.arrays(instruction.shape)
    )
    # a TPU copies a table in slices, and joins them
    joined = '"ConcatBitcast"' in instruction.attributes
    return whole and (joined or instruction.opcode in ("copy", "copy-start", "transpose"))


def on_chip(module: Module, name: str, rows: int, dim: int) -> bool:
    """Whether a computation has whole tables, and all of them in the memory on the chip."""
    whole = [
        array
        for instruction in module.computations[name]
        if instruction.opcode not in ("parameter", "tuple")
        for array in hlo.arrays(instruction.shape)
        if sorted(array.dims) == sorted((rows, dim))
    ]
    return bool(whole) and all(array.on_chip for array in whole)


def sorts(module: Module, inside: str | None = None) -> int:
    """How many sorts, a GPU library's included, a program has, or a computation and all it runs."""
    own = hlo.reached(module, module.entry if inside is None else inside)
    return sum(i.opcode == "sort" or "DeviceRadixSort" in i.attributes for i in own)


def cycles(module: Module, name: str) -> int:
    """The compiler's estimate for one execution; each loop inside counts as one turn."""
    total = 0
    for instruction in module.computations.get(name, ()):
        estimate = _CYCLES.search(instruction.attributes)
        if estimate and int(estimate[1]) < _UNKNOWN:
            total += int(estimate[1])
        elif instruction.opcode in ("while", "call", "conditional", "async-start"):
            inner = [cycles(module, called) for called in instruction.called]
            total += max(inner) if instruction.opcode == "conditional" else sum(inner)
    return total


def _products(module: Module) -> Iterator[tuple[Instruction, dict[str, str]]]:
    """Every product, with the shapes of its computation."""
    for name in module.computations:
        shapes = {i.name: i.shape for i in module.computations[name]}
        for i in module.computations[name]:
            library = i.opcode == "custom-call" and "gemm" in i.attributes
            if i.opcode in ("dot", "convolution") or library:
                yield i, shapes


def products(module: Module, platform: str) -> dict[str, int]:
    """How many products have each type: what their operands are rounded to."""
    types: Counter[str] = Counter()
    for product, shapes in _products(module):
        kinds = {a.kind for o in product.operands[:2] for a in hlo.arrays(shapes.get(o, ""))[:1]}
        if kinds <= {"s32", "u32", "s8", "u8", "pred"}:
            continue
        precision = _PRECISION.search(product.attributes)
        algorithm = re.search(r"algorithm=(\w+)", product.attributes)
        rounded = PRODUCTS[platform][precision[1].lower() if precision else "default"]
        kind = rounded if "f32" in kinds else "bf16" if "bf16" in kinds else "/".join(sorted(kinds))
        types[algorithm[1] if algorithm else kind] += 1
    return dict(types)


def flops(module: Module) -> int:
    """Operations of all products but convolutions; those of a loop count once."""
    total = 0
    for product, shapes in _products(module):
        summed = _SUMMED.search(product.attributes)
        left = hlo.arrays(shapes.get(product.operands[0], "")) if product.operands else []
        if summed and left:
            terms = math.prod(left[0].dims[int(i)] for i in summed[1].split(","))
            total += 2 * terms * math.prod(hlo.arrays(product.shape)[0].dims)
    return total


def custom_calls(module: Module) -> dict[str, int]:
    """Calls of what is no part of the program, by name."""
    own = hlo.reached(module, module.entry)
    names = [m[1] for i in own if (m := _TARGET.search(i.attributes))]
    return dict(Counter(name for name in names if name not in _NOTES))


def exchanged(text: str) -> list[list[Any]]:
    """[kind, bytes] of every collective, the largest first; those of a loop count once.

    A TPU's compiler repeats a collective that goes on beside other work, in each kernel beside it
    and where it ends: only its start counts.
    """
    computations = re.split(r"(?<=^})$", text, flags=re.MULTILINE)
    own = [c for c in computations if not _REPEATS.search(c)]
    return [[one.kind, one.bytes] for one in collectives.of("".join(own))]
