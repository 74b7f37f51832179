"""Skip-gram and CBOW with negative sampling, as Objectives: values made of pure functions."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Array, Float

from jaxemb.errors import at_least
from jaxemb.functional import losses, pooling, sampling
from jaxemb.static import blocks
from jaxemb.structs import Block, InOut, Objective, Reads, Vocab
from jaxemb.text import vocabulary


def skipgram(
    *,
    window: int = 5,
    negatives: int = 5,
    dynamic_window: bool = True,
    noise_power: float = 0.75,
    collision: Callable[..., Array] = blocks.keep,
    direction: Callable[..., blocks.Predictions] = blocks.skipgram,
    loss: Callable[..., Array] = losses.logistic,
    block_length: int = 16,
    shared_negatives: int = 22,
) -> Objective:
    """Skip-gram with negative sampling: each center predicts every word of its window.

    Args:
        window: the furthest distance of a context word.
        negatives: noise words per observed pair, in expectation.
        dynamic_window: draw each center's reach uniformly from 1..window, as word2vec does.
        noise_power: noise is drawn in proportion to count^noise_power.
        collision: what happens to noise that is the observed word: `blocks.keep`, `blocks.skip` or
            `blocks.resample`.
        direction: `blocks.skipgram`, or `blocks.skipgram_from_context`: each word of its window
            predicts the center, as in word2vec.c and gensim.
        loss: any function of (hidden, outputs, target, weight), in nats.
        block_length: centers in a block, which share its noise.
        shared_negatives: noise words drawn for a block; each has weight negatives/shared_negatives,
            so that the expected gradient is that of `negatives` own draws for every pair. 22 and
            the 26 words of a block make 48 outputs, which products like.

    Raises:
        InputError: a number that must be at least 1 is not.

    Source:
        Mikolov et al. 2013, arXiv:1310.4546; noise shared within a block: Ji et al. 2016,
        arXiv:1604.04661.
    """
    settings = _settings(window, dynamic_window, negatives, shared_negatives, block_length)
    predict = Predictor(centers_as_they_are, blocks.pairs(window, dynamic_window))
    return _sampled(direction, predict, loss, settings, noise_power, collision, block_length)


def cbow(
    *,
    window: int = 5,
    negatives: int = 5,
    dynamic_window: bool = True,
    noise_power: float = 0.75,
    collision: Callable[..., Array] = blocks.keep,
    loss: Callable[..., Array] = losses.logistic,
    mean: Callable[..., Array] = pooling.mean,
    block_length: int = 16,
    shared_negatives: int = 24,
) -> Objective:
    """CBOW with negative sampling: the mean of each window predicts its center.

    Args:
        mean: `pooling.mean`, the exact gradient, or `pooling.mean_word2vec`, word2vec.c's.
        The others: see `skipgram`.

    Raises:
        InputError: a number that must be at least 1 is not.

    Source:
        Mikolov et al. 2013, arXiv:1301.3781 and arXiv:1310.4546.
    """
    settings = _settings(window, dynamic_window, negatives, shared_negatives, block_length)
    predict = of_window(settings, mean)
    return _sampled(
        blocks.cbow, predict, loss, settings, noise_power, collision, block_length, own=1
    )


class Predictor(NamedTuple):
    """What predicts: how hidden vectors are made of input rows, and how far a row feels one."""

    pool: Callable[..., Any]  # (input_rows, block) -> hidden
    felt: float  # updates of an input row by the predictions of one word, in expectation


def of_window(settings: blocks.Window, mean: Callable[..., Array]) -> Predictor:
    """The mean of a window, as CBOW predicts."""
    return Predictor(functools.partial(window_mean, mean=mean), in_mean(settings, mean))


def _sampled(
    direction,
    predict: Predictor,
    loss,
    settings: blocks.Window,
    noise_power,
    collision,
    length,
    own=0,
) -> Objective:
    """Negative sampling, in any direction and with any loss."""
    draw = functools.partial(
        blocks.sampled, settings=settings, direction=direction, collision=collision
    )
    scored = 1 + settings.negatives  # outputs against which each pair is scored
    return Objective(
        prepare=functools.partial(_prepare, noise_power=noise_power),
        draw=draw,
        pool=predict.pool,
        loss=loss,
        reads=Reads(length, settings.window, blocks.bits(length, settings), own),
        load=functools.partial(of_words, updates=predict.felt * scored),
        of_products=loss in losses.OF_PRODUCTS,
    )


def of_words(
    resources: Any, shares: Float[np.ndarray, " vocab"], *, updates: float
) -> tuple[Float[np.ndarray, " vocab"]]:
    """The load of an objective whose center, or window's word, takes so many updates."""
    del resources
    return (updates * shares,)


def in_mean(settings: blocks.Window, mean: Callable[..., Array]) -> float:
    """How far a window's word feels the error of one prediction from the window's mean.

    Of the exact gradient it is the part of one word, over all words of the window; of word2vec's
    the whole error. The factors are where tables of equally frequent words were seen to run away,
    beside skip-gram's: at learning rate x updates of 5 and of 12.
    """
    whole = blocks.pairs(settings.window, settings.dynamic)
    return 1.5 if mean is pooling.mean else 0.6 * whole


def centers_as_they_are(input_rows: Array, block: Block) -> Array:
    """Skip-gram predicts with the input row of the center itself."""
    del block
    return input_rows


def window_mean(input_rows: Array, block: Block, *, mean: Callable[..., Array]) -> Array:
    """CBOW predicts with the mean of the window's input rows."""
    return mean(input_rows, block.pool)


def _prepare(vocab: Vocab, *, noise_power: float):
    vocabulary.refuse_one_word(vocab)
    size = len(vocab.words)
    return sampling.alias_table(vocab.counts, noise_power), InOut(size, size)


def _settings(window, dynamic, negatives, shared_negatives, block_length) -> blocks.Window:
    at_least(
        1,
        window=window,
        negatives=negatives,
        shared_negatives=shared_negatives,
        block_length=block_length,
    )
    return blocks.Window(window, dynamic, negatives, shared_negatives)
