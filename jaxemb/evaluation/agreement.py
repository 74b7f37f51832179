"""Word similarity: correlation of a table's cosines with human judgements."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from jaxemb import linalg
from jaxemb.evaluation import intervals, policies
from jaxemb.evaluation.datasets import Pairs
from jaxemb.evaluation.intervals import Difference, Estimate
from jaxemb.structs import AnyArray
from jaxemb.text.vocabulary import HasWords


class Judged(NamedTuple):
    """The human score and the cosine of every pair of a test."""

    name: str
    human: Float[AnyArray, " pairs"]
    cosine: Float[AnyArray, " pairs"]  # NaN: skipped
    known: Bool[AnyArray, " pairs"]  # both words are in the vocabulary

    @property
    def scored(self) -> Bool[AnyArray, " pairs"]:
        """Whether each pair has a cosine, bool [pairs]."""
        return ~np.isnan(self.cosine)


class Agreement(NamedTuple):
    """Correlation with human scores, and the numbers of pairs behind it."""

    spearman: Estimate
    pearson: Estimate
    scored: int  # pairs that have a cosine
    known: int  # pairs with both words in the vocabulary
    of: int  # pairs of the test


def judge(
    vocab: HasWords,
    table: Float[AnyArray, "vocab dim"],
    test: Pairs,
    policy: policies.Policy = policies.GENSIM,
) -> Judged:
    """The cosine of every pair, in float64; 0 with a zero vector, NaN for a pair that is skipped.

    Source:
        `KeyedVectors.evaluate_word_pairs` of gensim: equal under `policies.GENSIM`, and with
        `unknown=policies.zero` under its dummy4unknown.
    """
    located = policies.find(vocab, table, [*test.left, *test.right], policy)
    left, right = located.at.reshape(2, -1)
    unit = linalg.unit_rows(np.asarray(located.vectors, np.float64))
    cosine = np.full(len(test.human), np.nan)
    scored = (left >= 0) & (right >= 0)
    cosine[scored] = (unit[left[scored]] * unit[right[scored]]).sum(axis=1)
    known = np.all(located.ids.reshape(2, -1) >= 0, axis=0)
    return Judged(test.name, test.human, cosine, known)


def score(judged: Judged) -> Agreement:
    """Spearman's rho (equal values at their mean rank) and Pearson's r, with 95 % intervals."""
    scored = judged.scored
    human, ours = judged.human[scored], judged.cosine[scored]
    return Agreement(
        intervals.correlation(intervals.spearman, human, ours),
        intervals.correlation(intervals.pearson, human, ours),
        int(scored.sum()),
        int(judged.known.sum()),
        len(scored),
    )


def compare(first: Judged, second: Judged) -> Difference:
    """Spearman of the first minus that of the second, on the pairs that both scored."""
    both = first.scored & second.scored
    return intervals.correlation_difference(
        intervals.spearman, first.cosine[both], second.cosine[both], first.human[both]
    )
