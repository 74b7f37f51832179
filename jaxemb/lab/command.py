"""The command `jaxemb`: one subcommand for each script, and the configs.

    jaxemb train quickstart --epochs 1
    jaxemb configs quickstart > mine.py

`jaxemb NAME` and `python scripts/NAME.py` are the same program. A script is loaded when its
subcommand is called: `jaxemb --help` loads none, and no jax.
"""

import shutil
import sys
import textwrap
from collections.abc import Mapping, Sequence
from typing import NoReturn

from jaxemb.errors import InputError
from jaxemb.lab import shipped

_CONFIGS = "List the configs of jaxemb; or print one, to be changed: jaxemb configs NAME > mine.py"
_USAGE = "usage: jaxemb COMMAND [...]; jaxemb COMMAND --help; jaxemb --version"
_COMPLETION = "--tyro-print-completion", "--tyro-write-completion"
_FOOT = f"""\
CONFIG, where a command takes one, is a file or a name that `jaxemb configs` lists.
Compiled programs are kept for the next run; --no-cache, of any command, keeps none.
To complete names and options by Tab: jaxemb {_COMPLETION[1]} bash FILE, then
source FILE in ~/.bashrc; or zsh, or fish."""


def main() -> NoReturn:
    """Run `jaxemb` with the arguments of the command line; exit codes are those of the scripts."""
    arguments = sys.argv[1:]
    if not arguments or arguments[0] in ("-h", "--help"):
        print(_help())
        raise SystemExit(0 if arguments else 2)
    from jaxemb.lab import command_line

    command_line.run(lambda: _call(*sys.argv[1:]))


def _call(name: str, *arguments: str) -> None:
    scripts = shipped.commands()
    if name in scripts:
        script = shipped.load(scripts[name])
        sys.argv = [f"jaxemb {name}", *arguments]
        script.main()
    elif name == "configs":
        print(_configs(arguments), end="")
    elif name == "--version":
        import jaxemb

        print(jaxemb.__version__)
    elif name in _COMPLETION:
        from jaxemb.lab import completion

        completion.write([name, *arguments])
    else:
        raise InputError(f"{name}: no such command{shipped.nearest(name, scripts)}; {_USAGE}")


def _help() -> str:
    scripts = {name: shipped.summary(path) for name, path in shipped.commands().items()}
    return f"{_USAGE}\n\n{_table({'configs': _CONFIGS, **scripts})}\n{_FOOT}"


def _configs(arguments: Sequence[str]) -> str:
    """The text of `jaxemb configs [NAME]`."""
    files = shipped.configs()
    if not arguments:
        return _table({name: shipped.summary(path) for name, path in files.items()})
    if set(arguments) & {"-h", "--help"}:
        return f"usage: jaxemb configs [NAME]\n\n{_CONFIGS}\n"
    if len(arguments) > 1 or arguments[0] not in files:
        hint = shipped.nearest(arguments[0], files, "; `jaxemb configs` lists them")
        raise InputError(f"{' '.join(arguments)}: wanted the name of one config{hint}")
    return shipped.as_typed(files[arguments[0]].read_text("utf-8"))


def _table(rows: Mapping[str, str]) -> str:
    """Names beside what they mean, in lines of the width of the terminal."""
    first = max(map(len, rows)) + 2
    rest = max(shutil.get_terminal_size().columns - first - 2, 20)
    between = "\n" + " " * (first + 2)
    whole = {
        name: between.join(textwrap.wrap(text, rest, break_on_hyphens=False))
        for name, text in rows.items()
    }
    return "".join(f"  {name:{first}}{text}\n" for name, text in whole.items())
