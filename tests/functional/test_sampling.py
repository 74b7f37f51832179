"""Noise by alias tables. Oracles: integer arithmetic; the papers' masses; chi-square."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from jaxemb.errors import InputError
from jaxemb.functional import sampling
from tests import covering


def _mass(table: sampling.AliasTable, words: int):
    """The mass of each word in units of 2^-(32 + k), added up from the integers of the table."""
    threshold, alias = np.asarray(table.threshold).astype(object), np.asarray(table.alias)
    mass = np.zeros(len(alias), object)
    for bucket, (own, other) in enumerate(zip(threshold, alias, strict=True)):
        mass[bucket] += own
        mass[other] += (1 << 32) - own
    assert not mass[words:].any()
    return mass[:words]


@pytest.mark.parametrize("power", [0.0, 0.5, 0.75, 1.0])
@pytest.mark.parametrize("words", [1, 2, 3, 64, 100])
def test_every_word_has_its_probability_exactly(words, power):
    counts = np.sort(np.random.default_rng(words).zipf(1.5, words).clip(max=10**9))[::-1]
    mass = _mass(sampling.alias_table(counts, power), words)
    weight = counts.astype(np.float64) ** power
    assert sum(mass) == 1 << (32 + max((words - 1).bit_length(), 1))
    exact = weight / weight.sum() * float(sum(mass))
    # rounding takes less than one unit from a word, and gives all of it to the most frequent one
    np.testing.assert_allclose(mass[1:].astype(np.float64), exact[1:], rtol=0, atol=1)
    np.testing.assert_allclose(float(mass[0]), exact[0], rtol=0, atol=words)
    probability = sampling.alias_table(counts, power).probability
    np.testing.assert_allclose(probability, (mass / sum(mass)).astype(np.float64), rtol=1e-6)


def test_noise_masses_are_the_papers():
    for power, expected in ((0.75, [0.826822, 0.147032, 0.026146]), (0.5, [0.706101, 0.223289])):
        mass = _mass(sampling.alias_table(np.array([100, 10, 1]), power), 3)
        share = [int(m) / int(sum(mass)) for m in mass]
        np.testing.assert_allclose(share[: len(expected)], expected, atol=1e-6)  # six digits


def test_draws_follow_the_distribution():
    counts = np.array([1000, 300, 100, 30, 10, 3, 1])
    bits = jax.random.bits(jax.random.key(1), (2, 200_000))
    words = np.asarray(sampling.draw(bits[0], bits[1], sampling.alias_table(counts)))
    weight = counts**0.75
    seen = np.bincount(words, minlength=7)
    p = scipy.stats.chisquare(seen, weight / weight.sum() * len(words)).pvalue
    assert p > 1e-4


@pytest.mark.parametrize("words", covering.first(1, [100_000, 10_000_000]))
def test_no_word_of_many_is_without_mass(words):
    counts = 10**9 // np.arange(1, words + 1) + 1
    table = sampling.alias_table(counts)
    mass = np.asarray(table.threshold).astype(np.float64)
    np.add.at(mass, np.asarray(table.alias), 2.0**32 - np.asarray(table.threshold))
    weight = counts.astype(np.float64) ** 0.75
    expected = weight / weight.sum() * len(mass) * 2.0**32
    # one unit of mass is 2^-56 of the whole; the rarest word has over 10^8 of them
    np.testing.assert_allclose(mass[:words], expected, rtol=1e-6)


@pytest.mark.parametrize("counts", [[], [3, 0]])
def test_a_word_that_never_occurs_is_refused_as_noise(counts):
    with pytest.raises(InputError, match="every count >= 1"):
        sampling.alias_table(np.array(counts, np.int64))


@pytest.mark.parametrize("power", [float("nan"), float("inf"), 300.0, -400.0])
def test_a_power_that_leaves_the_finite_range_is_refused(power):
    with pytest.raises(InputError, match="noise_power is"):
        sampling.alias_table(np.array([90, 5]), power)


def test_the_top_bits_choose_the_bucket():
    table = sampling.alias_table(np.ones(4, np.int64), 0.0)
    bucket = jnp.array([0, 1 << 30, 2 << 30, 3 << 30, (1 << 32) - 1], jnp.uint32)
    words = sampling.draw(bucket, jnp.zeros(5, jnp.uint32), table)
    np.testing.assert_array_equal(words, [0, 1, 2, 3, 3])
