"""How far a score could be another with another sample of the same test: bootstrap intervals.

The items of a test are drawn again with replacement, 1,000 times; the interval holds the middle
95 % of the scores. Two tables are compared item by item: on the same draws of the items both know.

Source:
    Efron and Tibshirani 1993, "An Introduction to the Bootstrap", sections 13.3 (percentiles)
    and 15.4 (bootstrap p-values); McNemar 1947, exact form.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import scipy.stats
from jaxtyping import Bool, Float

RESAMPLES = 1000
LEVEL = 0.95
ENTRIES = 2**22  # of one array of resamples


class Estimate(NamedTuple):
    """A score and its 95 % interval; NaN where nothing was asked."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


class Difference(NamedTuple):
    """First minus second on the items both were asked."""

    value: float
    low: float
    high: float
    p: float  # two-sided, by bootstrap
    items: int
    mcnemar: float | None = None  # two-sided and exact; for right and wrong alone


NOTHING = Estimate(float("nan"), float("nan"), float("nan"))

# arrays [..., items] -> scores [...]
Statistic = Callable[..., Float[Any, "..."]]


def pearson(
    left: Float[Any, "*batch items"], right: Float[Any, "*batch items"]
) -> Float[Any, "*batch"]:
    """Pearson's r along the last axis; NaN where one side is constant."""
    left, right = (x - x.mean(axis=-1, keepdims=True) for x in (left, right))
    sizes = np.sqrt((left**2).sum(axis=-1) * (right**2).sum(axis=-1))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(sizes > 0, np.asarray((left * right).sum(axis=-1)) / sizes, np.nan)


def spearman(
    left: Float[Any, "*batch items"], right: Float[Any, "*batch items"]
) -> Float[Any, "*batch"]:
    """Spearman's rho along the last axis: Pearson's r of ranks, equal values at their mean rank."""
    return pearson(*(scipy.stats.rankdata(x, axis=-1) for x in (left, right)))


def correlation(
    statistic: Statistic,
    left: Float[Any, " items"],
    right: Float[Any, " items"],
    seed: int = 0,
) -> Estimate:
    """A correlation with its interval; NaN for fewer than two items."""
    if len(left) < 2:
        return NOTHING
    drawn = resampled(statistic, left, right, seed=seed)
    return Estimate(float(statistic(left, right)), *_middle(drawn))


def resampled(
    statistic: Statistic, *arrays: Float[Any, " items"], seed: int = 0
) -> Float[Any, " resamples"]:
    """The statistic of items drawn again; equal seeds and sizes draw equal items."""
    random, items = np.random.default_rng(seed), len(arrays[0])
    batch = min(max(ENTRIES // items, 1), RESAMPLES)
    found = []
    for start in range(0, RESAMPLES, batch):
        drawn = random.integers(0, items, (min(batch, RESAMPLES - start), items))
        found.append(statistic(*(array[drawn] for array in arrays)))
    return np.concatenate(found)


def share(right: Bool[Any, " items"], seed: int = 0) -> Estimate:
    """The share that is right, with its interval.

    How many are right among items drawn again is binomial: they need not be drawn one by one.
    """
    if not len(right):
        return NOTHING
    value = float(right.mean())
    drawn = np.random.default_rng(seed).binomial(len(right), value, RESAMPLES) / len(right)
    return Estimate(value, *_middle(drawn))


def correlation_difference(
    statistic: Statistic,
    first: Float[Any, " items"],
    second: Float[Any, " items"],
    human: Float[Any, " items"],
    seed: int = 0,
) -> Difference:
    """How much better the first agrees with what the second is judged by too."""

    def apart(a, b, judged):
        return statistic(a, judged) - statistic(b, judged)

    if len(human) < 2:
        return Difference(*NOTHING, float("nan"), len(human))
    drawn = resampled(apart, first, second, human, seed=seed)
    value = float(apart(first, second, human))
    return Difference(value, *_middle(drawn), _two_sided(drawn), len(human))


def share_difference(
    first: Bool[Any, " items"], second: Bool[Any, " items"], seed: int = 0
) -> Difference:
    """How much more often the first is right, with McNemar's exact test."""
    items = len(first)
    if not items:
        return Difference(*NOTHING, float("nan"), 0)
    only = int((first & ~second).sum()), int((second & ~first).sum())
    shares = np.array([only[0], only[1], items - sum(only)]) / items
    drawn = np.random.default_rng(seed).multinomial(items, shares, RESAMPLES)
    apart = (drawn[:, 0] - drawn[:, 1]) / items
    exact = scipy.stats.binomtest(only[0], sum(only)).pvalue if sum(only) else 1.0
    value = (only[0] - only[1]) / items
    return Difference(value, *_middle(apart), _two_sided(apart), items, float(exact))


def _middle(drawn: Float[Any, " resamples"]) -> tuple[float, float]:
    kept = drawn[np.isfinite(drawn)]  # a draw of one item again and again has no correlation
    if not len(kept):
        return float("nan"), float("nan")
    low, high = np.quantile(kept, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def _two_sided(drawn: Float[Any, " resamples"]) -> float:
    """How often 0 is passed, counted twice; never 0, which 1,000 draws cannot tell."""
    drawn = drawn[np.isfinite(drawn)]
    tail = min(int((drawn <= 0).sum()), int((drawn >= 0).sum()))
    return min(2 * (tail + 1) / (len(drawn) + 1), 1.0)
