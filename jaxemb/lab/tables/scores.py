"""Scores of tables against human judgement: JSON for programs, Markdown for people, a picture."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from jaxtyping import Float

from jaxemb.evaluation import agreement, analogies, bundled, intervals, policies, search
from jaxemb.evaluation.datasets import Pairs, Questions
from jaxemb.functional import similarity
from jaxemb.lab import report
from jaxemb.text.vocabulary import HasWords

FORMULAS = {"cos_add": "3CosAdd", "cos_mul": "3CosMul"}
WAYS = {
    "skip": "left out",
    "mean": "the mean vector",
    "zero": "scored 0 or wrong",
    "ngrams": "made of parts",
}


class Asked(NamedTuple):
    """The tests, and how they are asked."""

    pairs: Sequence[Pairs]
    questions: Sequence[Questions]
    policy: policies.Policy = policies.GENSIM
    analogies_policy: policies.Policy = policies.GENSIM
    answer: search.Answer = similarity.cos_add


class Answers(NamedTuple):
    """What a table says to every item of the tests."""

    judged: list[agreement.Judged]
    answered: list[analogies.Answered]


def at_hand() -> Asked:
    """The tests that come with gensim, as a training report asks them; none without gensim."""
    frequent = policies.GENSIM._replace(restrict=bundled.FREQUENT)
    return Asked(bundled.pairs(), bundled.questions(), analogies_policy=frequent)


def ask(vocab: HasWords, table: Float[Any, "vocab dim"], asked: Asked) -> Answers:
    """Every item of every test."""
    return Answers(
        [agreement.judge(vocab, table, test, asked.policy) for test in asked.pairs],
        [
            analogies.answer_all(vocab, table, test, asked.analogies_policy, asked.answer)
            for test in asked.questions
        ],
    )


def describe(answers: Answers, asked: Asked) -> dict[str, Any]:
    """Every score with its interval, its coverage and its policy, as JSON values."""
    policy = asked.analogies_policy.described()
    policy["formula"] = getattr(asked.answer, "__name__", repr(asked.answer))
    return {
        "similarity": {
            name: {**_agreement(each), "policy": asked.policy.described()}
            for name, each in _named(answers.judged).items()
        },
        "analogies": {
            name: {**_accuracies(each), "policy": policy}
            for name, each in _named(answers.answered).items()
        },
    }


def _named(tests: Sequence[Any]) -> dict[str, Any]:
    """By name; a second test of one name gets a number."""
    found: dict[str, Any] = {}
    for test in tests:
        same = sum(each.name == test.name for each in found.values())
        found[f"{test.name} ({same + 1})" if same else test.name] = test
    return found


def _agreement(judged: agreement.Judged) -> dict[str, Any]:
    found = agreement.score(judged)
    counts = {"asked": found.scored, "known": found.known, "of": found.of}
    return {**found.spearman._asdict(), "pearson": found.pearson._asdict(), **counts}


def _accuracies(answered: analogies.Answered) -> dict[str, Any]:
    scores = {
        name: {**of.share._asdict(), "asked": of.scored, "known": of.known, "of": of.of}
        for name, of in analogies.score(answered).items()
    }
    return {**scores.pop("all"), "sections": scores}


def compare(first: Answers, second: Answers) -> dict[str, Any]:
    """First minus second on every test, item by item."""
    judged = zip(_named(first.judged).items(), second.judged, strict=True)
    answered = zip(_named(first.answered).items(), second.answered, strict=True)
    found = {name: agreement.compare(one, other) for (name, one), other in judged}
    found |= {name: analogies.compare(one, other) for (name, one), other in answered}
    return {name: difference._asdict() for name, difference in found.items()}


def markdown(found: dict[str, Any], sections: bool = True) -> str:
    """What `describe` found, for people."""
    return _similarity(found["similarity"]) + _analogies(found["analogies"], sections)


def _similarity(found: dict[str, Any]) -> str:
    if not found:
        return ""
    rows = [
        (name, _estimate(row), _estimate(row["pearson"]), _coverage(row))
        for name, row in found.items()
    ]
    named = dict.fromkeys(_policy(row["policy"]) for row in found.values())
    table = report.table(("word similarity", "Spearman", "Pearson", "pairs known"), rows)
    return "\n".join([table, "", *(f"- {policy}" for policy in named), "\n"])


def _analogies(found: dict[str, Any], sections: bool) -> str:
    text = ""
    for name, row in found.items():
        shown = {**(row["sections"] if sections else {}), "all": row}
        rows = [(section, _estimate(each), _coverage(each)) for section, each in shown.items()]
        table = report.table((f"analogies: {name}", "right", "questions known"), rows)
        formula = row["policy"]["formula"]
        text += f"{table}\n\n- {FORMULAS.get(formula, formula)}; {_policy(row['policy'])}\n\n"
    return text


def _estimate(row: dict[str, Any]) -> str:
    estimate = intervals.Estimate(row["value"], row["low"], row["high"])
    return "?" if math.isnan(estimate.value) else str(estimate)


def _coverage(row: dict[str, Any]) -> str:
    share = f"{row['known']:,} of {row['of']:,} ({row['known'] / row['of']:.0%})"
    return share if row["asked"] == row["known"] else f"{share}, {row['asked']:,} scored"


def _policy(policy: dict[str, Any]) -> str:
    most = policy["restrict_vocab"]
    among = f"the {most:,} most frequent words" if most else "all words"
    unknown = WAYS.get(policy["unknown"], policy["unknown"])
    return f"case {policy['case']}; among {among}; unknown words: {policy['unknown']} ({unknown})"


def comparison(names: Sequence[str], found: dict[str, Any]) -> str:
    """What `compare` found, for people."""
    rows = []
    for name, row in found.items():
        exact = "" if row["mcnemar"] is None else f"{row['mcnemar']:.3g}"
        estimate = f"{row['value']:+.3f} [{row['low']:+.3f}, {row['high']:+.3f}]"
        rows.append((name, estimate, f"{row['p']:.3g}", exact, f"{row['items']:,}"))
    head = ("test", "difference", "p (bootstrap)", "p (McNemar)", "items")
    table = report.table(head, rows)
    return f"`{names[0]}` minus `{names[1]}`, on what both were asked:\n\n{table}\n"


def write(folder: Path, answers: dict[str, Answers], asked: Asked) -> str:
    """Writes evaluation.json, evaluation.md and a picture; returns the Markdown.

    Args:
        folder: where to.
        answers: of one table or of two, by name; two are compared.
        asked: what they were asked.
    """
    tables = {name: describe(each, asked) for name, each in answers.items()}
    compared = compare(*answers.values()) if len(answers) == 2 else None
    found = {"tables": tables, "comparison": compared}
    parts = [f"# {name}\n\n{markdown(table)}" for name, table in tables.items()]
    if compared:
        parts.append(f"# Which is better?\n\n{comparison(list(tables), compared)}")
    drawn = f"{intervals.RESAMPLES:,} draws of the items with replacement"
    parts.append(f"In brackets: the middle 95 % of {drawn}.\n")

    def draw() -> list[str]:
        from jaxemb.lab import pictures
        from jaxemb.lab.tables.pictures import scores

        return [pictures.drawn(folder / "evaluation.png", lambda: scores(tables))]

    return report.write(folder, "evaluation", found, lambda shown: "\n".join([*parts, shown]), draw)
