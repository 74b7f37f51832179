"""Subsampling of frequent words. Oracle: golden values of the two formulas."""

import numpy as np
import pytest

from jaxemb.errors import InputError
from jaxemb.functional import subsampling

# f/t -> probability to keep: sqrt(t/f) + t/f, and sqrt(t/f), at most 1
GOLDEN = {1: (1, 1), 2: (1, 0.707107), 3: (0.910684, 0.577350), 10: (0.416228, 0.316228)}


@pytest.mark.parametrize(("ratio", "kept"), GOLDEN.items())
def test_subsampling_follows_both_formulas(ratio, kept):
    counts = np.array([ratio * 1000, 1_000_000 - ratio * 1000])
    for rule, expected in zip(
        (subsampling.keep_word2vec, subsampling.keep_paper), kept, strict=True
    ):
        np.testing.assert_allclose(rule(counts, 1e-3)[0], expected, atol=1e-6)  # six digits


def test_nothing_is_thinned_out_up_to_2_618_of_the_threshold():
    edge = (3 + np.sqrt(5)) / 2  # where sqrt(1/r) + 1/r = 1
    counts = np.array([int(edge * 1e6) - 1, int(edge * 1e6) + 2000, 10**9 - int(2 * edge * 1e6)])
    keep = subsampling.keep_word2vec(counts, 1e-3)
    assert keep[0] == 1
    assert keep[1] < 1


def test_a_threshold_of_zero_keeps_everything():
    np.testing.assert_array_equal(subsampling.keep_word2vec(np.array([5, 1]), 0.0), 1.0)


def test_a_negative_threshold_is_refused():
    with pytest.raises(InputError, match="subsample is -1"):
        subsampling.keep_word2vec(np.array([3]), -1.0)
