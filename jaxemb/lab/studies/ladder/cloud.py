"""The third rung: a word in every sentence of a text, as a cloud where a table has one point."""

from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float, Int

from jaxemb import files, linalg
from jaxemb.contextual import windows
from jaxemb.errors import InputError
from jaxemb.evaluation import contextuality, occurrences
from jaxemb.lab.studies.context import tokens as running_words
from jaxemb.lab.studies.context.tokens import Occurrences
from jaxemb.lab.studies.ladder.rungs import NEAR, Rung
from jaxemb.text import corpus, vocabulary

SENSES = (
    "senses.json"  # optional, in a run's folder: true senses of words, in the order of the text
)
SENTENCES, OTHERS = 400, 200  # read with the word, and without
AROUND = 15  # words read on either side of its first place: a line may be a whole page
LEAST = 8  # occurrences that make a cloud
MIN_OCCURRENCES, DRAWS = 5, 50
REACH = 4  # words on either side of a snippet


class Cloud(NamedTuple):
    """The occurrences of one word, on the two axes of their largest variance."""

    word: str
    layer: int
    points: Float[Any, "occurrences 2"]
    group: Int[Any, " occurrences"]  # 0 or 1
    names: tuple[str, ...]  # of the groups
    known: bool  # groups are true senses; else clusters
    contexts: tuple[tuple[str, str], ...]  # what stands before each, and behind it
    explained: float  # share of the variance that is on the two axes


class Seen(NamedTuple):
    """A word on the contextual rung."""

    rung: Rung
    cloud: Cloud


class _Read(NamedTuple):
    """Sentences with the word and without."""

    texts: list[list[str]]
    before: Int[Any, " sentences"]  # occurrences of the word in all text before each


def climb(workdir: str | Path, word: str) -> Seen:
    """The contextual rung: the last layer of a run, over sentences with the word and others.

    Raises:
        InputError: no finished run; a word that its text does not hold often enough.
    """
    workdir, source = Path(workdir), running_words.contextual(workdir)
    read = _read(workdir, word)
    found = running_words.gather([source], read.texts)
    vectors = found.layers[0][-1].astype(np.float64)
    own = np.flatnonzero(found.types == found.words.index(word))
    unit = linalg.unit_rows(vectors[own])
    senses = _senses(workdir, word, _ordinals(read.before, found.sentences[own]))
    names, group = senses or ((), two_means(unit))
    typical = [own[group == k][_middle(unit[group == k])] for k in (0, 1)]
    near = [_near(found, vectors, int(i)) for i in typical]
    shown = [_around(read.texts, found, int(i), 2) for i in typical]
    points, explained = plane(unit)
    contexts = tuple(_around(read.texts, found, int(i), REACH) for i in own)
    cloud = Cloud(
        word,
        source.layers - 1,
        points,
        group,
        names or tuple(f"beside {', '.join(_beside(contexts, group == k))}" for k in (0, 1)),
        senses is not None,
        contexts,
        explained,
    )
    said = [
        f"{' '.join((left, word, right)).strip()}: {', '.join(words)}"
        for (left, right), words in zip(shown, near, strict=True)
    ]
    return Seen(_rung(found, vectors, own, " | ".join(said)), cloud)


def _read(workdir: Path, word: str) -> _Read:
    (at,) = vocabulary.index(corpus.read_vocab(workdir / corpus.VOCAB), [word])
    sentences, words = running_words.corpus_of(workdir)
    counts = np.array([np.count_nonzero(ids == at + windows.SHIFT) for ids in sentences])
    if (total := int(counts.sum())) < LEAST:
        raise InputError(
            f"{word!r} occurs {total} times in the text of {workdir}; a cloud needs {LEAST}: "
            "choose a more frequent word"
        )
    pools = (np.flatnonzero(counts > 0), SENTENCES), (np.flatnonzero(counts == 0), OTHERS)
    chosen = np.concatenate([each[running_words.spread(len(each), n)] for each, n in pools])
    first = [int(np.argmax(sentences[i] == at + windows.SHIFT)) for i in chosen]
    parts = [
        sentences[i][max(place - AROUND, 0) : place + AROUND + 1]
        for i, place in zip(chosen, first, strict=True)
    ]
    texts = [running_words.named(part, words) for part in parts]
    return _Read(texts, (np.cumsum(counts) - counts)[chosen])


