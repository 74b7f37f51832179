"""The draws of skip-gram and CBOW: which rows one block of text reads, and their weights.

A block is `block_length` centers with `halo` words on either side, so that no pair of a window is
lost at its edges. Functions take one block; `jax.vmap` makes the batch.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, UInt32

from jaxemb.functional import sampling
from jaxemb.structs import Block, InOut
from jaxemb.text.vocabulary import SENTENCE_END


class Window(NamedTuple):
    """The settings of a draw: how far a window reaches and how much noise a block shares."""

    window: int  # words on either side of the center
    dynamic: bool  # each center's own reach is uniform on 1..window (word2vec); else always window
    negatives: int  # noise words per observed pair, in expectation
    shared_negatives: int  # noise words drawn for a whole block


def reaches(random: UInt32[Array, " centers"], window: int, dynamic: bool):
    """The reach of each center, the words of its window on either side: int32 [centers].

    Uniform on 1..window, so that distance d is used with probability (window - d + 1) / window
    (word2vec.c), or always `window`.
    """
    if not dynamic:
        return jnp.full(random.shape, window, jnp.int32)
    return 1 + (random % window).astype(jnp.int32)  # off uniform by at most window / 2^32


def pairs(window: int, dynamic: bool) -> int:
    """The expected number of words in a center's window, away from sentence ends."""
    return window + 1 if dynamic else 2 * window  # both sides; a dynamic reach is (window + 1) / 2


def in_window(
    text: Int[Array, " text"], reach: Int[Array, " centers"]
) -> Bool[Array, "centers text"]:
    """Which words of the text are in each center's window: near, in its sentence, no padding.

    Args:
        text: word ids; -1 for a sentence end or padding; -2 - id for a word that is only context.
        reach: words of each center's window on either side, from `reaches`.
    """
    centers, halo = reach.shape[0], (text.shape[0] - reach.shape[0]) // 2
    positions = np.arange(centers) + halo
    distance = jnp.asarray(
        np.abs(np.arange(text.shape[0])[None, :] - positions[:, None]), jnp.int32
    )
    near = (distance > 0) & (distance <= reach[:, None])
    is_word = text != SENTENCE_END
    sentence = jnp.cumsum(~is_word, dtype=jnp.int32)  # a sentence end begins the next number
    together = sentence[None, :] == sentence[positions][:, None]
    return near & together & is_word[None, :] & (text[positions] >= 0)[:, None]


def read(
    random: UInt32[Array, " centers"], text: Int[Array, " text"], window: int, dynamic: bool
) -> tuple[Float[Array, "centers text"], Int[Array, " text"]]:
    """The window of each center as a float mask, and the row ids of the text: 0 for padding."""
    words = jnp.maximum(jnp.where(text < SENTENCE_END, -2 - text, text), 0)
    return in_window(text, reaches(random, window, dynamic)).astype(jnp.float32), words


def keep(
    observed: Float[Array, "centers outputs"],
    outputs: Int[Array, " outputs"],
    noise: Int[Array, " noise"],
    probability: Float[Array, " outputs"],
) -> Float[Array, "centers noise"]:
    """The weight of noise, if noise that equals the observed word counts: the paper's i.i.d. draw.

    At its optimum v.u = PMI - log k (Levy and Goldberg 2014).

    Args:
        observed: how often each center meets each output, >= 0.
        outputs, noise: word ids.
        probability: of each output to be drawn as noise.
    """
    del probability
    pairs = jnp.sum(observed, axis=1, keepdims=True)
    return jnp.broadcast_to(pairs, (observed.shape[0], noise.shape[0]))


def skip(
    observed: Float[Array, "centers outputs"],
    outputs: Int[Array, " outputs"],
    noise: Int[Array, " noise"],
    probability: Float[Array, " outputs"],
) -> Float[Array, "centers noise"]:
    """The weight of noise, if noise that equals the observed word is left out: word2vec.c, gensim.

    At its optimum v.u = PMI - log k - log(1 - P(context | center)). Arguments: see `keep`.
    """
    del probability
    return observed @ (outputs[:, None] != noise[None, :]).astype(jnp.float32)


