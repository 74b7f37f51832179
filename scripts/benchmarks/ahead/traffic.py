"""Bytes between a program's kernels and the large memory, as the text says.

A kernel reads its operands and writes its results. Of an operand that it only gathers from, or
slices, it reads the rows; where it adds rows to an operand in place, it reads and writes these
rows. Caches, which make it less, and what compilers spill, which makes it more, are not seen.
Arrays that the compiler keeps on the chip cost nothing.
"""

from benchmarks.ahead import hlo
from benchmarks.ahead.hlo import Instruction, Module, arrays, kernels

_PARTS = ("gather", "dynamic-slice", "slice")
_IN_PLACE = {"scatter": 2, "dynamic-update-slice": 1}  # the operand that is written


def of(module: Module, name: str) -> int:
    """The bytes of one execution of a computation; the bodies of loops inside are left out."""
    return sum(of_kernel(module, name, kernel) for kernel in kernels(module, name))


def of_kernel(module: Module, name: str, kernel: Instruction) -> int:
    """The bytes that one kernel of a computation reads and writes."""
    if kernel.opcode in ("copy-start", "slice-start"):
        return _moved(kernel)
    shapes = {i.name: i.shape for i in _all(module, name)}
    inner = _computation(module, kernel)
    changed: set[str] = set()
    read = 0
    if inner is None:
        users = [kernel]
        for operand in dict.fromkeys(kernel.operands):
            read += _read(module, operand, shapes.get(operand, ""), users, changed)
    else:
        parameters = [i for i in module.computations[inner] if i.opcode == "parameter"]
        for parameter in parameters:
            operand = kernel.operands[int(parameter.first)]
            shape = shapes.get(operand, parameter.shape)
            read += _use(module, inner, parameter.name, shape, changed)
    written = [array for array in arrays(kernel.shape) if not array.on_chip]
    whole = sum(array.bytes for array in written)
    # a result that is an operand changed in place: only its rows are written, as counted above
    return read + whole - min(sum(arrays(shape)[0].bytes for shape in changed), whole)


def _all(module: Module, name: str) -> list[Instruction]:
    """The instructions of a computation, and of the calls that its kernels may come from."""
    own = [*module.computations.get(name, ())]
    for instruction in own[:]:
        if instruction.opcode == "call":
            own += [i for called in instruction.called for i in _all(module, called)]
    return own


def _moved(kernel: Instruction) -> int:
    """The bytes of a copy that goes on beside other kernels: its tuple has target and source."""
    one, other = hlo.arrays(kernel.shape)[:2]
    size = min(one.bytes, other.bytes)
    return size * ((not one.on_chip) + (not other.on_chip))


def _computation(module: Module, kernel: Instruction) -> str | None:
    return kernel.called[0] if kernel.opcode == "fusion" and kernel.called else None


def _use(module: Module, name: str, value: str, shape: str, changed: set[str]) -> int:
    """The bytes that a fused computation reads of a parameter; bitcasts are looked through."""
    users = [i for i in module.computations[name] if value in i.operands]
    if users and all(user.opcode == "bitcast" for user in users):
        return max(_use(module, name, user.name, shape, changed) for user in users)
    if len(users) == 1 and users[0].opcode == "fusion":
        inner, place = users[0].called[0], users[0].operands.index(value)
        own = [i for i in module.computations[inner] if i.opcode == "parameter"]
        parameter = next(i for i in own if int(i.first) == place)
        return _use(module, inner, parameter.name, shape, changed)
    return _read(module, value, shape, users, changed, name)


def _read(
    module: Module, value: str, shape: str, users: list, changed: set[str], name: str = ""
) -> int:
    size = sum(array.bytes for array in arrays(shape) if not array.on_chip)
    if not size or not users:
        return size
    parts = 0
    for user in users:
        first = bool(user.operands) and user.operands[0] == value
        if user.opcode in _PARTS and first:
            parts += sum(array.bytes for array in arrays(user.shape))
        elif user.opcode in _IN_PLACE and first:
            parts += _rows_changed(module, name, user)
            changed.add(shape)
        else:
            return size
    return min(parts, 2 * size)


def _rows_changed(module: Module, name: str, user: Instruction) -> int:
    """The bytes of the rows that a scatter reads and writes, or of a slice that is written."""
    shapes = {i.name: i.shape for i in module.computations.get(name, ())}
    update = user.operands[_IN_PLACE[user.opcode]] if len(user.operands) > 1 else ""
    size = sum(array.bytes for array in arrays(shapes.get(update, "")))
    return size * (2 if user.opcode == "scatter" else 1)
