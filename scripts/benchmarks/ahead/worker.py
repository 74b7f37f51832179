"""Compiles named programs for one chip, and prints what came out, a line of JSON each.

Runs as a process of its own (`python -m benchmarks.ahead.worker CHIP FOLDER NAME...`), in the
environment of `compilers.environment`: a compiler may end its process.
"""

import json
import re
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.ahead import chip as chips, facts, machine_code

CODE = "code"  # where XLA writes the assembly of the program that it compiles


def named(program: str) -> str:
    """The name of a program as the name of a file."""
    return re.sub(r"[^\w=,.\-]+", "_", program)


def main(arguments: list[str]) -> None:
    from benchmarks.ahead.programs.calls import Place

    chip, folder = chips.read(arguments[0]), Path(arguments[1])
    place = Place(chips.devices(chip))
    for name in arguments[2:]:
        print(json.dumps({"program": name, "begins": True}), flush=True)
        try:
            row = compiled(name, place, chip, folder)
        except Exception as error:
            row = {"error": f"{type(error).__name__}: {error}"[:1000]}
        print(json.dumps({"program": name, **row}), flush=True)


def compiled(name: str, place: Any, chip: chips.Chip, folder: Path) -> dict[str, Any]:
    """Compile one program for the chip; return its facts as JSON values.

    Args:
        folder: takes the program's text, and in `code` the assembly of a GPU's program.
    """
    from benchmarks.ahead import programs
    from benchmarks.ahead.programs import calls

    call = calls.on_one(place, programs.ALL[name].build(place))
    before = calls.lowered(call, chip.platform)
    start = time.perf_counter()
    after = _made(before, chip.platform, folder / CODE)
    seconds = time.perf_counter() - start
    text = after.as_text()
    (folder / "text").mkdir(parents=True, exist_ok=True)
    (folder / "text" / f"{named(name)}.txt").write_text(text, "utf-8")
    memory, cost = after.memory_analysis(), after.cost_analysis() or {}
    row: dict[str, Any] = {
        "seconds": round(seconds, 1),
        "flops": cost.get("flops"),
        "bytes": cost.get("bytes accessed"),
        "temporary bytes": memory.temp_size_in_bytes,
        "argument bytes": memory.argument_size_in_bytes,
        "aliased bytes": memory.alias_size_in_bytes,
        "tokens": call.tokens,
        **facts.of(text, chip.platform, call.table),
    }
    if chip.platform == "cuda":
        code = "\n".join(path.read_text("utf-8") for path in sorted((folder / CODE).glob("*.ptx")))
        (folder / "text" / f"{named(name)}.ptx").write_text(code, "utf-8")
        row["atomics"] = machine_code.atomics(code)
    return row


def _made(lowered: Any, platform: str, code: Path) -> Any:
    """The compiled program; its assembly alone is in the folder `code`."""
    shutil.rmtree(code, ignore_errors=True)
    try:
        return lowered.compile()
    except RuntimeError:
        if platform != "cuda":
            raise
    # without a device to time kernels on, XLA may choose a product of its own that it cannot make,
    # where it would choose the library's
    shutil.rmtree(code, ignore_errors=True)
    return lowered.compile(compiler_options={"xla_gpu_enable_triton_gemm": False})


if __name__ == "__main__":
    main(sys.argv[1:])
