"""A few of many combinations, so that every pair of values is met (a covering design)."""

import itertools
from collections.abc import Sequence


def design(rows: Sequence[Sequence[int]], strength: int = 2) -> list[int]:
    """The places of rows which show together all that occurs together in any `strength` columns.

    Of fewer columns than `strength`, every value of each. Greedy: the row that shows most that is
    new comes next, the first of several.
    """
    unseen = [_together(row, strength) for row in rows]
    found = []
    while any(unseen):
        best = max(range(len(rows)), key=lambda i: len(unseen[i]))
        found.append(best)
        seen = unseen[best]
        unseen = [each - seen for each in unseen]
    return sorted(found)


def _together(row: Sequence[int], strength: int) -> frozenset:
    """Which columns have which values."""
    strength = strength if len(row) > strength else 1
    return frozenset(itertools.combinations(enumerate(row), strength))
