"""The tokens of a text, and the vectors that embedders of any kind give them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from jaxemb import files
from jaxemb.contextual import reader, windows
from jaxemb.errors import InputError
from jaxemb.formats.stored import widened
from jaxemb.lab import vectors, workdir
from jaxemb.lab.runs.contextual import embed, run
from jaxemb.lab.runs.contextual.config import ContextualConfig
from jaxemb.text import corpus, vocabulary

Texts = Sequence[Sequence[str]]
UNKNOWN = "<UNK>"  # a token that was dropped from a corpus


class Source(NamedTuple):
    """An embedder: from sentences to the vectors of every layer."""

    path: str
    layers: int
    dim: int
    knows: Callable[[str], bool]  # whether a word has a vector
    vectors: Callable[[Texts], Iterable[tuple[int, Float[np.ndarray, "layers time dim"]]]]
    model: reader.Embedding | None  # None: static

    @property
    def name(self) -> str:
        """The name of the file or folder, without its ending."""
        return Path(self.path).stem


class Occurrences(NamedTuple):
    """The tokens of a text whose words all sources know, in the order of the text."""

    words: tuple[str, ...]  # each word once, in alphabetical order
    types: Int[np.ndarray, " occurrences"]  # the index of each token's word in `words`
    sentences: Int[np.ndarray, " occurrences"]  # the index of the sentence
    places: Int[np.ndarray, " occurrences"]  # the position in the sentence
    layers: list[Float[np.ndarray, "layers occurrences dim"]]  # of each source


def is_contextual(path: str | Path) -> bool:
    """Whether the folder holds a finished language model."""
    return (Path(path) / run.MODEL).is_file()


def contextual(folder: str | Path, config: ContextualConfig | None = None) -> Source:
    """All layers of a finished run of scripts/train_contextual.py.

    Args:
        config: as in `run.load`.

    Raises:
        InputError: the folder holds no finished run; as `run.load`.
    """
    model = embed.of_run(folder, config)
    known = set(vocabulary.read(Path(folder) / vocabulary.FILE).words)
    spelled = _config(Path(folder))["characters"]

    def knows(word: str) -> bool:
        return word != UNKNOWN if spelled else word in known

    def read(texts: Texts):
        return reader.vectors(model, texts)

    return Source(str(folder), model.layers, model.dim, knows, read, model)


def static(path: str, texts: Texts, tensor: str | None = None) -> Source:
    """Static vectors of any format or run as a source of one layer.

    Args:
        texts: the sentences; only vectors of their words are read.
        tensor: the name of the matrix, where a .safetensors or a folder of them has several.

    Raises:
        InputError: the path holds no vectors, or no words.
    """
    needed = {token for sentence in texts for token in sentence}
    words, table = vectors.word_vectors(path, only=needed, tensor=tensor).word_vectors
    if words is None:
        raise InputError(f"{path}: does not say which word each row is: name a file with words")
    number, table = vocabulary.numbers(words), widened(np.asarray(table))
    padded = np.concatenate([table, np.zeros_like(table[:1], shape=(1, table.shape[1]))])

    def read(texts: Texts):
        for i, sentence in enumerate(texts):
            yield i, padded[None, [number.get(token, -1) for token in sentence]]

    return Source(path, 1, table.shape[1], number.__contains__, read, None)


def held_out(folder: str | Path) -> list[list[str]]:
    """The held-out sentences of a finished run of scripts/train_contextual.py."""
    config = _config(Path(folder))
    shares = (config["corpus"]["held_out"], config["dev"])
    sentences, words = _ids(Path(folder))
    chosen = windows.split(len(sentences), config["seed"], *shares)[0]
    return [named(sentences[i], words) for i in chosen]


def corpus_of(folder: str | Path) -> tuple[list[Int[np.ndarray, "..."]], tuple[str, ...]]:
    """All sentences of a run as ids without sentence marks, and the word of each id."""
    sentences, words = _ids(Path(folder))
    return [ids[1:-1] for ids in sentences], words


def named(ids: Any, words: tuple[str, ...]) -> list[str]:
    """The tokens of a sentence; sentence marks among the ids are dropped."""
    return [words[i] for i in ids if i > windows.END]


def _config(folder: Path) -> dict[str, Any]:
    return files.read_json(folder / workdir.CONFIG)["config"]


def _ids(folder: Path) -> tuple[list[Any], tuple[str, ...]]:
    prepared = corpus.load(_config(folder)["corpus"]["prepared"] or folder / "corpus")
    words = prepared.vocab.words
    return windows.sentences(prepared.ids, len(words)), ("", "", UNKNOWN, *words)


def spread(count: int, most: int) -> list[int]:
    """At most `most` evenly spaced whole numbers from 0 to count - 1."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).astype(int)).tolist()


def some(texts: Texts, most: int) -> list[Sequence[str]]:
    """At most `most` of the sentences that have a token, evenly spaced over the text."""
    read = [sentence for sentence in texts if sentence]
    return [read[i] for i in spread(len(read), most)]


def gather(sources: Sequence[Source], texts: Texts) -> Occurrences:
    """The occurrences of words that all sources know, with their vectors in every source.

    Raises:
        InputError: the text has no such word.
    """
    kept = [
        [at for at, token in enumerate(tokens) if all(source.knows(token) for source in sources)]
        for tokens in texts
    ]
    rows = list(_occurring(texts, kept))
    if not rows:
        names = " and ".join(source.path for source in sources)
        raise InputError(f"the text has no word that is known to {names}: give another text")
    tokens, sentences, places = zip(*rows, strict=True)
    words, types = np.unique(np.array(tokens, object), return_inverse=True)
    ends = np.cumsum([0, *map(len, kept)])
    layers = []
    for embedder in sources:
        table = np.empty((embedder.layers, len(tokens), embedder.dim), np.float32)
        for i, sentence in embedder.vectors(texts):
            table[:, ends[i] : ends[i + 1]] = np.asarray(sentence)[:, kept[i]]
        layers.append(table)
    return Occurrences(tuple(words), types, np.array(sentences), np.array(places), layers)


def _occurring(texts: Texts, kept: list[list[int]]) -> Iterator[tuple[str, int, int]]:
    """(token, sentence, position) of every kept token."""
    for i, (tokens, places) in enumerate(zip(texts, kept, strict=True)):
        yield from ((tokens[at], i, at) for at in places)
