"""Scripts and configs: beside the package in a clone, inside it in a wheel."""

import ast
import difflib
import importlib.util
import os
import re
import shlex
import sys
import types
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from jaxemb.errors import InputError

_PACKAGE = Path(__file__).parents[1]
# `jaxemb inspect` reads better; the other commands are named as their scripts
_NAMES = {"inspect_table": "inspect"}
_CONSOLE = "jaxemb"  # the installed program, whose subcommands are the scripts
_COMMAND = re.compile(r"python scripts/(?P<script>\w+)\.py(?: configs/(?P<config>\w+)\.py)?")
_NO_COMMANDS = {"benchmark"}  # its peers and texts belong to a clone


def folder(name: str) -> Path:
    """The folder `scripts` or `configs`.

    Raises:
        InputError: neither the package nor the folder around it holds it.
    """
    inside, beside = _PACKAGE / f"_{name}", _PACKAGE.parent / name
    for place in (inside, beside):
        if place.is_dir():
            return place
    raise InputError(f"{inside} and {beside} are not there: reinstall jaxemb")


def command(script: str) -> str:
    """The name of the command that a script, without `.py`, is."""
    return _NAMES.get(script, script.replace("_", "-"))


def commands() -> dict[str, Path]:
    """The script of each command, by the command's name, in order."""
    scripts = [path for path in folder("scripts").glob("*.py") if path.stem not in _NO_COMMANDS]
    return dict(sorted((command(path.stem), path) for path in scripts))


def parsed(script: Path) -> tuple[str, str]:
    """The function of `command_line` that a script parses its arguments with, and the class."""
    for call in _parsers(script):
        return call
    raise AssertionError(f"{script} parses no command line")


def _parsers(script: Path) -> Iterator[tuple[str, str]]:
    """Every function of `command_line` that parses arguments in a script, and its class."""
    for node in ast.walk(ast.parse(script.read_text("utf-8"))):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func).removeprefix("command_line.")
            if name in ("parse", "from_command_line"):
                yield name, ast.unparse(node.args[0])


def commands_of(config: type) -> list[str]:
    """The commands that take a config of this class, as they are typed."""
    kinds = {kind.__name__ for kind in config.__mro__}
    scripts = commands().values()
    return [typed(s.stem) for s in scripts if any(kind in kinds for _, kind in _parsers(s))]


def load(script: Path) -> types.ModuleType:
    """Import a script by its file; its `main` is not called."""
    spec = importlib.util.spec_from_file_location(f"jaxemb._scripts.{script.stem}", script)
    if spec is None or spec.loader is None:
        raise InputError(f"{script}: wanted a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where its dataclasses look for it
    spec.loader.exec_module(module)
    return module


def configs() -> dict[str, Path]:
    """The file of each config, by the config's name, in order."""
    return {path.stem: path for path in sorted(folder("configs").glob("*.py"))}


def is_config(arguments: Sequence[str]) -> bool:
    """Whether the first argument names a config: a Python file, or one of jaxemb's."""
    first = arguments[0] if arguments else ""
    return first.endswith(".py") or (first in configs() and not Path(first).exists())


def config(name: str) -> Path:
    """The file of a config.

    Args:
        name: a path, with or without `.py`; or the name of a config of jaxemb. A file that is
            there goes first.

    Raises:
        InputError: no such config; the message names those that are spelled alike.
    """
    for path in (Path(name), Path(f"{name}.py")):
        if path.is_file():
            return path
    here = configs()
    if (bare := name.removesuffix(".py")) in here:
        return here[bare]
    hint = nearest(Path(bare).name, here, "; `jaxemb configs` lists those of jaxemb")
    raise InputError(f"{name}: no such config: wanted a file, or a name like quickstart{hint}")


def typed(script: str, *arguments: Any) -> str:
    """A command in the form in which this program was started, to be copied into a shell.

    `python scripts/neighbors.py runs/quickstart war` where a script was started so; else, in a
    notebook too, `jaxemb neighbors runs/quickstart war`.
    """
    if _as_a_script():
        start = [sys.orig_argv[0], str(Path(sys.argv[0]).with_name(f"{script}.py"))]
    else:
        start = [_CONSOLE, command(script)]
    return shlex.join([*start, *map(str, arguments)])


def typed_config(name: str) -> str:
    """A config of this project as it is typed: `configs/quickstart.py`, or `quickstart`."""
    if not _as_a_script():
        return name
    return os.path.normpath(Path(sys.argv[0]).parent / f"../configs/{name}.py")


def _as_a_script() -> bool:
    started = Path(sys.argv[0])
    return started.suffix == ".py" and (folder("scripts") / started.name).is_file()


def as_typed(text: str) -> str:
    """A text in which each command of a clone is one of `jaxemb`: jaxemb train quickstart."""

    def said(found: re.Match[str]) -> str:
        name = command(found["script"])
        if name not in commands():
            return found[0]
        return f"{_CONSOLE} {name}" + (f" {found['config']}" if found["config"] else "")

    return _COMMAND.sub(said, text)


def summary(path: Path) -> str:
    """The first line of a Python file's docstring, without its full stop; the file is not run."""
    text = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
    return text.partition("\n")[0].removesuffix(".")


def nearest(name: str, names: Iterable[str], otherwise: str = "") -> str:
    """A part of a message that asks for the names that are spelled like `name`."""
    close = difflib.get_close_matches(name, names, n=3)
    return f": did you mean {' or '.join(close)}?" if close else otherwise
