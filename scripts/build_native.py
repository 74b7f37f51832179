"""Compile the native step of training: a CPU then trains up to twice as fast (docs/speed.md).

Usage: python scripts/build_native.py [--compiler g++]

Needs a C++ compiler. The result lies in the user's cache folder, and belongs to this jaxlib.
Training then takes `--learner native`, or a config `learner=native_step.row_sparse`.
"""

import dataclasses
import os
import platform
import shutil
import subprocess

from jaxemb import files
from jaxemb.errors import InputError
from jaxemb.lab import command_line, outcome


@dataclasses.dataclass(frozen=True)
class Settings:
    """How the native step is compiled."""

    compiler: str = "c++"
    """A C++ compiler that takes GCC's options."""


def main() -> None:
    settings = command_line.parse(Settings)
    import jax

    from jaxemb.training import native_step

    if shutil.which(settings.compiler) is None:
        raise InputError(
            f"compiler {settings.compiler} is not there: install one (Debian: apt install g++; "
            "macOS: xcode-select --install), or name yours with --compiler"
        )
    path = native_step.library()
    files.writable(path.parent)
    made = path.with_name(f"{path.name}.{os.getpid()}")  # another process may build it, too
    # AVX2 and FMA; registers of 512 bits were no faster
    wide = ["-march=x86-64-v3"] if platform.machine() == "x86_64" else []
    headers = ["-I", jax.ffi.include_dir()]
    options = ["-std=c++17", "-O3", *wide, "-shared", "-fPIC", "-w"]
    command = [settings.compiler, *options, *headers, str(native_step.SOURCE), "-o", str(made)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise InputError(f"{' '.join(command)} failed:\n{done.stderr.strip()}")
    made.replace(path)
    outcome.end(path, ("train", "quickstart", "--learner", "native"))


if __name__ == "__main__":
    command_line.run(main)
