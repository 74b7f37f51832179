"""What `jaxemb NAME --help` prints, as pages of the reference."""

import contextlib
import io
import os
import sys
from collections.abc import Iterator

from jaxemb.lab import command, shipped

WIDTH = 80  # characters, which fit the column of text
ENVIRONMENT = {"COLUMNS": str(WIDTH), "NO_COLOR": "1", "TERM": "xterm"}


def pages() -> dict[str, str]:
    """The page of every command, by its name; `jaxemb` is that of the program itself."""
    names = ["jaxemb", *shipped.commands()]
    return {name: page(name) for name in names}


def page(name: str) -> str:
    """The page of a command, in Markdown."""
    typed = "jaxemb --help" if name == "jaxemb" else f"jaxemb {name} --help"
    title = "`jaxemb`" if name == "jaxemb" else f"`jaxemb {name}`"
    return f"# {title}\n\n    {typed}\n\n```text\n{printed(name)}```\n"


def printed(name: str) -> str:
    """What the program prints when its help is asked, at `WIDTH` characters a line."""
    arguments = [] if name == "jaxemb" else [name]
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, "utf-8", newline="\n")
    ended = contextlib.suppress(SystemExit)
    with _as_typed(["jaxemb", *arguments, "--help"]), contextlib.redirect_stdout(out), ended:
        command.main()
    out.flush()
    return "\n".join(line.rstrip() for line in raw.getvalue().decode().splitlines()) + "\n"


@contextlib.contextmanager
def _as_typed(arguments: list[str]) -> Iterator[None]:
    """A terminal of `WIDTH` characters, without colours, in which this command is typed."""
    before = sys.argv, dict(os.environ)
    sys.argv = arguments
    os.environ.update(ENVIRONMENT)
    try:
        yield
    finally:
        sys.argv = before[0]
        os.environ.clear()
        os.environ.update(before[1])
