"""The command line: configs with overridden settings; errors as one line and an exit code."""

import contextlib
import importlib.util
import io
import re
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from jaxemb.errors import FormatError, InputError, Interrupted, NumericalError, one_line
from jaxemb.lab import programs, shipped
from jaxemb.lab.options import tyro

T = TypeVar("T")
# options that may be given without the prefix of their part of the config
_SHORT = {
    "corpus": "^--(bad-utf8|phrases?[a-z-]*)(?==|$)",
    "hosts": "^--(coordinator|processes|process-id|heartbeat|start-within|stuck-after)(?==|$)",
}
# what messages of the library call by its name in Python, as an option
_TYPED = {
    r"\bmin_count=(\w+)": r"--corpus.min-count \1",
    r"\bsubsample=(\w+)": r"--corpus.subsample \1",
    r"\bpath=TEXT": "--corpus.path TEXT",
    r"\bbad_utf8='(\w+)'": r"--bad-utf8 \1",
    r"\bcut='(\w+)'": r"--cut \1",
    r"\btensor=(\w+)": r"--tensor \1",
    r"\bunwritable=formats\.skip or formats\.rename": "--unwritable skip or rename",
}
# an option of formats.read, in the hint of an error
_OPTION = re.compile(r"\b(allow_\w+)|\b(on_bad_utf8|sep|format)='([\w-]+)'")
_HELP = (tyro.conf.HelptextFromCommentsOff,)  # comments are for readers of the code


def from_command_line(kind: type[T], arguments: Sequence[str] | None = None) -> T:
    """Load a config, with the settings that the command line overrides.

    Usage: script.py CONFIG [--profile NAME] [--dim 300 ...] [--help], where CONFIG is a file, with
    or without .py, or the name of a config of jaxemb. Without CONFIG, --help lists the options of
    the first config of jaxemb that is of this kind. A profile sets many settings at once, for a
    kind of config that has profiles; options are read after it.

    Raises:
        InputError: no such config or profile, or a config of another kind.
        SystemExit: 0 after --help.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    profile = _taken_out(arguments, "--profile")
    script = Path(sys.argv[0]).name
    if set(arguments[:1]) & {"-h", "--help"}:
        name, default = _first_of(kind)
        listed = f"CONFIG is a file, or a name that `jaxemb configs` lists. Defaults: {name}."
        if names := _profiles(default):
            listed += f" --profile NAME sets many options: {', '.join(names)}."
        settings: dict[str, Any] = {"prog": f"{script} CONFIG", "description": listed}
        return parse(type(default), ["--help"], default=default, **settings)
    if not arguments or arguments[0].startswith("-"):
        raise InputError(
            f"usage: {script} CONFIG [--option VALUE ...]; see `jaxemb configs`, or --help"
        )
    default = load(shipped.config(arguments[0]), kind)
    if profile is not None:
        if profile not in (names := _profiles(default)):
            wanted = f"wanted {', '.join(names)}" if names else "this kind of config has none"
            raise InputError(f"--profile {profile}: no such profile: {wanted}")
        default = names[profile](default)
    config = parse(type(default), arguments[1:], default=default, prog=f"{script} {arguments[0]}")
    return getattr(config, "as_begun", lambda: config)()


def _taken_out(arguments: list[str], option: str) -> str | None:
    """The value of an option, which is taken out of the arguments; None if it is not there."""
    for i, argument in enumerate(arguments):
        name, given, value = argument.partition("=")
        if name == option:
            own = arguments[i : i + (1 if given else 2)]
            arguments[i : i + len(own)] = []
            return value if given else own[-1]
    return None


def _profiles(config: Any) -> dict[str, Callable[[Any], Any]]:
    """The profiles of a config's kind, by name."""
    return getattr(type(config), "profiles", dict)()


def _first_of(kind: type[T]) -> tuple[str, T]:
    """The name of the first config of jaxemb of this kind, quickstart before others; the config."""
    for name, path in sorted(shipped.configs().items(), key=lambda item: item[0] != "quickstart"):
        if isinstance(config := load(path, object), kind):
            return name, config
    raise InputError(f"jaxemb has no config of {kind.__name__}: wanted CONFIG --help")


