"""The contextual rung: the vectors of one word in many sentences form a cloud, not one point."""

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
from jaxemb.lab.runs.contextual.config import ContextualConfig
from jaxemb.lab.studies.context import tokens
from jaxemb.lab.studies.context.tokens import Occurrences
from jaxemb.lab.studies.ladder.rungs import NEAR, Rung
from jaxemb.text import vocabulary

SENSES = "senses.json"  # optional, in a run's folder: true senses, in the order of the text
SENTENCES, OTHERS = 400, 200  # sentences read with the word, and without it
AROUND = 15  # words read on either side of its first occurrence: a line may be a whole page
LEAST = 8  # fewest occurrences of which a cloud is drawn
MIN_OCCURRENCES, DRAWS = 5, 50
REACH = 4  # words on either side of a snippet


class Cloud(NamedTuple):
    """The vectors of one word's occurrences, projected on their two main axes of variance."""

    word: str
    layer: int
    points: Float[np.ndarray, "occurrences 2"]
    group: Int[np.ndarray, " occurrences"]  # 0 or 1
    names: tuple[str, ...]  # of the two groups
    known: bool  # whether the groups are true senses; else they are clusters
    contexts: tuple[tuple[str, str], ...]  # the words before and after each occurrence
    explained: float  # share of the variance on the two axes


class Seen(NamedTuple):
    """The contextual rung and the cloud of one word."""

    rung: Rung
    cloud: Cloud


class _Read(NamedTuple):
    """Sentences with the word and without it."""

    texts: list[list[str]]
    before: Int[np.ndarray, " sentences"]  # occurrences of the word in all text before it


def rung(workdir: str | Path, word: str, config: ContextualConfig | None = None) -> Seen:
    """The contextual rung: the last layer of a run, on sentences with the word and without it.

    Args:
        workdir: a finished run of scripts/train_contextual.py, whose text is read again.
        word: the word of the cloud.
        config: as in `run.load`.

    Raises:
        InputError: the folder holds no finished run, or its text too few occurrences of the word.
    """
    workdir, source = Path(workdir), tokens.contextual(workdir, config)
    read = _read(workdir, word)
    gathered = tokens.gather([source], read.texts)
    vectors = gathered.layers[0][-1].astype(np.float64)
    own = np.flatnonzero(gathered.types == gathered.words.index(word))
    unit = np.asarray(linalg.unit_rows(vectors[own]))
    senses = _senses(workdir, word, _ordinals(read.before, gathered.sentences[own]))
    names, group = senses or ((), two_means(unit))
    typical = [own[group == k][_middle(unit[group == k])] for k in (0, 1)]
    near = [_near(gathered, vectors, int(i)) for i in typical]
    shown = [around(read.texts, gathered, int(i), 2) for i in typical]
    points, explained = plane(unit)
    contexts = tuple(around(read.texts, gathered, int(i), REACH) for i in own)
    cloud = Cloud(
        word,
        source.layers - 1,
        points,
        group,
        names or tuple(f"beside {', '.join(beside(contexts, group == k))}" for k in (0, 1)),
        senses is not None,
        contexts,
        explained,
    )
    snippets = [
        f"{' '.join((left, word, right)).strip()}: {', '.join(words)}"
        for (left, right), words in zip(shown, near, strict=True)
    ]
    return Seen(_rung(gathered, vectors, own, " | ".join(snippets)), cloud)


def _read(workdir: Path, word: str) -> _Read:
    (at,) = vocabulary.index(vocabulary.read(workdir / vocabulary.FILE), [word])
    sentences, words = tokens.corpus_of(workdir)
    counts = np.array([np.count_nonzero(ids == at + windows.SHIFT) for ids in sentences])
    if (total := int(counts.sum())) < LEAST:
        raise InputError(
            f"{word!r} occurs {total} times in the text of {workdir}; a cloud needs {LEAST}: "
            "choose a more frequent word"
        )
    pools = (np.flatnonzero(counts > 0), SENTENCES), (np.flatnonzero(counts == 0), OTHERS)
    chosen = np.concatenate([pool[tokens.spread(len(pool), n)] for pool, n in pools])
    first = [int(np.argmax(sentences[i] == at + windows.SHIFT)) for i in chosen]
    parts = [
        sentences[i][max(place - AROUND, 0) : place + AROUND + 1]
        for i, place in zip(chosen, first, strict=True)
    ]
    texts = [tokens.named(part, words) for part in parts]
    return _Read(texts, (np.cumsum(counts) - counts)[chosen])


