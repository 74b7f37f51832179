"""A user's own task: to tell which of two senses a word has, from the words beside it."""

import jax
import jax.numpy as jnp
import numpy as np
import optax

BANK = 0  # the word of two senses; money has the words 1 to 4, river 5 to 8
VOCAB, LENGTH = 9, 7


def sentences(seed: int, number: int):
    """(tokens [number, LENGTH], position of the word [number], its sense [number]), balanced."""
    random = np.random.default_rng(seed)
    tokens = random.integers(1, VOCAB, (number, LENGTH))
    position, sense = random.integers(1, LENGTH - 1, number), np.arange(number) % 2
    for row, (i, s) in enumerate(zip(position, sense, strict=True)):
        tokens[row, [i - 1, i + 1]] = random.integers(1, 5, 2) + 4 * s
        tokens[row, i] = BANK
    return jnp.asarray(tokens), jnp.asarray(position), jnp.asarray(sense)


def scores(embedder, params, tokens, position):
    """One number a sentence, linear in the vector of its ambiguous word; above 0 is sense 1."""
    apply = jax.vmap(embedder.apply, in_axes=(None, 0, None))
    vectors = apply(params["words"], tokens, jnp.ones(LENGTH))
    return vectors[jnp.arange(len(position)), position] @ params["readout"]


def trained(embedder, params, data, steps: int = 120):
    """Plain optax on the user's loss."""
    tokens, position, sense = data
    optimizer = optax.adam(0.03)

    def loss(params):
        logits = scores(embedder, params, tokens, position)
        return optax.sigmoid_binary_cross_entropy(logits, sense.astype(jnp.float32)).mean()

    def step(state, _):
        params, moments = state
        updates, moments = optimizer.update(jax.grad(loss)(params), moments)
        return (optax.apply_updates(params, updates), moments), None

    start = params, optimizer.init(params)
    return jax.jit(lambda s: jax.lax.scan(step, s, length=steps))(start)[0][0]


def accuracy(embedder, params, data) -> float:
    tokens, position, sense = data
    logits = jax.jit(lambda p: scores(embedder, p, tokens, position))(params)
    return float(jnp.mean((logits > 0) == (sense == 1)))
