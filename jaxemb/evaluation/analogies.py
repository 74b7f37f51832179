"""Analogies: a is to b as c is to what? The share answered right, by section."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from jaxemb.evaluation import intervals, policies, search
from jaxemb.evaluation.datasets import Questions
from jaxemb.evaluation.intervals import Difference, Estimate
from jaxemb.functional import similarity
from jaxemb.structs import AnyArray
from jaxemb.text import vocabulary
from jaxemb.text.vocabulary import HasWords

CANDIDATES = 5  # best rows, of which forms of the question's words are passed over, as in gensim


class Answered(NamedTuple):
    """For every question of a test, whether it was answered, and answered right."""

    name: str
    sections: tuple[str, ...]
    right: Bool[AnyArray, " questions"]
    scored: Bool[AnyArray, " questions"]  # answered, right or wrong; others are skipped
    known: Bool[AnyArray, " questions"]  # all four words are in the vocabulary


class Accuracy(NamedTuple):
    """The share of questions answered right, and the numbers of questions behind it."""

    share: Estimate
    scored: int  # questions that were answered
    known: int  # questions with all words in the vocabulary
    of: int  # questions of the test


def answer_all(
    vocab: HasWords,
    table: Float[AnyArray, "vocab dim"],
    test: Questions,
    policy: policies.Policy = policies.GENSIM,
    answer: search.Answer = similarity.cos_add,
    candidates: int = CANDIDATES,
) -> Answered:
    """Answer every question; the question's own words, in any case that is folded, are no answer.

    A question is counted wrong if one of its words has a zero vector (`policies.zero`), or if its
    answer is unknown.

    Source:
        Mikolov et al. 2013, arXiv:1301.3781, section 4.1; `KeyedVectors.evaluate_word_analogies`
        of gensim, which is equal under `policies.GENSIM`.
    """
    flat = [word for question in test.words for word in question]
    located = policies.find(vocab, table, flat, policy)
    places, ids = (rows.reshape(-1, 4) for rows in (located.at, located.ids))
    scored, known = np.all(places >= 0, axis=1), np.all(ids >= 0, axis=1)
    directed = np.append(np.any(located.vectors != 0, axis=1), False)
    fit = np.flatnonzero(scored & np.all(directed[places], axis=1) & (ids[:, 3] >= 0))
    vectors = np.asarray(located.vectors, np.float32)
    near, far = vectors[places[fit][:, [1, 2]]], vectors[places[fit][:, :1]]
    table = search.taken(table, slice(policy.restrict))
    best = search.best(table, near, far, ids[fit, :3], candidates, answer)
    right = np.zeros(len(test.words), bool)
    right[fit] = _right(vocab, policy, best, [test.words[i] for i in fit])
    return Answered(test.name, test.sections, right, scored, known)


def _right(vocab, policy: policies.Policy, best: search.Best, questions) -> list[bool]:
    """Whether the first candidate that is no form of a word of the question is the answer."""
    words = vocabulary.named(vocab)
    right = []
    for question, values, rows in zip(questions, *best, strict=True):
        *given, answer = map(policy.fold, question)
        forms = [policy.fold(words[row]) for row in rows[np.isfinite(values)]]
        left = [form for form in forms if form not in given] or forms[-1:]
        right.append(bool(left) and left[0] == answer)
    return right


def score(answered: Answered) -> dict[str, Accuracy]:
    """The share right in each section, in all, and in Google's two kinds where the test has them.

    Returns:
        Sections in their order; `semantic` and `syntactic` (sections named gram...) if there are
        both; `all`.
    """
    names = list(dict.fromkeys(answered.sections))
    groups = {name: [name] for name in names}
    syntactic = [name for name in names if name.startswith("gram")]
    if syntactic and len(syntactic) < len(names):
        groups["semantic"] = [name for name in names if name not in syntactic]
        groups["syntactic"] = syntactic
    groups["all"] = names
    return {name: _accuracy(answered, members) for name, members in groups.items()}


def _accuracy(answered: Answered, sections: Iterable[str]) -> Accuracy:
    inside = np.isin(answered.sections, list(sections))
    scored = answered.scored & inside
    share = intervals.share(answered.right[scored])
    return Accuracy(
        share, int(scored.sum()), int((answered.known & inside).sum()), int(inside.sum())
    )


def compare(first: Answered, second: Answered) -> Difference:
    """The share right of the first minus that of the second, on the questions both answered."""
    both = first.scored & second.scored
    return intervals.share_difference(first.right[both], second.right[both])
