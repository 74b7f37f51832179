"""Reports: values for programs as JSON, text for people as Markdown, and pictures."""

import importlib.util
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from jaxemb import files

INSTALL = "(Pictures need matplotlib: pip install 'jaxemb[plot]'.)\n"


def write(
    folder: str | Path,
    stem: str,
    values: Any,
    text: Callable[[str], str],
    draw: Callable[[], Sequence[str]] = lambda: (),
) -> str:
    """Write STEM.json, STEM.md and pictures; returns the Markdown.

    Args:
        folder: where the files go.
        stem: the name of the report.
        values: the measurements, as JSON values.
        text: a function from the Markdown of the pictures to the Markdown of the report.
        draw: draws into the folder and returns the names of the pictures. Called only where
            matplotlib is installed, so it may import a module called `pictures`.
    """
    folder = Path(folder)
    files.write_json(folder / f"{stem}.json", values)
    markdown = text(shown(draw))
    files.write_text(folder / f"{stem}.md", markdown)
    return markdown


def drawn(draw: Callable[[], Sequence[str]]) -> Sequence[str] | None:
    """The names of the pictures that `draw` makes; None where matplotlib is not installed."""
    return None if importlib.util.find_spec("matplotlib") is None else draw()


def shown(draw: Callable[[], Sequence[str]]) -> str:
    """Markdown that shows the pictures that `draw` makes, or that says how to get them."""
    names = drawn(draw)
    if names is None:
        return INSTALL
    return "".join(f"![{Path(name).stem}]({name})\n" for name in names)


def table(head: Sequence[str], rows: Iterable[Sequence[Any]], numbers: bool = False) -> str:
    """A Markdown table; a vertical bar within a cell is escaped.

    Args:
        head: the name of each column.
        rows: the cells of each row, as many as columns.
        numbers: whether columns are aligned to the right.
    """
    rule = ("---:|" if numbers else "---|") * len(head)
    lines = [(str(cell).replace("|", "\\|") for cell in row) for row in (head, *rows)]
    first, *rest = (f"| {' | '.join(line)} |" for line in lines)
    return "\n".join([first, f"|{rule}", *rest])
