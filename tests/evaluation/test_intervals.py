"""Intervals and tests. Oracles: scipy; the normal approximation; identities."""

import numpy as np
import pytest
import scipy.stats

from jaxemb.evaluation import intervals


def _two(items: int, share: float = 0.6, seed: int = 0):
    random = np.random.default_rng(seed)
    left = random.normal(size=items)
    return left, share * left + random.normal(size=items)


@pytest.mark.parametrize("levels", [None, 4])
def test_correlations_are_scipys_ties_too(levels):
    left, right = _two(50)
    if levels:
        left, right = np.round(left * levels / 8), np.round(right * levels / 8)
    for ours, theirs in (
        (intervals.pearson, scipy.stats.pearsonr),
        (intervals.spearman, scipy.stats.spearmanr),
    ):
        np.testing.assert_allclose(ours(left, right), theirs(left, right)[0], rtol=1e-12)


def test_the_interval_is_fishers_for_normal_values():
    left, right = _two(400)
    estimate = intervals.correlation(intervals.pearson, left, right)
    z = np.arctanh(estimate.value) + np.array([-1, 1]) * 1.96 / np.sqrt(397)
    np.testing.assert_allclose([estimate.low, estimate.high], np.tanh(z), atol=0.02)  # 1,000 draws


def test_the_interval_of_a_share_is_that_of_items_drawn_again():
    right = np.arange(300) % 5 == 0
    estimate = intervals.share(right)
    drawn = intervals.resampled(lambda x: x.mean(axis=-1), right.astype(float))
    np.testing.assert_allclose(estimate[1:], np.quantile(drawn, [0.025, 0.975]), atol=0.01)
    assert estimate.value == 0.2


def test_batches_of_draws_have_the_same_interval(monkeypatch):
    left, right = _two(200)
    whole = intervals.correlation(intervals.spearman, left, right)
    monkeypatch.setattr(intervals, "ENTRIES", 200 * 300)
    parts = intervals.correlation(intervals.spearman, left, right)
    np.testing.assert_allclose(whole, parts, atol=0.03)


def test_nothing_asked_is_no_number():
    none, one = np.zeros(0), np.ones(1)
    assert np.isnan(intervals.correlation(intervals.spearman, one, one)).all()
    assert np.isnan(intervals.share(none.astype(bool))).all()
    assert np.isnan(intervals.correlation(intervals.pearson, np.ones(9), np.arange(9.0))).all()


def test_two_items_have_a_difference_and_one_has_none():
    def difference(n: int):
        return intervals.correlation_difference(
            intervals.pearson, np.arange(n) * 1.0, -np.arange(n) * 1.0, np.arange(n) * 1.0
        )

    assert difference(2).value == 2.0  # correlations 1 and -1
    assert np.isnan(difference(1).value)


def test_a_table_does_not_differ_from_itself_and_a_better_one_does():
    human, good = _two(300)
    bad = _two(300, share=0.1, seed=1)[1]
    same = intervals.correlation_difference(intervals.spearman, good, good, human)
    assert (same.value, same.low, same.high, same.p) == (0, 0, 0, 1)
    better = intervals.correlation_difference(intervals.spearman, good, bad, human)
    worse = intervals.correlation_difference(intervals.spearman, bad, good, human)
    assert better.low > 0
    assert better.p < 0.01
    np.testing.assert_allclose(better[:3], [-worse.value, -worse.high, -worse.low], atol=1e-12)


def test_p_is_evenly_spread_where_tables_are_alike():
    """Two tables of equal quality: p is uniform, as far as 100 tests can tell."""
    p_values = []
    for seed in range(100):
        random = np.random.default_rng(seed)
        human = random.normal(size=60)
        one, other = human + random.normal(size=(2, 60))
        p_values.append(
            intervals.correlation_difference(intervals.pearson, one, other, human, seed).p
        )
    assert abs(np.mean(p_values) - 0.5) < 3 * np.sqrt(1 / 12 / 100)
    assert 0.02 < np.mean(np.array(p_values) < 0.1) < 0.2


def test_right_and_wrong_are_compared_by_mcnemar_exactly():
    first, second = (
        np.array([1, 1, 1, 1, 1, 0, 1, 0], bool),
        np.array([0, 0, 0, 0, 0, 1, 1, 0], bool),
    )
    difference = intervals.share_difference(first, second)
    assert difference.value == 0.5
    assert difference.items == 8
    np.testing.assert_allclose(difference.mcnemar, 2 * (1 + 6) / 2**6)  # 0 or 1 heads or tails of 6
    same = intervals.share_difference(first, first)
    assert (same.value, same.p, same.mcnemar) == (0, 1, 1)


@pytest.mark.parametrize("only", [(40, 0), (0, 40), (30, 10), (5, 90)])
def test_the_interval_of_a_difference_of_shares_is_walds(only):
    """value -+ 1.96 sqrt(b + c - (b - c)^2 / n) / n, up to a tenth of its width: 1,000 resamples"""
    items, places = 400, np.arange(400)
    first, second = places < only[0], (places >= only[0]) & (places < sum(only))
    difference = intervals.share_difference(first, second)
    value = (only[0] - only[1]) / items
    half = 1.96 * np.sqrt(sum(only) - (only[0] - only[1]) ** 2 / items) / items
    assert difference.value == value
    np.testing.assert_allclose(
        [difference.low, difference.high], [value - half, value + half], atol=half / 5
    )


@pytest.mark.parametrize("items", [1, 2, 10, 353])
def test_a_share_of_items_that_are_alike_has_wilsons_interval(items):
    """The ends p solve |share - p| = 1.96 sqrt(p (1 - p) / items), as scipy has them."""
    for right in (np.ones(items, bool), np.zeros(items, bool)):
        estimate = intervals.share(right)
        wilson = scipy.stats.binomtest(int(right.sum()), items).proportion_ci(0.95, "wilson")
        np.testing.assert_allclose(estimate[1:], wilson, atol=1e-6)
        assert estimate.high > estimate.low
        difference = intervals.share_difference(right, ~right)
        reach = estimate.high - estimate.low
        value = 1.0 if right[0] else -1.0
        ends = sorted([value, value - np.sign(value) * reach])
        np.testing.assert_allclose(difference[:3], [value, *ends], atol=1e-6)
        none = intervals.share_difference(right, right)
        np.testing.assert_allclose(none[:3], [0, -reach, reach], atol=1e-6)


@pytest.mark.parametrize("items", [2, 3, 10])
def test_a_correlation_whose_draws_are_all_alike_has_no_interval(items):
    ordered, turned = np.arange(items) * 1.0, np.arange(items) * -1.0
    for statistic in (intervals.pearson, intervals.spearman):
        for other, value in ((ordered, 1), (turned, -1)):
            estimate = intervals.correlation(statistic, ordered, other)
            np.testing.assert_allclose(estimate, [value, np.nan, np.nan], atol=1e-12)
            assert str(estimate) == f"{estimate.value:.3f} [no interval: all draws are alike]"
        apart = intervals.correlation_difference(statistic, ordered, turned, ordered)
        np.testing.assert_allclose(apart[:3], [2, np.nan, np.nan], atol=1e-12)
