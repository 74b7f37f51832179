"""What a block reads. Oracle: the papers' double sum over whole sentences, in plain loops."""

import collections
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxemb.functional import sampling
from jaxemb.static import blocks
from tests.references import word2vec
from tests.transforms import PLAIN_AND_JIT

FIXED = blocks.Window(window=2, dynamic=False, negatives=5, shared_negatives=3)
NOISE = sampling.alias_table(np.array([9, 5, 4, 3, 2, 2, 1, 1]))
# two sentences, [4 0 3 1] and [2 2 5 0 2 6]; the last three words are only context here
TEXT = jnp.array([-1, 4, 0, 3, 1, -1, 2, 2, 5, -2, -4, -8])
CENTERS = 8  # from the third position on: 0 3 1, a sentence end, 2 2 5, and the context word 0


def _random(settings, seed=0):
    return jax.random.bits(jax.random.key(seed), (blocks.bits(CENTERS, settings),))


def _draw(which, settings=FIXED, collision=blocks.keep, seed=0, text=TEXT):
    draw = functools.partial(
        blocks.sampled, settings=settings, direction=which, collision=collision
    )
    return jax.jit(draw)(_random(settings, seed), text, NOISE)


def _real_pairs():
    """The pairs whose center is in the block: all but those of word 4 and the last three words."""
    first = word2vec.window_pairs([[4, 0, 3, 1]], 2)
    second = word2vec.window_pairs([[2, 2, 5, 0, 2, 6]], 2)
    mine = [p for p in first if p[0] != 4]
    last = [(0, 2), (0, 5), (0, 2), (0, 6), (2, 5), (2, 0), (2, 6), (6, 0), (6, 2)]  # by hand
    return collections.Counter(mine) + collections.Counter(second) - collections.Counter(last)


def test_skipgram_reads_exactly_the_pairs_of_its_windows():
    block = _draw(blocks.skipgram)
    pairs = collections.Counter()
    for t, center in enumerate(np.asarray(block.ids.input)):
        for j in range(len(TEXT)):
            if block.weight[t, j]:
                pairs[int(center), int(block.ids.output[j])] += 1
    assert pairs == _real_pairs()
    assert block.pairs == pairs.total()


def test_turned_around_the_words_of_a_window_predict_its_center():
    block = _draw(blocks.skipgram_from_context)
    pairs = collections.Counter()
    for t, context in enumerate(np.asarray(block.ids.input)):
        for j in range(CENTERS):
            if block.weight[t, j]:
                pairs[int(block.ids.output[j]), int(context)] += 1
    assert pairs == _real_pairs()
    assert block.pairs == pairs.total()


def test_cbow_reads_exactly_the_windows_of_its_centers():
    block = _draw(blocks.cbow)
    pairs = collections.Counter()
    for t, center in enumerate(np.asarray(block.ids.output)[:CENTERS]):
        for j in range(len(TEXT)):
            if block.pool[t, j]:
                pairs[int(center), int(block.ids.input[j])] += 1
    assert pairs == _real_pairs()
    assert block.pairs == 6


@pytest.mark.parametrize("which", [blocks.skipgram, blocks.cbow])
def test_kept_noise_weighs_k_per_observed_pair(which):
    block = _draw(which)
    observed = np.asarray(block.weight[:, : -FIXED.shared_negatives]).sum(axis=1)
    noise = np.asarray(block.weight[:, -FIXED.shared_negatives :])
    np.testing.assert_allclose(noise.sum(axis=1), FIXED.negatives * observed, rtol=1e-6)


@pytest.mark.parametrize("power", [0.75, 0.0])
def test_resampled_noise_is_in_expectation_a_draw_among_the_other_words(power):
    """k P_n(c) / (1 - P_n(observed)) for each other word c, by enumerating the noise."""
    counts = np.array([9, 5, 4, 3, 2, 2, 1, 1])
    chance = counts**power / np.sum(counts**power)
    every, observed = jnp.arange(8), jnp.array([0, 3, 7])
    table = sampling.alias_table(counts, power)
    met = blocks.resample(jnp.eye(3), observed, every, table.probability[observed])
    for row, own in zip(np.asarray(met), [0, 3, 7], strict=True):
        others = np.where(np.arange(8) == own, 0.0, chance)
        np.testing.assert_allclose(row * chance, others / others.sum(), rtol=1e-6)


@pytest.mark.parametrize("which", [blocks.skipgram, blocks.cbow])
@pytest.mark.parametrize("seed", range(4))
def test_skipped_noise_weighs_only_where_it_is_not_the_observed_word(which, seed):
    block = _draw(which, collision=blocks.skip, seed=seed)
    k = FIXED.shared_negatives
    ids = np.asarray(block.ids.output)
    observed, noise = np.asarray(block.weight[:, :-k]), ids[-k:]
    for j, word in enumerate(noise):
        # skip-gram scores every center against the whole text, CBOW against the center itself
        differs = (
            (ids[:-k] != word)[None, :] if which is blocks.skipgram else ids[:-k, None] != word
        )
        expected = (observed * differs).sum(axis=1) * FIXED.negatives / k
        np.testing.assert_allclose(block.weight[:, observed.shape[1] + j], expected, rtol=1e-6)


@pytest.mark.parametrize("which", [blocks.skipgram, blocks.cbow])
def test_padding_reads_inside_the_table_and_weighs_nothing(which):
    block = _draw(which, text=jnp.full(12, -1))
    assert all(int(ids.min()) >= 0 for ids in block.ids)
    np.testing.assert_array_equal(block.weight, 0.0)
    assert block.pairs == 0


@PLAIN_AND_JIT
def test_distance_d_is_used_with_word2vecs_probability(transform):
    window, draws = 5, 60_000
    reach = transform(lambda bits: blocks.reaches(bits, window, True))(
        jax.random.bits(jax.random.key(2), (draws,))
    )
    for d in range(1, window + 1):
        p = (window - d + 1) / window
        seen = float(np.mean(np.asarray(reach) >= d))
        assert abs(seen - p) < 5 * np.sqrt(p * (1 - p) / draws) + 1e-12


def test_a_fixed_window_always_reaches_the_whole_way():
    np.testing.assert_array_equal(blocks.reaches(jnp.zeros(3, jnp.uint32), 4, False), 4)


def test_sentences_never_mix():
    near = np.asarray(blocks.in_window(TEXT, jnp.full(CENTERS, 2)))
    end = 5
    assert not near[: end - 2, end:].any()
    assert not near[end - 2 :, : end + 1].any()
