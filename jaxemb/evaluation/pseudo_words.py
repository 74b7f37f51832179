"""Words of two senses whose truth is known: two unrelated words merged into one form.

Any text will do: every "banana" and every "door" becomes "banana|door", and the original word is
the sense. A table with one vector for the form cannot separate the senses; only context can.

Source:
    Gale, Church and Yarowsky 1992, "Work on statistical methods for word sense disambiguation";
    Schuetze 1992, "Context space".
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from jaxemb import linalg
from jaxemb.errors import InputError, at_least
from jaxemb.structs import AnyArray, Vocab

BETWEEN = "|"  # between the two words in the form


class PseudoWord(NamedTuple):
    """One form for two words."""

    form: str
    senses: tuple[str, str]


class Merged(NamedTuple):
    """A text in which both words of a pair have the id of the first."""

    ids: Int[AnyArray, " tokens"]
    senses: Int[AnyArray, " tokens"]  # 0 or 1; -1 for a token that is in no pair
    forms: Int[AnyArray, " tokens"]  # which pair; -1 for none


class Split(NamedTuple):
    """The positions of occurrences for learning senses, and for testing them."""

    train: Int[AnyArray, " train"]
    test: Int[AnyArray, " test"]


def id_pairs(
    counts: Int[AnyArray, " vocab"],
    seed: int,
    *,
    pairs: int = 50,
    min_count: int = 50,
    max_count: int | None = None,
    ratio: float = 1.25,
    table: Float[AnyArray, "vocab dim"] | None = None,
    max_cosine: float = 0.1,
) -> Int[AnyArray, "pairs 2"]:
    """Random pairs of different words of similar frequency, each word in one pair at most.

    Args:
        counts: of every word.
        min_count, max_count: words that occur less often or more often are left out.
        ratio: the largest ratio of the counts of a pair, so that senses are balanced.
        table: if given, the |cosine| of a pair is at most `max_cosine`: its words are unrelated.

    Raises:
        InputError: there are fewer such pairs than `pairs`.
    """
    at_least(1, pairs=pairs, min_count=min_count)
    counts, random = np.asarray(counts), np.random.Generator(np.random.Philox(seed))
    most = int(counts.max(initial=0)) if max_count is None else max_count
    words = np.argsort(counts, kind="stable")  # by rising count: similar counts form a slice
    words = words[(counts[words] >= min_count) & (counts[words] <= most)]
    unit = None if table is None else linalg.unit_rows(np.asarray(table, np.float64)[words])
    near = _Near(counts[words], ratio, unit, max_cosine)
    free, chosen = np.ones(len(words), bool), []
    for a in random.permutation(len(words)):
        if free[a] and len(chosen) < pairs and len(fit := near(a, free)):
            b = random.choice(fit)
            free[[a, b]] = False
            chosen.append(words[[a, b]])
    if len(chosen) < pairs:
        among = f"{len(words):,} words of {min_count:,} to {most:,} occurrences"
        remedy = "lower min_count, or raise ratio or max_cosine"
        raise InputError(f"{len(chosen)} pairs among {among}, wanted {pairs}: {remedy}")
    return np.array(chosen)


class _Near(NamedTuple):
    """The words that may be paired with a word: of similar count, unrelated, and free."""

    counts: Any  # rising
    ratio: float
    unit: Any  # rows of length 1, or None
    max_cosine: float

    def __call__(self, a: Any, free: Any) -> Any:
        ends = [self.counts[a] / self.ratio, np.nextafter(self.counts[a] * self.ratio, np.inf)]
        first, last = np.searchsorted(self.counts, ends)
        fit = free[first:last].copy()
        fit[a - first] = False
        if self.unit is not None:
            fit &= np.abs(self.unit[first:last] @ self.unit[a]) <= self.max_cosine
        return first + np.flatnonzero(fit)


def pseudo_words(vocab: Vocab, seed: int, **settings: Any) -> tuple[PseudoWord, ...]:
    """`id_pairs` as words.

    Raises:
        InputError: there are too few pairs, or a form is a word of the vocabulary already.
    """
    pairs = id_pairs(vocab.counts, seed, **settings)
    words = [(vocab.words[a], vocab.words[b]) for a, b in pairs]
    made = tuple(PseudoWord(BETWEEN.join(pair), pair) for pair in words)
    if taken := {merged_word.form for merged_word in made} & set(vocab.words):
        raise InputError(f"{min(taken)!r} is a word of the text: choose another seed")
    return made


def merge_ids(ids: Int[AnyArray, " tokens"], pairs: Int[AnyArray, "pairs 2"]) -> Merged:
    """Replace both words of a pair by the first; all other ids, and those below 0, stay.

    Args:
        ids: a text; sentence ends and padding below 0.
        pairs: no id twice.

    Raises:
        InputError: an id in two pairs, or twice in one.
    """
    ids, pairs = np.asarray(ids), np.asarray(pairs)
    if len(np.unique(pairs)) != pairs.size:
        raise InputError("a word is in two pairs, or twice in one; wanted every word once")
    size = max(ids.max(initial=-1), pairs.max(initial=-1)) + 1
    sense, form = np.full((2, size + 1), -1, np.int32)  # the last entry is for ids below 0
    sense[pairs] = [[0, 1]]
    form[pairs] = np.arange(len(pairs))[:, None]
    becomes = np.arange(size + 1, dtype=ids.dtype)
    becomes[pairs[:, 1]] = pairs[:, 0]
    places = np.where(ids >= 0, ids, size)
    return Merged(np.where(ids >= 0, becomes[places], ids), sense[places], form[places])


def merged(
    sentences: Iterable[Sequence[str]], made: Iterable[PseudoWord]
) -> Iterator[tuple[list[str], list[int]]]:
    """The text with words replaced by forms, and the sense of every token, by sentence.

    Yields:
        (tokens, senses): a sense is 0 or 1 where a token is a form, -1 elsewhere.

    Raises:
        InputError: a word in two pseudo-words.
    """
    known: dict[str, tuple[str, int]] = {}
    for pseudo_word in made:
        for sense, word in enumerate(pseudo_word.senses):
            if word in known:
                raise InputError(f"{word!r} is in {known[word][0]!r} and in {pseudo_word.form!r}")
            known[word] = (pseudo_word.form, sense)
    for tokens in sentences:
        replaced = [known.get(token, (token, -1)) for token in tokens]
        yield [form for form, _ in replaced], [sense for _, sense in replaced]


def split_occurrences(
    senses: Int[AnyArray, " occurrences"],
    forms: Int[AnyArray, " occurrences"],
    seed: int,
    per_sense: int,
) -> Split:
    """Of every form, `per_sense` occurrences of each sense for training, and as many for testing.

    Guessing, and choosing the most frequent sense, are then right half of the time. A form with
    fewer than 2 per_sense occurrences of a sense is left out.

    Args:
        senses: 0 or 1, or -1 for no sense, as `merge_ids` gives them.
        forms: the number of the pseudo-word, or -1 for none.

    Raises:
        InputError: no form has enough occurrences.
    """
    at_least(1, per_sense=per_sense)
    senses, forms = np.asarray(senses), np.asarray(forms)
    random = np.random.Generator(np.random.Philox(seed))
    order = random.permutation(len(senses))
    order = order[(senses[order] >= 0) & (forms[order] >= 0)]
    group = 2 * forms[order] + senses[order]
    order, group = (x[np.argsort(group, kind="stable")] for x in (order, group))
    number = forms.max(initial=-1) + 1
    starts = np.searchsorted(group, np.arange(2 * number + 1))
    enough = (np.diff(starts).reshape(number, 2) >= 2 * per_sense).all(axis=1)
    if not enough.any():
        raise InputError(
            f"no pseudo-word has {2 * per_sense:,} occurrences of both senses: give more text, or "
            "a smaller per_sense"
        )
    first = starts[:-1][np.repeat(enough, 2)]
    drawn = order[first[:, None] + np.arange(2 * per_sense)[None, :]]
    return Split(drawn[:, :per_sense].ravel(), drawn[:, per_sense:].ravel())
