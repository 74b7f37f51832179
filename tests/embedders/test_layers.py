"""Readings of layers. Oracles: bit-identity, the formula in float64 NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special

from jaxemb import embedders
from jaxemb.errors import InputError
from tests.rounding import NETWORK, SUM, close
from tests.transforms import PLAIN_AND_JIT

INF = float("inf")
MASK = jnp.array([1.0, 1.0, 1.0, 0.0])


def _layers(seed: int = 0):
    """Layer 0 is the same vector twice; padding is 0 in every layer."""
    keys = jax.random.split(jax.random.key(seed))
    static = jax.random.normal(keys[0], (4, 3))
    above = jax.random.normal(keys[1], (2, 4, 6))
    doubled = jnp.concatenate([static, static], axis=1)
    return jnp.concatenate([doubled[None], above]) * MASK[None, :, None]


@PLAIN_AND_JIT
@pytest.mark.parametrize("i", [0, 1, 2])
def test_a_mix_of_all_weight_on_one_layer_is_that_layer_bit_for_bit(transform, i):
    layers = _layers()
    weights = jnp.full(3, -INF).at[i].set(INF)
    read = transform(embedders.mix().apply)(embedders.Mix(weights, jnp.ones(())), layers, MASK)
    np.testing.assert_array_equal(read, layers[i])
    np.testing.assert_array_equal(read, embedders.layer(i).apply((), layers, MASK))


@pytest.mark.parametrize("seed", range(3))
def test_a_mix_is_elmos_scalar_mix_and_takes_its_parameters(seed):
    layers = _layers(seed)
    params = {"weights": jax.random.normal(jax.random.key(seed + 9), (3,)), "gamma": jnp.array(1.7)}
    read = embedders.mix().apply(embedders.Mix(**params), layers, MASK)
    shares = scipy.special.softmax(np.float64(params["weights"]))
    expected = 1.7 * np.einsum("l,ltd->td", shares, np.float64(layers)) * np.asarray(MASK)[:, None]
    close(read, expected, ulps=SUM)


def test_a_mix_without_static_does_not_read_layer_0():
    layers, reading = _layers(), embedders.mix_without_static()
    params = embedders.Mix(jnp.array([0.3, -1.0]), jnp.array(2.0))
    gradient = jax.grad(lambda x: jnp.sum(reading.apply(params, x, MASK) ** 2))(layers)
    np.testing.assert_array_equal(gradient[0], 0.0)
    assert (np.abs(gradient[1:]).max(axis=(1, 2)) > 0).all()
    assert reading.init(jax.random.key(0), 3).weights.shape == (2,)


def test_top_is_the_last_layer_and_mixes_start_as_means():
    layers, key = _layers(), jax.random.key(0)
    np.testing.assert_array_equal(embedders.top().apply((), layers, MASK), layers[2])
    for reading, expected in (
        (embedders.mix(), layers.mean(axis=0)),
        (embedders.mix_without_static(), layers[1:].mean(axis=0)),
    ):
        read = reading.apply(reading.init(key, 3), layers, MASK)
        close(read, expected, ulps=SUM)


@pytest.mark.parametrize("i", [3, -4])
def test_a_layer_that_is_not_there_is_refused(i):
    with pytest.raises(InputError, match=f"layer {i} of 3; wanted 0 to 2"):
        embedders.layer(i).init(jax.random.key(0), 3)
    with pytest.raises(InputError, match=f"layer {i} of 3"):
        embedders.layer(i).apply((), _layers(), MASK)


def test_weights_of_another_number_of_layers_are_refused():
    with pytest.raises(InputError, match="2 weights to mix 3 layers"):
        embedders.mix().apply(embedders.Mix(jnp.zeros(2), jnp.ones(())), _layers(), MASK)


def test_a_mix_is_convex_in_the_layers_and_starts_as_their_mean():
    layers = jax.random.normal(jax.random.key(0), (3, 5, 4))
    mask = jnp.ones(5).at[4].set(0.0)
    mix = embedders.mix()
    params = mix.init(jax.random.key(1), 3)
    mean = np.mean(layers, axis=0) * np.asarray(mask)[:, None]
    close(mix.apply(params, layers, mask), mean, ulps=NETWORK)
    params = embedders.Mix(jnp.array([1e9, 0.0, -1e9]), jnp.float32(2))
    first = 2 * np.asarray(layers[0] * mask[:, None])
    np.testing.assert_array_equal(mix.apply(params, layers, mask), first)


def _mixed(layers, weights, gamma=1.0):
    params = embedders.Mix(jnp.asarray(weights), jnp.float32(gamma))
    return np.asarray(embedders.mix().apply(params, layers, jnp.ones(layers.shape[1])))


@pytest.mark.parametrize("seed", range(3))
def test_a_mix_lies_between_its_layers_and_is_linear_in_gamma(seed):
    layers = jax.random.normal(jax.random.key(seed), (3, 5, 4))
    weights = np.asarray(jax.random.normal(jax.random.key(seed + 9), (3,)))
    mixed = _mixed(layers, weights)
    slack = 4 * 2.0**-23 * np.abs(layers).max(axis=0)  # the sum of three rounded products
    assert (np.min(layers, axis=0) - slack <= mixed).all()
    assert (mixed <= np.max(layers, axis=0) + slack).all()
    np.testing.assert_allclose(_mixed(layers, weights + 3), mixed, atol=slack.max())
    np.testing.assert_array_equal(_mixed(layers, weights, -2.0), -2 * mixed)


@pytest.mark.parametrize("seed", range(3))
def test_the_rank_of_a_mix_is_at_most_the_sum_of_its_layers(seed):
    rng = np.random.default_rng(seed)
    ranks = (1, 2, 3)
    layers = [rng.normal(size=(30, r)) @ rng.normal(size=(r, 10)) for r in ranks]
    layers = jnp.asarray(np.stack(layers), jnp.float32)
    mixed = _mixed(layers, rng.normal(size=3).astype(np.float32), 2.0)
    values = np.linalg.svd(mixed, compute_uv=False)
    rank = int((values > 1e-5 * values[0]).sum())  # float32 rounds at 1e-7, layers stand at 1e-1
    assert rank == sum(ranks)  # in general position all of it
    same = _mixed(jnp.stack([layers[1]] * 3), rng.normal(size=3).astype(np.float32))
    np.testing.assert_allclose(same, layers[1], atol=4 * 2.0**-23 * np.abs(layers[1]).max())


def test_the_batch_scalar_norm_makes_sentences_depend_on_their_batch():
    """What AllenNLP calls layer norm; its name here says what it does."""
    layers = jax.random.normal(jax.random.key(0), (3, 5, 2, 4)) + 3
    mask = jnp.ones((5, 2)).at[3:, 1].set(0.0)
    mix = embedders.mix(batch_scalar_norm=True)
    params = mix.init(jax.random.key(1), 3)
    shown = np.asarray(layers)[:, np.asarray(mask) > 0]
    flat = shown.reshape(3, -1)
    normed = (layers - flat.mean(1)[:, None, None, None]) / flat.std(1)[:, None, None, None]
    expected = np.mean(normed, axis=0) * np.asarray(mask)[..., None]
    close(mix.apply(params, layers, mask), expected, ulps=NETWORK)
    alone = mix.apply(params, layers[:, :, 0], mask[:, 0])
    assert not np.allclose(mix.apply(params, layers, mask)[:, 0], alone, atol=0.01)
