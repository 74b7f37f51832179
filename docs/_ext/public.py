"""Which names are public, and on which page of the reference each of them is described."""

import ast
import importlib
import inspect
import types
from collections.abc import Iterator
from typing import Any, NamedTuple

# the order in which a reader meets them
ROOMS = (
    *("functional", "linalg", "text", "formats", "static", "counts", "training", "contextual"),
    *("embedders", "evaluation", "lab"),
)
DOORS = ("jaxemb", *(f"jaxemb.{room}" for room in ROOMS))
LOOSE = ("jaxemb.structs", "jaxemb.errors")  # modules of the package that are no room


class Page(NamedTuple):
    """A page of the reference: a module, and what a reader finds there."""

    module: str
    described: tuple[str, ...]  # names that are described here
    elsewhere: tuple[tuple[str, str], ...]  # (name here, full name where it is described)
    parts: tuple[str, ...]  # modules that have a page of their own


def doors() -> Iterator[tuple[str, str]]:
    """Every public name as (module of the door, name): of the package, and of each room."""
    for module in DOORS:
        yield from ((module, name) for name in importlib.import_module(module).__all__)


def pages() -> list[Page]:
    """Every page: the front door, the rooms, and the modules that their doors show.

    A name that several doors show is described once: in the module that defines it if that has a
    page, else in the room.
    """
    modules = dict.fromkeys(DOORS)
    for module in (*DOORS, *LOOSE):
        modules |= dict.fromkeys([module, *_parts(module)])
        for part in _parts(module):
            modules |= dict.fromkeys(_parts(part))
    homes: dict[int, str] = {}
    for module in modules:  # the last one wins: modules come after the doors that show them
        for name in _names(module):
            value = _value(module, name)
            if _defines(module, value) or id(value) not in homes or homes[id(value)] == "jaxemb":
                homes[id(value)] = f"{module}.{name}"
    return [_page(module, homes) for module in modules]


def _page(module: str, homes: dict[int, str]) -> Page:
    described, elsewhere = [], []
    for name in _names(module):
        home = homes[id(_value(module, name))]
        if home == f"{module}.{name}":
            described.append(name)
        else:
            elsewhere.append((name, home))
    return Page(module, tuple(described), tuple(elsewhere), tuple(_parts(module)))


def _defines(module: str, value: Any) -> bool:
    return getattr(value, "__module__", None) == module


def _parts(module: str) -> list[str]:
    """Full names of the modules that a module shows."""
    shown = (_value(module, name) for name in _shown(module))
    return [value.__name__ for value in shown if isinstance(value, types.ModuleType)]


def _names(module: str) -> list[str]:
    """The public names of a module that are no modules."""
    return [n for n in _shown(module) if not isinstance(_value(module, n), types.ModuleType)]


def _shown(module: str) -> list[str]:
    here = importlib.import_module(module)
    if "__all__" in vars(here):
        return list(here.__all__)
    body = ast.parse(inspect.getsource(here)).body
    kinds = (ast.FunctionDef, ast.ClassDef)
    return [node.name for node in body if isinstance(node, kinds) and node.name[0] != "_"]


def _value(module: str, name: str) -> Any:
    return getattr(importlib.import_module(module), name)
