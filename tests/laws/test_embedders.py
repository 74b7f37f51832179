"""Laws of every embedder: one sentence in, one vector a word out.

Contextual embedders run under jit, each compiled once; tests/embedders runs their parts plain.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from jaxemb import embedders
from tests.laws.members import every_contextual, every_embedder, every_static
from tests.rounding import NETWORK, close
from tests.transforms import PLAIN_AND_JIT

TOKENS = jnp.array([3, 1, 3, 6, 0])
MASK = jnp.array([1.0, 1.0, 1.0, 1.0, 0.0])


@functools.cache
def compiled(embedder):
    return jax.jit(embedder.apply)


@functools.cache
def anywhere(embedder):
    """Parameters away from the initial ones, at which some changes are the identity."""
    random = np.random.default_rng(0)
    start = jax.jit(embedder.init)(jax.random.key(0))
    return jax.tree.map(lambda x: x + np.float32(random.normal(size=x.shape) / 2), start)


@every_embedder
def test_words_become_vectors_and_padding_becomes_zero(embedder, dim):
    vectors = compiled(embedder)(anywhere(embedder), TOKENS, MASK)
    assert vectors.shape == (5, dim)
    assert vectors.dtype == jnp.float32
    np.testing.assert_array_equal(vectors[4], 0.0)
    assert (np.asarray(vectors[0]) != np.asarray(vectors[1])).any()


@PLAIN_AND_JIT
@every_static
def test_static_is_the_same_vector_for_the_same_word(transform, embedder, dim):
    vectors = transform(embedder.apply)(anywhere(embedder), TOKENS, MASK)
    np.testing.assert_array_equal(vectors[0], vectors[2])


@every_contextual
def test_in_context_the_same_word_has_another_vector_in_another_place_or_sentence(embedder, dim):
    params = anywhere(embedder)
    vectors = compiled(embedder)(params, TOKENS, MASK)
    beside = compiled(embedder)(params, TOKENS.at[3].set(5), MASK)
    assert np.abs(vectors[0] - vectors[2]).max() > 1e-3
    assert np.abs(vectors[0] - beside[0]).max() > 1e-4


@every_embedder
def test_padding_changes_nothing(embedder, dim):
    params = anywhere(embedder)
    short = compiled(embedder)(params, TOKENS[:4], MASK[:4])
    for filler in (0, 5):  # whatever stands behind the mask
        padded = compiled(embedder)(params, TOKENS.at[4].set(filler), MASK)
        np.testing.assert_array_equal(padded[:4], short)


@every_embedder
def test_vmap_is_the_batch(embedder, dim):
    params = anywhere(embedder)
    tokens, mask = jnp.stack([TOKENS, TOKENS[::-1]]), jnp.stack([MASK, MASK])
    together = jax.vmap(compiled(embedder), in_axes=(None, 0, 0))(params, tokens, mask)
    for i in range(2):
        alone = compiled(embedder)(params, tokens[i], mask[i])
        close(together[i], alone, ulps=NETWORK)


@every_contextual
def test_every_parameter_trains(embedder, dim):
    wanted = np.random.default_rng(5).normal(size=(5, dim)).astype(np.float32)

    def loss(params):
        return jnp.sum(embedder.apply(params, TOKENS, MASK) * wanted)

    gradient = jax.jit(jax.grad(loss))(anywhere(embedder))
    for path, leaf in jax.tree_util.tree_leaves_with_path(gradient):
        assert np.isfinite(leaf).all(), path
        assert np.abs(leaf).max() > 0, path


def test_a_trained_table_takes_the_place_of_the_parameters():
    table = jax.random.normal(jax.random.key(1), (7, 3))
    vectors = embedders.lookup(7, 3).apply(table, TOKENS, jnp.ones(5))
    np.testing.assert_array_equal(vectors, table[TOKENS])
