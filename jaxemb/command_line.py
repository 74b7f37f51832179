"""The command line: a config with what the caller set in it, and errors as one line and a code."""

import importlib.util
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn, TypeVar

import tyro

from jaxemb.errors import InputError, Interrupted, NumericalError

T = TypeVar("T")


def from_command_line(kind: type[T], arguments: Sequence[str] | None = None) -> T:
    """The config of a file, with whatever the command line sets in it.

    Usage: script.py CONFIG.py [--dim 300 ...] [--help]

    Raises:
        InputError: no such file, or one without a `config` of the wanted kind.
        SystemExit: 0 after --help; 2 for an unknown option, with the nearest one.
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
    return parse(kind, arguments[1:], default=default, prog=f"{script} {arguments[0]}")


def parse(kind: type[T], arguments: Sequence[str] | None = None, **settings) -> T:
    """A dataclass from the command line; `--bad-utf8` may be said without `corpus.`.

    Raises:
        InputError: a setting out of its range, if the dataclass has a `check`.
        SystemExit: 0 after --help; 2 for an unknown option, with the nearest one.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    whole = ["--corpus.bad-utf8" if each == "--bad-utf8" else each for each in arguments]
    found = tyro.cli(kind, args=whole, **settings)
    # not in __post_init__: tyro would print the error in a box of its own
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
    spec.loader.exec_module(module)
    config = getattr(module, "config", None)
    if not isinstance(config, kind):
        got = type(config).__name__
        raise InputError(f"{path}: `config` is {got}: wanted config = {kind.__name__}(...)")
    return config


def run(main: Callable[[], None]) -> NoReturn:
    """Runs a script: an error that is for people becomes one line and an exit code.

    0 done; 2 input that cannot be used; 3 numbers that are not finite; 130 or 143 interrupted.
    """
    try:
        main()
    except InputError as error:
        _exit(f"error: {error}", 2)
    except NumericalError as error:
        _exit(f"error: {error}", 3)
    except (PermissionError, NotADirectoryError, FileExistsError) as error:
        _exit(f"error: {error.filename}: {error.strerror}", 2)
    except Interrupted as stop:
        _exit(str(stop), 128 + stop.number)
    except KeyboardInterrupt:
        _exit("interrupted", 128 + signal.SIGINT)
    raise SystemExit(0)


def _exit(line: str, code: int) -> NoReturn:
    print(line, file=sys.stderr)
    raise SystemExit(code)
