"""The end of a command: its report, where everything lies, and the command to type next."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jaxemb.lab import progress, report, shipped

if TYPE_CHECKING:
    from jaxemb.lab.settings import Run

Command = tuple[Any, ...]  # the name of a script without `.py`, and its arguments
_CONSOLE = "jaxemb"  # the installed program, whose subcommands are the scripts


def of_run(config: Run, write: Callable[[], str], *following: Command) -> None:
    """End the command of a run: report on it, unless the config says no; print what lies where.

    Args:
        write: writes report.md into the workdir and returns its Markdown.
        following: commands that may be typed next.
    """
    if config.report:
        with progress.measuring():
            markdown = write()
        progress.show(markdown)
    end(config.workdir, *following, report="report.md" if config.report else None)
    if not config.report:
        print("report:  none; the same command without --no-report writes it")


def end(wrote: str | Path, *following: Command, report: str | None = None) -> None:
    """Print what a command wrote, its report, and the commands that may be typed next.

    Args:
        wrote: the folder, or the file.
        following: the commands, the likeliest first.
        report: the name of the report in the folder.
    """
    lines = [f"written: {wrote}"]
    if report:
        lines.append(f"report:  {Path(wrote) / report}")
    heads = ["next:   ", *["        "] * len(following)]
    lines += [f"{head} {typed(*command)}" for head, command in zip(heads, following, strict=False)]
    print("\n".join(lines))


def typed(script: str, *arguments: Any) -> str:
    """A command in the form in which this program was started, to be copied into a shell.

    `python scripts/neighbors.py runs/quickstart war`, or `jaxemb neighbors runs/quickstart war`.
    """
    if _installed():
        start = [_CONSOLE, shipped.command(script)]
    else:
        start = [sys.orig_argv[0], str(Path(sys.argv[0]).with_name(f"{script}.py"))]
    return shlex.join([*start, *map(str, arguments)])


def config(name: str) -> str:
    """A config of this project as it is typed: `configs/quickstart.py`, or `quickstart`."""
    if _installed():
        return name
    return os.path.normpath(Path(sys.argv[0]).parent / f"../configs/{name}.py")


def _installed() -> bool:
    return Path(sys.argv[0]).name.partition(" ")[0] == _CONSOLE


def about_words(vectors: str | Path, words: Sequence[str] | None) -> list[Command]:
    """The command that shows the neighbours of a word; none if no word can be typed.

    Args:
        vectors: a finished run, or a file.
        words: its words, those to be shown first.
    """
    word = next(filter(report.can_be_typed, words or ()), None)
    return [] if word is None else [("neighbors", vectors, word)]


def about_run(run: str | Path, words: Sequence[str], wanted: Sequence[str]) -> list[Command]:
    """The commands that show a word of a finished run; that inspect it, if no word can be typed.

    Args:
        words: of the run, the most frequent first.
        wanted: words of the config.
    """
    near = about_words(run, report.words_to_show(words, wanted))
    ladders = [("ladder", word, "--run", run) for _, _, word in near]
    return [*near, *ladders] or [("inspect_table", run)]
