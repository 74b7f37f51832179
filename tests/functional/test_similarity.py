"""Cosine and Euclidean similarity. Oracles: scipy; the identity on unit rows."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.spatial.distance

from jaxemb.functional import similarity
from tests.transforms import PLAIN_AND_JIT


def _two(seed: int):
    keys = jax.random.split(jax.random.key(seed), 2)
    return jax.random.normal(keys[0], (5, 7)), jax.random.normal(keys[1], (6, 7))


@PLAIN_AND_JIT
@pytest.mark.parametrize("seed", range(3))
def test_cosine_and_distance_are_scipys(transform, seed):
    left, right = _two(seed)
    cdist = scipy.spatial.distance.cdist
    expected = 1 - cdist(left, right, "cosine")
    np.testing.assert_allclose(transform(similarity.cosine)(left, right), expected, atol=1e-6)
    distance = transform(similarity.euclidean)(left, right)
    np.testing.assert_allclose(distance, cdist(left, right), rtol=1e-5)


def test_on_unit_rows_both_rank_neighbours_alike():
    left, right = (similarity.normalize(x) for x in _two(3))
    squared = similarity.euclidean(left, right) ** 2
    np.testing.assert_allclose(squared, 2 - 2 * similarity.cosine(left, right), atol=1e-6)


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
def test_length_is_one_at_any_scale_and_zero_stays_zero(scale):
    vectors = jnp.concatenate([_two(0)[0] * scale, jnp.zeros((1, 7))])
    norms = np.linalg.norm(np.asarray(similarity.normalize(vectors)), axis=1)
    np.testing.assert_allclose(norms, [1, 1, 1, 1, 1, 0], rtol=1e-6)
