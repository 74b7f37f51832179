"""Text as a language model reads it: parallel streams, split into windows of equal length.

Ids are shifted: 0 begins a sentence, 1 ends it, 2 is a word out of the vocabulary, and word i of
the vocabulary is i + 3. Host code, NumPy only.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, Int32

from jaxemb.errors import InputError
from jaxemb.structs import AnyArray

START, END, UNKNOWN, SHIFT = 0, 1, 2, 3
HIDDEN = -1  # read in the place of a word that is hidden
_SENTENCE_END = -1


class Window(NamedTuple):
    """What one direction reads and predicts at each position."""

    inputs: Int32[AnyArray, "time batch"]
    target: Int32[AnyArray, "time batch"]
    mask: Float[AnyArray, "time batch"]  # 0 at padding, which is not read
    # of the prediction; 0 also where a sentence end would predict the next start
    weight: Float[AnyArray, "time batch"]
    reset: Float[AnyArray, "time batch"]  # 1 where a sentence begins, unless states carry over


def sentences(ids: Int[AnyArray, " ids"], vocab: int) -> list[Int32[AnyArray, "..."]]:
    """Sentences with their marks, from ids with -1 at sentence ends; the id `vocab` is unknown."""
    ids = np.asarray(ids)
    parts = np.split(ids, np.flatnonzero(ids == _SENTENCE_END) + 1)
    words = (part[part != _SENTENCE_END] for part in parts)
    shifted = (np.where(part >= vocab, UNKNOWN, part + SHIFT) for part in words if len(part))
    return [np.concatenate([[START], part, [END]]).astype(np.int32) for part in shifted]


def split(count: int, seed: int, *shares: float) -> list[Int[AnyArray, " sentences"]]:
    """Draw which sentences go to each share; the last part has the rest. All keep their order."""
    draw = np.random.Generator(np.random.Philox(key=[seed, 0])).random(count)
    edges = np.cumsum([0.0, *shares, 1.0])
    return [
        np.flatnonzero((edges[i] <= draw) & (draw < edges[i + 1])) for i in range(len(shares) + 1)
    ]


def streams(
    texts: list[Int32[AnyArray, "..."]], batch: int
) -> tuple[Int32[AnyArray, "length batch"], Float[AnyArray, "length batch"]]:
    """All tokens in `batch` columns of equal length, and a mask that is 0 after the last token.

    Raises:
        InputError: fewer than two tokens a column.
    """
    flat = np.concatenate(texts) if texts else np.zeros(0, np.int32)
    length = -(-len(flat) // batch)
    if length < 2:
        raise InputError(
            f"{len(flat):,} tokens for {batch} columns: lower batch, or give more text"
        )
    filled = np.full(length * batch, END, np.int32)
    filled[: len(flat)] = flat
    mask = (np.arange(length * batch) < len(flat)).astype(np.float32)
    return filled.reshape(batch, length).T.copy(), mask.reshape(batch, length).T.copy()


class Cut(NamedTuple):
    """A text cut into windows: their number, and the k-th of each direction."""

    total: int
    at: Callable[[int], tuple[Window, ...]]


def next_words(
    text: Int32[AnyArray, "length batch"],
    mask: Float[AnyArray, "length batch"],
    unroll: int,
    carried: bool,
    draw: tuple[int, int] = (0, 0),
) -> Cut:
    """Windows that predict each next token: forward, and backward.

    The forward direction starts at the beginning of the streams, the backward one at their end, so
    that both can carry their states from window to window. The two windows of a pair therefore hold
    different text. The last window may be shorter, and is padded.

    Args:
        text, mask: from `streams`.
        unroll: the length of a window.
        carried: whether states carry over from sentence to sentence; else they are reset.
        draw: (seed, epoch), which decide nothing here.
    """
    del draw
    turned = text[::-1], mask[::-1]

    def at(k: int) -> tuple[Window, ...]:
        ahead = _window(text, mask, k * unroll, unroll, END, START, carried)
        back = _window(*turned, k * unroll, unroll, START, END, carried)
        return ahead, Window(*(field[::-1] for field in back))

    return Cut(-(-(len(text) - 1) // unroll), at)


def hidden_words(
    share: float,
    text: Int32[AnyArray, "length batch"],
    mask: Float[AnyArray, "length batch"],
    unroll: int,
    carried: bool,
    draw: tuple[int, int] = (0, 0),
) -> Cut:
    """Windows of which a random share of the words is hidden, and predicted from all others.

    A hidden word is read as `HIDDEN`. Marks of sentences are never hidden.

    Args:
        share: of the words that are hidden.
        draw: (seed, epoch): they decide, with the number of a window, which words are hidden.

    The other arguments are those of `next_words`.
    """

    def at(k: int) -> tuple[Window, ...]:
        inputs, read = (_padded(rows[k * unroll :], unroll) for rows in (text, mask))
        random = np.random.Generator(np.random.Philox(key=list(draw), counter=[0, 0, k, 0]))
        weight = (random.random(inputs.shape) < share) * read * (inputs > END)
        reset = _resets(inputs, read, START, carried)
        shown = np.where(weight > 0, HIDDEN, inputs).astype(np.int32)
        parts = (part.astype(np.float32) for part in (read, weight, reset))
        return (Window(shown, inputs, *parts),)

    return Cut(-(-len(text) // unroll), at)


def _window(text, mask, start: int, unroll: int, last: int, begins: int, carried: bool) -> Window:
    inputs, target = _padded(text[start:], unroll), _padded(text[start + 1 :], unroll)
    read, predicted = _padded(mask[start:-1], unroll), _padded(mask[start + 1 :], unroll)
    weight = read * predicted * (inputs != last)
    reset = _resets(inputs, read, begins, carried)
    return Window(inputs, target, read, weight.astype(np.float32), reset.astype(np.float32))


def _resets(inputs, read, begins: int, carried: bool):
    """1 where a sentence begins, unless states carry over."""
    return np.zeros_like(read) if carried else (inputs == begins) * read


def _padded(rows, length: int):
    missing = length - len(rows[:length])
    return np.pad(rows[:length], ((0, missing), (0, 0)))
