"""Any number of cells in random order: host NumPy, pure in (seed, epoch, segment).

Cells are stored by row, so that adjacent cells belong to one word. They are cut into runs of
adjacent cells. In every epoch the runs are shuffled, and then the cells within each segment of many
runs, so that a batch has cells from many places, in bounded memory.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from jaxemb.errors import InputError
from jaxemb.structs import Sparse

RUN = 1 << 12  # cells read together: 48 kB
SEGMENT = 1 << 10  # runs shuffled together: at 12 bytes a cell 50 MB


class Chunk(NamedTuple):
    """The cells of some steps of one segment; steps beyond `real`, and values 0, are padding."""

    cells: Sparse  # each [steps, batch, 1]: a batch of blocks of one cell
    real: int  # steps
    trained: int  # cells
    epoch: int
    segment: int
    first: int  # step of the segment that the chunk begins with
    done: float  # share of all epochs after this chunk
    ends_segment: bool
    ends_epoch: bool


def chunks(
    cells: Sparse,
    *,
    batch: int,
    steps: int,
    epochs: int,
    seed: int,
    epoch: int = 0,
    segment: int = 0,
    first: int = 0,
    run: int = RUN,
    runs: int = SEGMENT,
) -> Iterator[Chunk]:
    """Every cell once an epoch, in random order, in chunks of up to `steps` steps.

    The steps are the same for any chunk length, and for any step that it begins with.

    Args:
        cells: in memory, or memory-mapped.
        batch: cells of a step.
        epoch, segment, first: where to begin: at step `first` of a segment of an epoch.
        run, runs: cells of a run, and runs of a segment; the order depends on them and on the seed.

    Raises:
        InputError: no cells; a count that is not finite and above 0: it has no logarithm.
    """
    total = len(cells.values)
    if not total:
        raise InputError("no cells: no two words meet in any window, there is nothing to train on")
    segments = -(-total // (run * runs))
    for number in range(epoch * segments + segment, epochs * segments):
        epoch, segment = divmod(number, segments)
        shuffled = _segment(cells, seed, epoch, segment, run, runs)
        of_segment = -(-len(shuffled.values) // batch)
        for start in range(first, of_segment, steps):
            real = min(steps, of_segment - start)
            part = slice(start * batch, (start + steps) * batch)
            padded = Sparse(*(_padded(side[part], steps, batch) for side in shuffled))
            trained = len(shuffled.values[part])
            done = (number + (start + real) / of_segment) / (epochs * segments)
            ends = start + real == of_segment
            last = ends and segment + 1 == segments
            yield Chunk(padded, real, trained, epoch, segment, start, done, ends, last)
        first = 0


def _segment(cells: Sparse, seed: int, epoch: int, segment: int, run: int, runs: int) -> Sparse:
    """The cells of one segment, in the order in which they are trained."""
    total = len(cells.values)
    order = _random(seed, epoch, 0, purpose=0).permutation(-(-total // run))
    mine = order[segment * runs : (segment + 1) * runs] * run
    read = [Sparse(*(np.asarray(side[start : start + run]) for side in cells)) for start in mine]
    gathered = Sparse(*(np.concatenate(parts) for parts in zip(*read, strict=True)))
    if not (np.isfinite(gathered.values).all() and gathered.values.min() > 0):
        bad = gathered.values[~(np.isfinite(gathered.values) & (gathered.values > 0))][0]
        raise InputError(f"a cell holds {bad}; GloVe takes counts, which are finite and above 0")
    shuffle = _random(seed, epoch, segment, purpose=1).permutation(len(gathered.values))
    return Sparse(*(side[shuffle] for side in gathered))


def _padded(side: Any, steps: int, batch: int):
    filled = np.zeros((steps * batch, 1), side.dtype)
    filled[: len(side), 0] = side
    return filled.reshape(steps, batch, 1)


def _random(seed: int, epoch: int, segment: int, purpose: int) -> np.random.Generator:
    return np.random.Generator(
        np.random.Philox(np.random.SeedSequence((seed, epoch, segment, purpose)))
    )
