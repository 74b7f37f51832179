"""Sums over segments. Oracles: NumPy's add.at; a dict of first places."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxemb.errors import InputError
from jaxemb.linalg import segment_sums
from tests import covering
from tests.rounding import SUM, close

ARRAYS = pytest.mark.parametrize("xp", [np, jnp], ids=["host", "device"])
SEEDS = pytest.mark.parametrize("seed", covering.first(1, range(3)))


def _given(seed: int):
    random = np.random.default_rng(seed)
    ids = np.append(random.integers(-1, 5, 30), [0, 4]).astype(np.int32)  # the first and the last
    return random.normal(size=(32, 3)).astype(np.float32), ids


@ARRAYS
@SEEDS
def test_a_segment_has_the_sum_and_the_number_of_its_rows_and_padding_none(xp, seed):
    values, ids = _given(seed)
    total, number = np.zeros((7, 3)), np.zeros(7, int)
    np.add.at(total, ids[ids >= 0], values[ids >= 0])
    np.add.at(number, ids[ids >= 0], 1)
    close(segment_sums.sums(xp.asarray(values), xp.asarray(ids), 7), total, ulps=SUM)
    np.testing.assert_array_equal(segment_sums.counts(xp.asarray(ids), 7), number)


@ARRAYS
@SEEDS
def test_a_segments_first_row_is_where_it_is_met_first(xp, seed):
    _, ids = _given(seed)
    expected = {
        segment: i for i, segment in reversed(list(enumerate(ids.tolist()))) if segment >= 0
    }
    first = np.asarray(segment_sums.first_rows(xp.asarray(ids), 7))
    assert {segment: first[segment] for segment in expected} == expected


def test_a_segment_beyond_the_last_is_refused_on_the_host():
    values, ids = _given(0)
    segment_sums.sums(values, ids, 5)
    for ask in (lambda: segment_sums.sums(values, ids, 4), lambda: segment_sums.counts(ids, 4)):
        with pytest.raises(InputError, match="segment 4, but there are 4, counted from 0"):
            ask()
