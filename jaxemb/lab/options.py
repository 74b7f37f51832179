"""tyro, which reads command lines: every other module of the laboratory imports it from here."""

import builtins
import contextlib
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def _without_last_value() -> Iterator[None]:
    """Python's prompt keeps its last value as `builtins._`; here it is not there meanwhile.

    tyro, when it is imported, hashes all builtins, and a tuple of arrays has no hash.
    """
    names: Any = vars(builtins)
    nothing = object()
    last = names.pop("_", nothing)
    try:
        yield
    finally:
        if last is not nothing:
            names["_"] = last


with _without_last_value():
    import tyro as tyro
