"""One-hot: n words are the n rows of the identity matrix."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxemb.functional import onehot
from tests.transforms import PLAIN_AND_JIT


@PLAIN_AND_JIT
@pytest.mark.parametrize("shape", [(1,), (7,), (3, 4)])
def test_one_hot_product_is_lookup_bit_for_bit(transform, shape):
    keys = jax.random.split(jax.random.key(len(shape)), 2)
    table = jax.random.normal(keys[0], (11, 5))
    ids = jax.random.randint(keys[1], shape, 0, 11)
    product = transform(lambda i, t: onehot.one_hot(i, 11) @ t)(ids, table)
    np.testing.assert_array_equal(product, table[ids])


def test_one_hot_words_are_orthonormal():
    rows = onehot.one_hot(jnp.arange(9), 9)
    np.testing.assert_array_equal(rows @ rows.T, np.eye(9))


def test_repeated_ids_have_the_rank_of_the_distinct_ones():
    rows = onehot.one_hot(jnp.array([3, 1, 3, 3, 7]), 9)
    assert np.linalg.matrix_rank(np.asarray(rows)) == 3


def test_centered_one_hot_is_the_simplex():
    m = 13
    centered = np.asarray(onehot.one_hot(jnp.arange(m), m)) - 1 / m
    unit = centered / np.linalg.norm(centered, axis=1, keepdims=True)
    cosines = (unit @ unit.T)[~np.eye(m, dtype=bool)]
    np.testing.assert_allclose(cosines, -1 / (m - 1), atol=4e-7)  # 4 eps of float32
    assert np.linalg.matrix_rank(centered) == m - 1


def test_an_id_outside_the_vocabulary_is_no_word():
    np.testing.assert_array_equal(onehot.one_hot(jnp.array([-1, 4]), 4), np.zeros((2, 4)))
