"""A Sphinx extension: pages that follow from the code, and the project's own files.

Into `docs/generated/`, which is not kept: the reference of every public name, the help of every
command, the fields of every config, and CONTRIBUTING.md and its neighbours.
"""

import dataclasses
import importlib
import inspect
import re
import types
from pathlib import Path
from typing import Any

import command_help
import config_fields
import kept
import public

ROOT = Path(__file__).parents[2]
GENERATED = ROOT / "docs" / "generated"
PROJECT = {
    "contributing": "CONTRIBUTING.md",
    "security": "SECURITY.md",
    "changelog": "CHANGELOG.md",
    "tests": "tests/README.md",
}


def setup(app: Any) -> dict[str, bool]:
    app.connect("builder-inited", _generate, priority=100)
    app.connect("source-read", _links)
    app.connect("autodoc-process-docstring", _docstring, priority=100)
    app.connect("autodoc-process-docstring", _field, priority=900)
    app.connect("autodoc-process-signature", _signature)
    app.connect("html-page-context", _language)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _generate(app: Any) -> None:
    texts = {f"commands/{name}.md": text for name, text in command_help.pages().items()}
    # after those: `_plain` takes from the classes what the command line reads
    texts |= {f"api/{page.module}.rst": _rst(page) for page in public.pages()}
    texts["fields.md"] = config_fields.sections()
    for name, path in PROJECT.items():
        texts[f"{name}.md"] = _project(path)
    GENERATED.mkdir(exist_ok=True)
    for old in GENERATED.rglob("*.*"):
        if old.relative_to(GENERATED).as_posix() not in texts:
            old.unlink()
    for name, text in texts.items():
        path = GENERATED / name
        path.parent.mkdir(exist_ok=True)
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")
    kept.fill(app.config.nb_execution_cache_path)


def _project(path: str) -> str:
    """A file of the project, with links as they are from `docs/generated`."""
    text = (ROOT / path).read_text("utf-8")
    folder = Path(path).parent

    def link(match: re.Match[str]) -> str:
        target = (folder / match[1]).as_posix()
        return f"](../../{target}{match[2] or ''})"

    return re.sub(r"\]\((?!https?:|#)([^)#\s]+)(#[^)\s]*)?\)", link, text)


def _links(app: Any, docname: str, source: list[str]) -> None:
    """Links to files of the project that are pages here, and to pages as seen from `generated`."""
    del app
    depth = "../" * docname.count("/")
    for name, path in PROJECT.items():
        source[0] = re.sub(
            rf"\]\((?:\.\./)+{re.escape(path)}(?=[)#])", f"]({depth}generated/{name}.md", source[0]
        )
    source[0] = source[0].replace("](../../docs/", "](../")


def _rst(page: public.Page) -> str:
    """The page of a module, in reStructuredText."""
    short = page.module.removeprefix("jaxemb.")
    lines = [f"``{short}``", "=" * (len(short) + 4), "", f".. module:: {page.module}", ""]
    lines += [*_doc(importlib.import_module(page.module)), ""]
    example = ROOT / "docs" / "reference" / "examples" / f"{page.module}.py"
    if example.exists():
        lines += [f".. literalinclude:: /reference/examples/{example.name}", "   :language: python"]
        lines += [""]
    if page.parts and page.module != "jaxemb":  # whose parts are the rooms
        lines += [".. toctree::", "   :maxdepth: 1", "", *(f"   {part}" for part in page.parts), ""]
    if page.elsewhere:
        lines += _table(page)
    for name in page.described:
        lines += [*_auto(page.module, name), ""]
    return "\n".join(lines) + "\n"


def _doc(module: Any) -> list[str]:
    lines = inspect.cleandoc(module.__doc__ or "").splitlines()
    _docstring(None, "module", module.__name__, module, None, lines)
    return lines


def _table(page: public.Page) -> list[str]:
    lines = [".. list-table::", "   :widths: auto", ""]
    for name, home in page.elsewhere:
        lines += [f"   * - :py:obj:`{name} <{home}>`"]
        value = getattr(importlib.import_module(page.module), name)
        first = inspect.cleandoc(getattr(value, "__doc__", None) or "").partition("\n\n")[0]
        text = first.splitlines() if callable(value) else [f"A {type(value).__name__}."]
        _docstring(None, "function", home, value, None, text)
        lines += [f"     - {' '.join(text)}"]
    return [*lines, ""]


def _auto(module: str, name: str) -> list[str]:
    value = getattr(importlib.import_module(module), name)
    full = f"{module}.{name}"
    if isinstance(value, type):
        if dataclasses.is_dataclass(value):
            _plain(value)
        kind = "autoexception" if issubclass(value, BaseException) else "autoclass"
        lines = [f".. {kind}:: {full}"]
        if (own := _members(value)) and kind == "autoclass":
            lines += [f"   :members: {', '.join(own)}", "   :undoc-members:"]
        return lines
    if callable(value):
        return [f".. autofunction:: {full}"]
    return [f".. py:data:: {full}", "", f"   A ``{type(value).__name__}``."]


