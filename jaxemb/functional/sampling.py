"""Noise words for negative sampling, drawn by alias tables.

Probabilities are formed on the host in float64 and integers: a float32 cumulative sum over ten
million words leaves a quarter of them without mass.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, UInt32

from jaxemb.errors import InputError


class AliasTable(NamedTuple):
    """A distribution over words as 2^k equal buckets, each shared by at most two words.

    A draw lands in one bucket. If a second number is below its `threshold`, the word with the
    bucket's number is drawn, otherwise its `alias`. All are integers, so a draw rounds nothing.
    """

    alias: Int[Array, " buckets"]
    threshold: UInt32[Array, " buckets"]
    probability: Float[Array, " words"]  # of each word, for rules that need it


_FULL = 1 << 32  # the mass of one bucket


def alias_table(counts: Int[np.ndarray, " vocab"], power: float = 0.75) -> AliasTable:
    """The alias table of the noise distribution, P(w) proportional to count^power.

    Every word keeps at least one unit of the 2^(32+k) units of mass, k = log2(buckets).

    Args:
        counts: occurrences of each word, >= 1.
        power: 0.75 in word2vec, 0.5 in fastText; 0 is uniform, 1 as in the corpus.

    Raises:
        InputError: no word, a word that never occurs, or a power that leaves the finite range.

    Source:
        Walker 1977; the sweep that pairs buckets in one pass over cumulative sums is ours.
    """
    counts = np.asarray(counts)
    if counts.ndim != 1 or counts.size == 0 or counts.min() < 1:
        raise InputError("noise needs at least one word, and every count >= 1")
    buckets = 1 << max(int(counts.size - 1).bit_length(), 1)
    mass = _integer_masses(counts, power, buckets)
    padded = np.zeros(buckets, np.int64)
    padded[: counts.size] = mass

    small = np.flatnonzero(padded < _FULL)
    large = np.flatnonzero(padded >= _FULL)
    deficit = np.cumsum(_FULL - padded[small])  # what buckets up to here still need
    excess = np.cumsum(padded[large] - _FULL)  # what words up to here can give
    threshold = np.zeros(buckets, np.int64)
    alias = np.arange(buckets)
    # a small bucket is filled by the first large word with anything left to give ...
    giver = np.searchsorted(excess, deficit - (_FULL - padded[small]), side="right")
    threshold[small], alias[small] = padded[small], large[np.minimum(giver, large.size - 1)]
    # ... and a large word that gave more than its excess is topped up by the next one
    given = np.concatenate([[0], deficit])
    overdrawn = given[np.searchsorted(given, excess, side="left")] - excess
    threshold[large] = _FULL - overdrawn
    alias[large] = np.where(overdrawn > 0, np.roll(large, -1), large)
    # a whole bucket has threshold 2^32, which uint32 lacks: both its words are the same
    threshold = np.minimum(threshold, _FULL - 1).astype(np.uint32)
    probability = np.float32(mass / (buckets * _FULL))
    return AliasTable(
        jnp.asarray(alias, jnp.int32), jnp.asarray(threshold), jnp.asarray(probability)
    )


def _integer_masses(counts, power: float, buckets: int):
    """Masses >= 1 in proportion to count^power that sum to buckets * 2^32 exactly."""
    with np.errstate(over="ignore"):
        weight = np.asarray(counts, np.float64) ** power
    if not np.isfinite(weight.sum()) or not weight.min() > 0:
        raise InputError(f"noise_power is {power}: count^{power} is not a finite number above 0")
    total = buckets * _FULL
    mass = np.maximum((weight / weight.sum() * total).astype(np.int64), 1)
    mass[np.argmax(mass)] += total - mass.sum()  # rounding, about 1 part in 2^50
    return mass


def draw(
    bucket: UInt32[Array, " draws"], coin: UInt32[Array, " draws"], table: AliasTable
) -> Int[Array, " draws"]:
    """Draw one word for every two random numbers.

    Args:
        bucket, coin: independent uniform uint32; the top bits of `bucket` choose a bucket.
        table: from `alias_table`.
    """
    shift = 32 - (table.alias.shape[0].bit_length() - 1)
    i = (bucket >> shift).astype(jnp.int32)
    return jnp.where(coin < table.threshold[i], i, table.alias[i])
