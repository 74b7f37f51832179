"""Hierarchical softmax. Oracles: the textbook loss of one word in float64; sums of probability."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxemb.errors import InputError
from jaxemb.functional import losses
from jaxemb.static import batches, hierarchical, tables, trees
from jaxemb.structs import InOut
from tests.references import word2vec
from tests.transforms import PLAIN_AND_JIT

EPS = 2.0**-23
TEXTS = jnp.array([[0, 3, 1, 4, 2, -1, 5, 6], [7, 1, 1, 8, -1, 2, 9, -5]])
MAKERS = {"skipgram": hierarchical.skipgram_hs, "cbow": hierarchical.cbow_hs}
TREES = {"huffman": trees.huffman, "balanced": trees.balanced}


def chain(counts):
    """A user's own tree of the largest depth: each node's children are a word and the next node."""
    inner = len(counts) - 1
    below = np.append(len(counts) + np.arange(1, inner), inner)
    return trees.of_children(np.stack([np.arange(inner), below], axis=1))


TREES["chain"] = chain
log_probabilities = jax.jit(hierarchical.log_probabilities)
every_tree = pytest.mark.parametrize("tree", TREES.values(), ids=TREES.keys())


def normal(seed: int, *shape: int):
    return jax.random.normal(jax.random.key(seed), shape)


@functools.partial(jax.jit, static_argnums=0)
def loss_and_pairs(objective, whole, resources):
    random = jnp.zeros((2, 4), jnp.uint32)
    batch = jax.vmap(objective.draw, in_axes=(0, 0, None))(random, TEXTS, resources)
    rows = tables.gather(whole, batch.ids)
    return batches.total(objective, rows, batch), jnp.sum(batch.pairs)


@PLAIN_AND_JIT
def test_the_textbook_loss_is_the_papers_equation(transform):
    hidden, nodes = normal(0, 8), normal(1, 5, 8)
    branches, mask = jnp.array([1.0, -1, -1, 1, 1]), jnp.array([1.0, 1, 1, 1, 0])
    scores = np.float64(nodes) @ np.float64(hidden)
    expected = word2vec.minus_log_sigma(branches * scores)[:4].sum()
    loss = transform(losses.hierarchical)(hidden, nodes, branches, mask)
    np.testing.assert_allclose(loss, expected, rtol=1e-5)


@every_tree
@pytest.mark.parametrize("scale", [0.0, 1.0, 30.0])
def test_probabilities_of_all_words_sum_to_one(tree, scale):
    counts = np.arange(40, 0, -1)
    made = tree(counts)
    logs = log_probabilities(normal(0, 3, 16), scale * normal(1, 39, 16), made)
    assert logs.shape == (3, 40)
    total = np.exp(np.float64(logs)).sum(axis=1)
    longest = made.lengths.max()  # roundings add up along a path, of scores up to scale * 16
    np.testing.assert_allclose(total, 1.0, rtol=8 * EPS * max(np.log2(40), longest * scale))


def test_a_words_probability_is_its_textbook_loss():
    made, hidden, outputs = trees.huffman(np.arange(20, 0, -1)), normal(0, 2, 8), normal(1, 19, 8)
    logs = log_probabilities(hidden, outputs, made)
    for t, word in [(0, 0), (1, 7), (1, 19)]:
        branches = jnp.float32(made.branches[word])
        loss = losses.hierarchical(hidden[t], outputs[made.nodes[word]], branches, branches**2)
        np.testing.assert_allclose(logs[t, word], -loss, rtol=1e-5)


@every_tree
@pytest.mark.parametrize("kind", MAKERS)
def test_a_block_costs_the_sum_of_its_pairs(kind, tree, vocab):
    """The textbook loss in float64, summed over the words of every window, or of their mean."""
    window, budget = 2, 44
    make = functools.partial(MAKERS[kind], window=window, dynamic_window=False)
    objective = make(tree=tree, block_length=4, budget=budget)
    resources, rows = objective.prepare(vocab)
    whole = InOut(*(normal(i, n, 6) for i, n in enumerate(rows)))
    made, (v, u), expected, pairs = tree(vocab.counts), map(np.float64, whole), 0.0, 0
    for text in np.asarray(TEXTS):
        words, sentence = np.where(text < -1, -2 - text, text), np.cumsum(text == -1)
        for t in range(window, len(text) - window):
            around = [
                j
                for j in range(t - window, t + window + 1)
                if j != t and text[j] != -1 and sentence[j] == sentence[t]
            ]
            if text[t] < 0 or not around:
                continue
            n = made.lengths[text[t]]
            nodes, branches = u[made.nodes[text[t]][:n]], made.branches[text[t]][:n]
            predicting = v[words[around]]
            if kind == "cbow":
                predicting = predicting.mean(axis=0, keepdims=True)
            expected += word2vec.minus_log_sigma(branches[None, :] * (predicting @ nodes.T)).sum()
            pairs += len(predicting)
    loss, count = loss_and_pairs(objective, whole, resources)
    np.testing.assert_allclose(loss, expected, rtol=1e-5)
    assert count == pairs


@pytest.mark.parametrize("make", MAKERS.values())
def test_a_text_that_exceeds_the_budget_has_a_loss_that_is_no_number(make, vocab):
    objective = make(window=2, block_length=4, budget=8, tree=trees.balanced)
    resources, _ = objective.prepare(vocab)
    lengths = objective.cost(resources)
    np.testing.assert_array_equal(lengths, trees.balanced(vocab.counts).lengths)
    assert lengths[np.asarray(TEXTS[0, 2:5])].sum() > 8
    block = objective.draw(jnp.zeros(4, jnp.uint32), TEXTS[0], resources)
    assert np.isnan(np.asarray(block.weight)).any()


def test_a_budget_below_the_longest_path_is_refused(vocab):
    with pytest.raises(InputError, match="longest path of the tree has 11 nodes"):
        hierarchical.skipgram_hs(tree=chain, budget=10).prepare(vocab)


def test_a_tree_of_other_words_is_refused(vocab):
    def other(counts):
        return trees.huffman(counts[:-1])

    with pytest.raises(InputError, match="the tree has 11 words; the vocabulary has 12"):
        hierarchical.cbow_hs(tree=other).prepare(vocab)


@pytest.mark.parametrize("setting", ["window", "budget", "block_length"])
@pytest.mark.parametrize("make", MAKERS.values())
def test_a_setting_below_one_is_refused(make, setting):
    with pytest.raises(InputError, match=f"{setting} is 0; it must be at least 1"):
        make(**{setting: 0})
