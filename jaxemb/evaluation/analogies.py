"""Analogies: a is to b as c is to what? The share answered right, by section."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from jaxemb.evaluation import intervals, policies, search
from jaxemb.evaluation.datasets import Questions
from jaxemb.evaluation.intervals import Difference, Estimate
from jaxemb.functional import similarity
from jaxemb.text import vocabulary
from jaxemb.text.vocabulary import HasWords

CANDIDATES = 5  # of which those that are a form of a word asked are passed over; gensim's


class Answered(NamedTuple):
    """Every question of a test, and how it was answered."""

    name: str
    sections: tuple[str, ...]
    right: Bool[Any, " questions"]
    asked: Bool[Any, " questions"]
    known: Bool[Any, " questions"]  # all four words are in the vocabulary


class Accuracy(NamedTuple):
    """The share of questions answered right, and how much of the test it rests on."""

    share: Estimate
    asked: int
    known: int
    of: int


def answer_all(
    vocab: HasWords,
    table: Float[Any, "vocab dim"],
    test: Questions,
    policy: policies.Policy = policies.GENSIM,
    answer: search.Answer = similarity.cos_add,
    candidates: int = CANDIDATES,
) -> Answered:
    """Answers every question; the words asked, in any case that the policy folds, are no answer.

    A question with a word that has no direction (`policies.zero`), or whose answer is unknown, is
    counted wrong.

    Source:
        Mikolov et al. 2013, arXiv:1301.3781, section 4.1; `KeyedVectors.evaluate_word_analogies`
        of gensim, which is equal under `policies.GENSIM`.
    """
    flat = [word for question in test.words for word in question]
    found = policies.find(vocab, table, flat, policy)
    at, ids = (each.reshape(-1, 4) for each in (found.at, found.ids))
    asked, known = np.all(at >= 0, axis=1), np.all(ids >= 0, axis=1)
    directed = np.append(np.any(found.vectors != 0, axis=1), False)
    fit = np.flatnonzero(asked & np.all(directed[at], axis=1) & (ids[:, 3] >= 0))
    vectors = np.asarray(found.vectors, np.float32)
    near, far = vectors[at[fit][:, [1, 2]]], vectors[at[fit][:, :1]]
    table = search.taken(table, slice(policy.restrict))
    best = search.best(table, near, far, ids[fit, :3], candidates, answer)
    right = np.zeros(len(test.words), bool)
    right[fit] = _right(vocab, policy, best, [test.words[i] for i in fit])
    return Answered(test.name, test.sections, right, asked, known)


def _right(vocab, policy: policies.Policy, best: search.Best, questions) -> list[bool]:
    """Whether the first candidate that is no form of a word asked is the answer."""
    words = vocabulary.named(vocab)
    found = []
    for question, values, rows in zip(questions, *best, strict=True):
        *asked, answer = map(policy.fold, question)
        forms = [policy.fold(words[row]) for row in rows[np.isfinite(values)]]
        left = [form for form in forms if form not in asked] or forms[-1:]
        found.append(bool(left) and left[0] == answer)
    return found


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
    asked = answered.asked & inside
    share = intervals.share(answered.right[asked])
    return Accuracy(
        share, int(asked.sum()), int((answered.known & inside).sum()), int(inside.sum())
    )


def compare(first: Answered, second: Answered) -> Difference:
    """The share right of the first minus that of the second, on the questions both were asked."""
    both = first.asked & second.asked
    return intervals.share_difference(first.right[both], second.right[both])
