"""Laws of the compiled programs that commands keep. Oracles: the folder, and what JAX logs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from jaxemb.lab import programs

PROGRAM = """
import sys
from jaxemb.lab import command_line

def main():
    import jax, jax.numpy as jnp
    print(jax.jit(lambda x: 3 * x + 1)(jnp.arange(4.0)).tolist(), sys.argv[1:])

command_line.run(main)
"""
NUMBERS = "[1.0, 4.0, 7.0, 10.0]"
OTHERS = ("JAX_COMPILATION_CACHE_DIR", "JAX_ENABLE_COMPILATION_CACHE")


@pytest.fixture
def command(tmp_path):
    """Runs a command with caches in an empty folder: its output, and what JAX logs."""

    def run(*arguments: str, **environment: str) -> tuple[str, str]:
        clean = {name: value for name, value in os.environ.items() if name not in OTHERS}
        logged = {"JAX_LOGGING_LEVEL": "DEBUG", "XDG_CACHE_HOME": str(tmp_path)}
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, *arguments],
            env={**clean, **logged, **environment},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout, done.stderr

    return run


def _kept(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*-cache"))


needs_xdg = pytest.mark.skipif(sys.platform != "linux", reason="caches lie elsewhere")


@needs_xdg
def test_a_second_run_reads_the_programs_of_the_first_and_a_damaged_one_is_made_anew(
    command, tmp_path
):
    assert NUMBERS in command()[0]
    kept = _kept(tmp_path)
    assert kept
    assert kept[0].parent.stat().st_mode & 0o777 == 0o700
    out, log = command("--option")
    assert "cache hit for" in log
    assert "--option" in out
    assert _kept(tmp_path) == kept
    for path in kept:
        path.write_bytes(b"garbage")
    out, log = command()
    assert NUMBERS in out
    assert log.count("a damaged entry: programs are compiled anew") == 1
    assert "UserWarning" not in log
    assert _kept(tmp_path) == kept
    assert "cache hit for" in command()[1]


@needs_xdg
@pytest.mark.parametrize(
    ("arguments", "environment"),
    [
        (("--no-cache",), {}),
        ((), {"JAX_ENABLE_COMPILATION_CACHE": "false"}),
        ((), {"JAX_COMPILATION_CACHE_DIR": ""}),
        ((), {"XDG_CACHE_HOME": "/proc/no"}),
    ],
    ids=["option", "turned off", "of the user", "no place"],
)
def test_nothing_is_kept_where_it_is_not_wanted_or_cannot_be(
    arguments, environment, command, tmp_path
):
    out, _ = command(*arguments, **environment)
    assert out.split("]")[0] + "]" == NUMBERS
    assert "--no-cache" not in out
    assert _kept(tmp_path) == []


def test_another_jaxlib_and_another_processor_have_folders_of_their_own(monkeypatch):
    places = {programs.folder()}
    monkeypatch.setattr(programs.importlib.metadata, "version", lambda name: "0.0.1")
    places.add(programs.folder())
    monkeypatch.setattr(programs, "processor", lambda: "another")
    places.add(programs.folder())
    assert len(places) == 3


def test_a_process_that_has_loaded_jax_is_left_alone(monkeypatch):
    for name in OTHERS:
        monkeypatch.delenv(name, raising=False)
    arguments = ["script.py", "a"]
    programs.keep(arguments)
    assert not set(OTHERS) & set(os.environ)
    assert arguments == ["script.py", "a"]
