"""Run a benchmark: jaxemb against a peer program, in the same run on the same machine.

Usage: python scripts/benchmark.py NAME [...] [--help]

Each NAME is a file of scripts/benchmarks with a function `main`.
"""

import importlib
import sys
from pathlib import Path

from jaxemb.lab import command_line

sys.path.insert(0, str(Path(__file__).parent))


def main() -> None:
    names = sorted(p.stem for p in (Path(__file__).parent / "benchmarks").glob("[a-z]*.py"))
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in names:
        print(__doc__)
        print(f"Benchmarks: {', '.join(names)}")
        raise SystemExit(0 if name in ("-h", "--help") else 2)
    importlib.import_module(f"benchmarks.{name}").main(sys.argv[2:])


if __name__ == "__main__":
    command_line.run(main)
