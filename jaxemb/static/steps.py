"""The largest stable step for a text, from the number of updates that one step adds to a row.

A step sums its updates. If a text has few words, a step adds hundreds of updates to one row, each
computed at the row's old value: together they overshoot, and training diverges. The words' shares
of the text predict this before anything is compiled.
"""

from typing import Any, NamedTuple

import numpy as np

from jaxemb.structs import Objective

# Learning rate x summed updates up to which skip-gram was stable (40,000 to 200,000 tokens, 5
# epochs). With Zipf's frequencies it diverged at 23 to 25 in the row of most updates; with equally
# frequent words, at 9 in the row of an average update, which is any row.
MOST, MEAN = 20.0, 7.5
ONE_PAIR = 1.0  # a higher learning rate overshoots with a single pair: no step is small enough
SAFE = 0.5  # the share of MOST and MEAN that a smaller step is chosen to load
CAP = 0.25  # with this max row update, steps of any size were stable: docs/speed.md, "Large steps"


class Load(NamedTuple):
    """Learning rate x the expected number of updates that one step adds to a row."""

    most: float  # for the row of most updates
    mean: float  # for the row of an average update

    @property
    def excess(self) -> float:
        """The load relative to the largest stable load: at most 1 if the step is stable."""
        return max(self.most / MOST, self.mean / MEAN)


class Step(NamedTuple):
    """The size of a step, and the bound on its update of a row."""

    batch: int  # blocks
    cap: float | None  # the largest Euclidean norm of the update of a row
    load: Load
    message: str | None  # what was changed and why; None if nothing was


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
    """A stable step for a text: `batch` blocks, or fewer and a cap where words repeat often.

    Where steps of `batch` blocks would diverge, smaller steps are needed for good neighbours, and
    `CAP` covers the remaining risk at no cost that matters there. A given cap makes steps of any
    size stable, so that `batch` stays.

    Args:
        resources: from `objective.prepare`.
        occurrences: [vocab], how often each word is trained on, after subsampling.
        rate: the highest learning rate.
        batch: the largest number of blocks in a step.
        cap: the user's bound on the update of a row, if any.
        multiple: the number of blocks must be a multiple of this, for a mesh.
    """
    of_block = load(objective, resources, occurrences, rate)

    def load_of(blocks: int) -> Load:
        return Load(*(blocks * updates for updates in of_block))

    if cap is not None or rate > ONE_PAIR or load_of(batch).excess <= 1:
        return Step(batch, cap, load_of(batch), None)
    fewer = max(int(batch * SAFE / load_of(batch).excess) // multiple, 1) * multiple
    message = (
        f"the text is small: with batch={batch:,} a step would change the same vectors so often "
        f"that they grow without end, so batch is {fewer:,}, and a step moves a vector by {CAP} at "
        f"most; a cap of your own keeps batch={batch:,}"
    )
    if load_of(fewer).excess > SAFE and (whole := objective.reads.block_length) > 1:
        shorter = max(int(whole * SAFE / load_of(fewer).excess), 1)
        message += (
            f"; a block of {whole} words is long for this text: block_length={shorter} is safer"
        )
    return Step(fewer, CAP, load_of(fewer), message)


def load(objective: Objective, resources: Any, occurrences: Any, rate: float) -> Load:
    """The load of a step of one block; arguments as in `chosen`."""
    shares = np.asarray(occurrences, np.float64) / np.sum(occurrences)
    of_rows = [np.asarray(rows) for rows in objective.load(resources, shares)]
    most = max((float(rows.max()) for rows in of_rows), default=0.0)
    mean = max((float(rows @ rows / rows.sum()) for rows in of_rows), default=0.0)
    block = rate * objective.reads.block_length
    return Load(block * most, block * mean)
