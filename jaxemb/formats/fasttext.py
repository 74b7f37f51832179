"""fastText's .bin: words, and rows for their character n-grams, so that any word has a vector.

Versions 11 and 12, dense and unsupervised. An error names quantised, pruned and supervised models.

Source:
    Bojanowski et al. 2017, arXiv:1607.04606, eq. 2 with a mean instead of the sum.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from jaxemb.errors import InputError, each_a_word
from jaxemb.files import replacing
from jaxemb.formats import fasttext_file, unwritable
from jaxemb.formats.options import File, Options, WordVectors, existing
from jaxemb.formats.rows import Rows, decoded
from jaxemb.functional import hashing
from jaxemb.text import vocabulary

_COMPOSED = 1 << 12  # words composed at once
_BLOCK = 1 << 14  # rows written at once
NEGATIVE_SAMPLING, CBOW, SKIPGRAM = 2, 1, 2  # of loss and model, in `Settings`


class Model(NamedTuple):
    """A fastText model: a word's vector is the mean of its own row and its n-grams' rows."""

    settings: fasttext_file.Settings
    words: tuple[str, ...]
    counts: tuple[int, ...]
    rows: Any  # float32 [words + bucket, dim]; memory-mapped where the file is not compressed
    output: Any  # float32 [words, dim]


def read(path: Path, options: Options) -> WordVectors:
    """Read the words of a .bin file with their vectors, composed of words and n-grams."""
    with File(path, options.progress) as file:
        settings, dictionary, rows, _ = fasttext_file.read(file, options)
        table = Rows(file, options, settings.dim, len(dictionary.raw))
        for start in range(0, len(dictionary.raw), _COMPOSED):
            part = slice(start, start + _COMPOSED)
            raw, places = dictionary.raw[part], dictionary.places[part]
            own = np.arange(start, start + len(raw))

            def where(i: int, places=places) -> str:
                return f"byte {places[i]:,}"

            table.add(raw, _composed(settings, rows, len(dictionary.raw), raw, own), where)
            if table.complete:
                break
        return table.finish()


def model(path: str | Path, options: Options = Options()) -> Model:  # noqa: B008 (immutable)
    """Read a .bin file as a model, from which `vectors` composes the vectors of any words.

    Raises:
        FormatError: the file is damaged, or no dense unsupervised model of version 11 or 12.
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
    output: Float[np.ndarray, "words dim"],
) -> None:
    """Write a .bin file that fastText and gensim can read, atomically.

    Args:
        tokens: the number of tokens in which the words were counted.
        blocks: the input table in blocks, float32 [some, dim]: rows of words, then of all buckets.
        output: the output table.

    Raises:
        InputError: the format cannot hold a word.
    """
    each_a_word("words", words)
    for i, word in enumerate(words):
        if why := unwritable.anywhere(word, i, settings.dim):
            message = f"this format cannot hold the word {word!r:.60}: {why}"
            raise InputError(f"{path}: row {i:,}: {message}")
    raw = [word.encode("utf-8", "surrogateescape") for word in words]
    dictionary = fasttext_file.Dictionary(raw, list(map(int, counts)), [])
    matrices = ((len(raw) + settings.bucket, blocks), (len(raw), [output]))
    with replacing(Path(path)) as unfinished, unfinished.open("wb") as out:
        fasttext_file.write(out, settings, dictionary, tokens, matrices)


def blocks(
    rows: Float[np.ndarray, "some dim"], words: int, used: Int[np.ndarray, " ngrams"], buckets: int
) -> Iterator[Float[np.ndarray, "some dim"]]:
    """The input table for `write`: rows of words, then those of all buckets in order.

    A bucket without a row is zero.

    Args:
        rows: of the words, then one of each bucket that is used.
        used: the number of each used bucket.
        buckets: how many there are in all.
    """
    yield rows[:words]
    order = np.argsort(used)
    places, sources = used[order], words + order
    for start in range(0, buckets, _BLOCK):
        block = np.zeros((min(_BLOCK, buckets - start), rows.shape[1]), np.float32)
        first, last = np.searchsorted(places, (start, start + len(block)))
        block[places[first:last] - start] = rows[sources[first:last]]
        yield block


def vectors(model: Model, words: Sequence[str]) -> Float[np.ndarray, "words dim"]:
    """Return the vectors of words, in the vocabulary or not: means of float32 rows, in order.

    A word that has neither a row nor an n-gram (an unknown word with bucket 0) gets zeros.

    Raises:
        InputError: `words` is a single string, or holds something other than strings.
    """
    each_a_word("words", words)
    number = vocabulary.numbers(model.words)  # of a repeated word, the first row
    raw = [word.encode("utf-8", "surrogateescape") for word in words]
    own = np.array([number.get(word, -1) for word in words], np.int64)
    return _composed(model.settings, model.rows, len(model.words), raw, own)


def _composed(
    settings: fasttext_file.Settings, rows: Any, words: int, raw: list[bytes], own: Any
) -> Any:
    """Return the mean of each word's own row (if own >= 0) and its n-grams' rows, in this order."""
    known = own >= 0
    sums = np.zeros((len(raw), settings.dim), np.float32)
    sums[known] = rows[own[known]]
    buckets, counts = hashing.buckets_of(raw, settings.minn, settings.maxn, settings.bucket)
    ids, starts = words + buckets, np.cumsum(counts) - counts
    shares = np.maximum(counts + known, 1).astype(np.float32)[:, None]
    with np.errstate(over="ignore", invalid="ignore"):  # the reader reports infinity with its place
        for k in range(int(counts.max(initial=0))):  # in order, as float32 sums depend on it
            longer = np.flatnonzero(counts > k)
            sums[longer] += rows[ids[starts[longer] + k]]
        return sums / shares
