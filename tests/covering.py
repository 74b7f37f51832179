"""A few of many combinations, in which every pair of values is met (a covering design)."""

import itertools
from collections.abc import Collection, Sequence
from typing import Any

import pytest


def design(rows: Sequence[Sequence[int]]) -> list[int]:
    """The places of rows that show together whatever occurs together in any two columns.

    Of two columns every value of each, for every pair of them would be all; of one, all. Columns
    that say the same of every row are one. Greedy: the row that shows most that is new comes next,
    the first of several.
    """
    if not rows or not rows[0]:
        return list(range(len(rows)))
    columns = list(dict.fromkeys(map(_numbered, zip(*rows, strict=True))))
    size = 2 if len(columns) > 2 else 1
    unseen = [
        frozenset(itertools.combinations(enumerate(row), size))
        for row in zip(*columns, strict=True)
    ]
    found = []
    while any(unseen):
        found.append(max(range(len(unseen)), key=lambda i: len(unseen[i])))
        seen = unseen[found[-1]]
        unseen = [each - seen for each in unseen]
    return sorted(found)


def first(count: int, values: Collection) -> list[Any]:
    """Of a list of parameters: the first by default, the others in the full form alone."""
    return [value if i < count else _thorough(value) for i, value in enumerate(values)]


def every(step: int, values: Collection) -> list[Any]:
    """Of a list of parameters: one of `step` by default, the others in the full form alone."""
    return [value if i % step == 0 else _thorough(value) for i, value in enumerate(values)]


def _thorough(value: Any) -> Any:
    if hasattr(value, "marks"):  # as pytest.param makes it
        return value._replace(marks=[*value.marks, pytest.mark.thorough])
    return pytest.param(value, marks=pytest.mark.thorough)


def _numbered(column: Sequence[int]) -> tuple[int, ...]:
    """Its values by the order in which they come."""
    numbers = {value: i for i, value in enumerate(dict.fromkeys(column))}
    return tuple(numbers[value] for value in column)
