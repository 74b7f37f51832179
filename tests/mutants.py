"""Runs the laws on broken copies of the package: what survives is a law that cannot fail.

Usage: python tests/mutants.py [NAME ...]             planted faults, all or these
       python tests/mutants.py --sample 20 --seed 3   some of them
       python tests/mutants.py --random 100 --seed 3  small changes anywhere in the library's rooms

A planted fault is asked of its law alone; a small change of its room's tests, and of tests/laws if
it computes. The exit status is 1 where anything survives.
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

READERS = ("text", "formats", "evaluation")  # no law over members asks them
ENDLESS = 900  # seconds, on an idle machine; a change that makes a loop endless is caught by it


def main() -> None:
    asked = _asked()
    with tempfile.TemporaryDirectory() as programs, ThreadPoolExecutor(asked.jobs) as several:
        if asked.random:
            found = mutation.sample(ROOT / "jaxemb", asked.random, asked.seed)
            named = {str(change)[len(str(ROOT)) + 1 :]: change for change in found}
            survives = {name: _of_change(each, programs) for name, each in named.items()}
        else:
            names = asked.names or sorted(MUTANTS)
            if asked.sample:
                names = random.Random(asked.seed).sample(names, asked.sample)
            survives = {f"{n}: {MUTANTS[n].law}": _of_planted(MUTANTS[n], programs) for n in names}
        begun = {several.submit(each): name for name, each in survives.items()}
        alive = 0
        for done in as_completed(begun):
            alive += done.result()
            print(f"{'SURVIVES' if done.result() else 'caught  '} {begun[done]}", flush=True)
    print(f"{len(survives) - alive} of {len(survives)} caught")
    raise SystemExit(1 if alive else 0)


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", choices=[[], *MUTANTS], metavar="NAME")
    parser.add_argument("--sample", type=int, help="so many planted faults")
    parser.add_argument("--random", type=int, help="so many small changes")
    parser.add_argument("--seed", type=int, default=0, help="of the sample")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="at a time")
    return parser.parse_args()


def _of_planted(mutant: Mutant, programs: str) -> Callable[[], bool]:
    """Whether the law passes in spite of the fault."""

    def broken(text: bytes) -> bytes:
        assert mutant.old.encode() in text, f"{mutant.file} has no {mutant.old!r}: mend the mutant"
        return text.replace(mutant.old.encode(), mutant.new.encode())

    path, law = mutant.law.split("::")

    def survives() -> bool:
        done = _run(Path("jaxemb", mutant.file), broken, [path, "-k", law, "--thorough"], programs)
        assert done.returncode in (0, 1), done.stdout + done.stderr  # the law was found and ran
        return done.returncode == 0

    return survives


def _of_change(change: mutation.Change, programs: str) -> Callable[[], bool]:
    """Whether the tests of its room, and the laws over all members, pass in spite of the change."""
    file = change.file.relative_to(ROOT)
    tests = [str(path) for path in _tests(file)]
    return lambda: _run(file, change.of, tests, programs).returncode == 0


def _tests(file: Path) -> Iterator[Path]:
    """Those of the file's own name first: they are the likeliest to fail."""
    room = Path("tests", file.parts[1])
    yield from (path.relative_to(ROOT) for path in (ROOT / room).glob(f"test_*{file.stem}*.py"))
    yield room
    if room.name not in READERS:
        yield Path("tests/laws")


def _run(
    file: Path, broken: Callable[[bytes], bytes], tests: list[str], programs: str
) -> subprocess.CompletedProcess[str]:
    """pytest over a copy of the project in which one file is another."""
    with tempfile.TemporaryDirectory() as place:
        copy = Path(place)
        for name in ("jaxemb", "tests", "scripts", "configs"):
            skipped = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, copy / name, ignore=skipped)
        shutil.copy(ROOT / "pyproject.toml", copy)
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
