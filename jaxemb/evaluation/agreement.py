"""Word similarity: how the cosines of a table agree with what people say."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from jaxemb import linalg
from jaxemb.evaluation import intervals, policies
from jaxemb.evaluation.datasets import Pairs
from jaxemb.evaluation.intervals import Difference, Estimate
from jaxemb.text.vocabulary import HasWords


class Judged(NamedTuple):
    """Every pair of a test, as people and as a table find it."""

    name: str
    human: Float[Any, " pairs"]
    cosine: Float[Any, " pairs"]  # NaN: skipped
    known: Bool[Any, " pairs"]  # both words are in the vocabulary

    @property
    def asked(self):
        return ~np.isnan(self.cosine)


class Agreement(NamedTuple):
    """Correlation with people, and how much of the test it rests on."""

    spearman: Estimate
    pearson: Estimate
    asked: int  # pairs that have a cosine
    known: int  # pairs with both words in the vocabulary
    of: int


def judge(
    vocab: HasWords,
    table: Float[Any, "vocab dim"],
    test: Pairs,
    policy: policies.Policy = policies.GENSIM,
) -> Judged:
    """The cosine of every pair, in float64; 0 with a zero vector.

    Source:
        `KeyedVectors.evaluate_word_pairs` of gensim, which is equal under `policies.GENSIM`, and
        with `unknown=policies.zero` under its dummy4unknown.
    """
    found = policies.find(vocab, table, [*test.left, *test.right], policy)
    left, right = found.at.reshape(2, -1)
    unit = linalg.unit_rows(np.asarray(found.vectors, np.float64))
    cosine = np.full(len(test.human), np.nan)
    asked = (left >= 0) & (right >= 0)
    cosine[asked] = (unit[left[asked]] * unit[right[asked]]).sum(axis=1)
    known = np.all(found.ids.reshape(2, -1) >= 0, axis=0)
    return Judged(test.name, test.human, cosine, known)


def score(judged: Judged) -> Agreement:
    """Spearman's rho (equal values at their mean rank) and Pearson's r, with 95 % intervals."""
    asked = judged.asked
    human, ours = judged.human[asked], judged.cosine[asked]
    return Agreement(
        intervals.correlation(intervals.spearman, human, ours),
        intervals.correlation(intervals.pearson, human, ours),
        int(asked.sum()),
        int(judged.known.sum()),
        len(asked),
    )


def compare(first: Judged, second: Judged) -> Difference:
    """Spearman of the first minus that of the second, on the pairs that both were asked."""
    both = first.asked & second.asked
    return intervals.correlation_difference(
        intervals.spearman, first.cosine[both], second.cosine[both], first.human[both]
    )
