"""From tokens to ids: provisional numbers while the text streams by, then words by frequency.

The text is read once. A token gets the next free number when it is first met; when all counts are
known, words are numbered anew by falling count. So a one-shot iterator is as good as a file.
"""

import difflib
import functools
import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Int32, Int64

from jaxemb.errors import InputError, at_least, each_a_word
from jaxemb.structs import Vocab

SENTENCE_END = -1
LONGEST = 1000  # characters; a longer token is dropped as `too_long` (base64, binary garbage)
LOOKED_AT = 100_000  # words whose spelling is compared with that of a missing one
_DROPPED = -2


@runtime_checkable
class HasWords(Protocol):
    """Whatever names the rows of a table: a `Vocab`, or what a file of vectors holds."""

    @property
    def words(self) -> tuple[str, ...] | None: ...


class Tokens(NamedTuple):
    """Where every token of a text went: read = kept + the sum of dropped."""

    read: int
    kept: int
    dropped: dict[str, int]


class Numbering:
    """Gives every distinct token the next free number, in the order of first meeting."""

    def __init__(self) -> None:
        self._number: defaultdict[str, int] = defaultdict(itertools.count().__next__)

    def __call__(self, tokens: list[str]) -> list[int]:
        number = self._number
        return [number[token] for token in tokens]

    def words(self) -> list[str]:
        return list(self._number)


class Numbered(NamedTuple):
    """A text as numbers of its words, to be read block by block, any number of times."""

    words: list[str]  # by number
    counts: Int64[Any, " words"]
    blocks: Callable[[], Iterator[Int32[Any, " block"]]]  # -1 at sentence ends


class Renumbering(NamedTuple):
    """The final vocabulary, and where each provisional number went."""

    vocab: Vocab
    tokens: Tokens
    table: Int32[Any, " words_and_end"]  # final id, or _DROPPED; the last entry is the end mark

    def __call__(self, numbers: Int32[Any, " stream"]) -> Int32[Any, " ids"]:
        """Final ids: dropped words leave no trace, sentence ends stay."""
        return kept(self.table[numbers])  # -1 reads the last entry


def kept(ids: Int32[Any, " stream"]) -> Int32[Any, " ids"]:
    """What a renumbering's table gave, without the words that it drops."""
    return ids[ids != _DROPPED]


def renumber(
    words: list[str],
    counts: Int64[Any, " words"],
    *,
    min_count: int = 5,
    max_vocab: int | None = None,
    mark_unknown: bool = False,
    where: str = "the text",
    old: Vocab | None = None,
) -> Renumbering:
    """Chooses the vocabulary: words of at least `min_count`, the `max_vocab` most frequent.

    Args:
        words: by provisional number.
        counts: by provisional number.
        mark_unknown: a dropped word leaves the id behind the last word's, and not nothing.
        where: how messages call the text.
        old: words that are in the vocabulary whatever the text; their counts are added. Tokens
            are those of the text alone.

    Raises:
        InputError: no token at all; no word frequent enough, with the min_count that keeps some.
    """
    at_least(1, min_count=min_count)
    if max_vocab is not None:
        at_least(1, max_vocab=max_vocab)
    if not words:
        raise InputError(f"{where}: no tokens: the text is empty, or its tokenizer finds no words")
    before = np.zeros(len(words), np.int64)
    if old is not None:
        words, counts, before = _with_old(words, counts, old)
    stays, sums = before > 0, counts + before
    too_long = np.fromiter((len(word) > LONGEST for word in words), bool, len(words))
    too_long &= ~stays
    fit = np.flatnonzero((counts >= min_count) & ~too_long | stays)
    if not fit.size:
        top = int(np.max(np.where(too_long, 0, counts)))
        raise InputError(
            f"{where}: none of its {len(words):,} words occurs min_count = {min_count} times; "
            f"the most frequent occurs {top} times: --corpus.min-count {top} would keep a word"
        )
    order = np.array(sorted(fit, key=lambda i: (-sums[i], words[i])))
    chosen, beyond = order[:max_vocab], order[len(order[:max_vocab]) :]
    table = np.full(len(words) + 1, len(chosen) if mark_unknown else _DROPPED, np.int32)
    table[chosen] = np.arange(len(chosen), dtype=np.int32)
    table[SENTENCE_END] = SENTENCE_END
    dropped = {
        "under_min_count": int(counts[(counts < min_count) & ~too_long & ~stays].sum()),
        "over_max_vocab": int(counts[beyond].sum()),
        "too_long": int(counts[too_long].sum()),
    }
    tokens = Tokens(int(counts.sum()), int(counts[chosen].sum()), dropped)
    return Renumbering(Vocab(tuple(words[i] for i in chosen), sums[chosen]), tokens, table)


