"""The fields of every config, as sections of a page, made from the classes."""

import ast
import dataclasses
import inspect
import textwrap
from typing import Any

from jaxemb import lab
from jaxemb.files import function_name
from jaxemb.lab import shipped

BAR = r"\|"  # in a cell of a table


def classes() -> list[type]:
    """The classes of `jaxemb.lab`: configs first, then their parts."""
    kinds = [getattr(lab, name) for name in lab.__all__]
    return sorted(kinds, key=lambda kind: not kind.__name__.endswith("Config"))


def sections() -> str:
    """A section for every class, in Markdown."""
    return "\n".join(map(_section, classes()))


def fields(kind: Any) -> list[tuple[str, str, str]]:
    """Every field of a class, inherited ones too, as (name, default, meaning)."""
    meanings = _meanings(kind)
    return [
        (f.name + "*" * bool(f.metadata.get("changes_nothing")), _default(f), meanings[f.name])
        for f in dataclasses.fields(kind)
    ]


def _section(kind: type) -> str:
    lines = [f"## {kind.__name__}", "", (kind.__doc__ or "").partition("\n\n")[0], ""]
    if typed := shipped.commands_of(kind):
        lines += ["Taken by " + ", ".join(f"`{name}`" for name in typed) + ".", ""]
    lines += ["| field | default | meaning |", "|---|---|---|"]
    for name, default, meaning in fields(kind):
        cells = f"`{name}`", default, meaning
        lines.append(f"| {' | '.join(cell.replace('|', BAR) for cell in cells)} |")
    return "\n".join([*lines, ""])


def _meanings(kind: type) -> dict[str, str]:
    """The text below each field, in the class that is nearest; "" where there is none."""
    texts: dict[str, str] = {}
    for base in reversed(kind.__mro__[:-1]):
        [tree] = ast.parse(textwrap.dedent(inspect.getsource(base))).body
        assert isinstance(tree, ast.ClassDef)
        for node, below in zip(tree.body, [*tree.body[1:], ast.Pass()], strict=True):
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                name = node.target.id
                texts[name] = _string(below) or texts.get(name, "")
    return texts


def _string(node: ast.stmt) -> str:
    """The text of a statement that is a string; "" of any other."""
    value = node.value if isinstance(node, ast.Expr) else None
    text = value.value if isinstance(value, ast.Constant) else ""
    return " ".join(text.split()) if isinstance(text, str) else ""


def _default(field: Any) -> str:
    value = field.default
    if field.default_factory is not dataclasses.MISSING:
        value = field.default_factory()
    if value is dataclasses.MISSING:
        return "wanted"
    if dataclasses.is_dataclass(value):
        return f"`{type(value).__name__}()`"
    return f"`{function_name(value) if callable(value) else repr(value)}`"
