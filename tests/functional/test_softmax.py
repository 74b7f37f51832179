"""Softmax losses. Oracles: the definition in float64; the full sum; frequencies of many draws."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxemb.functional import softmax
from tests.rounding import SOFTMAX, close

PLAIN_AND_JIT = pytest.mark.parametrize("transform", [lambda f: f, jax.jit], ids=["plain", "jit"])


def _problem(seed: int, positions: int = 6, vocab: int = 9, dim: int = 4):
    keys = jax.random.split(jax.random.key(seed), 4)
    return (
        jax.random.normal(keys[0], (positions, dim)),
        jax.random.normal(keys[1], (vocab, dim)),
        jax.random.normal(keys[2], (vocab,)),
        jax.random.randint(keys[3], (positions,), 0, vocab),
    )


@PLAIN_AND_JIT
@pytest.mark.parametrize("seed", range(3))
def test_full_is_the_definition(transform, seed):
    hidden, kernel, bias, target = _problem(seed)
    logits = np.float64(hidden) @ np.float64(kernel).T + np.float64(bias)
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    expected = -np.log(p[np.arange(6), target])
    loss = transform(softmax.full)(hidden, kernel, bias, target)
    np.testing.assert_allclose(loss, expected, rtol=1e-5)


@PLAIN_AND_JIT
@pytest.mark.parametrize("seed", range(3))
def test_with_every_word_sampled_and_nothing_to_correct_it_is_the_full_softmax(transform, seed):
    problem = _problem(seed)
    sample = softmax.Sample(jax.random.permutation(jax.random.key(seed), 9), jnp.zeros(9))
    loss = transform(lambda *p: softmax.sampled(*p, sample))(*problem)
    np.testing.assert_allclose(loss, softmax.full(*problem), rtol=1e-5)
    ours, theirs = (
        jax.grad(lambda h, f=f: jnp.sum(f(h, *problem[1:])))(problem[0])
        for f in (lambda *p: softmax.sampled(*p, sample), softmax.full)
    )
    close(ours, theirs, ulps=SOFTMAX)


def test_samples_are_different_words_and_as_frequent_as_said():
    vocab, samples, draws = 30, 8, 4000
    keys = jax.random.split(jax.random.key(0), draws)
    drawn = jax.jit(jax.vmap(lambda key: softmax.log_uniform(key, samples, vocab)))(keys)
    ids = np.sort(np.asarray(drawn.ids), axis=1)
    assert (np.diff(ids, axis=1) > 0).all()
    counts = np.bincount(ids.ravel(), minlength=vocab) / draws
    expected = np.exp(np.float64(drawn.log_expected)).mean(axis=0)
    # the time of the last arrival is itself random: right within a few percent, and sums to k
    np.testing.assert_allclose(counts, expected, rtol=0.12, atol=0.01)
    assert (np.diff(expected) < 0).all()  # by falling frequency


@pytest.mark.parametrize("seed", range(2))
def test_the_correction_brings_the_gradient_towards_that_of_the_full_softmax(seed):
    hidden, kernel, bias, target = _problem(seed, vocab=200)
    hidden = hidden / 4  # logits of a young model

    def slope(loss):
        return jax.grad(lambda h: jnp.sum(loss(h, kernel, bias, target)))(hidden)

    def error(samples: int, corrected: bool) -> float:
        def drawn(key):
            sample = softmax.log_uniform(key, samples, 200)
            if not corrected:
                sample = sample._replace(log_expected=jnp.zeros(200))
            return slope(lambda *p: softmax.sampled(*p, sample))

        keys = jax.random.split(jax.random.key(seed), 1000)
        mean = jnp.mean(jax.jit(jax.vmap(drawn))(keys), axis=0)
        return float(jnp.linalg.norm(mean - slope(softmax.full)))

    assert error(100, True) < error(20, True) < error(20, False)
