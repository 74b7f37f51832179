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
    app.connect("html-page-context", _language)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _generate(app: Any) -> None:
    texts = {f"api/{page.module}.rst": _rst(page) for page in public.pages()}
    texts |= {f"commands/{name}.md": text for name, text in command_help.pages().items()}
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
    if page.parts:
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
        kind = "autoexception" if issubclass(value, BaseException) else "autoclass"
        lines = [f".. {kind}:: {full}"]
        if (own := _members(value)) and kind == "autoclass":
            lines += [f"   :members: {', '.join(own)}", "   :undoc-members:"]
        return lines
    if callable(value):
        return [f".. autofunction:: {full}"]
    return [f".. py:data:: {full}", "", f"   A ``{type(value).__name__}``."]


def _members(kind: type) -> list[str]:
    """The members of a class that are described: its methods, and a dataclass's own fields.

    The fields of a NamedTuple stand in its signature.
    """
    fields = list(inspect.get_annotations(kind)) if dataclasses.is_dataclass(kind) else []
    methods = [
        name
        for name, value in vars(kind).items()
        if isinstance(value, property | types.FunctionType | classmethod) and value.__doc__
    ]
    return [name for name in (*fields, *methods) if name[0] != "_"]


def _docstring(app, what, name, value, options, lines: list[str]) -> None:
    """Make a docstring reStructuredText: what stands between backticks is code, all else is text.

    A paragraph that is indented deeper than the one before it is shown as it is.
    """
    del app, what, name, value, options
    made: list[str] = []
    literal = None
    for line in lines:
        indent = len(line) - len(line.lstrip())
        if literal is not None and line.strip() and indent < literal:
            literal = None
        before = next((x for x in reversed(made) if x.strip()), "")
        deeper = indent >= 4 + len(before) - len(before.lstrip())
        begins = made and not made[-1].strip() and deeper and not before.rstrip().endswith("::")
        if literal is None and line.strip() and before and begins:
            literal = indent
            at = " " * (indent - 4)
            made += [f"{at}::", ""]
        made.append(line if literal is not None else _escaped(line))
    lines[:] = made


def _escaped(line: str) -> str:
    parts = re.split(r"(`[^`]*`)", line)
    for i in range(0, len(parts), 2):
        parts[i] = re.sub(r"([*|\\])|(?<=\w)_(?!\w)", lambda m: f"\\{m[0]}", parts[i])
    for i in range(1, len(parts), 2):
        parts[i] = f"`{parts[i]}`"
    # a literal may not stand against a letter
    return re.sub(r"(``[^`]+``)(?=\w)", r"\1\\ ", "".join(parts))


def _language(app: Any, pagename: str, templatename: str, context: dict[str, Any], tree: Any):
    del app, templatename, tree
    if pagename.startswith("zh/"):
        context["language"] = "zh-CN"
