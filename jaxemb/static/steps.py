"""How large a step a text bears: how much one step adds to the same row.

A step sums its updates. Where few words make up a text, a row takes hundreds of them at once, each
computed at the row's old value: together they overshoot, and the tables run away. Whether that
will happen is known from the words' shares of the text before anything is compiled.
"""

from typing import Any, NamedTuple

import numpy as np

from jaxemb.structs import Objective

# Learning rate x summed updates up to which skip-gram's tables were stable (40,000 to 200,000
# tokens, 5 epochs). Where frequencies follow Zipf's law they ran away at 23 to 25 in the row that
# takes most; where all words are equally frequent, at 9 in that of an average update, which is any.
MOST, MEAN = 20.0, 7.5
ONE_PAIR = 1.0  # a learning rate above it overshoots with a single pair: no step is small enough
SAFE = 0.5  # of those loads: what a smaller step is chosen for
CAP = 0.25  # docs/speed.md, "Large steps": the bound under which steps of any size were stable


class Load(NamedTuple):
    """Learning rate x the updates that one step is expected to sum in a row."""

    most: float  # of the row that takes most of them
    mean: float  # of the row of an average update

    @property
    def excess(self) -> float:
        """How many times too large the step is; at most 1 where it is stable."""
        return max(self.most / MOST, self.mean / MEAN)


class Step(NamedTuple):
    """The size of a step, and the bound on what it adds to a row."""

    batch: int  # blocks
    cap: float | None
    load: Load
    said: str | None  # what was changed, and why; None where nothing was


def chosen(
    objective: Objective,
    resources: Any,
    occurrences: Any,
    rate: float,
    batch: int,
    *,
    cap: float | None = None,
    multiple: int = 1,
) -> Step:
    """A step that the text bears: `batch` blocks; fewer, with a bound, where words repeat often.

    Of a text on which steps of `batch` blocks would run away, neighbours are only as good as those
    of smaller steps; and `CAP` bounds what is left of the danger at no cost that matters there. A
    cap that is given bounds steps of any size, so `batch` then stays.

    Args:
        resources: of `objective.prepare`.
        occurrences: of each word among those that are trained, after subsampling: [vocab].
        rate: the learning rate at its highest.
        batch: blocks in a step, at the most.
        cap: the bound that a user has set, if any.
        multiple: the number of blocks must be a multiple of it, for a mesh.
    """
    of_block = load(objective, resources, occurrences, rate)

    def of(blocks: int) -> Load:
        return Load(*(blocks * each for each in of_block))

    if cap is not None or rate > ONE_PAIR or of(batch).excess <= 1:
        return Step(batch, cap, of(batch), None)
    fewer = max(int(batch * SAFE / of(batch).excess) // multiple, 1) * multiple
    said = (
        f"the text repeats its words so often that steps of {batch:,} blocks run away: they are of "
        f"{fewer:,}, and cap is {CAP} (with a cap of your own they stay {batch:,})"
    )
    if of(fewer).excess > SAFE and (whole := objective.reads.block_length) > 1:
        shorter = max(int(whole * SAFE / of(fewer).excess), 1)
        said += f"; a step of one block still sums many updates: block_length={shorter} is safer"
    return Step(fewer, CAP, of(fewer), said)


def load(objective: Objective, resources: Any, occurrences: Any, rate: float) -> Load:
    """What a step of one block adds to the same row; arguments as in `chosen`."""
    shares = np.asarray(occurrences, np.float64) / np.sum(occurrences)
    of_rows = [np.asarray(rows) for rows in objective.load(resources, shares)]
    most = max((float(rows.max()) for rows in of_rows), default=0.0)
    mean = max((float(rows @ rows / rows.sum()) for rows in of_rows), default=0.0)
    block = rate * objective.reads.block_length
    return Load(block * most, block * mean)
