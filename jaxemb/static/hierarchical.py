"""Skip-gram and CBOW with hierarchical softmax, as Objectives: words are leaves of a binary tree.

A block's outputs are the paths of its centers, one after the other without gaps: paths differ in
length, and a row of padding costs as much as any other. So blocks end where their budget of nodes
is spent (`segments.cut`), and the most frequent words make the longest blocks.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from jaxemb.errors import InputError, at_least
from jaxemb.functional import losses, pooling
from jaxemb.static import blocks, objectives, trees
from jaxemb.structs import Block, InOut, Objective, Reads, Vocab
from jaxemb.text import vocabulary


class Paths(NamedTuple):
    """The paths of a tree, one after the other."""

    first: Int[Array, " vocab+1"]  # where the path of each word begins, and where the last ends
    steps: Int[Array, " steps"]  # branch * (node + 1)


def skipgram_hs(
    *,
    window: int = 5,
    dynamic_window: bool = True,
    tree: Callable[..., trees.Tree] = trees.huffman,
    loss: Callable[..., Array] = losses.logistic,
    block_length: int = 8,
    budget: int = 96,
) -> Objective:
    """Skip-gram with hierarchical softmax: each word of its window predicts the center's path.

    That is the direction of word2vec.c and gensim; the paper's has the same pairs in expectation.
    The root takes an update from every pair: with large steps it runs away without a `cap`.

    Args:
        window: the furthest distance of a context word.
        dynamic_window: draw each center's reach uniformly from 1..window, as word2vec does.
        tree: from counts [vocab] to a `Tree`: `trees.huffman`, `trees.balanced`, or any other.
        loss: any function of (hidden, outputs, target, weight), in nats.
        block_length: the most centers in a block.
        budget: inner nodes in a block, at least as many as the longest path has.

    Raises:
        InputError: a number that must be at least 1 is not; at preparing, a tree of other words or
            a path longer than the budget.

    Source:
        Morin and Bengio 2005; with Huffman's tree Mikolov et al. 2013, arXiv:1310.4546, eq. 3.
    """
    settings = _settings(window, dynamic_window, budget, block_length)
    pairs = blocks.pairs(window, dynamic_window)
    predict = objectives.Predictor(objectives.centers_as_they_are, pairs)
    direction = blocks.skipgram_from_context
    return _along_paths(direction, predict, pairs, loss, settings, tree, block_length, budget)


def cbow_hs(
    *,
    window: int = 5,
    dynamic_window: bool = True,
    tree: Callable[..., trees.Tree] = trees.huffman,
    loss: Callable[..., Array] = losses.logistic,
    mean: Callable[..., Array] = pooling.mean,
    block_length: int = 8,
    budget: int = 96,
) -> Objective:
    """CBOW with hierarchical softmax: the mean of each window predicts the center's path.

    Args:
        mean: `pooling.mean`, the exact gradient, or `pooling.mean_word2vec`, word2vec.c's.
        The others: see `skipgram_hs`.

    Raises:
        InputError: as `skipgram_hs`.

    Source:
        Mikolov et al. 2013, arXiv:1301.3781, section 3.1.
    """
    settings = _settings(window, dynamic_window, budget, block_length)
    predict = objectives.of_window(settings, mean)
    return _along_paths(blocks.cbow, predict, 1, loss, settings, tree, block_length, budget)


def _along_paths(
    direction,
    predict: objectives.Predictor,
    pairs: float,
    loss,
    settings: blocks.Window,
    tree,
    length: int,
    budget: int,
) -> Objective:
    """Hierarchical softmax over the centers, in any direction that predicts them."""
    return Objective(
        prepare=functools.partial(_prepare, tree=tree, budget=budget),
        draw=functools.partial(_draw, settings=settings, direction=direction, budget=budget),
        pool=predict.pool,
        loss=loss,
        reads=Reads(length, settings.window, bits=length, budget=budget),
        cost=lengths,
        load=functools.partial(_load, pairs=pairs, felt=predict.felt),
        of_products=loss in losses.OF_PRODUCTS,
    )


def lengths(paths: Paths) -> Int[np.ndarray, " vocab"]:
    """How many inner nodes each word's path has: int [vocab], on the host."""
    return np.diff(np.asarray(paths.first))


