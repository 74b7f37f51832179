"""What a result depends on, written down: functions by name and content, versions, commit."""

import functools
import hashlib
import importlib.metadata
import inspect
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

PACKAGES = ("jaxemb", "jax", "jaxlib", "flax", "optax", "numpy")


def function_name(function: Callable) -> str:
    """module:qualname; of a function from outside the package, also the sha256 of its file."""
    if isinstance(function, functools.partial):
        settings = ", ".join(
            f"{key}={function_name(value) if callable(value) else value}"
            for key, value in function.keywords.items()
        )
        return f"{function_name(function.func)}({settings})"
    module = getattr(function, "__module__", None) or "builtins"
    name = f"{module}:{getattr(function, '__qualname__', repr(function))}"
    if module.split(".")[0] in ("jaxemb", "builtins"):
        return name
    try:
        source = Path(inspect.getfile(function)).read_bytes()
    except (TypeError, OSError):  # compiled, or typed into a notebook
        return name
    return f"{name} sha256:{hashlib.sha256(source).hexdigest()[:16]}"


def environment() -> dict[str, Any]:
    """Versions of Python and of what computes, and the commit of this checkout, if it is one."""
    versions = {"python": sys.version.split()[0]}
    for name in PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = "not installed"
    here = str(Path(__file__).parent)
    command = ["git", "-C", here, "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
        commit = found.stdout.strip() or None
    except (OSError, subprocess.TimeoutExpired):
        commit = None
    return {"versions": versions, "commit": commit}


def write_text(path: Path, text: str) -> None:
    """Writes a file that is whole, or as it was before."""
    unfinished = path.with_name(path.name + ".tmp")
    unfinished.write_text(text, "utf-8", newline="\n")
    os.replace(unfinished, path)


def write_json(path: Path, value: Any) -> None:
    """Writes a JSON file that is whole, or as it was before."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")
