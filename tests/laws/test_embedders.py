"""Laws of every embedder: one sentence in, one vector a word out."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxemb import embedders
from tests.laws.members import every_embedder
from tests.transforms import PLAIN_AND_JIT

TOKENS = jnp.array([3, 1, 3, 6, 0])
MASK = jnp.array([1.0, 1.0, 1.0, 1.0, 0.0])


@PLAIN_AND_JIT
@every_embedder
def test_words_become_vectors_and_padding_becomes_zero(transform, embedder, dim):
    params = embedder.init(jax.random.key(0))
    vectors = transform(embedder.apply)(params, TOKENS, MASK)
    assert vectors.shape == (5, dim)
    np.testing.assert_array_equal(vectors[4], 0.0)
    np.testing.assert_array_equal(vectors[0], vectors[2])  # static: the same word, the same vector
    assert (np.asarray(vectors[0]) != np.asarray(vectors[1])).any()


@every_embedder
def test_padding_changes_nothing(embedder, dim):
    params = embedder.init(jax.random.key(0))
    short = embedder.apply(params, TOKENS[:4], MASK[:4])
    np.testing.assert_array_equal(embedder.apply(params, TOKENS, MASK)[:4], short)


@every_embedder
def test_vmap_is_the_batch(embedder, dim):
    params = embedder.init(jax.random.key(0))
    tokens, mask = jnp.stack([TOKENS, TOKENS[::-1]]), jnp.stack([MASK, MASK])
    together = jax.vmap(embedder.apply, in_axes=(None, 0, 0))(params, tokens, mask)
    for i in range(2):
        np.testing.assert_array_equal(together[i], embedder.apply(params, tokens[i], mask[i]))


def test_a_trained_table_takes_the_place_of_the_parameters():
    table = jax.random.normal(jax.random.key(1), (7, 3))
    vectors = embedders.lookup(7, 3).apply(table, TOKENS, jnp.ones(5))
    np.testing.assert_array_equal(vectors, table[TOKENS])
