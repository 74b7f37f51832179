"""Scores of tables against human judgement: JSON for programs, Markdown for people, a picture."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
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


class Tests(NamedTuple):
    """The tests, their policies, and the rule that answers analogies."""

    pairs: Sequence[Pairs]
    questions: Sequence[Questions]
    policy: policies.Policy = policies.GENSIM
    analogies_policy: policies.Policy = policies.GENSIM
    answer: search.Answer = similarity.cos_add


class Answers(NamedTuple):
    """The answers of one table to every item of the tests."""

    judged: list[agreement.Judged]
    answered: list[analogies.Answered]


def at_hand() -> Tests:
    """The tests that come with gensim, with a training report's policies; none without gensim."""
    frequent = policies.GENSIM._replace(restrict=bundled.FREQUENT)
    return Tests(bundled.pairs(), bundled.questions(), analogies_policy=frequent)


def ask(vocab: HasWords, table: Float[np.ndarray, "vocab dim"], tests: Tests) -> Answers:
    """Answer every item of every test."""
    return Answers(
        [agreement.judge(vocab, table, test, tests.policy) for test in tests.pairs],
        [
            analogies.answer_all(vocab, table, test, tests.analogies_policy, tests.answer)
            for test in tests.questions
        ],
    )


def describe(answers: Answers, tests: Tests) -> dict[str, Any]:
    """Every score with its interval, its coverage and its policy, as JSON values."""
    policy = tests.analogies_policy.described()
    policy["formula"] = getattr(tests.answer, "__name__", repr(tests.answer))
    return {
        "similarity": {
            name: {**_agreement(answer), "policy": tests.policy.described()}
            for name, answer in _named(answers.judged).items()
        },
        "analogies": {
            name: {**_accuracies(answer), "policy": policy}
            for name, answer in _named(answers.answered).items()
        },
    }


def _named(tests: Sequence[Any]) -> dict[str, Any]:
    """Tests by name; a second test of the same name gets a number."""
    named: dict[str, Any] = {}
    for test in tests:
        same = sum(other.name == test.name for other in named.values())
        named[f"{test.name} ({same + 1})" if same else test.name] = test
    return named


def _agreement(judged: agreement.Judged) -> dict[str, Any]:
    score = agreement.score(judged)
    counts = {"asked": score.scored, "known": score.known, "of": score.of}
    return {**score.spearman._asdict(), "pearson": score.pearson._asdict(), **counts}


def _accuracies(answered: analogies.Answered) -> dict[str, Any]:
    scores = {
        name: {**row.share._asdict(), "asked": row.scored, "known": row.known, "of": row.of}
        for name, row in analogies.score(answered).items()
    }
    return {**scores.pop("all"), "sections": scores}


def compare(first: Answers, second: Answers) -> dict[str, Any]:
    """The scores of the first table minus those of the second, on every test, item by item."""
    judged = zip(_named(first.judged).items(), second.judged, strict=True)
    answered = zip(_named(first.answered).items(), second.answered, strict=True)
    differences = {name: agreement.compare(one, other) for (name, one), other in judged}
    differences |= {name: analogies.compare(one, other) for (name, one), other in answered}
    return {name: difference._asdict() for name, difference in differences.items()}