def parse(kind: type[T], arguments: Sequence[str] | None = None, **settings: Any) -> T:
    """Parse a dataclass from the command line.

    `--bad-utf8` and `--phrases...` may be given without the prefix `corpus.`, the options of
    several processes (`--coordinator`, ...) without `hosts.`.

    Raises:
        InputError: an unknown option, with the nearest one; a setting out of range, if the
            dataclass has a `check`.
        SystemExit: 0 after --help.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    whole = arguments
    for part in _SHORT.keys() & getattr(kind, "__dataclass_fields__", {}).keys():
        whole = [re.sub(_SHORT[part], rf"--{part}.\1", option) for option in whole]
    printed = io.StringIO()
    try:
        with contextlib.redirect_stderr(printed):
            parsed = tyro.cli(kind, args=whole, config=_HELP, **settings)
    except SystemExit as stop:
        if stop.code:  # tyro prints its message in a box of many lines
            inside = (line for line in printed.getvalue().splitlines() if not line.startswith("╭"))
            lines = (line.strip("╰╯│─ ") for line in inside)
            raise InputError(" ".join(line for line in lines if line)) from None
        raise
    # not in __post_init__, where tyro would catch it
    getattr(parsed, "check", lambda: None)()
    return parsed


def load(path: Path, kind: type[T]) -> T:
    """Load the `config` of a Python file.

    Raises:
        InputError: the file does not exist, or its `config` is of another kind.
    """
    spec = importlib.util.spec_from_file_location(f"config_{path.stem}", path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise InputError(f"{path}: no such config: wanted a Python file, as `jaxemb configs` lists")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # so that its functions can be named as module:qualname
    if (beside := str(path.parent.resolve())) not in sys.path:
        sys.path.append(beside)  # a config may import what lies beside it
    try:
        spec.loader.exec_module(module)
    except InputError:
        raise
    except Exception as error:  # a user's file may raise anything
        frames = traceback.extract_tb(error.__traceback__)
        lines = [frame.lineno for frame in frames if Path(frame.filename).name == path.name]
        line = lines[-1] if lines else getattr(error, "lineno", "?")
        raise InputError(f"{path}: line {line}: {type(error).__name__}: {error}") from error
    config = getattr(module, "config", None)
    if not isinstance(config, kind):
        got, others = type(config).__name__, shipped.commands_of(type(config))
        hint = f", or this config for {' or '.join(others)}" if others else ""
        raise InputError(f"{path}: `config` is {got}: wanted config = {kind.__name__}(...){hint}")
    return config


def run(main: Callable[[], None]) -> NoReturn:
    """Run a script and exit; an error of the input becomes one line and an exit code.

    Exit codes: 0 done; 2 input that cannot be used; 3 numbers that are not finite; 130 or 143
    interrupted. Code 75, another process is lost, comes from `lab.hosts`.
    """
    programs.keep(sys.argv)
    try:
        main()
    except BaseException as error:
        ended = ending(error)
        if ended is None:
            raise
        print(one_line(ended[0]), file=sys.stderr)
        raise SystemExit(ended[1]) from None
    raise SystemExit(0)


def as_typed(message: str) -> str:
    """A message of the library, whose settings are named as options of a command."""
    for name, option in _TYPED.items():
        message = re.sub(name, option, message)
    return message


def _with_options(error: FormatError) -> str:
    """The error with the options of `formats.read` as those of convert, which alone has them."""

    def option(found: re.Match[str]) -> str:
        name, value = found[1] or found[2], found[3]
        typed = shipped.typed("convert", f"--{name.replace('_', '-')}")
        return f"{typed} {value}" if value else typed

    return (
        str(error).replace(error.hint, _OPTION.sub(option, error.hint))
        if error.hint
        else str(error)
    )


def ending(error: BaseException) -> tuple[str, int] | None:
    """Return the line and the exit code of an error for the user; None for a defect."""
    if isinstance(error, FormatError):
        return f"error: {as_typed(_with_options(error))}", 2
    if isinstance(error, InputError):
        return f"error: {as_typed(str(error))}", 2
    if isinstance(error, NumericalError):
        return f"error: {error}", 3
    if isinstance(error, OSError):
        return f"error: {error.filename or 'files'}: {error.strerror or error}", 2
    # XLA raises a plain RuntimeError
    full = isinstance(error, RuntimeError) and "RESOURCE_EXHAUSTED" in str(error)
    if full or isinstance(error, MemoryError):
        remedy = "lower --dim, --batch or --corpus.max-vocab"
        return f"error: out of memory ({error}): {remedy}", 2
    if isinstance(error, Interrupted):
        return str(error), 128 + error.number
    if isinstance(error, KeyboardInterrupt):
        return "interrupted", 128 + signal.SIGINT
    return None
