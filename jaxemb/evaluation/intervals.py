"""Bootstrap confidence intervals of evaluation scores.

The items of a test are resampled with replacement, 1,000 times; the interval holds the middle 95 %
of the scores. Two tables are compared on the same resamples, of the items that both have scored.
Where all items are alike (every one right, ranks in perfect order), so are all resamples: shares
then get Wilson's interval, and correlations none.

Source:
    Efron and Tibshirani 1993, "An Introduction to the Bootstrap", sections 13.3 (percentiles)
    and 15.4 (bootstrap p-values); McNemar 1947, exact form; Wilson 1927, J. Am. Stat. Assoc. 22.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from jaxemb.structs import AnyArray, displayed

RESAMPLES = 1000
LEVEL = 0.95
_Z = 1.959964  # of LEVEL, of a normal distribution
ENTRIES = 2**22  # of one array of resamples, at most


@displayed
class Estimate(NamedTuple):
    """A score and its 95 % interval; NaN if there are no items, or none that differ."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        if self.low != self.low:
            return f"{self.value:.3f} [no interval: all draws are alike]"
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


class Difference(NamedTuple):
    """The first score minus the second, on the items that both tables have scored."""

    value: float
    low: float
    high: float
    p: float  # two-sided, by bootstrap
    items: int
    mcnemar: float | None = None  # p, two-sided and exact; only of items that are right or wrong


NOTHING = Estimate(float("nan"), float("nan"), float("nan"))

# arrays [..., items] -> scores [...]
Statistic = Callable[..., Float[AnyArray, "..."]]


def pearson(
    left: Float[AnyArray, "*batch items"], right: Float[AnyArray, "*batch items"]
) -> Float[AnyArray, "*batch"]:
    """Pearson's r along the last axis; NaN where one side is constant."""
    left, right = (x - x.mean(axis=-1, keepdims=True) for x in (left, right))
    sizes = np.sqrt((left**2).sum(axis=-1) * (right**2).sum(axis=-1))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(sizes > 0, np.asarray((left * right).sum(axis=-1)) / sizes, np.nan)


def spearman(
    left: Float[AnyArray, "*batch items"], right: Float[AnyArray, "*batch items"]
) -> Float[AnyArray, "*batch"]:
    """Spearman's rho along the last axis: Pearson's r of ranks, equal values at their mean rank."""
    from scipy import stats  # a second and 40 MB: where it is used

    return pearson(*(stats.rankdata(x, axis=-1) for x in (left, right)))


def correlation(
    statistic: Statistic,
    left: Float[AnyArray, " items"],
    right: Float[AnyArray, " items"],
    seed: int = 0,
) -> Estimate:
    """A correlation with its interval; NaN for fewer than two items."""
    if len(left) < 2:
        return NOTHING
    drawn = resampled(statistic, left, right, seed=seed)
    return Estimate(float(statistic(left, right)), *_some_width(*_middle(drawn)))


def resampled(
    statistic: Statistic, *arrays: Float[AnyArray, " items"], seed: int = 0
) -> Float[AnyArray, " resamples"]:
    """The statistic of each resample; equal seeds and numbers of items give equal resamples."""
    random, items = np.random.default_rng(seed), len(arrays[0])
    batch = min(max(ENTRIES // items, 1), RESAMPLES)
    scores = []
    for start in range(0, RESAMPLES, batch):
        drawn = random.integers(0, items, (min(batch, RESAMPLES - start), items))
        scores.append(statistic(*(array[drawn] for array in arrays)))
    return np.concatenate(scores)


def share(right: Bool[AnyArray, " items"], seed: int = 0) -> Estimate:
    """The share that is right, with its interval.

    The number right in a resample is binomial, so items need not be drawn one by one.
    """
    if not len(right):
        return NOTHING
    value = float(right.mean())
    if value in (0.0, 1.0):
        low = _least(len(right))
        return Estimate(value, *((low, 1.0) if value else (0.0, 1.0 - low)))
    drawn = np.random.default_rng(seed).binomial(len(right), value, RESAMPLES) / len(right)
    return Estimate(value, *_middle(drawn))


def correlation_difference(
    statistic: Statistic,
    first: Float[AnyArray, " items"],
    second: Float[AnyArray, " items"],
    human: Float[AnyArray, " items"],
    seed: int = 0,
) -> Difference:
    """The first table's correlation with human scores minus the second's, with an interval."""

    def apart(a, b, judged):
        return statistic(a, judged) - statistic(b, judged)

    if len(human) < 2:
        return Difference(*NOTHING, float("nan"), len(human))
    drawn = resampled(apart, first, second, human, seed=seed)
    value, ends = float(apart(first, second, human)), _middle(drawn)
    ends = ends if np.array_equal(first, second) else _some_width(*ends)
    return Difference(value, *ends, _two_sided(drawn), len(human))


def share_difference(
    first: Bool[AnyArray, " items"], second: Bool[AnyArray, " items"], seed: int = 0
) -> Difference:
    """The first share right minus the second, with an interval and McNemar's exact test."""
    items = len(first)
    if not items:
        return Difference(*NOTHING, float("nan"), 0)
    only = int((first & ~second).sum()), int((second & ~first).sum())
    shares = np.array([only[0], only[1], items - sum(only)]) / items
    drawn = np.random.default_rng(seed).multinomial(items, shares, RESAMPLES)
    apart = (drawn[:, 0] - drawn[:, 1]) / items
    from scipy import stats

    exact = stats.binomtest(only[0], sum(only)).pvalue if sum(only) else 1.0
    value = (only[0] - only[1]) / items
    ends = _middle(apart)
    if abs(value) == 1 or not sum(only):  # all items are alike
        missed = 1.0 - _least(items)
        ends = max(value - missed, -1.0), min(value + missed, 1.0)
    return Difference(value, *ends, _two_sided(apart), items, float(exact))


def _least(items: int) -> float:
    """The lower end of Wilson's interval of a share of which all items are right."""
    return items / (items + _Z**2)


def _some_width(low: float, high: float) -> tuple[float, float]:
    """The ends of an interval; NaN where they are one number, up to rounding."""
    return (low, high) if high - low > 1e-12 else (float("nan"), float("nan"))


def _middle(drawn: Float[AnyArray, " resamples"]) -> tuple[float, float]:
    kept = drawn[np.isfinite(drawn)]  # a resample of one item repeated has no correlation
    if not len(kept):
        return float("nan"), float("nan")
    low, high = np.quantile(kept, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def _two_sided(drawn: Float[AnyArray, " resamples"]) -> float:
    """The two-sided bootstrap p-value of a difference; never 0, which 1,000 draws cannot show."""
    drawn = drawn[np.isfinite(drawn)]
    tail = min(int((drawn <= 0).sum()), int((drawn >= 0).sum()))
    return min(2 * (tail + 1) / (len(drawn) + 1), 1.0)