def parted(description: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The tests of a description of which any item is known; the names of all others."""
    kinds = {kind: description[kind] for kind in ("similarity", "analogies")}
    known = {
        kind: {name: row for name, row in tests.items() if row["known"]}
        for kind, tests in kinds.items()
    }
    return known, [name for kind in kinds for name in kinds[kind] if name not in known[kind]]


def markdown(description: dict[str, Any], sections: bool = True) -> str:
    """The Markdown of a description; tests of which no item is known share one line."""
    known, names = parted(description)
    scored = _similarity(known["similarity"]) + _analogies(known["analogies"], sections)
    return scored + unscored(names)


def unscored(names: Sequence[str]) -> str:
    """The line about tests of which no item is known; empty if there are none."""
    named = ", ".join(names)
    return f"- not scored on {named}: no item has all its words in this text\n" if names else ""


def _similarity(tests: dict[str, Any]) -> str:
    if not tests:
        return ""
    rows = [
        (name, _estimate(row), _estimate(row["pearson"]), _coverage(row))
        for name, row in tests.items()
    ]
    named = dict.fromkeys(_policy(row["policy"]) for row in tests.values())
    table = report.table(("word similarity", "Spearman", "Pearson", "pairs known"), rows)
    blank = any(math.isnan(row["value"]) for row in tests.values())
    why = ["- ?: no correlation of one pair, or of equal numbers"] * blank
    return "\n".join([table, "", *(f"- {policy}" for policy in named), *why, "\n"])


def _analogies(tests: dict[str, Any], sections: bool) -> str:
    text = ""
    for name, row in tests.items():
        parts = row["sections"] if sections else {}
        shown = {**{part: score for part, score in parts.items() if score["known"]}, "all": row}
        unknown = ", ".join(part for part in parts if part not in shown)
        blank = f"- not scored: {unknown}: no question has all its words\n" if unknown else ""
        rows = [(section, _estimate(score), _coverage(score)) for section, score in shown.items()]
        table = report.table((f"analogies: {name}", "right", "questions known"), rows)
        formula = row["policy"]["formula"]
        policy = f"- {FORMULAS.get(formula, formula)}; {_policy(row['policy'])}\n"
        text += f"{table}\n\n{policy}{blank}\n"
    return text


def _estimate(row: dict[str, Any]) -> str:
    estimate = intervals.Estimate(row["value"], row["low"], row["high"])
    return "?" if math.isnan(estimate.value) else str(estimate)


def _coverage(row: dict[str, Any]) -> str:
    share = f"{row['known']:,} of {row['of']:,} ({row['known'] / row['of']:.0%})"
    return share if row["asked"] == row["known"] else f"{share}, {row['asked']:,} scored"


def _policy(policy: dict[str, Any]) -> str:
    most, default = policy["restrict_vocab"], policies.GENSIM.restrict
    among = f"the {most:,} most frequent words" if most else "all words"
    if most not in (None, default):
        among += f" (evaluate takes {default:,}, or --restrict-vocab {most})"
    unknown = WAYS.get(policy["unknown"], policy["unknown"])
    return f"case {policy['case']}; among {among}; unknown words: {policy['unknown']} ({unknown})"


def comparison(names: Sequence[str], differences: dict[str, Any]) -> str:
    """The Markdown of a comparison.

    Args:
        names: of the two tables.
        differences: from `compare`.
    """
    rows = []
    for name, row in differences.items():
        exact = "" if row["mcnemar"] is None else f"{row['mcnemar']:.3g}"
        ends = f"{row['low']:+.3f}, {row['high']:+.3f}"
        ends = ends if row["low"] == row["low"] else "no interval: all draws are alike"
        estimate = f"{row['value']:+.3f} [{ends}]"
        rows.append((name, estimate, f"{row['p']:.3g}", exact, f"{row['items']:,}"))
    head = ("test", "difference", "p (bootstrap)", "p (McNemar)", "items")
    table = report.table(head, rows)
    return f"`{names[0]}` minus `{names[1]}`, on the items scored for both:\n\n{table}\n"


def write(folder: Path, answers: dict[str, Answers], tests: Tests) -> str:
    """Write evaluation.json, evaluation.md and a picture; returns the Markdown.

    Args:
        folder: where the files go.
        answers: of one table or of two, by name; two are compared.
        tests: the tests that they answer.
    """
    tables = {name: describe(answer, tests) for name, answer in answers.items()}
    compared = compare(*answers.values()) if len(answers) == 2 else None
    data = {"tables": tables, "comparison": compared}
    parts = [f"# {name}\n\n{markdown(table)}" for name, table in tables.items()]
    if compared:
        parts.append(f"# Which is better?\n\n{comparison(list(tables), compared)}")
    drawn = f"{intervals.RESAMPLES:,} draws of the items with replacement"
    parts.append(f"In brackets: the middle 95 % of {drawn}.\n")

    def draw() -> list[str]:
        from jaxemb.lab import pictures
        from jaxemb.lab.tables.pictures import scores

        return [pictures.drawn(folder / "evaluation.png", lambda: scores(tables))]

    return report.write(folder, "evaluation", data, lambda shown: "\n".join([*parts, shown]), draw)