def _ordinals(before: Any, sentences: Any) -> Int[Any, " occurrences"]:
    """Which occurrence in all text each one is; `sentences` rise."""
    return before[sentences] + np.arange(len(sentences)) - np.searchsorted(sentences, sentences)


def _senses(workdir: Path, word: str, ordinals: Any) -> tuple[tuple[str, ...], Any] | None:
    """Names of two senses and the sense of each occurrence, where the run's folder tells them.

    senses.json is {word: {"names": [a, b], "senses": [0, 1, ...]}}, in the order of the text.
    """
    path = workdir / SENSES
    told = files.read_json(path).get(word) if path.is_file() else None
    if told is None:
        return None
    if len(told["senses"]) <= ordinals.max():
        raise InputError(f"{path}: has {len(told['senses'])} senses of {word!r}; the text has more")
    group = np.array(told["senses"])[ordinals]
    return (tuple(told["names"]), group) if len(np.unique(group)) == 2 else None


def two_means(vectors: Float[Any, "rows dim"]) -> Int[Any, " rows"]:
    """Two clusters by Lloyd's rounds, from both halves of the axis of largest variance.

    Source:
        Lloyd 1982, "Least squares quantization in PCM".
    """
    group = np.zeros(len(vectors), int)
    group[np.argsort(plane(vectors)[0][:, 0], kind="stable")[len(vectors) // 2 :]] = 1
    for _ in range(100):
        means = np.stack([vectors[group == k].mean(axis=0) for k in (0, 1)])
        away = np.stack([np.sum((vectors - mean[None, :]) ** 2, axis=1) for mean in means])
        moved = np.argmin(away, axis=0)
        if (moved == group).all() or len(np.unique(moved)) < 2:
            break
        group = moved
    return group


def plane(vectors: Float[Any, "rows dim"]) -> tuple[Float[Any, "rows 2"], float]:
    """Rows on the two axes of largest variance, and the share of it that they hold."""
    centered = vectors - vectors.mean(axis=0)[None, :]
    left, values, _ = np.linalg.svd(centered, full_matrices=False)
    points = np.pad(left * values[None, :], ((0, 0), (0, 2)))[:, :2]
    total = float(np.sum(values**2))
    return points, float(np.sum(values[:2] ** 2)) / total if total > 0 else 1.0


def _middle(unit: Any) -> int:
    """The row that is most like the mean."""
    return int(np.argmax(unit @ unit.mean(axis=0)))


def _near(found: Occurrences, vectors: Any, i: int) -> list[str]:
    """The words whose occurrences are nearest to one, itself left out."""
    cosines = linalg.unit_rows(vectors) @ linalg.unit_rows(vectors[i : i + 1])[0]
    others = [k for k in np.argsort(-cosines, kind="stable") if found.types[k] != found.types[i]]
    return list(dict.fromkeys(found.words[found.types[k]] for k in others))[:NEAR]


def _around(texts: Any, found: Occurrences, i: int, reach: int) -> tuple[str, str]:
    tokens, at = texts[found.sentences[i]], int(found.places[i])
    return " ".join(tokens[max(at - reach, 0) : at]), " ".join(tokens[at + 1 : at + 1 + reach])


def _beside(contexts: Any, chosen: Any, k: int = 3) -> list[str]:
    """The words that stand in more of the chosen contexts than of the others."""
    more: Counter[str] = Counter()
    for (left, right), one in zip(contexts, chosen, strict=True):
        for word in {*left.split(), *right.split()} - {running_words.UNKNOWN}:
            more[word] += 1 / chosen.sum() if one else -1 / (~chosen).sum()
    return [word for word, _ in more.most_common(k)]


def _rung(found: Occurrences, vectors: Any, own: Any, near: str) -> Rung:
    key, options = jax.random.key(0), {"min_occurrences": MIN_OCCURRENCES, "draws": DRAWS}
    (of,) = contextuality.describe(key, [vectors], None, found.types, found.sentences, **options)
    (alike,) = occurrences.self_similarity(vectors[own], np.zeros(len(own), int), 1)
    law = (
        f"a vector of its own in every sentence: self-similarity {alike:.2f} (any two words "
        f"{of.anisotropy:.2f}), share that context carries {of.context_share_corrected:.2f}"
    )
    m, n = vectors.shape
    return Rung("contextual", m, n, int(of.rank.rank), law, near, (), np.zeros((0, 0)))