def _load(paths: Paths, shares, *, pairs: float, felt: float):
    """Updates of each word's row, along a path, and of each node's, by every word beneath it.

    The vectors that meet at a node are short and differ: tables ran away at twice the load of
    negative sampling's.
    """
    length = lengths(paths)
    node = np.abs(np.asarray(paths.steps)) - 1
    beneath = np.bincount(node, np.repeat(shares, length), minlength=1)
    return felt * (shares @ length) * shares, 0.5 * pairs * beneath


def log_probabilities(
    hidden: Float[Array, "batch dim"], outputs: Float[Array, "inner dim"], tree: trees.Tree
) -> Float[Array, "batch vocab"]:
    """log p(word | hidden) of every word: nats. They sum to 1 for any tree and any vectors."""
    scores = hidden @ outputs.T
    taken = jnp.asarray(tree.branches, scores.dtype)[None]
    missed = losses.softplus(-taken * scores[:, tree.nodes])
    return -jnp.sum(jnp.where(taken != 0, missed, 0.0), axis=-1)


def _draw(random, text, paths: Paths, settings: blocks.Window, direction, budget: int) -> Block:
    near, words, centers = blocks.read_centers(random, text, settings)
    seen = direction(near, words, centers)
    of_text = text[settings.window :][: random.shape[0]]  # below 0 where there is no center
    nodes, target, owner = _paths(paths, of_text, budget)
    return Block(
        ids=InOut(seen.ids, nodes),
        pool=seen.pool,
        target=target,
        weight=seen.spread(owner.T),
        pairs=jnp.sum(seen.weight),
    )


def _paths(paths: Paths, centers, budget: int):
    """The centers' paths one after the other: node and branch of each place; whose it is.

    A text that was not cut by the budget has NaN for weights, which no training goes on with.
    """
    word = jnp.maximum(centers, 0)
    first = paths.first[word]
    length = jnp.where(centers >= 0, paths.first[word + 1] - first, 0)
    end = jnp.cumsum(length, dtype=jnp.int32)
    begin, place = end - length, jnp.arange(budget, dtype=jnp.int32)
    own = (place[:, None] >= begin[None, :]) & (place[:, None] < end[None, :])
    at = place + jnp.sum(jnp.where(own, (first - begin)[None, :], 0), axis=1, dtype=jnp.int32)
    used = place < end[-1]
    step = jnp.where(used, paths.steps[jnp.where(used, at, 0)], 1)
    fits = jnp.where(end[-1] <= budget, jnp.float32(1), jnp.float32(jnp.nan))
    target = jnp.where(step > 0, jnp.float32(1), jnp.float32(-1))
    return jnp.abs(step) - 1, target, own.astype(jnp.float32) * fits


def _prepare(vocab: Vocab, *, tree, budget: int):
    vocabulary.refuse_one_word(vocab)
    made, size = tree(vocab.counts), len(vocab.words)
    if len(made.lengths) != size:
        raise InputError(f"the tree has {len(made.lengths)} words; the vocabulary has {size}")
    if made.lengths.max() > budget:
        raise InputError(
            f"the longest path of the tree has {made.lengths.max()} nodes, but the budget of a "
            f"block is {budget}: raise budget to that at least"
        )
    on_path = made.branches != 0
    steps = (made.branches * (made.nodes + 1))[on_path]
    first = np.concatenate([[0], np.cumsum(made.lengths)])
    whole = Paths(jnp.asarray(first, jnp.int32), jnp.asarray(steps, jnp.int32))
    return whole, InOut(size, size - 1)


def _settings(window, dynamic, budget, block_length) -> blocks.Window:
    at_least(1, window=window, budget=budget, block_length=block_length)
    return blocks.Window(window, dynamic)