def _ordinals(before: Any, sentences: Any) -> Int[np.ndarray, " occurrences"]:
    """The index of each occurrence among all of the text's; `sentences` are in ascending order."""
    return before[sentences] + np.arange(len(sentences)) - np.searchsorted(sentences, sentences)


def _senses(workdir: Path, word: str, ordinals: Any) -> tuple[tuple[str, ...], Any] | None:
    """Names of two senses and the sense of each occurrence, from senses.json; None without it.

    senses.json is {word: {"names": [a, b], "senses": [0, 1, ...]}}, in the order of the text. The
    result is None, too, if the occurrences have only one sense.
    """
    path = workdir / SENSES
    labels = files.read_json(path).get(word) if path.is_file() else None
    if labels is None:
        return None
    if len(labels["senses"]) <= ordinals.max():
        raise InputError(
            f"{path}: has {len(labels['senses'])} senses of {word!r}; the text has more occurrences"
        )
    group = np.array(labels["senses"])[ordinals]
    return (tuple(labels["names"]), group) if len(np.unique(group)) == 2 else None


def two_means(vectors: Float[np.ndarray, "rows dim"]) -> Int[np.ndarray, " rows"]:
    """Two clusters by Lloyd's algorithm; it starts from the halves of the first principal axis.

    Returns:
        0 or 1 for each row.

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


def plane(vectors: Float[np.ndarray, "rows dim"]) -> tuple[Float[np.ndarray, "rows 2"], float]:
    """The projections on the two main axes of variance, and the share of variance on them."""
    centered = vectors - vectors.mean(axis=0)[None, :]
    left, values, _ = np.linalg.svd(centered, full_matrices=False)
    points = np.pad(left * values[None, :], ((0, 0), (0, 2)))[:, :2]
    total = float(np.sum(values**2))
    return points, float(np.sum(values[:2] ** 2)) / total if total > 0 else 1.0


def _middle(unit: Any) -> int:
    """The index of the row most similar to the mean."""
    return int(np.argmax(unit @ unit.mean(axis=0)))


def _near(gathered: Occurrences, vectors: Any, i: int) -> list[str]:
    """The words whose occurrences are nearest to occurrence i, without its own word."""
    cosines = linalg.unit_rows(vectors) @ linalg.unit_rows(vectors[i : i + 1])[0]
    others = [
        k for k in np.argsort(-cosines, kind="stable") if gathered.types[k] != gathered.types[i]
    ]
    return list(dict.fromkeys(gathered.words[gathered.types[k]] for k in others))[:NEAR]


def around(texts: Any, gathered: Occurrences, i: int, reach: int) -> tuple[str, str]:
    """The words before and after occurrence i, at most `reach` on either side."""
    sentence, at = texts[gathered.sentences[i]], int(gathered.places[i])
    return " ".join(sentence[max(at - reach, 0) : at]), " ".join(sentence[at + 1 : at + 1 + reach])


def beside(contexts: Any, chosen: Any, k: int = 3) -> list[str]:
    """The words whose share of the chosen contexts most exceeds that of the others."""
    more: Counter[str] = Counter()
    for (left, right), one in zip(contexts, chosen, strict=True):
        for word in {*left.split(), *right.split()} - {tokens.UNKNOWN}:
            more[word] += 1 / chosen.sum() if one else -1 / (~chosen).sum()
    return [word for word, _ in more.most_common(k)]


def _rung(gathered: Occurrences, vectors: Any, own: Any, near: str) -> Rung:
    key, options = jax.random.key(0), {"min_occurrences": MIN_OCCURRENCES, "draws": DRAWS}
    (layer,) = contextuality.describe(
        key, [vectors], None, gathered.types, gathered.sentences, **options
    )
    (alike,) = occurrences.self_similarity(vectors[own], np.zeros(len(own), int), 1)
    law = (
        f"another vector in every sentence: self-similarity {alike:.2f} (any two words "
        f"{layer.anisotropy:.2f}), context share {layer.context_share_corrected:.2f}"
    )
    m, n = vectors.shape
    return Rung("contextual", m, n, int(layer.rank.rank), law, near, (), np.zeros((0, 0)))
