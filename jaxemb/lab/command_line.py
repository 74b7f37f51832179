"""The command line: a config with what the caller set in it, and errors as one line and a code."""

import contextlib
import importlib.util
import io
import re
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn, TypeVar

import tyro

from jaxemb.errors import InputError, Interrupted, NumericalError, one_line

T = TypeVar("T")
# options that go without the part of the config that they belong to
_SHORT = {
    "corpus": "^--(bad-utf8|phrases?[a-z-]*)(?==|$)",
    "hosts": "^--(coordinator|processes|process-id|heartbeat|start-within|stuck-after)(?==|$)",
}
_HELP = (tyro.conf.HelptextFromCommentsOff,)  # a comment is for who reads the code


def from_command_line(kind: type[T], arguments: Sequence[str] | None = None) -> T:
    """The config of a file, with whatever the command line sets in it.

    Usage: script.py CONFIG.py [--dim 300 ...] [--help]

    Raises:
        InputError: no such file, or one without a `config` of the wanted kind.
        SystemExit: 0 after --help.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    script = Path(sys.argv[0]).name
    if not arguments or arguments[0].startswith("-"):
        usage = f"usage: {script} CONFIG.py [--option VALUE ...]; see configs/, or CONFIG.py --help"
        if set(arguments) & {"-h", "--help"}:
            print(usage)
            raise SystemExit(0)
        raise InputError(usage)
    default = load(Path(arguments[0]), kind)
    return parse(type(default), arguments[1:], default=default, prog=f"{script} {arguments[0]}")


def parse(kind: type[T], arguments: Sequence[str] | None = None, **settings) -> T:
    """A dataclass from the command line.

    `--bad-utf8` and `--phrases` go without `corpus.`, too; `--coordinator` and its kin without
    `hosts.`.

    Raises:
        InputError: an unknown option, with the nearest one; a setting out of its range, if the
            dataclass has a `check`.
        SystemExit: 0 after --help.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    whole = arguments
    for part in _SHORT.keys() & getattr(kind, "__dataclass_fields__", {}).keys():
        whole = [re.sub(_SHORT[part], rf"--{part}.\1", each) for each in whole]
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            found = tyro.cli(kind, args=whole, config=_HELP, **settings)
    except SystemExit as stop:
        if stop.code:  # tyro says it in a box of many lines
            inside = (line for line in said.getvalue().splitlines() if not line.startswith("╭"))
            lines = (line.strip("╰╯│─ ") for line in inside)
            raise InputError(" ".join(line for line in lines if line)) from None
        raise
    # not in __post_init__, where tyro would catch it
    getattr(found, "check", lambda: None)()
    return found


def load(path: Path, kind: type[T]) -> T:
    """The `config` of a file.

    Raises:
        InputError: no such file, or its `config` is of another kind.
    """
    spec = importlib.util.spec_from_file_location(f"config_{path.stem}", path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise InputError(f"{path}: no such config: wanted a file like configs/quickstart.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # so that its functions can be named as module:qualname
    try:
        spec.loader.exec_module(module)
    except InputError:
        raise
    except Exception as error:  # whatever a person's file may raise
        frames = traceback.extract_tb(error.__traceback__)
        lines = [frame.lineno for frame in frames if Path(frame.filename).name == path.name]
        line = lines[-1] if lines else getattr(error, "lineno", "?")
        raise InputError(f"{path}: line {line}: {type(error).__name__}: {error}") from error
    config = getattr(module, "config", None)
    if not isinstance(config, kind):
        got = type(config).__name__
        raise InputError(f"{path}: `config` is {got}: wanted config = {kind.__name__}(...)")
    return config


def run(main: Callable[[], None]) -> NoReturn:
    """Runs a script: an error that is for people becomes one line and an exit code.

    0 done; 2 input that cannot be used; 3 numbers that are not finite; 130 or 143 interrupted.
    75, of several processes, is `hosts`' own.
    """
    try:
        main()
    except BaseException as error:
        ended = ending(error)
        if ended is None:
            raise
        print(one_line(ended[0]), file=sys.stderr)
        raise SystemExit(ended[1]) from None
    raise SystemExit(0)


def ending(error: BaseException) -> tuple[str, int] | None:
    """The line and the exit code of an error that is for people; None of any other."""
    if isinstance(error, InputError):
        return f"error: {error}", 2
    if isinstance(error, NumericalError):
        return f"error: {error}", 3
    if isinstance(error, OSError):
        return f"error: {error.filename or 'files'}: {error.strerror or error}", 2
    # RuntimeError: XLA's own, which has no class
    full = isinstance(error, RuntimeError) and "RESOURCE_EXHAUSTED" in str(error)
    if full or isinstance(error, MemoryError):
        told = "lower --dim, --batch or --corpus.max-vocab"
        return f"error: out of memory ({error}): {told}", 2
    if isinstance(error, Interrupted):
        return str(error), 128 + error.number
    if isinstance(error, KeyboardInterrupt):
        return "interrupted", 128 + signal.SIGINT
    return None
