"""The running words of a text, and the vectors that embedders of any kind give them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from jaxemb import files
from jaxemb.contextual import reader, windows
from jaxemb.errors import InputError
from jaxemb.lab import vectors as loading, workdir as identity
from jaxemb.lab.runs.contextual import embed, run
from jaxemb.text import corpus, vocabulary

Texts = Sequence[Sequence[str]]
UNKNOWN = "<UNK>"  # a token that was dropped from a corpus


class Source(NamedTuple):
    """Words to the vectors of every layer."""

    path: str
    layers: int
    dim: int
    knows: Callable[[str], bool]
    vectors: Callable[[Texts], Iterable[tuple[int, Float[Any, "layers time dim"]]]]
    model: reader.Embedding | None  # None: static

    @property
    def name(self) -> str:
        return Path(self.path).stem


class Occurrences(NamedTuple):
    """Tokens of a text, one after another."""

    words: tuple[str, ...]  # each word once
    types: Int[Any, " occurrences"]  # which of `words`
    sentences: Int[Any, " occurrences"]
    places: Int[Any, " occurrences"]  # in the sentence
    layers: list[Float[Any, "layers occurrences dim"]]  # of each source


def is_contextual(path: str | Path) -> bool:
    """Whether a finished language model is there."""
    return (Path(path) / run.MODEL).is_file()


def contextual(workdir: str | Path) -> Source:
    """A finished run of scripts/train_contextual.py, with all its layers.

    Raises:
        InputError: no finished run there.
    """
    of = embed.of_run(workdir)
    known = set(corpus.read_vocab(Path(workdir) / corpus.VOCAB).words)
    spelled = _said(Path(workdir))["characters"]

    def knows(word: str) -> bool:
        return word != UNKNOWN if spelled else word in known

    def vectors(texts: Texts):
        return reader.vectors(of, texts)

    return Source(str(workdir), of.layers, of.dim, knows, vectors, of)


def static(path: str, texts: Texts) -> Source:
    """Vectors of any format or run, as an embedder of one layer; only those that the text needs.

    Raises:
        InputError: no vectors there, or none of words.
    """
    needed = {token for sentence in texts for token in sentence}
    words, table = loading.word_vectors(path, only=needed).word_vectors
    if words is None:
        raise InputError(f"{path}: does not say which word each row is: name a file with words")
    number = vocabulary.numbers(words)
    padded = np.concatenate(
        [np.asarray(table), np.zeros_like(table[:1], shape=(1, table.shape[1]))]
    )

    def vectors(texts: Texts):
        for i, sentence in enumerate(texts):
            yield i, padded[None, [number.get(token, -1) for token in sentence]]

    return Source(path, 1, table.shape[1], number.__contains__, vectors, None)


def held_out(workdir: str | Path) -> list[list[str]]:
    """The sentences on which a run of scripts/train_contextual.py has reported."""
    said = _said(Path(workdir))
    shares = (said["corpus"]["held_out"], said["dev"])
    found, words = _ids(Path(workdir))
    chosen = windows.split(len(found), said["seed"], *shares)[0]
    return [named(found[i], words) for i in chosen]


def corpus_of(workdir: str | Path) -> tuple[list[Int[Any, "..."]], tuple[str, ...]]:
    """All sentences of a run as ids without marks, and the word of each id."""
    found, words = _ids(Path(workdir))
    return [ids[1:-1] for ids in found], words


def named(ids: Any, words: tuple[str, ...]) -> list[str]:
    """Ids of a sentence, with its marks or without, to its tokens."""
    return [words[i] for i in ids if i > windows.END]


def _said(workdir: Path) -> dict[str, Any]:
    return files.read_json(workdir / identity.CONFIG)["config"]


def _ids(workdir: Path) -> tuple[list[Any], tuple[str, ...]]:
    prepared = corpus.load(_said(workdir)["corpus"]["prepared"] or workdir / "corpus")
    words = prepared.vocab.words
    return windows.sentences(prepared.ids, len(words)), ("", "", UNKNOWN, *words)


def spread(count: int, most: int) -> list[int]:
    """At most `most` of the numbers below `count`, evenly far apart."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).astype(int)).tolist()


def gather(sources: Sequence[Source], texts: Texts) -> Occurrences:
    """The occurrences of words that all sources know, with their vectors.

    Raises:
        InputError: there are none.
    """
    kept = [
        [at for at, token in enumerate(tokens) if all(each.knows(token) for each in sources)]
        for tokens in texts
    ]
    found = list(_occurring(texts, kept))
    if not found:
        names = " and ".join(each.path for each in sources)
        raise InputError(f"the text has no word that is known to {names}: give another text")
    tokens, sentences, places = zip(*found, strict=True)
    words, types = np.unique(np.array(tokens, object), return_inverse=True)
    ends = np.cumsum([0, *map(len, kept)])
    layers = []
    for source in sources:
        rows = np.empty((source.layers, len(tokens), source.dim), np.float32)
        for i, vectors in source.vectors(texts):
            rows[:, ends[i] : ends[i + 1]] = np.asarray(vectors)[:, kept[i]]
        layers.append(rows)
    return Occurrences(tuple(words), types, np.array(sentences), np.array(places), layers)


def _occurring(texts: Texts, kept: list[list[int]]) -> Iterator[tuple[str, int, int]]:
    for i, (tokens, places) in enumerate(zip(texts, kept, strict=True)):
        yield from ((tokens[at], i, at) for at in places)
