"""The loss of a language model. Oracles: zero gradients; ELMo's published options."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxemb.contextual import language_model, members, models, training, windows

VOCAB = 400


@functools.cache
def _made():
    model = models.language_model(members.gru(4, layers=1), VOCAB)
    ids = np.random.default_rng(0).integers(0, 9, 20).astype(np.int32)
    text = windows.streams(windows.sentences(ids, VOCAB), 1)
    cut = windows.next_words(*text, 30, True)
    assert cut.total == 1
    pair = jax.tree.map(jnp.asarray, cut.at(0))
    start = model.context.start((1,))
    return model, language_model.init(model, jax.random.key(0)), pair, start


@pytest.mark.parametrize(("key", "samples"), [(0, 5), (0, None), (None, 5), (0, 10 * VOCAB)])
def test_words_that_are_neither_sampled_nor_asked_get_no_gradient(key, samples):
    """Only training samples, and only from more words than the sample has."""
    model, params, pair, start = _made()
    key = None if key is None else jax.random.key(key)

    def nats(params):
        return jnp.sum(
            language_model.losses(model, params, pair, start, key=key, samples=samples)[0]
        )

    gradient = jax.jit(jax.grad(nats))(params)["params"]["kernel"]
    moved = np.any(np.asarray(gradient) != 0, axis=1)
    targets = np.unique(np.concatenate([np.asarray(window.target).ravel() for window in pair]))
    assert moved[targets[targets > windows.END]].all()
    if samples == 5 and key is not None:
        assert moved.sum() <= len(targets) + 2 * samples  # each direction draws its own sample
    else:
        assert moved.all()


def test_each_direction_reads_its_own_text_and_no_other():
    model, params, pair, start = _made()

    def nats(pair):
        return language_model.losses(model, params, tuple(pair), start)[0]

    before = nats(pair)
    for direction in (0, 1):
        changed = list(pair)
        changed[direction] = changed[direction]._replace(inputs=(pair[direction].inputs + 1) % 9)
        after = nats(changed)
        np.testing.assert_array_equal(after[1 - direction], before[1 - direction])
        assert np.any(np.asarray(after[direction]) != before[direction])


def test_the_filters_are_elmos():
    """Peters et al. 2018 and its options file: 2,048 filters over one to seven characters."""
    wide, many = zip(*models.FILTERS, strict=True)
    assert wide == (1, 2, 3, 4, 5, 6, 7)
    assert many == (32, 32, 64, 128, 256, 512, 1024)
    assert sum(many) == 2048


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_short_chunk_is_filled_up_so_that_every_chunk_has_one_shape(number):
    pair = jax.tree.map(np.asarray, _made()[2])
    for direction, windows_of in zip(pair, training._stacked([pair] * number, 3), strict=True):
        for alone, stacked in zip(direction, windows_of, strict=True):
            assert stacked.shape == (3, *alone.shape)
            np.testing.assert_array_equal(stacked[:number], [alone] * number)
            np.testing.assert_array_equal(stacked[number:], 0)
