"""Similarity and variance of the occurrences of words, in closed forms that form no pairs.

`vectors` [occurrences, dim] are the vectors that a layer gives for tokens; `types` are the words of
these tokens, `sentences` their sentences. A type or sentence below 0 is padding, and is ignored.
NumPy in, NumPy out in float64; jax in, jax out, under jit with static `num_types`.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from jaxemb import linalg
from jaxemb.errors import InputError
from jaxemb.functional.ratios import ratio
from jaxemb.linalg import arrays, segment_sums
from jaxemb.linalg.arrays import matmul
from jaxemb.structs import AnyArray


def self_similarity(
    vectors: Float[AnyArray, "occurrences dim"],
    types: Int[AnyArray, " occurrences"],
    num_types: int,
) -> Float[AnyArray, " types"]:
    """The mean cosine of two different occurrences of a word, by word; 1 for static vectors.

    With unit vectors u_i it is (||sum u_i||^2 - sum ||u_i||^2) / (n (n - 1)).

    Returns:
        NaN for a word of fewer than two occurrences.

    Source:
        Ethayarajh 2019, arXiv:1909.00512, definition 1.
    """
    xp, unit = arrays.raised(vectors)
    unit = linalg.unit_rows(unit)
    together = segment_sums.sums(unit, types, num_types)
    alone = segment_sums.sums(xp.sum(unit * unit, axis=1), types, num_types)
    n = segment_sums.counts(types, num_types)
    pairs = n * (n - 1.0)
    means = (xp.sum(together * together, axis=1) - alone) / xp.where(pairs > 0, pairs, 1.0)
    return xp.where(pairs > 0, means, xp.nan)


def intra_sentence_similarity(
    vectors: Float[AnyArray, "occurrences dim"],
    sentences: Int[AnyArray, " occurrences"],
    num_sentences: int,
    *,
    unbiased: bool = True,
) -> Float[AnyArray, " sentences"]:
    """The mean cosine of a word with its sentence, by sentence.

    As published, the sentence vector is the mean of all its words, the word itself included: m
    orthogonal words have 1 / sqrt(m), so short sentences look similar. Unbiased, it is the mean of
    the OTHER words, and orthogonal words have 0.

    Returns:
        NaN for a sentence without words, or without two when unbiased.

    Source:
        Ethayarajh 2019, arXiv:1909.00512, definition 2 (with `unbiased=False`).
    """
    xp, vectors = arrays.raised(vectors)
    whole = segment_sums.sums(vectors, sentences, num_sentences)[sentences]
    around = linalg.unit_rows(whole - vectors if unbiased else whole)
    cosine = xp.sum(linalg.unit_rows(vectors) * around, axis=1)
    m = segment_sums.counts(sentences, num_sentences)
    means = segment_sums.sums(cosine, sentences, num_sentences) / xp.maximum(m, 1.0)
    return xp.where(m >= (2 if unbiased else 1), means, xp.nan)


def anisotropy(
    vectors: Float[AnyArray, "occurrences dim"],
    weights: Float[AnyArray, " occurrences"] | None = None,
) -> Float[AnyArray, ""]:
    """The mean cosine of two different occurrences of any words: the baseline of similarities.

    Args:
        weights: the probability of each occurrence, up to scale; uniform by default. With
            `sentence_weights`, a sentence is drawn, then a word of it, as in the source.

    Source:
        Ethayarajh 2019, arXiv:1909.00512, section 3.4. Two draws with probabilities p are
        different with 1 - sum p^2, and then have the mean cosine
        (||sum p_i u_i||^2 - sum p_i^2 ||u_i||^2) / (1 - sum p_i^2).
    """
    if weights is None:
        return linalg.mean_cosine(vectors)
    xp, unit, p = arrays.raised(vectors, weights)
    unit, p = linalg.unit_rows(unit), p / xp.sum(p)
    together, alone = matmul(p, unit), xp.sum(p * p * xp.sum(unit * unit, axis=1))
    return (xp.sum(together * together) - alone) / (1.0 - xp.sum(p * p))


def sentence_weights(
    sentences: Int[AnyArray, " occurrences"], num_sentences: int
) -> Float[AnyArray, " occurrences"]:
    """Weights of equal sums for all sentences, equal within a sentence; 0 for padding."""
    xp = arrays.namespace(sentences)
    ones = xp.ones(sentences.shape, float)
    m = xp.maximum(segment_sums.sums(ones, sentences, num_sentences), 1.0)
    return xp.where(sentences >= 0, 1.0 / m[sentences], 0.0)


def explainable_variance(occurrences: Float[AnyArray, "*batch n dim"]) -> Float[AnyArray, "*batch"]:
    """sigma_1^2 / sum sigma_i^2, uncentred: the share one direction has in a word's occurrences.

    1 for static vectors, and at least 1 / n: noise in 1,024 dimensions has 0.22 at n = 5, so
    compare it with `explainable_variance_baseline` at the same n. Rows of zeros change nothing, so
    they may be padding. Computed from the smaller of the two Gram matrices.

    Returns:
        NaN where all are zero.

    Source:
        Ethayarajh 2019, arXiv:1909.00512, definition 3, "maximum explainable variance".
    """
    xp, x = arrays.raised(occurrences)
    largest = xp.max(xp.abs(x), axis=(-2, -1), keepdims=True)
    x = x / xp.where(largest > 0, largest, 1.0)
    turned = xp.swapaxes(x, -1, -2)
    gram = matmul(x, turned) if x.shape[-2] <= x.shape[-1] else matmul(turned, x)
    total = xp.trace(gram, axis1=-2, axis2=-1)
    first = xp.linalg.eigvalsh(gram)[..., -1]
    return xp.where(total > 0, ratio(first, total), xp.nan)


def explainable_variance_baseline(
    key: Any, vectors: Float[AnyArray, "occurrences dim"], n: int, draws: int = 200
) -> Float[AnyArray, " draws"]:
    """`explainable_variance` of n different occurrences of any words, drawn `draws` times.

    Args:
        n: the number of occurrences of the word to compare with; the measure falls with n.

    Raises:
        InputError: fewer than n occurrences.
    """
    most = vectors.shape[0]
    if not 1 <= n <= most:
        raise InputError(f"{n} occurrences to be drawn of {most}; wanted at least 1, at most all")
    per_order = most // n  # disjoint draws that one order of all occurrences gives
    rounds = -(-draws // per_order)
    if arrays.namespace(vectors) is np:
        random = generator(key)
        orders = np.stack([random.permutation(most)[: per_order * n] for _ in range(rounds)])
    else:
        keys, places = jax.random.split(key, rounds), jnp.arange(most, dtype=jnp.int32)
        orders = jax.vmap(lambda one: jax.random.permutation(one, places)[: per_order * n])(keys)
    return explainable_variance(vectors[orders.reshape(-1, n)[:draws]])


def generator(key: Any) -> np.random.Generator:
    """A NumPy generator seeded by a JAX key: on the host it needs no compilation."""
    return np.random.default_rng(np.asarray(jax.random.key_data(key)))


class ContextShare(NamedTuple):
    """Mean square distances, tr Sigma: total = between + within."""

    total: Float[AnyArray, ""]  # from the mean of all
    # of words' means from the mean of all: what a static table can have
    between: Float[AnyArray, ""]
    within: Float[AnyArray, ""]  # of occurrences from their word's mean: what context adds
    share: Float[AnyArray, ""]  # kappa = within / total; 1 - kappa is R^2 of the best static table
    # kappa with degrees of freedom: 1 for noise, 0 for static vectors
    corrected: Float[AnyArray, ""]
    # tr Sigma_w / total; weighted by occurrences it sums to kappa
    by_type: Float[AnyArray, " types"]


def context_share(
    vectors: Float[AnyArray, "occurrences dim"],
    types: Int[AnyArray, " occurrences"],
    num_types: int,
) -> ContextShare:
    """kappa = tr Sigma_W / tr Sigma_T: the exact share of variance that context carries.

    A mean of n noisy occurrences follows the noise: with n each, kappa of vectors independent of
    the word is (n - 1) / n, not 1. `corrected` divides by degrees of freedom, not by occurrences.

    Returns:
        NaN for a type that does not occur, in every share where no two vectors differ, and in
        `corrected` where no type occurs twice.

    Source:
        Law of total covariance; corrected: Kelley 1935, "An unbiased correlation ratio measure".
    """
    xp, vectors = arrays.raised(vectors)
    n = segment_sums.counts(types, num_types)
    # difference from one occurrence of the same type, which is exactly 0 for equal vectors
    first = segment_sums.first_rows(types, num_types)
    apart = vectors - vectors[first][types]
    shift = segment_sums.sums(apart, types, num_types) / xp.maximum(n, 1.0)[:, None]
    squares = xp.sum((apart - shift[types]) ** 2, axis=1)
    by_type = segment_sums.sums(squares, types, num_types) / xp.where(n > 0, n, xp.nan)
    weight = (n / xp.sum(n))[:, None]
    means = vectors[first] + shift
    origin = means[xp.argmax(n)]
    middle = origin + xp.sum(weight * (means - origin[None, :]), axis=0)
    between = xp.sum(weight * (means - middle[None, :]) ** 2)
    within = xp.sum(xp.where(n > 0, by_type, 0.0) * weight[:, 0])
    total = between + within
    spare = xp.sum(n) - xp.sum(n > 0)  # 0 if no word occurs twice: then the share is unknown
    free = xp.where(spare > 0, (xp.sum(n) - 1.0) / xp.maximum(spare, 1.0), xp.nan)
    share, by_type = (xp.where(total > 0, ratio(part, total), xp.nan) for part in (within, by_type))
    return ContextShare(total, between, within, share, share * free, by_type)
