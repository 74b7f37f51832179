"""Embedders made from other embedders: these stay unchanged, and train on any loss."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxemb import embedders
from jaxemb.contextual import members
from tests.embedders import tagging

DIM = 6
STATIC = embedders.lookup(tagging.VOCAB, DIM)
BILM = members.lstm(DIM, 8, layers=1)
TOKENS, MASK = jnp.array([3, 1, 3, 0]), jnp.array([1.0, 1.0, 1.0, 0.0])


def _task(embedder, dim, table=None):
    words = embedder.init(jax.random.key(0))
    words = words if table is None else words._replace(static=table)
    return {"words": words, "readout": jax.random.normal(jax.random.key(1), (dim,)) / 4}


def test_no_training_of_a_static_table_tells_the_senses_apart():
    params = tagging.trained(STATIC, _task(STATIC, DIM), tagging.sentences(0, 128))
    assert tagging.accuracy(STATIC, params, tagging.sentences(0, 128)) == 0.5  # not even in sample


@pytest.mark.parametrize(
    ("change", "dim"),
    [(None, 2 * DIM), (embedders.rotation(planes=2), DIM)],
    ids=["switch", "rotation"],
)
def test_in_context_plain_optax_learns_them_and_a_frozen_table_keeps_its_bits(change, dim):
    table = jax.random.normal(jax.random.key(7), (tagging.VOCAB, DIM))
    embedder = embedders.contextual(embedders.frozen(STATIC), BILM, embedders.top(), change)
    params = tagging.trained(embedder, _task(embedder, dim, table), tagging.sentences(0, 128))
    assert tagging.accuracy(embedder, params, tagging.sentences(1, 500)) > 0.9
    np.testing.assert_array_equal(params["words"].static, table)


def test_layer_0_is_the_static_vector_twice_bit_for_bit():
    embedder = embedders.contextual(STATIC, BILM, embedders.layer(0))
    params = embedder.init(jax.random.key(0))
    static = STATIC.apply(params.static, TOKENS, MASK)
    read = embedder.apply(params, TOKENS, MASK)
    np.testing.assert_array_equal(read, jnp.concatenate([static, static], axis=1))


def test_concat_of_the_whole_embedder_begins_with_a_bit_for_bit():
    embedder = embedders.contextual(STATIC, BILM, embedders.top(), embedders.concat())
    params = embedder.init(jax.random.key(0))
    static = STATIC.apply(params.static, TOKENS, MASK)
    np.testing.assert_array_equal(embedder.apply(params, TOKENS, MASK)[:, :DIM], static)


def test_changed_by_a_context_over_the_same_table_is_contextual_with_that_change():
    context = embedders.contextual(STATIC, BILM, embedders.mix())
    change = embedders.gate()
    apart = embedders.changed(STATIC, context, change, dims=(DIM, 2 * DIM))
    params = apart.init(jax.random.key(0))
    gate = params.change._replace(bias=jnp.arange(DIM) / 3 - 1)
    params = params._replace(change=gate)
    params = params._replace(context=params.context._replace(static=params.static))
    together = embedders.contextual(STATIC, BILM, embedders.mix(), change)
    expected = together.apply(params.context._replace(change=gate), TOKENS, MASK)
    np.testing.assert_array_equal(apart.apply(params, TOKENS, MASK), expected)


def test_a_key_turns_dropout_on_and_none_is_the_same_every_time():
    embedder = embedders.contextual(
        STATIC, members.lstm(DIM, 8, layers=1, dropout=0.5), embedders.top()
    )
    params, apply = embedder.init(jax.random.key(0)), jax.jit(embedder.apply)
    dropped = [apply(params, TOKENS, MASK, jax.random.key(seed)) for seed in (0, 0, 1)]
    np.testing.assert_array_equal(dropped[0], dropped[1])
    assert np.abs(dropped[0] - dropped[2]).max() > 1e-4
    plain = embedders.contextual(STATIC, BILM, embedders.top())
    np.testing.assert_array_equal(
        apply(params, TOKENS, MASK), jax.jit(plain.apply)(params, TOKENS, MASK)
    )


def test_a_table_of_another_dimension_is_refused():
    embedder = embedders.contextual(STATIC, BILM, embedders.top())
    params = embedder.init(jax.random.key(0))._replace(static=jnp.ones((tagging.VOCAB, DIM + 1)))
    with pytest.raises(ValueError, match="vectors have 7 dimensions, the model gives 6"):
        embedder.apply(params, TOKENS, MASK)
