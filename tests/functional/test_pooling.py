"""The mean of a window, with two gradients. Oracle: NumPy, and calculus."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxemb.functional import pooling
from tests.transforms import PLAIN_AND_JIT

MASK = jnp.array([[1.0, 1.0, 0.0, 1.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
MEANS = pytest.mark.parametrize("mean", [pooling.mean, pooling.mean_word2vec])


@PLAIN_AND_JIT
@MEANS
def test_both_means_are_the_mean(transform, mean):
    rows = jax.random.normal(jax.random.key(0), (4, 3))
    r = np.asarray(rows)
    expected = [r[[0, 1, 3]].mean(axis=0), r[2], np.zeros(3)]
    np.testing.assert_allclose(transform(mean)(rows, MASK), expected, rtol=1e-6, atol=1e-7)


@MEANS
def test_the_gradient_is_the_share_or_the_whole_error(mean):
    rows = jax.random.normal(jax.random.key(0), (4, 3))
    error = jax.random.normal(jax.random.key(1), (3, 3))
    gradient = jax.grad(lambda r: jnp.sum(error * mean(r, MASK)))(rows)
    share = 3.0 if mean is pooling.mean else 1.0
    np.testing.assert_allclose(gradient[0], error[0] / share, rtol=1e-6)
    np.testing.assert_allclose(gradient[2], error[1], rtol=1e-6)
