"""Reports: values for programs as JSON, text for people as Markdown, and pictures."""

import importlib.util
import itertools
import re
import textwrap
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from jaxemb import files

SHOWN = 5  # words whose neighbours are shown, if none are wanted
FREQUENT = 200  # the first words are function words: the shown ones come from beyond them
SOURCE = "source.txt"  # in the folder of a report on a file: its path
WIDTH = 100  # of a line of a list
_GLUE = "\0"  # a space at which no line is broken
_BEFORE_A_NUMBER = re.compile(r" +(?=[(\[]?[+-]?\d)")
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
    markdown = wrapped(text(shown(draw)))
    files.write_text(folder / f"{stem}.md", markdown)
    return markdown


def wrapped(markdown: str) -> str:
    """Markdown whose items of lists are broken anew, so that no line begins with a number.

    A number stays in the line of the word before it, which says what it measures.
    """
    items: list[str] = []
    for line in markdown.split("\n"):
        if line.startswith("  ") and items and items[-1].startswith("- "):
            items[-1] += " " + line.strip()
        else:
            items.append(line)
    return "\n".join(_filled(item) if item.startswith("- ") else item for item in items)


def _filled(item: str) -> str:
    glued = _BEFORE_A_NUMBER.sub(_GLUE, item)
    lines = textwrap.wrap(
        glued, WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )
    return "\n".join(lines).replace(_GLUE, " ")


def folder_of(kind: str, sources: Sequence[str], *names: str) -> Path:
    """Make the folder of a report on files or runs: runs/KIND/NAME, by the first name that is free.

    A folder is free that holds nothing, or a report on the same files.

    Args:
        sources: what is reported on, as the user typed it.
        names: for the folder; further ones get a number.

    Raises:
        InputError: the folder cannot be written to.
    """
    paths = (str(Path(path).resolve()) if Path(path).exists() else path for path in sources)
    noted = "".join(f"{path}\n" for path in paths)
    numbered = (f"{names[-1]}-{i}" for i in itertools.count(2))
    candidates = (Path("runs", kind, name) for name in itertools.chain(names, numbered))
    folder = files.writable(next(path for path in candidates if _is_free(path, noted)))
    files.write_text(folder / SOURCE, noted)
    return folder


def _is_free(folder: Path, noted: str) -> bool:
    if (folder / SOURCE).is_file():
        return files.read_text(folder / SOURCE) == noted
    return not folder.exists() or not any(folder.iterdir())


def drawn(draw: Callable[[], Sequence[str]]) -> Sequence[str] | None:
    """The names of the pictures that `draw` makes; None where matplotlib is not installed."""
    return None if importlib.util.find_spec("matplotlib") is None else draw()


def shown(draw: Callable[[], Sequence[str]]) -> str:
    """Markdown that shows the pictures that `draw` makes, or that says how to get them."""
    names = drawn(draw)
    if names is None:
        return INSTALL
    return "".join(f"![{Path(name).stem}]({name})\n" for name in names)


def words_to_show(words: Sequence[str], wanted: Sequence[str] = ()) -> list[str]:
    """The wanted words that are known; a frequent word in the place of each of the others.

    Args:
        words: all that are known, the most frequent first.
        wanted: by default `SHOWN` frequent ones.
    """
    known = set(words)
    shown = [word for word in dict.fromkeys(wanted) if word in known]
    start = min(FREQUENT, len(words) // 2)
    order = itertools.chain(itertools.islice(words, start, None), itertools.islice(words, start))
    others = (word for word in order if word not in shown and can_be_typed(word))
    missing = len(dict.fromkeys(wanted)) - len(shown) if wanted else SHOWN
    return [*shown, *itertools.islice(others, missing)]


def can_be_typed(word: str) -> bool:
    """Whether a shell and a command line take a word as it is, in quotes where it needs them."""
    return word.isprintable() and not word.startswith("-") and bool(word)


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
