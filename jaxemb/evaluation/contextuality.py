"""Measures of how context changes vectors, layer by layer, with their known biases removed.

`describe` measures every layer of an embedder on the same tokens. The measures themselves are pure
functions of arrays, in `occurrences` and `jacobians`, and can be imported from here.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float, Int

from jaxemb import linalg
from jaxemb.errors import InputError, at_least
from jaxemb.evaluation.jacobians import jacobian_norms, jacobian_share, sampled_jacobian_norms
from jaxemb.evaluation.occurrences import (
    ContextShare,
    anisotropy,
    context_share,
    explainable_variance,
    explainable_variance_baseline,
    generator,
    intra_sentence_similarity,
    self_similarity,
    sentence_weights,
)
from jaxemb.functional.ratios import length, ratio
from jaxemb.linalg import arrays, derivatives
from jaxemb.linalg.arrays import matmul
from jaxemb.structs import AnyArray

__all__ = [
    "ContextShare",
    "Contextuality",
    "anisotropy",
    "context_share",
    "describe",
    "explainable_variance",
    "explainable_variance_baseline",
    "intra_sentence_similarity",
    "jacobian_norms",
    "jacobian_share",
    "procrustes_similarity",
    "sampled_jacobian_norms",
    "self_similarity",
    "sentence_weights",
]


class Contextuality(NamedTuple):
    """Measures of one layer; means over words count each word of `min_occurrences` or more once."""

    layer: int
    occurrences: int
    types: int  # words that occur often enough
    min_occurrences: int
    context_share: float  # kappa = tr Sigma_W / tr Sigma_T, of those words' occurrences
    context_share_corrected: float  # for degrees of freedom: 1 for noise
    self_similarity: float
    intra_sentence: float  # of a word with the OTHER words of its sentence
    anisotropy: float  # mean cosine of random words of two random sentences
    explainable_variance: float  # of `min_occurrences` occurrences of a word
    explainable_variance_baseline: float  # of as many occurrences of any words
    cka: float | None  # unbiased, with the static vectors; None without them
    procrustes: float | None  # similarity up to rotation and scale, with the static vectors
    procrustes_baseline: float | None  # with the static vectors in a random order
    rank: linalg.RankReport  # of the centred occurrences
    spectrum: Float[AnyArray, " dim"]  # their singular values
    effective_rank: float
    isoscore: float

    @property
    def self_similarity_beyond(self) -> float:
        """Self-similarity less anisotropy."""
        return self.self_similarity - self.anisotropy

    @property
    def explainable_variance_beyond(self) -> float:
        """Maximum explainable variance less that of as many occurrences of any words."""
        return self.explainable_variance - self.explainable_variance_baseline

    def __str__(self) -> str:
        return (
            f"layer {self.layer}: context carries {self.context_share:.1%} of the variance "
            f"({self.context_share_corrected:.1%} corrected); self-similarity "
            f"{self.self_similarity:.3f} where any two words have {self.anisotropy:.3f}; effective "
            f"rank {self.effective_rank:.1f} of {len(self.spectrum)}"
        )


def describe(
    key: Any,
    layers: Iterable[Any],
    static: Any,
    types: Int[AnyArray, " occurrences"],
    sentences: Int[AnyArray, " occurrences"],
    *,
    min_occurrences: int = 5,
    draws: int = 200,
) -> list[Contextuality]:
    """Every measure of every layer, on the host in float64.

    Args:
        key: for the draws of occurrences, which are the same in every layer.
        draws: number of draws for the baseline of explainable variance.
        layers: an array [layers, occurrences, dim], or an iterable of layers, of which one is held
            in memory at a time.
        static: the static vector of every occurrence, [occurrences, any width], or None.
        types: the word of each occurrence; below 0 for padding, which is left out.
        sentences: the sentence of each occurrence.

    Raises:
        InputError: arrays of different lengths, NaN, or no word of `min_occurrences`.
    """
    at_least(2, min_occurrences=min_occurrences)
    types, sentences = np.asarray(types), np.asarray(sentences)
    kept = np.flatnonzero((types >= 0) & (sentences >= 0))
    static = None if static is None else _rows(static, kept, len(types), "static vectors")
    frequent = _frequent(types[kept], min_occurrences)
    _, sentences_kept = np.unique(sentences[kept], return_inverse=True)
    order, chance, null = jax.random.split(key, 3)
    groups = _groups(generator(order), frequent, min_occurrences)
    mixed = generator(null).permutation(len(kept))
    which = _Which(frequent, sentences_kept, groups, mixed, draws)
    return [
        _layer(chance, i, _rows(layer, kept, len(types), f"layer {i}"), static, which)
        for i, layer in enumerate(layers)
    ]


def _frequent(types: Any, least: int) -> Any:
    """Types renumbered: those of at least `least` occurrences from 0 on, all others -1."""
    _, number, n = np.unique(types, return_inverse=True, return_counts=True)
    if not (enough := n >= least).any():
        raise InputError(
            f"no word occurs {least} times among {len(types):,} occurrences (the most is "
            f"{n.max(initial=0)}): give more text"
        )
    return np.where(enough, np.cumsum(enough) - 1, -1)[number]


class _Which(NamedTuple):
    types: Any  # -1: too rare
    sentences: Any
    groups: Any  # [types, min_occurrences]: some occurrences of every type
    mixed: Any  # all, in a random order
    draws: int


def _layer(key: Any, i: int, vectors: Any, static: Any, which: _Which) -> Contextuality:
    types, sentences = which.types, which.sentences
    (num_types, least), num_sentences = which.groups.shape, int(sentences.max()) + 1
    share = context_share(vectors, types, num_types)
    in_sentence = intra_sentence_similarity(vectors, sentences, num_sentences)
    baseline = explainable_variance_baseline(key, vectors, least, which.draws)
    weights = sentence_weights(sentences, num_sentences)
    spectrum = linalg.spectrum(vectors, center=True)
    cka = procrustes = shuffled = None
    if static is not None:
        cka = float(linalg.cka(static, vectors))
        procrustes = float(procrustes_similarity(static, vectors))
        shuffled = float(procrustes_similarity(static[which.mixed], vectors))
    return Contextuality(
        layer=i,
        occurrences=len(types),
        types=num_types,
        min_occurrences=least,
        context_share=float(share.share),
        context_share_corrected=float(share.corrected),
        self_similarity=float(np.mean(self_similarity(vectors, types, num_types))),
        intra_sentence=_mean(in_sentence),
        anisotropy=float(anisotropy(vectors, weights)),
        explainable_variance=float(np.mean(explainable_variance(vectors[which.groups]))),
        explainable_variance_baseline=float(np.mean(baseline)),
        cka=cka,
        procrustes=procrustes,
        procrustes_baseline=shuffled,
        rank=linalg.rank(spectrum),
        spectrum=spectrum.values,
        effective_rank=float(linalg.effective_rank(spectrum)),
        isoscore=float(linalg.isoscore(spectrum)),
    )


def procrustes_similarity(left: AnyArray, right: AnyArray) -> Float[AnyArray, ""]:
    """max_Q <L Q, R> / (||L|| ||R||), centred: 1 up to rotation, shift and scale.

    It is ||L'R||_* / (||L|| ||R||) and may compare different widths. It grows with dim / rows for
    any tables: compare it with its value for rows in a random order.

    Args:
        left: [rows, n].
        right: [rows, p].

    Returns:
        NaN for a table whose rows do not differ.

    Source:
        Schoenemann 1966. With unit tables it is 1 - residual^2 / 2 of `linalg.procrustes`, which
        needs all singular vectors; these are values alone.
    """
    xp, left, right = arrays.raised(left, right)
    left, right = (linalg.center(side) for side in (left, right))
    sizes = length(left) * length(right)
    nuclear = xp.sum(derivatives.singular_values(matmul(left.T, right)))
    return xp.where(sizes > 0, ratio(nuclear, sizes), xp.nan)


def _mean(values: Float[AnyArray, " some"]) -> float:
    """The mean of the values that are not NaN."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")


def _groups(
    random: Any, types: Int[np.ndarray, " occurrences"], n: int
) -> Int[AnyArray, "types n"]:
    """n different occurrences of every type, at random."""
    order = random.permutation(len(types))
    order = order[np.argsort(types[order], kind="stable")]
    starts = np.searchsorted(types[order], np.arange(types.max() + 1))
    return order[starts[:, None] + np.arange(n)[None, :]]


def _rows(vectors: Any, kept: Any, wanted: int, name: str) -> Any:
    rows = arrays.table(np.asarray(vectors), name)
    if len(rows) != wanted:
        raise InputError(f"{name}: {len(rows):,} vectors for {wanted:,} occurrences")
    rows = rows[kept]
    if (bad := arrays.first_bad_row(rows)) >= 0:
        raise InputError(f"{name}: NaN or infinity in occurrence {int(kept[bad]):,}")
    return rows
