"""Phrases: pairs of words that stand together more often than their counts explain become one.

Pairs are counted within sentences, exactly and in bounded memory; those that score above a
threshold are joined greedily from left to right, as word2phrase and gensim do. Every further pass
reads the output of the pass before it, so that three words become one in two passes. (word2phrase
itself also counts the pair of a line's last word and the next line's first word: its `start` flag
is cleared before it is used. This module does not.)
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int, Int64

from jaxemb import files
from jaxemb.errors import InputError
from jaxemb.text import bigrams, vocabulary
from jaxemb.text.vocabulary import SENTENCE_END, Numbered

FILE = "phrases.txt"


class Totals(NamedTuple):
    """Totals of the whole text that a score may use."""

    tokens: int  # words of the text, T
    types: int  # distinct words and distinct pairs together, which is gensim's |V|
    min_count: int  # the discount: rarer pairs are never joined


# (counts of pairs, of their first words, of their second words, totals) -> scores [pairs]
Score = Callable[[Any, Any, Any, Totals], Any]


class Rule(NamedTuple):
    """Which pairs become phrases, and how their words are joined."""

    passes: int
    score: Score
    thresholds: tuple[float, ...]  # a pair's score must be above it; the last serves further passes
    min_count: int
    joiner: str


class Phrase(NamedTuple):
    """One pair that was joined."""

    phrase: str
    of_pass: int  # the pass that joined it, from 1
    times: int  # occurrences of the pair
    joined: int  # occurrences that were joined: a word belongs to one pair of a pass
    score: float


_HEAD = "\t".join(Phrase._fields)


def word2phrase(
    pair: Int[np.ndarray, " pairs"],
    first: Int[np.ndarray, " pairs"],
    second: Int[np.ndarray, " pairs"],
    totals: Totals,
) -> Float[np.ndarray, " pairs"]:
    """(ab - delta) / (a b) T, with the text's length T: word2phrase; thresholds near 100.

    Args:
        pair: ab, the count of each pair.
        first, second: a and b, the counts of its first and of its second word.
        totals: of the text; delta is its `min_count`.

    Source:
        Mikolov et al. 2013, arXiv:1310.4546, eq. 6, times T as in github tmikolov/word2vec,
        word2phrase.c.
    """
    return _discounted(pair, first, second, totals) * totals.tokens


def gensim(
    pair: Int[np.ndarray, " pairs"],
    first: Int[np.ndarray, " pairs"],
    second: Int[np.ndarray, " pairs"],
    totals: Totals,
) -> Float[np.ndarray, " pairs"]:
    """(ab - delta) / (a b) |V|, with the number of types |V|: gensim's default; thresholds near 10.

    Source:
        github piskvorky/gensim, models/phrases.py, original_scorer. Arguments: see `word2phrase`.
    """
    return _discounted(pair, first, second, totals) * totals.types


def npmi(
    pair: Int[np.ndarray, " pairs"],
    first: Int[np.ndarray, " pairs"],
    second: Int[np.ndarray, " pairs"],
    totals: Totals,
) -> Float[np.ndarray, " pairs"]:
    """ln(p_ab / (p_a p_b)) / -ln p_ab, from -1 to 1: normalised pointwise mutual information.

    Source:
        Bouma 2009, Normalized (Pointwise) Mutual Information in Collocation Extraction. Arguments:
        see `word2phrase`.
    """
    counts: Any = (pair, first, second)
    p_ab, p_a, p_b = (np.float64(count) / totals.tokens for count in counts)
    return np.log(p_ab / (p_a * p_b)) / -np.log(p_ab)


def named(name: str) -> Score:
    """The score of a name: word2phrase, gensim, npmi, or module:qualname of any function.

    Raises:
        ValueError: no callable has that name.
    """
    scores = {score.__name__: score for score in (word2phrase, gensim, npmi)}
    try:
        return files.named(name, scores, "a function that scores a pair of words")
    except ValueError:
        known = ", ".join(scores)
        raise ValueError(f"{name}: wanted {known}, or MODULE:NAME of a function") from None


def _discounted(pair: Any, first: Any, second: Any, totals: Totals) -> Any:
    return (np.float64(pair) - totals.min_count) / (np.float64(first) * np.float64(second))


def join(text: Numbered, rule: Rule, folder: Path | None = None) -> tuple[Numbered, list[Phrase]]:
    """The text with its phrases joined, and the phrases, by pass and falling score.

    Args:
        text: words by number; its blocks are read twice a pass.
        rule: which pairs are joined, and how.
        folder: for scratch files; `bigrams.count` says how much memory and disk is used.
    """
    joined: list[Phrase] = []
    for number in range(rule.passes):
        threshold = rule.thresholds[min(number, len(rule.thresholds) - 1)]
        text, of_pass = _one_pass(text, rule, threshold, number + 1, folder)
        joined += of_pass
    return text, joined


def _one_pass(text: Numbered, rule: Rule, threshold: float, number: int, folder):
    counted, size = bigrams.count(text, rule.min_count, folder), len(text.words)
    first, second = np.divmod(counted.keys, size)
    totals = Totals(int(text.counts.sum()), size + counted.distinct, rule.min_count)
    scores = rule.score(counted.times, text.counts[first], text.counts[second], totals)
    chosen = np.flatnonzero(scores > threshold)
    if not len(chosen):
        return text, []
    names = [
        f"{text.words[a]}{rule.joiner}{text.words[b]}"
        for a, b in zip(first[chosen], second[chosen], strict=True)
    ]
    words, numbers = _with_names(text.words, names)
    table = _Table(counted.keys[chosen], numbers, size)
    counts, joined = np.zeros(len(words), np.int64), np.zeros(len(names), np.int64)
    for made, which in _joined(text.blocks(), table):
        counts += vocabulary.count(made, len(words))
        joined += np.bincount(which, minlength=len(names))
    phrases = [
        Phrase(name, number, int(counted.times[pair]), int(times), float(scores[pair]))
        for name, pair, times in zip(names, chosen, joined, strict=True)
    ]
    made = Numbered(words, counts, lambda: (made for made, _ in _joined(text.blocks(), table)))
    return made, sorted(phrases, key=lambda phrase: -phrase.score)


def write(path: Path, joined: list[Phrase]) -> None:
    """Write a header and a line for every phrase, in columns separated by tabs."""
    lines = [_HEAD, *(f"{p[0]}\t{p[1]}\t{p[2]}\t{p[3]}\t{p[4]:.6g}" for p in joined)]
    files.write_text(path, "\n".join(lines) + "\n")


def read(path: Path) -> list[Phrase]:
    """Read the phrases that `write` wrote.

    Raises:
        InputError: no such file, or a file of another form.
    """
    # only "\n" ends a line: a word may hold what else Unicode ends lines with
    head, *lines = files.read_text(path).removesuffix("\n").split("\n")
    try:
        if head != _HEAD:
            raise ValueError
        return [
            Phrase(name, int(of_pass), int(times), int(joined), float(score))
            for name, of_pass, times, joined, score in (line.rsplit("\t", 4) for line in lines)
        ]
    except ValueError:
        raise InputError(f"{path}: damaged: wanted lines of {_HEAD}") from None


class _Table(NamedTuple):
    """The pairs that are joined."""

    keys: Int64[np.ndarray, " phrases"]  # rising: first word times `size`, plus second
    numbers: Int64[np.ndarray, " phrases"]  # the words that the pairs become
    size: int


def _with_names(
    words: list[str], names: list[str]
) -> tuple[list[str], Int64[np.ndarray, " names"]]:
    """The words with the phrases appended; a phrase that is spelled like a word is that word."""
    wanted = set(names)
    number = {word: i for i, word in enumerate(words) if word in wanted}
    new = [name for name in dict.fromkeys(names) if name not in number]
    number.update(zip(new, range(len(words), len(words) + len(new)), strict=True))
    return [*words, *new], np.array([number[name] for name in names], np.int64)


def _joined(blocks: Iterator[Any], table: _Table) -> Iterator[tuple[Any, Any]]:
    """The text with phrases joined, and the table index of each joined phrase, block by block."""
    left = np.zeros(0, np.int64)  # the last word of a block may be the first of a pair
    for block in blocks:
        words = np.concatenate([left, block])
        begins, which = _begins(words, table)
        ends = np.concatenate([[False], begins])[: len(words)]
        stop = len(words) - (not ends[-1:].all())
        made, left = np.where(begins, table.numbers[which], words), words[stop:]
        yield made[:stop][~ends[:stop]].astype(np.int32), which[begins]
    yield left.astype(np.int32), np.zeros(0, np.int64)


def _begins(words: Int64[np.ndarray, " block"], table: _Table) -> tuple[Any, Any]:
    """Which words begin a joined pair, greedily from the left, and the table index of each pair."""
    second = np.append(words[1:], SENTENCE_END)
    keys = np.where((words >= 0) & (second >= 0), words * table.size + second, -1)
    which = np.minimum(np.searchsorted(table.keys, keys), len(table.keys) - 1)
    match, position = table.keys[which] == keys, np.arange(len(words))
    first = match & ~np.concatenate([[False], match])[: len(words)]
    # of matches that overlap in a chain, the first takes its second word from the next, and so on
    chain = np.maximum.accumulate(np.where(first, position, 0))
    return match & ((position - chain) % 2 == 0), which
