"""Completion of `jaxemb` by the shell, which tyro writes: commands, configs, options, choices.

Every script and every config is loaded for it, which takes seconds, once.
"""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Union

from jaxemb.errors import InputError
from jaxemb.lab import command_line, shipped
from jaxemb.lab.options import tyro

SHELLS = ("bash", "zsh", "fish")


def write(arguments: Sequence[str]) -> None:
    """Print or write a shell's completion, and exit.

    Args:
        arguments: `--tyro-write-completion SHELL FILE` or `--tyro-print-completion SHELL`.

    Raises:
        InputError: other arguments.
        SystemExit: 0 after writing.
    """
    option, *rest = arguments
    files = ["FILE"] if "write" in option else []
    if len(rest) != 1 + len(files) or rest[0] not in SHELLS:
        raise InputError(f"wanted {' '.join([option, '|'.join(SHELLS), *files])}")
    configs = {name: command_line.load(path, object) for name, path in shipped.configs().items()}
    kinds = [_script(name, path, configs) for name, path in shipped.commands().items()]
    names = [_subcommand(name, _type(name)) for name in configs]
    kinds.append(_subcommand("configs", _type("configs", _one_of(names))))
    no_comments = tyro.conf.HelptextFromCommentsOff  # as in command_line
    tyro.cli(_one_of(kinds), args=arguments, prog="jaxemb", config=(no_comments,))


def _script(name: str, path: Path, configs: dict[str, Any]) -> Any:
    """What the command of a script takes, as a type for tyro.

    A config is a subcommand, since tyro completes no other names; its options are also offered
    behind the name of a file, which may be any.
    """
    function, settings = shipped.parsed(path)
    kind = getattr(shipped.load(path), settings)
    if function == "from_command_line":
        fitting = {name: config for name, config in configs.items() if isinstance(config, kind)}
        named = [_subcommand(name, type(c), default=c) for name, c in fitting.items()]
        kind = _type(name, _one_of(named), default=next(iter(fitting.values())))
    return _subcommand(name, kind, description=shipped.summary(path))


def _subcommand(name: str, kind: Any, **settings: Any) -> Any:
    return Annotated[kind, tyro.conf.subcommand(name, prefix_name=False, **settings)]


def _one_of(kinds: Sequence[Any]) -> Any:
    hidden = Annotated[None, tyro.conf.Suppress]  # a union has two members or more
    return Union[(*kinds, hidden)]


def _type(name: str, names: Any = None, default: Any = None) -> Any:
    """A dataclass of what may follow a command.

    Args:
        names: a union of subcommands; None for none.
        default: a config, whose options may follow; None for none.
    """
    unnamed = tyro.conf.arg(name="")  # no prefix for the options of a part
    fields: list[Any] = []
    if names is not None:
        fields.append(("names", Annotated[names, unnamed]))
    if default is not None:
        options = Annotated[type(default), unnamed]
        fields.append(("options", options, dataclasses.field(default=default)))
    return dataclasses.make_dataclass(name, fields, frozen=True)
