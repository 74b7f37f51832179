"""Subsampling of frequent words: the probability that an occurrence is kept.

Computed on the host in float64. Never imports jax: a config names these rules.
"""

import numbers

import numpy as np
from jaxtyping import Float, Int

from jaxemb.errors import InputError


def keep_word2vec(
    counts: Int[np.ndarray, " vocab"], subsample: float
) -> Float[np.ndarray, " vocab"]:
    """Probability that an occurrence of each word is kept: min(1, sqrt(t/f) + t/f).

    The formula of word2vec.c, gensim and fastText: 1 up to a frequency f of 2.618 t.

    Args:
        counts: occurrences of each word.
        subsample: the threshold t on a word's frequency; 0 keeps everything.
    """
    ratio = _threshold_over_frequency(counts, subsample)
    return np.minimum(1.0, np.sqrt(ratio) + ratio)


def keep_paper(counts: Int[np.ndarray, " vocab"], subsample: float) -> Float[np.ndarray, " vocab"]:
    """Probability that an occurrence of each word is kept: min(1, sqrt(t/f)).

    Source:
        Mikolov et al. 2013, arXiv:1310.4546, eq. 5. Arguments: see `keep_word2vec`.
    """
    return np.minimum(1.0, np.sqrt(_threshold_over_frequency(counts, subsample)))


def _threshold_over_frequency(counts, subsample: float):
    if not isinstance(subsample, numbers.Real) or not subsample >= 0:
        raise InputError(f"subsample is {subsample}; it must be >= 0 (0 keeps every word)")
    counts = np.asarray(counts, np.float64)
    if subsample == 0:
        return np.ones_like(counts)
    return subsample * counts.sum() / counts