def _with_old(words: list[str], counts: Int64[Any, " words"], old: Vocab):
    """The words and counts with old words behind that are not among them, and all old counts."""
    before = dict(zip(old.words, old.counts.tolist(), strict=True))
    known = set(words)
    words = [*words, *(word for word in old.words if word not in known)]
    counts = np.concatenate([counts, np.zeros(len(words) - len(counts), np.int64)])
    return words, counts, np.array([before.get(word, 0) for word in words], np.int64)


def lines(vocab: Vocab) -> Iterator[str]:
    """`word TAB count` and a line end for every word, by id."""
    pairs = zip(vocab.words, vocab.counts, strict=True)
    return (f"{word}\t{count}\n" for word, count in pairs)


def refuse_one_word(vocab: Vocab) -> None:
    """Raises InputError for a vocabulary in which there is nothing to predict."""
    if len(vocab.words) < 2:
        raise InputError(
            f"the vocabulary has {len(vocab.words)} word(s); a word can only be predicted among at "
            "least 2: lower min_count (--corpus.min-count), or give more text"
        )


def count(numbers: Int32[Any, " stream"], words: int) -> Int64[Any, " words"]:
    """Occurrences of each provisional number; sentence ends are not counted."""
    return np.bincount(numbers[numbers >= 0], minlength=words)


def named(vocab: HasWords) -> tuple[str, ...]:
    """The words of the rows.

    Raises:
        InputError: the rows have no names.
    """
    if vocab.words is None:
        raise InputError("this table came without words: wanted a word for each of its rows")
    return vocab.words


@functools.lru_cache(maxsize=4)
def numbers(
    words: tuple[str, ...], fold: Callable[[str], str] = str, first: int | None = None
) -> dict[str, int]:
    """The row of each word as `fold` writes it; of several forms, that of the first.

    Args:
        words: the most frequent first.
        fold: what makes two forms one word: `str.upper`, or `str` for none.
        first: only so many words are looked at.
    """
    known = words[:first]
    forms = known if fold is str else tuple(map(fold, known))
    return dict(zip(reversed(forms), reversed(range(len(forms))), strict=True))


def index(vocab: HasWords, words: Iterable[str]) -> list[int]:
    """The ids of some words.

    Raises:
        InputError: a word is not in the vocabulary, with the words that look most like it; words
            that are no strings, or one string.
    """
    known, words = named(vocab), list(words) if isinstance(words, Iterator) else words
    each_a_word("words", words)
    number = numbers(known)
    missing = [word for word in words if word not in number]
    if missing:
        near = spelled_like(known, missing[0])
        hint = f"; near it: {', '.join(near)}" if near else ""
        raise InputError(f"{missing[0]!r} is not among the {len(number):,} words{hint}")
    return [number[word] for word in words]


def spelled_like(words: Sequence[str], word: str, n: int = 3) -> list[str]:
    """At most n words spelled like one: other cases of it, then the frequent ones nearest to it."""
    folded, length = word.casefold(), len(word)
    cases = [each for each in words if len(each) == length and each.casefold() == folded]
    alike = (each for each in words if abs(len(each) - length) <= 2)
    near = difflib.get_close_matches(word, itertools.islice(alike, LOOKED_AT), n)
    return list(dict.fromkeys([*cases, *near]))[:n]
