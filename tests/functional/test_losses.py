"""Laws of the word2vec losses. Oracles: arithmetic; the papers' equations in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxemb.functional import losses
from tests.transforms import PLAIN_AND_JIT

SEEDS = pytest.mark.parametrize("seed", range(3))


def _block(seed: int, centers: int = 4, outputs: int = 7, dim: int = 8):
    keys = jax.random.split(jax.random.key(seed), 3)
    hidden = jax.random.normal(keys[0], (centers, dim))
    vectors = jax.random.normal(keys[1], (outputs, dim))
    target = jnp.where(jnp.arange(outputs) < 3, 1.0, -1.0)
    weight = jax.random.randint(keys[2], (centers, outputs), 0, 3).astype(jnp.float32)
    return hidden, vectors, target, weight


def _minus_log_sigma(x):
    return np.log1p(np.exp(-np.float64(x)))


@PLAIN_AND_JIT
@SEEDS
def test_skipgram_is_the_papers_equation(transform, seed):
    hidden, vectors, _, _ = _block(seed)
    h, o = np.float64(hidden[0]), np.float64(vectors)
    expected = _minus_log_sigma(o[0] @ h) + _minus_log_sigma(-(o[1:] @ h)).sum()
    loss = transform(losses.skipgram)(hidden[0], vectors[0], vectors[1:])
    np.testing.assert_allclose(loss, expected, rtol=1e-5)


@PLAIN_AND_JIT
@SEEDS
def test_cbow_is_the_papers_equation(transform, seed):
    window, vectors, _, _ = _block(seed)
    mask = jnp.array([1.0, 0.0, 1.0, 1.0])
    h = np.float64(window)[[0, 2, 3]].mean(axis=0)
    o = np.float64(vectors)
    expected = _minus_log_sigma(o[0] @ h) + _minus_log_sigma(-(o[1:] @ h)).sum()
    loss = transform(losses.cbow)(window, mask, vectors[0], vectors[1:])
    np.testing.assert_allclose(loss, expected, rtol=1e-5)


@SEEDS
def test_cbow_with_a_window_of_one_word_is_skipgram_from_that_word(seed):
    window, vectors, _, _ = _block(seed)
    mask = jnp.array([0.0, 1.0, 0.0, 0.0])
    cbow = losses.cbow(window, mask, vectors[0], vectors[1:])
    np.testing.assert_array_equal(cbow, losses.skipgram(window[1], vectors[0], vectors[1:]))


def test_a_window_without_words_predicts_with_zero():
    window, vectors, _, _ = _block(0)
    loss = losses.cbow(window, jnp.zeros(4), vectors[0], vectors[1:])
    np.testing.assert_allclose(loss, vectors.shape[0] * np.log(2), rtol=1e-6)


@PLAIN_AND_JIT
@SEEDS
def test_a_block_costs_the_sum_of_its_pairs(transform, seed):
    hidden, vectors, target, weight = _block(seed)
    scores = np.float64(hidden) @ np.float64(vectors).T
    expected = (weight * _minus_log_sigma(target[None, :] * scores)).sum()
    loss = transform(losses.logistic)(hidden, vectors, target, weight)
    np.testing.assert_allclose(loss, expected, rtol=1e-5)


def test_an_output_of_weight_zero_gets_no_gradient():
    hidden, vectors, target, weight = _block(seed=1)
    gradient = jax.grad(losses.logistic, argnums=1)(
        hidden, vectors, target, weight.at[:, 5].set(0.0)
    )
    np.testing.assert_array_equal(gradient[5], 0.0)


def test_a_target_that_would_broadcast_is_refused():
    hidden, vectors, _, weight = _block(seed=0)
    with pytest.raises((AssertionError, TypeError)):  # jaxtyping when it is on
        losses.logistic(hidden, vectors, jnp.ones(1), weight)


@PLAIN_AND_JIT
def test_softplus_and_its_gradient_are_finite_and_right_at_any_score(transform):
    x = jnp.array([-1e4, -88.0, -17.0, -1e-3, 0.0, 1e-3, 17.0, 88.0, 1e4])
    exact = np.float64(x)
    value, slope = transform(jax.vmap(jax.value_and_grad(losses.softplus)))(x)
    np.testing.assert_allclose(value, np.logaddexp(0, exact), rtol=1e-6, atol=1e-7)
    sigma = np.where(exact < 0, np.exp(np.minimum(exact, 0)), 1) / (1 + np.exp(-np.abs(exact)))
    np.testing.assert_allclose(slope, sigma, rtol=1e-5, atol=1e-7)  # XLA's exp in float32