def _plain(kind: type) -> None:
    """Make the annotations of a config those of its values, without what the command line reads."""
    for base in kind.__mro__[:-1]:
        for holder in (base, base.__init__):
            types_of = getattr(holder, "__annotations__", {})
            for name, value in types_of.items():
                types_of[name] = getattr(value, "__origin__", value) if _annotated(value) else value


def _annotated(value: Any) -> bool:
    return hasattr(value, "__metadata__")


def _members(kind: type) -> list[str]:
    """The members of a class that are described: its methods, and a dataclass's own fields.

    The fields of a NamedTuple stand in its signature, those of a config on a page of their own.
    """
    own = _has_fields(kind) and not kind.__module__.startswith("jaxemb.lab.")
    fields = list(inspect.get_annotations(kind)) if own else []
    methods = [
        name
        for name, value in vars(kind).items()
        if isinstance(value, property | types.FunctionType | classmethod) and value.__doc__
    ]
    return [name for name in (*fields, *methods) if name[0] != "_"]


def _signature(app, what, name, value, options, signature: str | None, returned: str | None):
    """Arrays by that name: an array of either library is Any to the program."""
    del app, what, name, value, options
    return tuple(part and re.sub(r"\[Any, '", "[Array, '", part) for part in (signature, returned))


def _has_fields(kind: type) -> bool:
    return dataclasses.is_dataclass(kind) and "Attributes:" not in (kind.__doc__ or "")


def _docstring(app, what, name, value, options, lines: list[str]) -> None:
    """Make a docstring reStructuredText: what stands between backticks is code, all else is text.

    A paragraph that is indented deeper than the one before it, or whose lines are, is shown as it
    is; "name: text" in several lines is a list.
    """
    del app, value, options
    if what == "attribute":
        _FIELDS[name], lines[:] = [*map(_escaped, lines)], ["-"]
        return
    made: list[str] = []
    section = ""
    for paragraph in _paragraphs(lines):
        first = paragraph[0]
        indent, inside = _indent(first), bool(section)
        if _HEADER.fullmatch(first):
            section, inside = first, True
            made += _listed(paragraph, section)
        elif indent == 0 and not any(map(_indent, paragraph)):
            section = ""
            made += map(_escaped, paragraph)
        elif inside and indent < 8:
            made += _listed(paragraph, section)
        else:
            shift = "" if indent else "    "
            made += [f"{' ' * max(indent - 4, 0)}::", "", *(shift + line for line in paragraph)]
        made.append("")
    lines[:] = made[:-1]


_FIELDS: dict[str, list[str]] = {}


def _field(app, what, name, value, options, lines: list[str]) -> None:
    """The text of a field as it is: napoleon would take what stands before a colon for a type."""
    del app, value, options
    if what == "attribute":
        lines[:] = _FIELDS.pop(name, lines)


_HEADER = re.compile(r"(Args|Returns|Yields|Raises|Source|Warns|Attributes):")


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _paragraphs(lines: list[str]) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    for line in lines:
        if line.strip():
            parts[-1].append(line)
        elif parts[-1]:
            parts.append([])
    return [part for part in parts if part]


def _listed(paragraph: list[str], section: str) -> list[str]:
    """Lines of a section, in which names below a name, or below Returns, are items of a list."""
    made: list[str] = []
    level = 4 if section.startswith(("Returns", "Yields")) else 8
    items = [line for line in paragraph if re.match(rf" {{{level}}}\w+: ", line)]
    for line in paragraph:
        if len(items) > 1 and line in items:
            if line is items[0]:
                made += ["    Values by name."] * (level == 4) + [""]
            made.append(" " * level + "* " + _escaped(line.lstrip()))
        elif len(items) > 1 and line not in items and _indent(line) == level + 4:
            made.append(" " * (level + 2) + _escaped(line.lstrip()))
        else:
            made.append(_escaped(line))
    return made


def _escaped(line: str) -> str:
    parts = re.split(r"(`[^`]*`)", line)
    for i in range(0, len(parts), 2):
        parts[i] = re.sub(r"([*|\\])|(?<=\w)_(?!\w)", lambda m: f"\\{m[0]}", parts[i])
    for i in range(1, len(parts), 2):
        # a literal may not stand against a letter
        parts[i] = f"`{parts[i]}`" + ("\\ " if parts[i + 1][:1].isalnum() else "")
    return "".join(parts)


def _language(app: Any, pagename: str, templatename: str, context: dict[str, Any], tree: Any):
    del app, templatename, tree
    if pagename.startswith("zh/"):
        context["language"] = "zh-CN"
