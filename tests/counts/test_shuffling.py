"""Laws of cells in random order. Oracle: the cells themselves, sorted."""

import itertools

import numpy as np
import pytest

from jaxemb.counts import shuffling
from jaxemb.errors import InputError
from jaxemb.structs import Sparse

COUNT, SIZES = 1000, {"batch": 8, "run": 16, "runs": 7}  # 63 runs in 9 segments


def _cells() -> Sparse:
    """Ten cells a row; the value is the cell's number."""
    number = np.arange(COUNT, dtype=np.int32)
    return Sparse(number // 10, number % 10, 1.0 + number.astype(np.float32))


def _steps(steps: int = 5, **options) -> list[Sparse]:
    """The cells of every step that is no padding."""
    settings = {"seed": 0, "epochs": 1, **SIZES, **options}
    real = []
    for chunk in shuffling.chunks(_cells(), steps=steps, **settings):
        assert chunk.cells.values.shape == (steps, settings["batch"], 1)
        real += [Sparse(*(side[i] for side in chunk.cells)) for i in range(chunk.real)]
    return real


def _numbers(steps: list[Sparse]):
    """Which cells were read, in order; padding has the value 0."""
    values = np.concatenate([step.values[:, 0] for step in steps])
    return values[values > 0] - 1


def test_every_cell_comes_once_an_epoch_and_in_another_order_in_the_next():
    whole = _numbers(_steps(epochs=2))
    assert len(whole) == 2 * COUNT
    one, other = whole[:COUNT], whole[COUNT:]
    for epoch in (one, other):
        np.testing.assert_array_equal(np.sort(epoch), np.arange(COUNT))
    assert np.mean(one == other) < 0.05
    rows, columns, values = (np.concatenate(side)[:, 0] for side in zip(*_steps(), strict=True))
    real = values > 0
    np.testing.assert_array_equal(10 * rows[real] + columns[real], values[real] - 1)


def test_a_batch_reads_from_many_places():
    """A batch has many of the hundred rows, though a run has two and a segment only eleven."""
    steps = [step.rows[step.values > 0] for step in _steps()]
    assert np.mean([len(np.unique(rows)) for rows in steps]) > 6  # of eight
    assert np.mean([np.ptp(rows) for rows in steps]) > 50


def test_chunk_length_changes_no_step():
    whole = _steps(5)
    for steps in (1, 3, 1000):
        other = _steps(steps)
        assert len(other) == len(whole)
        for one, same in zip(whole, other, strict=True):
            np.testing.assert_array_equal(np.stack(one[:2]), np.stack(same[:2]))


def test_any_step_can_be_resumed_at():
    options = {"steps": 5, "seed": 3, "epochs": 2, **SIZES}
    whole = list(shuffling.chunks(_cells(), **options))
    for i, (before, after) in enumerate(itertools.pairwise(whole)):
        place = before.epoch, before.segment, before.first + before.real
        if before.ends_segment:
            place = after.epoch, after.segment, 0
        epoch, segment, first = place
        rest = shuffling.chunks(_cells(), epoch=epoch, segment=segment, first=first, **options)
        resumed = next(rest)
        np.testing.assert_array_equal(resumed.cells.values, after.cells.values)
        assert resumed.done == after.done
        assert len(whole) - i - 2 == len(list(rest))
    assert whole[-1].done == 1
    assert sum(chunk.trained for chunk in whole) == 2 * COUNT


def test_what_has_no_logarithm_is_refused():
    cells = _cells()
    for value, message in ((0, "holds 0.0"), (-1, "holds -1.0"), (np.nan, "nan"), (np.inf, "inf")):
        broken = cells._replace(values=np.where(cells.rows == 7, np.float32(value), cells.values))
        with pytest.raises(InputError, match=message):
            list(shuffling.chunks(broken, steps=5, seed=0, epochs=1, **SIZES))
    with pytest.raises(InputError, match="no cells"):
        list(shuffling.chunks(Sparse(*(x[:0] for x in cells)), steps=5, seed=0, epochs=1, **SIZES))
