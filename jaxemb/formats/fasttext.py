"""fastText's .bin: words, and rows for their character n-grams, so that any word has a vector.

Versions 11 and 12, dense, unsupervised. Quantised, pruned and supervised models are refused by
name.

Source:
    Bojanowski et al. 2017, arXiv:1607.04606, eq. 2 with a mean for the sum.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from jaxemb.errors import InputError, each_a_word
from jaxemb.files import replacing
from jaxemb.formats import fasttext_file, unwritable
from jaxemb.formats.options import File, Options, WordVectors, existing
from jaxemb.formats.rows import Rows, decoded
from jaxemb.functional import hashing
from jaxemb.text import vocabulary

_COMPOSED = 1 << 12  # words at once


class Model(NamedTuple):
    """A fastText model: the vector of a word is the mean of its own row and its n-grams'."""

    settings: fasttext_file.Settings
    words: tuple[str, ...]
    counts: tuple[int, ...]
    rows: Any  # float32 [words + bucket, dim]; memory-mapped where the file is not compressed
    output: Any  # float32 [words, dim]


def read(path: Path, options: Options) -> WordVectors:
    """The words of a .bin file with their whole vectors, n-grams taken in."""
    with File(path, options.progress) as file:
        settings, dictionary, rows, _ = fasttext_file.read(file, options)
        found = Rows(file, options, settings.dim, len(dictionary.raw))
        for start in range(0, len(dictionary.raw), _COMPOSED):
            part = slice(start, start + _COMPOSED)
            raw, places = dictionary.raw[part], dictionary.places[part]
            own = np.arange(start, start + len(raw))

            def where(i: int, places=places) -> str:
                return f"byte {places[i]:,}"

            found.add(raw, _composed(settings, rows, len(dictionary.raw), raw, own), where)
            if found.complete:
                break
        return found.finish()


def model(path: str | Path, options: Options = Options()) -> Model:  # noqa: B008 (immutable)
    """A .bin file whole, for words that are not in it (`vectors`).

    Raises:
        FormatError: not a dense unsupervised model of version 11 or 12, or damaged.
    """
    with File(existing(path, "a fastText model"), options.progress) as file:
        settings, dictionary, rows, output = fasttext_file.read(file, options)
        words = decoded(
            file.path, options, dictionary.raw, lambda i: f"byte {dictionary.places[i]:,}"
        )
        return Model(settings, tuple(words), tuple(dictionary.counts), rows, output)


def write(
    path: str | Path,
    settings: fasttext_file.Settings,
    words: Sequence[str],
    counts: Sequence[int],
    tokens: int,
    blocks: Iterable[Any],
    output: Float[Any, "words dim"],
) -> None:
    """A .bin file that fastText and gensim read, whole or not there.

    Args:
        tokens: that the words were counted in.
        blocks: the rows of words, then of all buckets, some at a time: float32 [some, dim].
        output: the other table.

    Raises:
        InputError: a word that such a file cannot hold.
    """
    each_a_word("words", words)
    for i, word in enumerate(words):
        if why := unwritable.anywhere(word, i, settings.dim):
            said = f"this format cannot hold the word {word!r:.60}: {why}"
            raise InputError(f"{path}: row {i:,}: {said}")
    raw = [word.encode("utf-8", "surrogateescape") for word in words]
    dictionary = fasttext_file.Dictionary(raw, list(map(int, counts)), [])
    matrices = ((len(raw) + settings.bucket, blocks), (len(raw), [output]))
    with replacing(Path(path)) as unfinished, unfinished.open("wb") as out:
        fasttext_file.write(out, settings, dictionary, tokens, matrices)


def vectors(model: Model, words: Sequence[str]) -> Float[np.ndarray, "words dim"]:
    """The vectors of words, in the vocabulary or not: means of float32 rows, added in order.

    A word that has neither a row nor an n-gram (an unknown one with bucket 0) gets zeros.

    Raises:
        InputError: words that are no strings, or one string.
    """
    each_a_word("words", words)
    number = vocabulary.numbers(model.words)  # of a word that stands twice, the first row
    raw = [word.encode("utf-8", "surrogateescape") for word in words]
    own = np.array([number.get(word, -1) for word in words], np.int64)
    return _composed(model.settings, model.rows, len(model.words), raw, own)


def _composed(
    settings: fasttext_file.Settings, rows: Any, words: int, raw: list[bytes], own: Any
) -> Any:
    """The mean of a word's own row (where own >= 0) and its n-grams' rows, added in this order."""
    known = own >= 0
    sums = np.zeros((len(raw), settings.dim), np.float32)
    sums[known] = rows[own[known]]
    buckets, counts = hashing.buckets_of(raw, settings.minn, settings.maxn, settings.bucket)
    ids, starts = words + buckets, np.cumsum(counts) - counts
    shares = np.maximum(counts + known, 1).astype(np.float32)[:, None]
    with np.errstate(over="ignore", invalid="ignore"):  # infinity is refused with its place
        for k in range(int(counts.max(initial=0))):  # in order, as float32 sums depend on it
            longer = np.flatnonzero(counts > k)
            sums[longer] += rows[ids[starts[longer] + k]]
        return sums / shares
