"""A dozen texts of few words, on which large steps diverge; and reference SGD, pair by pair."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxemb.static import segments
from jaxemb.training import loop


def _drawn(words: int, lines: int, *, power: float = 0.0, seed: int = 0, length: int = 10):
    """Lines of words drawn with frequencies 1 / rank^power."""
    share = 1.0 / np.arange(1, words + 1) ** power
    ids = np.random.default_rng(seed).choice(words, (lines, length), p=share / share.sum())
    return [[f"w{i}" for i in line] for line in ids]


TEXTS = {
    "one sentence": [["the", "cat", "sat", "on", "the", "mat"]] * 200,
    "two words": [["a", "b"]] * 400,
    "twelve letters": _drawn(12, 120),
    "five words": _drawn(5, 120, seed=1),
    "twenty words": _drawn(20, 150),
    "sixty words": _drawn(60, 150, seed=2),
    "one word nearly always": [["x"] * 8 + line for line in _drawn(50, 120, length=2)],
    "a cycle": [[f"w{(line + i) % 7}" for i in range(20)] for line in range(60)],
    "two topics": [[f"{'ab'[i % 2]}{w}" for w in line] for i, line in enumerate(_drawn(8, 120))],
    "Zipf, 100 words": _drawn(100, 120, power=1.0),
    "Zipf, 1,000 words": _drawn(1000, 200, power=1.0),
    "one long line": _drawn(30, 1, length=1500),
}


def one_pair_at_a_time(key, ids, vocab, objective, *, dim, epochs, learning_rate, batch=32):
    """Tables after SGD in float64 on the pairs that `fit` draws, one pair after the other.

    A pair is one observed word with the block's noise: k draws in expectation (Mikolov et al. 2013,
    arXiv:1310.4546, eq. 4). In CBOW a pair is a center with the mean of its window.
    """
    plan = loop.Plan(key, objective, None, dim, epochs, learning_rate, batch, 64)
    resources, rows = objective.prepare(vocab)
    split = loop.split_of(key, ids, np.ones(len(vocab.words)))
    begin = plan.initialize(jax.random.fold_in(key, loop.Stream.TABLES), rows, dim)
    inputs, outputs = (np.array(table, np.float64) for table in begin)
    draws = jax.random.fold_in(key, loop.Stream.DRAWS)
    draw = jax.jit(lambda r, t: jax.vmap(objective.draw, in_axes=(0, 0, None))(r, t, resources))
    step = 0
    for epoch in range(epochs):
        for chunk in segments.chunks(split, objective.reads, batch, 64, epoch):
            random = loop.random_bits(draws, step + jnp.arange(len(chunk.texts)), batch, objective)
            for i in range(chunk.real):
                done = (epoch + (chunk.first + i) / chunk.steps) / epochs
                rate = learning_rate * max(1.0 - done, 1e-4)
                for block in _each(jax.tree.map(np.asarray, draw(random[i], chunk.texts[i]))):
                    _block(inputs, outputs, block, objective.reads.own, rate)
            step += chunk.real
    return inputs, outputs


def _each(blocks):
    return [jax.tree.map(lambda leaf, n=n: leaf[n], blocks) for n in range(len(blocks.pairs))]


def _block(inputs, outputs, block, own: int, rate: float) -> None:
    observed = block.target.size - np.sum(block.target < 0)
    for t, weights in enumerate(block.weight):
        near, noise = weights[:observed], weights[observed:]
        read = [block.ids.input[t]] if block.pool == () else block.ids.input[block.pool[t] > 0]
        for j in np.flatnonzero(near):
            place = t if own else j
            scored = np.concatenate(
                [block.ids.output[place : place + 1], block.ids.output[-len(noise) :]]
            )
            sign = np.where(np.arange(len(scored)) == 0, 1.0, -1.0)
            weight = np.concatenate([near[j : j + 1], noise * near[j] / near.sum()])
            hidden = inputs[read].mean(axis=0)
            slope = -sign * weight / (1.0 + np.exp(sign * (outputs[scored] @ hidden)))
            moved = slope @ outputs[scored]
            np.add.at(outputs, scored, -rate * slope[:, None] * hidden)
            np.add.at(inputs, read, -rate * moved / len(read))
