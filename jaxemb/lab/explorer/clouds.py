"""The third rung in the page: the occurrences of some words, layer by layer, as clouds."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from jaxemb import linalg
from jaxemb.contextual import windows
from jaxemb.errors import InputError
from jaxemb.evaluation import occurrences
from jaxemb.lab.runs.contextual.config import ContextualConfig
from jaxemb.lab.studies.context import tokens
from jaxemb.lab.studies.ladder import cloud
from jaxemb.text import vocabulary

SENTENCES = 160  # of each word
AROUND = 12  # words read and shown on either side
WORDS = 12  # clouds, if no words are wanted
_FREQUENT = 150  # the most frequent words are function words
LEAST = 60  # sentences with a word that is chosen without being wanted


def clouds(
    folder: str | Path,
    wanted: Sequence[str] = (),
    known: Sequence[str] = (),
    config: ContextualConfig | None = None,
) -> Iterator[dict[str, Any]]:
    """The cloud of each word, in every layer of a finished language model.

    Args:
        folder: a finished run of scripts/train_contextual.py, whose text is read again.
        wanted: the words; by default frequent ones of the run, from beyond the function words.
        known: where no words are wanted, only these are chosen.
        config: as in `run.load`.

    Raises:
        InputError: the folder holds no finished run; a wanted word occurs too rarely in its text.
    """
    source = tokens.contextual(folder, config)
    sentences, words = tokens.corpus_of(folder)
    vocab = vocabulary.read(Path(folder) / vocabulary.FILE)
    where = _places(sentences, len(words))
    chosen = list(wanted) or _chosen(vocab.words, where, known)
    for word, at in zip(chosen, vocabulary.index(vocab, chosen), strict=True):
        places = where(int(at) + windows.SHIFT)
        if len(places) < cloud.LEAST:
            raise InputError(
                f"{word!r} occurs in {len(places)} sentences of the text of {folder}; a cloud "
                f"needs {cloud.LEAST}: choose a more frequent word"
            )
        some = [places[i] for i in tokens.spread(len(places), SENTENCES)]
        texts = [_part(sentences[i], at + windows.SHIFT, words) for i in some]
        yield _cloud(source, word, texts, len(places))


def _places(sentences: Sequence[Any], size: int) -> Any:
    """A function from an id to the sentences that contain it."""
    lengths = [len(ids) for ids in sentences]
    flat = np.concatenate([*sentences, np.zeros(0, int)]).astype(np.int64)
    owner = np.repeat(np.arange(len(sentences)), lengths)
    order = np.argsort(flat, kind="stable")
    starts = np.searchsorted(flat[order], np.arange(size + 1))
    return lambda i: np.unique(owner[order[starts[i] : starts[i + 1]]])


def _chosen(words: Sequence[str], where: Any, known: Sequence[str]) -> list[str]:
    """Frequent words of letters, evenly spaced from beyond the function words."""
    there = set(known or words)
    start = min(_FREQUENT, len(words) // 2)
    pool = [
        word
        for i, word in enumerate(words[: start + 600])
        if i >= start and word in there and word.isalpha() and len(word) > 2
        if len(where(i + windows.SHIFT)) >= LEAST
    ]
    return [pool[i] for i in tokens.spread(len(pool), WORDS)] if pool else []


def _part(ids: Any, wanted: int, words: tuple[str, ...]) -> list[str]:
    """The words around the first occurrence."""
    first = int(np.argmax(ids == wanted))
    return tokens.named(ids[max(first - AROUND, 0) : first + AROUND + 1], words)


def _cloud(source: tokens.Source, word: str, texts: Any, total: int) -> dict[str, Any]:
    gathered = tokens.gather([source], texts)
    own = np.flatnonzero(gathered.types == gathered.words.index(word))
    own = own[np.unique(gathered.sentences[own], return_index=True)[1]]  # one of each sentence
    vectors = [layer[own].astype(np.float64) for layer in gathered.layers[0]]
    group = cloud.two_means(np.asarray(linalg.unit_rows(vectors[-1])))
    contexts = [cloud.around(texts, gathered, int(i), AROUND) for i in own]
    return {
        "word": word,
        "sentences": total,
        "group": group.tolist(),
        "names": [", ".join(cloud.beside(contexts, group == k)) for k in (0, 1)],
        "contexts": [list(pair) for pair in contexts],
        "layers": [*_layers(vectors)],
    }


def _layers(vectors: Sequence[Float[np.ndarray, "occurrences dim"]]) -> Iterator[dict[str, Any]]:
    """The plane of each layer, turned to be as near as it can be to that of the layer before."""
    before = None
    for layer in vectors:
        points, explained = cloud.plane(np.asarray(linalg.unit_rows(layer)))
        if before is not None and np.any(points) and np.any(before):
            points = points @ np.asarray(linalg.procrustes(points, before).rotation)
        (alike,) = occurrences.self_similarity(layer, np.zeros(len(layer), int), 1)
        before = points
        rounded = np.round(points, 4).tolist()
        yield {"points": rounded, "explained": explained, "alike": float(alike)}
