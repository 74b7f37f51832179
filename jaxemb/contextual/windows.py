"""Text as a language model reads it: parallel streams, cut into windows of one length.

Ids are shifted: 0 begins a sentence, 1 ends it, 2 is a word out of the vocabulary, and word i of
the vocabulary is i + 3. Host code, NumPy only.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int, Int32

from jaxemb.errors import InputError

START, END, UNKNOWN, SHIFT = 0, 1, 2, 3
_SENTENCE_END = -1


class Window(NamedTuple):
    """What one direction reads, and what it is asked at each position."""

    inputs: Int32[Any, "time batch"]
    target: Int32[Any, "time batch"]
    mask: Float[Any, "time batch"]  # 0 is padding: nothing is read
    weight: Float[Any, "time batch"]  # 0 also where one sentence's end would predict the next
    reset: Float[Any, "time batch"]  # 1 where a sentence begins, if states end with sentences


def sentences(ids: Int[Any, " ids"], vocab: int) -> list[Int32[Any, "..."]]:
    """Sentences with their marks, from ids with -1 at sentence ends; `vocab` itself is unknown."""
    ids = np.asarray(ids)
    parts = np.split(ids, np.flatnonzero(ids == _SENTENCE_END) + 1)
    words = (part[part != _SENTENCE_END] for part in parts)
    shifted = (np.where(part >= vocab, UNKNOWN, part + SHIFT) for part in words if len(part))
    return [np.concatenate([[START], part, [END]]).astype(np.int32) for part in shifted]


def split(count: int, seed: int, *shares: float) -> list[Int[Any, " sentences"]]:
    """Which sentences go to each of some shares, and last those that are left, in their order."""
    draw = np.random.Generator(np.random.Philox(key=[seed, 0])).random(count)
    edges = np.cumsum([0.0, *shares, 1.0])
    return [
        np.flatnonzero((edges[i] <= draw) & (draw < edges[i + 1])) for i in range(len(shares) + 1)
    ]


def streams(
    texts: list[Int32[Any, "..."]], batch: int
) -> tuple[Int32[Any, "length batch"], Float[Any, "length batch"]]:
    """All tokens in `batch` columns of equal length, and a mask that is 0 behind the last.

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


def count(length: int, unroll: int) -> int:
    """How many windows a stream has: each predicts `unroll` tokens, the last perhaps fewer."""
    return -(-(length - 1) // unroll)


def windows(
    text: Int32[Any, "length batch"],
    mask: Float[Any, "length batch"],
    unroll: int,
    carried: bool,
    first: int = 0,
) -> Iterator[tuple[Window, Window]]:
    """(forward, backward) windows in the order in which each direction reads.

    Forward goes from the beginning of the streams, backward from their end, so that both can carry
    their states from window to window; a pair is therefore different text.

    Args:
        carried: states go on from sentence to sentence; else they are reset.
        first: the window to begin with.
    """
    turned = text[::-1], mask[::-1]
    for k in range(first, count(len(text), unroll)):
        ahead = _window(text, mask, k * unroll, unroll, END, START, carried)
        back = _window(*turned, k * unroll, unroll, START, END, carried)
        yield ahead, Window(*(each[::-1] for each in back))


def _window(text, mask, at: int, unroll: int, last: int, begins: int, carried: bool) -> Window:
    inputs, target = _padded(text[at:], unroll), _padded(text[at + 1 :], unroll)
    read, asked = _padded(mask[at:-1], unroll), _padded(mask[at + 1 :], unroll)
    weight = read * asked * (inputs != last)
    reset = np.zeros_like(read) if carried else (inputs == begins) * read
    return Window(inputs, target, read, weight.astype(np.float32), reset.astype(np.float32))


def _padded(rows, length: int):
    missing = length - len(rows[:length])
    return np.pad(rows[:length], ((0, missing), (0, 0)))
