"""Compiling in processes of their own: one at a time for each chip, until every program is done."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.ahead import chip as chips, compilers


def rows(target: str, names: list[str], folder: Path) -> Iterator[dict[str, Any]]:
    """The facts of each program as it is compiled for a chip.

    A program that ends the compiler's process has an `error`, and the others go on.

    Args:
        target: the name of a chip.
        names: of programs.
        folder: takes the text of every program in `text`.
    """
    platform, left = chips.read(target).platform, list(names)
    while left:
        current = ""
        for row in _lines(target, platform, left, folder):
            current = row["program"]
            if "begins" not in row:
                left.remove(current)
                yield {"target": target, **row}
                current = ""
        if left:
            reason = (folder / "stderr").read_text("utf-8", "replace")[-600:]
            # without a program that began, the compiler does not start: for none of them
            for name in [current] if current else list(left):
                left.remove(name)
                yield {"target": target, "program": name, "error": f"the process ended: {reason}"}


def _lines(target: str, platform: str, names: list[str], folder: Path) -> Iterator[dict[str, Any]]:
    command = [sys.executable, "-m", "benchmarks.ahead.worker", target, str(folder)]
    environment = compilers.environment(platform, folder / "code")
    with (
        (folder / "stderr").open("w") as errors,
        subprocess.Popen(
            [*command, *names], stdout=subprocess.PIPE, stderr=errors, env=environment, text=True
        ) as process,
    ):
        assert process.stdout
        try:
            yield from (json.loads(line) for line in process.stdout if line.startswith("{"))
        finally:
            if process.poll() is None:
                process.terminate()
