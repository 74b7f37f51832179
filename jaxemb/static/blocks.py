"""What one block of text reads: the draws of skip-gram and CBOW.

A block is `block_length` centers with `halo` words on either side, so that no pair of a window is
lost at its edges. Everything here is written for one block; `jax.vmap` makes the batch.
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
    """How many words each center looks at on either side: int32 [centers].

    Uniform on 1..window, so that distance d is used with probability (window - d + 1) / window
    (word2vec.c), or always `window`.
    """
    if not dynamic:
        return jnp.full(random.shape, window, jnp.int32)
    return 1 + (random % window).astype(jnp.int32)  # off uniform by at most window / 2^32


def pairs(window: int, dynamic: bool) -> int:
    """How many words a center's window has in expectation, away from sentence ends."""
    return window + 1 if dynamic else 2 * window  # both sides; a dynamic reach is (window + 1) / 2


def in_window(
    text: Int[Array, " text"], reach: Int[Array, " centers"]
) -> Bool[Array, "centers text"]:
    """Which words of the text are in the window of which center: near, real, same sentence.

    Args:
        text: word ids; -1 for a sentence end or padding; -2 - id for a word that is only context.
        reach: how many words each center looks at on either side.
    """
    centers, halo = reach.shape[0], (text.shape[0] - reach.shape[0]) // 2
    at = np.arange(centers) + halo
    distance = jnp.asarray(np.abs(np.arange(text.shape[0])[None, :] - at[:, None]), jnp.int32)
    near = (distance > 0) & (distance <= reach[:, None])
    is_word = text != SENTENCE_END
    sentence = jnp.cumsum(~is_word, dtype=jnp.int32)  # a sentence end begins the next number
    together = sentence[None, :] == sentence[at][:, None]
    return near & together & is_word[None, :] & (text[at] >= 0)[:, None]


def read(
    random: UInt32[Array, " centers"], text: Int[Array, " text"], window: int, dynamic: bool
) -> tuple[Float[Array, "centers text"], Int[Array, " text"]]:
    """The window of each center as a float mask, and the ids of the text; padding reads row 0."""
    words = jnp.maximum(jnp.where(text < SENTENCE_END, -2 - text, text), 0)
    return in_window(text, reaches(random, window, dynamic)).astype(jnp.float32), words


def keep(
    observed: Float[Array, "centers outputs"],
    outputs: Int[Array, " outputs"],
    noise: Int[Array, " noise"],
    probability: Float[Array, " outputs"],
) -> Float[Array, "centers noise"]:
    """Noise that happens to be the observed word counts like any other: the paper's i.i.d. draw.

    At its optimum v.u = PMI - log k (Levy and Goldberg 2014).

    Args:
        observed: how often each center meets each output, >= 0.
        outputs, noise: their word ids.
        probability: of each output, to be drawn as noise.
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
    """Noise that happens to be the observed word is left out: word2vec.c and gensim.

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
    """Noise that happens to be the observed word is drawn anew until it is another: fastText.

    Noise is shared, so what is left weighs 1 / (1 - P_n(observed)) instead, which has the same
    expectation: k P_n(c) / (1 - P_n(observed)) for every other word c, 0 for the observed one.
    At its optimum v_w.u_c = log #(w, c) / (k P_n(c) sum_{t != c} #(w, t) / (1 - P_n(t))).
    Arguments: see `keep`.
    """
    others = jnp.maximum(1.0 - probability, 2.0**-24)  # float32 may round the most frequent to 1
    return skip(observed / others[None, :], outputs, noise, probability)


def bits(block_length: int, settings: Window) -> int:
    """How many uint32 a draw consumes: a reach per center, two numbers per noise word."""
    return block_length + 2 * settings.shared_negatives


def skipgram(random, text, noise_table: sampling.AliasTable, settings: Window, collision) -> Block:
    """Each center's input row against the output rows of its window's words and shared noise."""
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
    """Each word of a window against the output rows of its center and shared noise.

    The direction of word2vec.c and gensim: the context's input row predicts the center's output
    row. Of symmetric windows the pairs are in expectation those of `skipgram`.
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
    """The mean of each window's input rows against its center's own output row and shared noise."""
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
    """What `read` gives; ids of the centers, and of the block's noise."""
    k = settings.shared_negatives
    count = random.shape[0] - 2 * k
    near, words = read(random[:count], text, settings.window, settings.dynamic)
    noise = sampling.draw(random[count : count + k], random[count + k :], noise_table)
    halo = (text.shape[0] - count) // 2
    return near, words, words[halo : halo + count], noise


def _target(observed: int, noise: int):
    return jnp.concatenate([jnp.ones(observed, jnp.float32), -jnp.ones(noise, jnp.float32)])
