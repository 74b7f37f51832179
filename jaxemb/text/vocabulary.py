"""From tokens to ids: provisional numbers while the text streams by, then ids by frequency.

The text is read once, so that an iterator serves as well as a file. A token gets the next free
number at its first occurrence; when all counts are known, words are renumbered by falling count.
"""

import difflib
import functools
import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Int32, Int64

from jaxemb import files
from jaxemb.errors import InputError, at_least, each_a_word
from jaxemb.structs import Vocab

FILE = "vocab.txt"  # of a corpus and of a run
SENTENCE_END = -1
LONGEST = 1000  # characters; a longer token is dropped as `too_long` (base64, binary garbage)
LOOKED_AT = 100_000  # words whose spelling is compared with that of an unknown word
_DROPPED = -2


@runtime_checkable
class HasWords(Protocol):
    """Anything that names the rows of a table: a `Vocab`, or the contents of a file of vectors."""

    @property
    def words(self) -> tuple[str, ...] | None:
        """The word of each row; None where rows have no names."""
        ...


class Tokens(NamedTuple):
    """Token counts of a text: read = kept + the sum of dropped, whose keys are the causes."""

    read: int
    kept: int
    dropped: dict[str, int]


class Numbering:
    """Gives every distinct token the next free number, in order of first occurrence."""

    def __init__(self) -> None:
        self._number: defaultdict[str, int] = defaultdict(itertools.count().__next__)

    def __call__(self, tokens: list[str]) -> list[int]:
        number = self._number
        return [number[token] for token in tokens]

    def words(self) -> list[str]:
        """The distinct tokens, by number."""
        return list(self._number)


class Numbered(NamedTuple):
    """A text as numbers of its words, to be read block by block, any number of times."""

    words: list[str]  # by number
    counts: Int64[np.ndarray, " words"]
    blocks: Callable[[], Iterator[Int32[np.ndarray, " block"]]]  # -1 at sentence ends


class Renumbering(NamedTuple):
    """The final vocabulary, and the final id of each provisional number."""

    vocab: Vocab
    tokens: Tokens
    # final id, or _DROPPED; the last entry is the end mark
    table: Int32[np.ndarray, " words_and_end"]

    def __call__(self, numbers: Int32[np.ndarray, " stream"]) -> Int32[np.ndarray, " ids"]:
        """Final ids: dropped words are left out, sentence ends stay."""
        return kept(self.table[numbers])  # -1 reads the last entry


def kept(ids: Int32[np.ndarray, " stream"]) -> Int32[np.ndarray, " ids"]:
    """Ids from a renumbering's table, without those of dropped words."""
    return ids[ids != _DROPPED]


def renumber(
    words: list[str],
    counts: Int64[np.ndarray, " words"],
    *,
    min_count: int = 5,
    max_vocab: int | None = None,
    mark_unknown: bool = False,
    where: str = "the text",
    old: Vocab | None = None,
) -> Renumbering:
    """Choose the vocabulary: words of at least `min_count`, the `max_vocab` most frequent.

    Args:
        words: by provisional number.
        counts: by provisional number.
        mark_unknown: whether a dropped word becomes id len(vocab.words), instead of no id.
        where: the name of the text in messages.
        old: words that stay in the vocabulary whatever the text; their counts are added. `tokens`
            counts the text alone.

    Raises:
        InputError: no token at all; no word frequent enough: the message gives a min_count that
            keeps a word.
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
            f"the most frequent occurs {top} times: min_count={top} would keep a word"
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


def _with_old(words: list[str], counts: Int64[np.ndarray, " words"], old: Vocab):
    """Words and counts with the missing old words appended, and the old count of every word."""
    before = dict(zip(old.words, old.counts.tolist(), strict=True))
    known = set(words)
    words = [*words, *(word for word in old.words if word not in known)]
    counts = np.concatenate([counts, np.zeros(len(words) - len(counts), np.int64)])
    return words, counts, np.array([before.get(word, 0) for word in words], np.int64)


def lines(vocab: Vocab) -> Iterator[str]:
    """A line `word TAB count` for every word, by id."""
    pairs = zip(vocab.words, vocab.counts, strict=True)
    return (f"{word}\t{count}\n" for word, count in pairs)


def refuse_one_word(vocab: Vocab) -> None:
    """Raise InputError for a vocabulary of fewer than 2 words: there is nothing to predict."""
    if len(vocab.words) < 2:
        raise InputError(
            f"the vocabulary has {len(vocab.words)} word(s); a word can only be predicted among at "
            "least 2: set min_count=1, or give more text"
        )


def count(numbers: Int32[np.ndarray, " stream"], words: int) -> Int64[np.ndarray, " words"]:
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
    """The row of each folded word; where several words fold alike, the row of the first.

    Args:
        words: the most frequent first.
        fold: what makes two forms one word: `str.upper`, or `str` for no folding.
        first: how many of the words are taken; None for all.
    """
    known = words[:first]
    forms = known if fold is str else tuple(map(fold, known))
    return dict(zip(reversed(forms), reversed(range(len(forms))), strict=True))


def index(vocab: HasWords, words: Iterable[str]) -> list[int]:
    """The ids of some words.

    Raises:
        InputError: a word is not in the vocabulary (the message names words spelled like it);
            `words` is one string, or holds something other than strings.
    """
    known, words = named(vocab), list(words) if isinstance(words, Iterator) else words
    each_a_word("words", words)
    number = numbers(known)
    missing = [word for word in words if word not in number]
    if missing:
        near = spelled_like(known, missing[0])
        shown = [repr(word) if word != word.strip() else word for word in near]
        hint = f"; near it: {', '.join(shown)}" if near else ""
        raise InputError(f"{missing[0]!r} is not among the {len(number):,} words{hint}")
    return [number[word] for word in words]


def spelled_like(words: Sequence[str], word: str, n: int = 3) -> list[str]:
    """At most n words spelled like `word`: its other cases, then frequent, similar words.

    Tokenizers have words with a space before them: it counts as another case.
    """
    folded, length = word.strip().casefold(), len(word)
    about = [other for other in words if abs(len(other) - length) <= 2]
    cases = [other for other in about if other.strip().casefold() == folded]
    near = difflib.get_close_matches(word, about[:LOOKED_AT], n)
    return list(dict.fromkeys([*cases, *near]))[:n]


def read(path: Path) -> Vocab:
    """Read words and counts from a file of `word TAB count` lines.

    Raises:
        InputError: no such file, or a line of another form.
    """
    words, counts = [], []
    for number, line in enumerate(files.read_text(path).split("\n")[:-1], 1):
        word, tab, count = line.rpartition("\t")
        if not tab or not (count.isascii() and count.isdecimal()):
            raise InputError(f"{path}: line {number}: got {line!r}, wanted word, tab, count")
        words.append(word)
        counts.append(int(count))
    return Vocab(tuple(words), np.array(counts, np.int64))


def write(path: Path, vocab: Vocab) -> None:
    """Write a line `word TAB count` for every word, by id."""
    files.write_text(path, "".join(lines(vocab)))
