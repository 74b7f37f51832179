"""Few of many combinations of parameters that contain every pair of values (a covering design)."""

import itertools
from collections.abc import Collection, Sequence
from typing import Any

import pytest


def design(rows: Sequence[Sequence[int]]) -> list[int]:
    """Return the indices of rows that contain every pair of values of any two columns.

    With two distinct columns, the rows contain every value of each, since every pair would need all
    rows; with one column, all values. Columns that partition the rows alike count as one. Greedy:
    the next row is the first of those that contain the most uncovered pairs.
    """
    if not rows or not rows[0]:
        return list(range(len(rows)))
    columns = list(dict.fromkeys(map(_numbered, zip(*rows, strict=True))))
    size = 2 if len(columns) > 2 else 1
    unseen = [
        frozenset(itertools.combinations(enumerate(row), size))
        for row in zip(*columns, strict=True)
    ]
    chosen = []
    while any(unseen):
        chosen.append(max(range(len(unseen)), key=lambda i: len(unseen[i])))
        seen = unseen[chosen[-1]]
        unseen = [pairs - seen for pairs in unseen]
    return sorted(chosen)


def first(count: int, values: Collection) -> list[Any]:
    """Parameters of which the first `count` run by default, the others only with --thorough."""
    return [value if i < count else _thorough(value) for i, value in enumerate(values)]


def every(step: int, values: Collection) -> list[Any]:
    """Parameters of which one of `step` runs by default, the others only with --thorough."""
    return [value if i % step == 0 else _thorough(value) for i, value in enumerate(values)]


def _thorough(value: Any) -> Any:
    if hasattr(value, "marks"):  # made by pytest.param
        return value._replace(marks=[*value.marks, pytest.mark.thorough])
    return pytest.param(value, marks=pytest.mark.thorough)


def _numbered(column: Sequence[int]) -> tuple[int, ...]:
    """Number the values of a column in the order in which they occur."""
    numbers = {value: i for i, value in enumerate(dict.fromkeys(column))}
    return tuple(numbers[value] for value in column)
