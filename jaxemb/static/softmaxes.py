"""Skip-gram and CBOW with full softmax, and with noise-contrastive estimation, as Objectives.

Full softmax reads every output row, so it is for vocabularies that fit: long blocks, few of them in
a step, and the dense learner.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array

from jaxemb.errors import at_least
from jaxemb.functional import losses, pooling
from jaxemb.static import blocks, objectives
from jaxemb.structs import Block, InOut, Objective, Reads, Vocab
from jaxemb.text import vocabulary


def skipgram_softmax(
    *,
    window: int = 5,
    dynamic_window: bool = True,
    loss: Callable[..., Array] = losses.softmax,
    block_length: int = 64,
) -> Objective:
    """Skip-gram with full softmax: -log p(context | center), normalised over all words.

    Args:
        window: the furthest distance of a context word.
        dynamic_window: draw each center's reach uniformly from 1..window, as word2vec does.
        loss: any function of (hidden, outputs, target, weight), in nats; target is 1 everywhere.
        block_length: centers in a block, every one of which reads the whole output table.

    Raises:
        InputError: a number that must be at least 1 is not.

    Source:
        Mikolov et al. 2013, arXiv:1310.4546, eq. 2.
    """
    pairs, settings = blocks.pairs(window, dynamic_window), blocks.Window(window, dynamic_window)
    predict = objectives.Predictor(objectives.centers_as_they_are, pairs)
    return _softmax(blocks.skipgram, predict, loss, settings, block_length)


def cbow_softmax(
    *,
    window: int = 5,
    dynamic_window: bool = True,
    loss: Callable[..., Array] = losses.softmax,
    mean: Callable[..., Array] = pooling.mean,
    block_length: int = 64,
) -> Objective:
    """CBOW with full softmax: -log p(center | mean of its window), normalised over all words.

    Args:
        mean: `pooling.mean`, the exact gradient, or `pooling.mean_word2vec`, word2vec.c's.
        The others: see `skipgram_softmax`.

    Raises:
        InputError: a number that must be at least 1 is not.

    Source:
        Mikolov et al. 2013, arXiv:1301.3781.
    """
    settings = blocks.Window(window, dynamic_window)
    predict = objectives.of_window(settings, mean)
    return _softmax(blocks.cbow, predict, loss, settings, block_length)


def skipgram_nce(*, negatives: int = 5, **settings: Any) -> Objective:
    """Skip-gram with noise-contrastive estimation: scores become log p(context | center).

    Negative sampling with each score lowered by log(k P_n(word)), so that at the optimum it is the
    log probability itself, normalised without any sum over words; not PMI - log k.

    Args:
        negatives: k, noise words per observed pair, in expectation.
        settings: the others of `objectives.skipgram`, but for `loss`.

    Raises:
        InputError: a number that must be at least 1 is not.

    Source:
        Gutmann and Hyvarinen 2012; Mnih and Teh 2012, arXiv:1206.6426; Mnih and Kavukcuoglu 2013.
    """
    base = objectives.skipgram(negatives=negatives, loss=losses.noise_contrastive, **settings)
    return _contrasted(base, negatives, lambda block: block)


def cbow_nce(*, negatives: int = 5, **settings: Any) -> Objective:
    """CBOW with noise-contrastive estimation: scores become log p(center | window).

    Arguments, errors, source: see `skipgram_nce`, with the settings of `objectives.cbow`.
    """
    base = objectives.cbow(negatives=negatives, loss=losses.noise_contrastive, **settings)
    return _contrasted(base, negatives, _all_against_all)


def _contrasted(base: Objective, negatives: int, shared) -> Objective:
    def draw(random, text, noise) -> Block:
        block = shared(base.draw(random, text, noise))
        expected = negatives * noise.probability[block.ids.output]
        return block._replace(target=losses.Contrast(block.target, jnp.log(expected)))

    def load(resources, shares):
        # scores lowered by log(k P_n) stand where the logistic curve is steeper: tables of equally
        # frequent words ran away at two thirds of negative sampling's load
        return tuple(1.5 * rows for rows in base.load(resources, shares))

    return base._replace(draw=draw, reads=base.reads._replace(own=0), load=load)


def _all_against_all(block: Block) -> Block:
    """CBOW's block with its centers' own outputs among those that all centers share."""
    observed, noise = block.weight[:, 0], block.weight[:, 1:]
    target = jnp.concatenate([jnp.ones_like(observed), block.target[1:]])
    weight = jnp.concatenate([jnp.diag(observed), noise], axis=1)
    return block._replace(target=target, weight=weight)


def _softmax(
    direction, predict: objectives.Predictor, loss, settings: blocks.Window, length: int
) -> Objective:
    """Full softmax, in any direction."""
    at_least(1, window=settings.window, block_length=length)
    return Objective(
        prepare=_prepare,
        draw=functools.partial(_draw, settings=settings, direction=direction),
        pool=predict.pool,
        loss=loss,
        reads=Reads(length, settings.window, bits=length),
        load=functools.partial(objectives.of_words, updates=predict.felt),
        of_products=loss in losses.OF_PRODUCTS,
    )


def _draw(random, text, every, *, settings: blocks.Window, direction) -> Block:
    seen = direction(*blocks.read_centers(random, text, settings))
    return Block(
        ids=InOut(seen.ids, every),
        pool=seen.pool,
        target=jnp.ones(every.shape[0], jnp.float32),
        weight=seen.spread(_one_hot(seen.words, every)),
        pairs=jnp.sum(seen.weight),
    )


def _one_hot(ids, every):
    return (ids[:, None] == every[None, :]).astype(jnp.float32)


def _prepare(vocab: Vocab):
    vocabulary.refuse_one_word(vocab)
    size = len(vocab.words)
    return jnp.arange(size, dtype=jnp.int32), InOut(size, size)
