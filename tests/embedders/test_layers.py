"""What is read of the layers. Oracles: equality of bits, the Linen module of the same formula."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxemb import embedders
from jaxemb.contextual.mix import ScalarMix
from jaxemb.errors import InputError
from tests.rounding import SUM, close
from tests.transforms import PLAIN_AND_JIT

INF = float("inf")
MASK = jnp.array([1.0, 1.0, 1.0, 0.0])


def _layers(seed: int = 0):
    """Layer 0 is the same vector twice; what is no token is 0 in every layer."""
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
    expected = ScalarMix().apply({"params": params}, layers, MASK)
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
