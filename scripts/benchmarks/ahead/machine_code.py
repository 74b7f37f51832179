"""What an NVIDIA program's assembly (PTX) says of writes that may collide."""

import re
from collections import Counter

_ATOMIC = re.compile(r"\b(?:atom|red)\.[\w.:]+")
# the sorts of atomic writes, the slowest under collisions first
SORTS = ("compare-and-swap", "single", "vector")


def atomics(text: str) -> dict[str, int]:
    """How many atomic writes to the large memory are compare-and-swap, single or vector additions.

    A compare-and-swap is a loop: threads that write one address wait for each other, turn by turn.
    """
    sorts: Counter[str] = Counter()
    for name in _ATOMIC.findall(text):
        if ".shared" in name:
            continue
        vector = re.search(r"\.v\d|x2", name)
        sorts["compare-and-swap" if ".cas" in name else "vector" if vector else "single"] += 1
    return {sort: sorts[sort] for sort in SORTS if sorts[sort]}
