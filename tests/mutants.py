"""Run the laws on broken copies of the package: where a fault survives, a law cannot fail.

Usage: python tests/mutants.py [NAME ...]             planted faults, all or these
       python tests/mutants.py --sample 20 --seed 3   some of them
       python tests/mutants.py --random 100 --seed 3  small changes anywhere in the library's rooms

A planted fault is tried on its law alone; a small change on the tests of its room, and on
tests/laws if the room computes. The exit status is 1 if anything survives.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests import mutation, patience
from tests.planted import MUTANTS, Mutant

READERS = ("text", "formats", "evaluation")  # rooms that tests/laws does not cover
ENDLESS = 900  # seconds on an idle machine; catches changes that make a loop endless


def main() -> None:
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as programs, ThreadPoolExecutor(arguments.jobs) as pool:
        if arguments.random:
            drawn = mutation.sample(ROOT / "jaxemb", arguments.random, arguments.seed)
            named = {str(change)[len(str(ROOT)) + 1 :]: change for change in drawn}
            survives = {name: _of_change(task, programs) for name, task in named.items()}
        else:
            names = arguments.names or sorted(MUTANTS)
            if arguments.sample:
                names = random.Random(arguments.seed).sample(names, arguments.sample)
            survives = {f"{n}: {MUTANTS[n].law}": _of_planted(MUTANTS[n], programs) for n in names}
        names_of = {pool.submit(task): name for name, task in survives.items()}
        alive = 0
        for done in as_completed(names_of):
            alive += done.result()
            print(f"{'SURVIVES' if done.result() else 'caught  '} {names_of[done]}", flush=True)
    print(f"{len(survives) - alive} of {len(survives)} caught")
    raise SystemExit(1 if alive else 0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", choices=[[], *MUTANTS], metavar="NAME")
    parser.add_argument("--sample", type=int, help="number of planted faults to draw")
    parser.add_argument("--random", type=int, help="number of small changes to draw")
    parser.add_argument("--seed", type=int, default=0, help="seed of the draw")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="number of parallel jobs")
    return parser.parse_args()


def _of_planted(mutant: Mutant, programs: str) -> Callable[[], bool]:
    """Return a function that tells whether the law passes in spite of the fault."""

    def broken(text: bytes) -> bytes:
        assert mutant.old.encode() in text, f"{mutant.file} has no {mutant.old!r}: mend the mutant"
        return text.replace(mutant.old.encode(), mutant.new.encode())

    path, law = mutant.law.split("::")

    def survives() -> bool:
        done = _run(Path("jaxemb", mutant.file), broken, [path, "-k", law, "--thorough"], programs)
        assert done.returncode in (0, 1), done.stdout + done.stderr  # pytest ran the law
        return done.returncode == 0

    return survives


def _of_change(change: mutation.Change, programs: str) -> Callable[[], bool]:
    """Return a function that tells whether the room's tests and tests/laws pass with the change."""
    file = change.file.relative_to(ROOT)
    tests = [str(path) for path in _tests(file)]
    return lambda: _run(file, change.of, tests, programs).returncode == 0


def _tests(file: Path) -> Iterator[Path]:
    """Yield the tests to run, those named as the file first: they are the likeliest to fail."""
    room = Path("tests", file.parts[1])
    yield from (path.relative_to(ROOT) for path in (ROOT / room).glob(f"test_*{file.stem}*.py"))
    yield room
    if room.name not in READERS:
        yield Path("tests/laws")


def _run(
    file: Path, broken: Callable[[bytes], bytes], tests: list[str], programs: str
) -> subprocess.CompletedProcess[str]:
    """Run pytest on a copy of the project in which `file` is broken."""
    with tempfile.TemporaryDirectory() as place:
        copy = Path(place)
        for name in ("jaxemb", "tests", "scripts", "configs", "docs"):
            skipped = shutil.ignore_patterns("__pycache__", "generated")
            shutil.copytree(ROOT / name, copy / name, ignore=skipped)
        for path in (ROOT / "pyproject.toml", *ROOT.glob("*.md")):
            shutil.copy(path, copy)
        (copy / file).write_bytes(broken((copy / file).read_bytes()))
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-x",
            *tests,
            "-p",
            "no:cacheprovider",
            "-p",
            "no:xdist",
        ]
        environment = {
            "PYTHONPATH": str(copy),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PATH": "/usr/bin:/bin",
            "JAX_PLATFORMS": "cpu",
            "JAX_COMPILATION_CACHE_DIR": programs,
        }
        settings = {"cwd": copy, "env": environment, "capture_output": True, "text": True}
        try:
            return subprocess.run(
                command, timeout=patience.seconds(ENDLESS), check=False, **settings
            )
        except subprocess.TimeoutExpired as endless:
            return subprocess.CompletedProcess(command, 1, str(endless.stdout), "")


if __name__ == "__main__":
    main()
