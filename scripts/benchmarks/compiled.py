"""Compile the project's programs for chips that are not here, and count what the compiler made.

Usage: python scripts/benchmark.py compiled --targets v5e h200 [--only REGEX] [--install]

A compiler needs no chip: what it makes is final, and nothing is run. A row for each program tells
the seconds to compile; flops; bytes a step and, of a TPU, cycles, and the words/s that these bound;
temporaries; copies of whole tables, outside and inside loops; sorts; atomic writes; kernels (GPU)
or estimated cycles (TPU) of each loop's turn, with the number of turns where it is known; the type
of every product; what devices exchange; custom calls. `--install` first fetches the compilers, 0.8
GB, into a folder of their own. Writes compiled.json.
"""

import contextlib
import dataclasses
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.ahead import chip as chips, compilers
from jaxemb.errors import InputError
from jaxemb.lab import command_line

FOLDER = "runs/benchmark"  # `_together.FOLDER`, which would import jax too early


@dataclasses.dataclass(frozen=True)
class Settings:
    """Compile programs for chips that are not here."""

    targets: tuple[str, ...] = ("v5e", "h200")
    """Chips: files of scripts/benchmarks/ahead/chips."""
    only: str = ""
    """A regular expression that the names of programs match; by default all programs."""
    quick: bool = False
    """Only skip-gram, CBOW and the learners."""
    install: bool = False
    """Fetch the compilers that match the installed JAX."""
    texts: str | None = None
    """A folder for the text (HLO) and the assembly of every program."""
    folder: str = FOLDER


def main(arguments: list[str]) -> None:
    settings = command_line.parse(Settings, arguments)
    platforms = {chips.read(target).platform for target in settings.targets}
    if settings.install:
        compilers.install(platforms)
    for platform in sorted(platforms):
        if not compilers.present(platform):
            raise InputError(
                f"no compiler for {platform} in {compilers.folder()}: add --install, which fetches "
                f"{', '.join(compilers.packages(platform))}"
            )
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    names = _chosen(settings)
    from benchmarks import _together
    from benchmarks.ahead import running

    rows: list[dict[str, Any]] = []
    for target in settings.targets:
        print(f"\n{chips.read(target).name}, {len(names)} programs\n")
        with _folder(settings.texts, target) as folder:
            begun = False
            for row in running.rows(target, names, folder):
                rows.append(row)
                if "error" in row:
                    print(f"{row['program']}: {_one_line(row['error'])}", flush=True)
                    continue
                lines = _together.table([shown(row)]).splitlines()
                print("\n".join(lines[-1:] if begun else lines), flush=True)
                begun = True
    _together.write("compiled", settings, rows, settings.folder)
    if any("error" in row for row in rows):
        raise SystemExit(1)


def _chosen(settings: Settings) -> list[str]:
    """The names of the programs to compile.

    Raises:
        InputError: no name matches, or this is no regular expression.
    """
    from benchmarks.ahead import programs

    try:
        matches = re.compile(settings.only).search
    except re.error as error:
        raise InputError(f"only is {settings.only!r}, no regular expression: {error}") from error
    names = [
        name
        for name, program in programs.ALL.items()
        if matches(name) and (program.quick or not settings.quick)
    ]
    if not names:
        every = "\n  ".join(programs.ALL)
        raise InputError(f"only is {settings.only!r}, which no program matches:\n  {every}")
    return names


@contextlib.contextmanager
def _folder(texts: str | None, target: str) -> Iterator[Path]:
    if texts is None:
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder)
    else:
        folder = Path(texts) / target
        folder.mkdir(parents=True, exist_ok=True)
        yield folder


def _one_line(error: str) -> str:
    return error.replace("\n", " ")[:300]


def shown(row: dict[str, Any]) -> dict[str, str]:
    """A row for people: units in the names of the columns, "-" for what a compiler does not say."""
    flops = row["flops"] if row["flops"] and row["flops"] > 0 else row["product flops"]
    step, tokens = row["bytes a step"], row["tokens"]
    turns = "cycles" if "cycles" in (row["loops"] or [{}])[0] else "kernels"
    return {
        "program": row["program"],
        "s": f"{row['seconds']:.0f}",
        "Mflop": f"{flops / 1e6:,.1f}",
        "MB a step": "-" if step is None else f"{step / 1e6:,.1f}",
        "kB a word": f"{step / tokens / 1e3:.1f}" if step and tokens else "-",
        "M words/s, bound": _bound(row, chips.read(row["target"]).rates),
        "temporary MB": f"{row['temporary bytes'] / 1e6:,.1f}",
        "table copies": f"{row['copies outside']} + {row['copies inside']}"
        + " (on chip)" * row["tables on chip"],
        "sorts": str(row["sorts"]),
        "atomics": _counted(row.get("atomics")),
        "kernels or cycles": ", ".join(f"{loop[turns]:,}" for loop in row["loops"]) or "-",
        "turns": ", ".join(str(loop["trips"] or "?") for loop in row["loops"]) or "-",
        "inner loops": str(row["inner loops"]),
        "products": _counted(row["products"]),
        "exchanged kB": _exchanged(row["collectives"]),
        "custom calls": _counted(row["custom calls"]),
    }


def _bound(row: dict[str, Any], rates: dict[str, float]) -> str:
    """Words a second at the most: by the bytes of a step, and by a TPU's estimated cycles."""
    if not row["tokens"] or len(row["loops"]) != 1:
        return "-"
    seconds = {"memory": row["bytes a step"] / rates["memory"]}
    if "cycles" in rates:
        seconds["cycles"] = row["loops"][0]["cycles"] / rates["cycles"]
    by = max(seconds, key=lambda name: seconds[name])
    return f"{row['tokens'] / seconds[by] / 1e6:,.0f} by {by}"


def _counted(counts: dict[str, int] | None) -> str:
    return ", ".join(f"{count} {name}" for name, count in (counts or {}).items()) or "-"


def _exchanged(collectives: list[Any]) -> str:
    if not collectives:
        return "-"
    total = sum(size for _, size in collectives)
    return f"{total / 1e3:,.0f} in {len(collectives)}"
