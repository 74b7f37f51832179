"""JSON in which every key stands once; Python's reader would keep the last in silence."""

import json
from pathlib import Path
from typing import Any

from jaxemb.errors import FormatError


def loads(path: Path, text: str, **hooks: Any) -> Any:
    """What JSON says.

    Raises:
        FormatError: a key that stands twice in one object.
        ValueError, RecursionError: no JSON, as `json.loads` has it.
    """

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in pairs]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise FormatError(path, f"{twice:.80}", "the key twice", "every key once")
        return dict(pairs)

    return json.loads(text, object_pairs_hook=once, **hooks)
