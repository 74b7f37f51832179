"""Phrases: pairs of words that stand together more often than their counts explain become one.

Pairs are counted within sentences, exactly and in bounded memory; those that score above a
threshold are joined greedily from left to right, as word2phrase and gensim do. Every further pass
reads what the last one wrote, so that three words become one in two passes. (word2phrase itself
also counts the pair of a line's last word and the next one's first: its `start` flag is cleared
before it is used. These do not.)
"""

import pkgutil
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
    """What a score may ask of the whole text."""

    tokens: int  # words of the text, T
    types: int  # distinct words and distinct pairs together, which is gensim's |V|
    min_count: int  # the discount: rarer pairs are never joined


# from counts of pairs, of their first words and of their second, and totals, to scores [pairs]
Score = Callable[[Any, Any, Any, Totals], Any]


class Rule(NamedTuple):
    """How phrases are found, and how their words are joined."""

    passes: int
    score: Score
    thresholds: tuple[float, ...]  # a pair's score must be above it; the last serves further passes
    min_count: int
    joiner: str


class Phrase(NamedTuple):
    """One pair that was joined."""

    phrase: str
    of_pass: int  # 1 for the first
    times: int  # that the pair stood together
    joined: int  # times that it was joined: a word belongs to one pair of a pass
    score: float


_HEAD = "\t".join(Phrase._fields)


def word2phrase(
    pair: Int[Any, " pairs"], first: Int[Any, " pairs"], second: Int[Any, " pairs"], totals: Totals
) -> Float[Any, " pairs"]:
    """(ab - delta) / (a b) T, with the text's length T: word2phrase; thresholds near 100.

    Args:
        pair: ab, how often two words stand together.
        first, second: a and b, how often each of them occurs.
        totals: of the text; delta is its `min_count`.

    Source:
        Mikolov et al. 2013, arXiv:1310.4546, eq. 6, times T as in github tmikolov/word2vec,
        word2phrase.c.
    """
    return _discounted(pair, first, second, totals) * totals.tokens


def gensim(
    pair: Int[Any, " pairs"], first: Int[Any, " pairs"], second: Int[Any, " pairs"], totals: Totals
) -> Float[Any, " pairs"]:
    """(ab - delta) / (a b) |V|, with the number of types |V|: gensim's default; thresholds near 10.

    Source:
        github piskvorky/gensim, models/phrases.py, original_scorer. Arguments: see `word2phrase`.
    """
    return _discounted(pair, first, second, totals) * totals.types


def npmi(
    pair: Int[Any, " pairs"], first: Int[Any, " pairs"], second: Int[Any, " pairs"], totals: Totals
) -> Float[Any, " pairs"]:
    """ln(p_ab / (p_a p_b)) / -ln p_ab, from -1 to 1: normalised pointwise mutual information.

    Source:
        Bouma 2009, Normalized (Pointwise) Mutual Information in Collocation Extraction. Arguments:
        see `word2phrase`.
    """
    p_ab, p_a, p_b = (np.float64(count) / totals.tokens for count in (pair, first, second))
    return np.log(p_ab / (p_a * p_b)) / -np.log(p_ab)


def named(name: str) -> Score:
    """A score by its name here, word2phrase, gensim or npmi, or as module:qualname.

    Raises:
        ValueError: nothing by that name that can be called.
    """
    scores = {score.__name__: score for score in (word2phrase, gensim, npmi)}
    try:
        found = scores.get(name) or pkgutil.resolve_name(name)
    except (ImportError, AttributeError, ValueError):
        found = None
    if not callable(found):
        raise ValueError(f"{name}: wanted {', '.join(scores)}, or MODULE:NAME of a function")
    return found


def _discounted(pair, first, second, totals: Totals):
    return (np.float64(pair) - totals.min_count) / (np.float64(first) * np.float64(second))


def join(text: Numbered, rule: Rule, folder: Path | None = None) -> tuple[Numbered, list[Phrase]]:
    """The text with its phrases joined, and what was joined, by pass and falling score.

    Args:
        text: words by number; its blocks are read twice a pass.
        folder: where scratch files go; see `pairs.count`, which says how much memory it takes.
    """
    found: list[Phrase] = []
    for number in range(rule.passes):
        threshold = rule.thresholds[min(number, len(rule.thresholds) - 1)]
        text, of_pass = _one_pass(text, rule, threshold, number + 1, folder)
        found += of_pass
    return text, found


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
    found = [
        Phrase(name, number, int(counted.times[at]), int(times), float(scores[at]))
        for name, at, times in zip(names, chosen, joined, strict=True)
    ]
    made = Numbered(words, counts, lambda: (made for made, _ in _joined(text.blocks(), table)))
    return made, sorted(found, key=lambda phrase: -phrase.score)


def write(path: Path, found: list[Phrase]) -> None:
    """A head and a line for every phrase, in columns parted by tabs."""
    lines = [_HEAD, *(f"{p[0]}\t{p[1]}\t{p[2]}\t{p[3]}\t{p[4]:.6g}" for p in found)]
    files.write_text(path, "\n".join(lines) + "\n")


def read(path: Path) -> list[Phrase]:
    """What `write` wrote.

    Raises:
        InputError: another file.
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
    """Which pairs are joined."""

    keys: Int64[Any, " phrases"]  # rising: first word times `size`, plus second
    numbers: Int64[Any, " phrases"]  # of the words that they become
    size: int


def _with_names(words: list[str], names: list[str]) -> tuple[list[str], Int64[Any, " names"]]:
    """The words and what phrases become; a phrase that is spelled like a word is that word."""
    wanted = set(names)
    number = {word: i for i, word in enumerate(words) if word in wanted}
    new = [name for name in dict.fromkeys(names) if name not in number]
    number.update(zip(new, range(len(words), len(words) + len(new)), strict=True))
    return [*words, *new], np.array([number[name] for name in names], np.int64)


def _joined(blocks: Iterator[Any], table: _Table) -> Iterator[tuple[Any, Any]]:
    """The text with a table's phrases joined, and which they were, block by block."""
    left = np.zeros(0, np.int64)  # the last word of a block may be the first of a pair
    for block in blocks:
        words = np.concatenate([left, block])
        begins, which = _begins(words, table)
        ends = np.concatenate([[False], begins])[: len(words)]
        stop = len(words) - (not ends[-1:].all())
        made, left = np.where(begins, table.numbers[which], words), words[stop:]
        yield made[:stop][~ends[:stop]].astype(np.int32), which[begins]
    yield left.astype(np.int32), np.zeros(0, np.int64)


def _begins(words: Int64[Any, " block"], table: _Table) -> tuple[Any, Any]:
    """Which words begin a pair that is joined, greedily from the left, and the phrase of each."""
    second = np.append(words[1:], SENTENCE_END)
    keys = np.where((words >= 0) & (second >= 0), words * table.size + second, -1)
    which = np.minimum(np.searchsorted(table.keys, keys), len(table.keys) - 1)
    match, at = table.keys[which] == keys, np.arange(len(words))
    first = match & ~np.concatenate([[False], match])[: len(words)]
    # of matches that overlap in a chain, the first takes its second word from the next, and so on
    chain = np.maximum.accumulate(np.where(first, at, 0))
    return match & ((at - chain) % 2 == 0), which
