"""Compiled programs, kept from run to run: JAX's persistent cache, in the user's own cache folder.

A folder belongs to one jaxlib and one kind of processor: machine code of another may not run. It is
limited in size, and several processes may share it. An entry that cannot be read is compiled anew.
"""

import hashlib
import importlib.metadata
import os
import platform
import shutil
import sys
import warnings
from pathlib import Path

import platformdirs

NO_CACHE = "--no-cache"
MOST = 1 << 30  # bytes of a folder: the least recently used programs go first
_DAMAGED = "Error reading persistent compilation cache"  # the start of JAX's warning
_DIR, _ON = "JAX_COMPILATION_CACHE_DIR", "JAX_ENABLE_COMPILATION_CACHE"
_SETTINGS = {
    "JAX_COMPILATION_CACHE_MAX_SIZE": str(MOST),
    # a command compiles dozens of small programs
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "0",
}


def keep(arguments: list[str]) -> None:
    """Keep the programs of this process, unless the arguments or the user's JAX settings say no.

    JAX reads the settings when it is imported: a process that has imported it is left alone.

    Args:
        arguments: those of the command line, from which `--no-cache` is removed.
    """
    unwanted = NO_CACHE in arguments
    arguments[:] = [argument for argument in arguments if argument != NO_CACHE]
    if unwanted:
        os.environ[_ON] = "false"
    if unwanted or "jax" in sys.modules or _DIR in os.environ or _ON in os.environ:
        return
    place = folder()
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:  # no home, a full or a read-only disk: programs are compiled
        return
    if not os.access(place, os.W_OK):
        return
    os.environ[_DIR] = str(place)
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    _heal(place)


def folder() -> Path:
    """The folder of the programs of this jaxlib for this processor."""
    version = importlib.metadata.version("jaxlib")
    digest = hashlib.sha256(processor().encode()).hexdigest()[:12]
    return platformdirs.user_cache_path("jaxemb") / "programs" / f"jaxlib-{version}-{digest}"


def processor() -> str:
    """What instructions the processor has, as far as the platform says."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        lines = []
    features = [line for line in lines if line.lower().startswith(("flags", "features"))]
    return f"{platform.machine()} {platform.processor()} {features[0] if features else ''}"


def _heal(place: Path) -> None:
    """Replace JAX's warning of a damaged entry: the folder is emptied, so that it heals."""
    show = warnings.showwarning

    def shown(message, category, filename, lineno, file=None, line=None) -> None:
        if not str(message).startswith(_DAMAGED):
            show(message, category, filename, lineno, file, line)
        elif place.exists():
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
            print(f"{place}: a damaged entry: programs are compiled anew", file=sys.stderr)

    warnings.showwarning = shown
