"""The draws of skip-gram and CBOW: which rows one block of text reads, and their weights.

A block is `block_length` centers with `halo` words on either side, so that no pair of a window is
lost at its edges. Functions take one block; `jax.vmap` makes the batch.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

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
    negatives: int = 0  # noise words per observed pair, in expectation
    shared_negatives: int = 0  # noise words drawn for a whole block


def reaches(
    random: UInt32[Array, " centers"], window: int, dynamic: bool
) -> Int[Array, " centers"]:
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


class Predictions(NamedTuple):
    """Who predicts whom in one block, whatever the output layer is.

    The weight is a matrix, or a vector if each hidden vector predicts the one word of its place.
    """

    ids: Int[Array, " rows"]  # the input rows
    pool: Any  # () where each row predicts by itself
    words: Int[Array, " words"]  # that are predicted
    weight: Float[Array, "hidden words"] | Float[Array, " hidden"]  # how often each is

    def spread(self, outputs: Float[Array, "words outputs"]) -> Float[Array, "hidden outputs"]:
        """How often each hidden vector meets each output, of which a word has these shares."""
        if self.weight.ndim == 1:
            return self.weight[:, None] * outputs
        return self.weight @ outputs


def skipgram(
    near: Float[Array, "centers text"], words: Int[Array, " text"], centers: Int[Array, " centers"]
) -> Predictions:
    """Each center predicts the words of its window.

    Args:
        near: float [centers, text], 1 in a center's window and 0 elsewhere, from `read`.
        words: row ids of the text.
        centers: row ids of the centers.
    """
    return Predictions(centers, (), words, near)


def skipgram_from_context(
    near: Float[Array, "centers text"], words: Int[Array, " text"], centers: Int[Array, " centers"]
) -> Predictions:
    """Each word of a window predicts its center: the direction of word2vec.c and gensim.

    Windows are symmetric, so that the expected pairs are those of `skipgram`. Arguments: see there.
    """
    return Predictions(words, (), centers, near.T)


def cbow(
    near: Float[Array, "centers text"], words: Int[Array, " text"], centers: Int[Array, " centers"]
) -> Predictions:
    """The mean of a window predicts its center, and nothing where it is empty.

    Arguments: see `skipgram`.
    """
    return Predictions(words, near, centers, jnp.max(near, axis=1))


def bits(block_length: int, settings: Window) -> int:
    """The number of uint32 that `sampled` consumes: one per center, two per noise word."""
    return block_length + 2 * settings.shared_negatives


def sampled(
    random: UInt32[Array, " bits"],
    text: Int[Array, " text"],
    noise_table: sampling.AliasTable,
    settings: Window,
    direction: Callable[..., Predictions],
    collision: Callable[..., Array],
) -> Block:
    """Score what is predicted against noise that the whole block shares.

    Args:
        direction: `skipgram`, `skipgram_from_context`, `cbow`, or your own.
        collision: `keep`, `skip`, `resample`, or your own.
    """
    k = settings.shared_negatives
    count = random.shape[0] - 2 * k
    near, words, centers = read_centers(random[:count], text, settings)
    noise = sampling.draw(random[count : count + k], random[count + k :], noise_table)
    seen = direction(near, words, centers)
    matrix = observed = seen.weight
    if seen.weight.ndim == 1:  # each hidden vector has one output of its own
        matrix, observed = jnp.diag(seen.weight), seen.weight[:, None]
    met = collision(matrix, seen.words, noise, noise_table.probability[seen.words])
    share = settings.negatives / settings.shared_negatives
    target = [jnp.ones(observed.shape[1], jnp.float32), -jnp.ones(k, jnp.float32)]
    return Block(
        ids=InOut(seen.ids, jnp.concatenate([seen.words, noise])),
        pool=seen.pool,
        target=jnp.concatenate(target),
        weight=jnp.concatenate([observed, share * met], axis=1),
        pairs=jnp.sum(seen.weight),
    )


def read_centers(
    random: UInt32[Array, " centers"], text: Int[Array, " text"], settings: Window
) -> tuple[Float[Array, "centers text"], Int[Array, " text"], Int[Array, " centers"]]:
    """The result of `read`, and the row ids of the centers."""
    near, words = read(random, text, settings.window, settings.dynamic)
    halo = (text.shape[0] - random.shape[0]) // 2
    return near, words, words[halo : halo + random.shape[0]]