def resample(
    observed: Float[Array, "centers outputs"],
    outputs: Int[Array, " outputs"],
    noise: Int[Array, " noise"],
    probability: Float[Array, " outputs"],
) -> Float[Array, "centers noise"]:
    """The weight of noise, if noise that equals the observed word is drawn again: fastText.

    Because a block shares its noise, other words weigh 1 / (1 - P_n(observed)) instead. The
    expectation is the same: k P_n(c) / (1 - P_n(observed)) for every other word c, and 0 for the
    observed one.
    At its optimum v_w.u_c = log #(w, c) / (k P_n(c) sum_{t != c} #(w, t) / (1 - P_n(t))).
    Arguments: see `keep`.
    """
    others = jnp.maximum(1.0 - probability, 2.0**-24)  # float32 may round the most frequent to 1
    return skip(observed / others[None, :], outputs, noise, probability)


def bits(block_length: int, settings: Window) -> int:
    """The number of uint32 that a draw consumes: one per center, two per noise word."""
    return block_length + 2 * settings.shared_negatives


def skipgram(random, text, noise_table: sampling.AliasTable, settings: Window, collision) -> Block:
    """Score each center's input row against the output rows of its window and of shared noise."""
    near, words, centers, noise = _read(random, text, noise_table, settings)
    share = settings.negatives / settings.shared_negatives
    met = collision(near, words, noise, noise_table.probability[words])
    weight = jnp.concatenate([near, share * met], axis=1)
    outputs = jnp.concatenate([words, noise])
    return Block(
        ids=InOut(centers, outputs),
        pool=(),
        target=_target(text.shape[0], noise.shape[0]),
        weight=weight,
        pairs=jnp.sum(near),
    )


def skipgram_from_context(
    random, text, noise_table: sampling.AliasTable, settings: Window, collision
) -> Block:
    """Score each input row of a window against the output rows of its center and shared noise.

    This is the direction of word2vec.c and gensim: the context's input row predicts the center's
    output row. Windows are symmetric, so that the expected pairs are those of `skipgram`.
    """
    near, words, centers, noise = _read(random, text, noise_table, settings)
    share = settings.negatives / settings.shared_negatives
    met = collision(near.T, centers, noise, noise_table.probability[centers])
    return Block(
        ids=InOut(words, jnp.concatenate([centers, noise])),
        pool=(),
        target=_target(centers.shape[0], noise.shape[0]),
        weight=jnp.concatenate([near.T, share * met], axis=1),
        pairs=jnp.sum(near),
    )


def cbow(random, text, noise_table: sampling.AliasTable, settings: Window, collision) -> Block:
    """Score the mean of a window's input rows against its center's output row and shared noise."""
    near, words, centers, noise = _read(random, text, noise_table, settings)
    share = settings.negatives / settings.shared_negatives
    observed = jnp.max(near, axis=1)  # a center without any context predicts nothing
    met = collision(jnp.diag(observed), centers, noise, noise_table.probability[centers])
    return Block(
        ids=InOut(words, jnp.concatenate([centers, noise])),
        pool=near,
        target=_target(1, noise.shape[0]),
        weight=jnp.concatenate([observed[:, None], share * met], axis=1),
        pairs=jnp.sum(observed),
    )


def _read(random, text, noise_table, settings: Window):
    """The result of `read`; the ids of the centers, and of the block's noise."""
    k = settings.shared_negatives
    count = random.shape[0] - 2 * k
    near, words = read(random[:count], text, settings.window, settings.dynamic)
    noise = sampling.draw(random[count : count + k], random[count + k :], noise_table)
    halo = (text.shape[0] - count) // 2
    return near, words, words[halo : halo + count], noise


def _target(observed: int, noise: int):
    return jnp.concatenate([jnp.ones(observed, jnp.float32), -jnp.ones(noise, jnp.float32)])
