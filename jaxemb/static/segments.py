"""From ids on disk to the text blocks of every step: host NumPy, pure in (seed, epoch, segment).

Ids are split into segments of fixed length. The text of a segment is subsampled, split into blocks
that see `halo` words beyond their edges, and the blocks are shuffled. A step thus reads from many
places, and its summed updates do not concentrate on the words of one paragraph. No pair of a window
is lost at an edge of blocks or segments, and training can resume at any step of any segment.
"""

import contextlib
import mmap
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, Int32

from jaxemb.errors import InputError
from jaxemb.structs import Reads
from jaxemb.text.vocabulary import SENTENCE_END

SEGMENT = 1 << 18  # ids subsampled and shuffled together; another value changes all draws
SPAN = 1000  # ids held out together, so that most held-out windows are whole


class Split(NamedTuple):
    """One side of a corpus: the text to train on, or the text held out."""

    ids: Int[np.ndarray, " ids"]  # words of all sentences, -1 at sentence ends; may be a memory map
    keep: Float[np.ndarray, " vocab"]  # the probability that an occurrence of each word is kept
    seed: int
    held_out: float = 0.0  # the share of the ids that is held out
    held: bool = False  # which side this is
    segment: int = SEGMENT
    # of each word as a center, if blocks have a budget
    cost: Int[np.ndarray, " vocab"] | None = None


class Chunk(NamedTuple):
    """The texts of some steps of one segment; those beyond `real` are padding."""

    texts: Int32[np.ndarray, "steps batch text"]
    real: int
    segment: int
    first: int  # number of the chunk's first step in its segment
    steps: int  # steps of the whole segment
    trained: int  # centers of this chunk
    subsampled: int  # words dropped from the segment; counted in its last chunk, else 0

    @property
    def ends_segment(self) -> bool:
        """Whether this is the last chunk of its segment."""
        return self.first + self.real == self.steps


def largest_id(ids: Any, vocab: int) -> int:
    """The largest id, or -1 if there is no word.

    Raises:
        InputError: ids that are not words of the vocabulary. (Under jit, JAX would clamp an id
            beyond the table to another word without an error.)
    """
    if ids.ndim != 1 or not np.issubdtype(ids.dtype, np.integer):
        raise InputError(f"ids are {ids.dtype} {ids.shape}; wanted integers in one row, [ids]")
    # no initial value: an unsigned type has no -1
    low, high = (min(int(ids.min()), -1), int(ids.max())) if ids.size else (-1, -1)
    _leave(ids)
    if low < -1 or high >= vocab:
        raise InputError(
            f"ids run from {low} to {high}; wanted -1 (sentence end) to {vocab - 1}, "
            "the last word of the vocabulary"
        )
    return high


def segment_count(split: Split) -> int:
    """The number of segments of an epoch."""
    return -(-len(split.ids) // split.segment)


def words(split: Split) -> int:
    """The number of words on this side of the split; sentence ends are not words."""
    every = range(segment_count(split))
    return sum(int(np.count_nonzero(_one_side(split, number) >= 0)) for number in every)


def is_held_out(start: int, stop: int, share: float) -> Bool[np.ndarray, " ids"]:
    """Which of the positions start..stop are held out: whole spans, evenly spread.

    Of every 1/share spans of 1,000 ids the last is held out; of a shorter text, nothing is.
    """
    span = np.arange(start // SPAN, (stop - 1) // SPAN + 1)
    chosen = np.floor((span + 1) * share) > np.floor(span * share)
    return np.repeat(chosen, SPAN)[start % SPAN :][: stop - start]


def kept(split: Split, epoch: int, number: int) -> tuple[Int32[np.ndarray, " kept"], int]:
    """The subsampled ids of one segment, and the number of words dropped."""
    ids = _one_side(split, number)
    draws = _random(split, epoch, number, purpose=0).random(len(ids))
    is_word = ids >= 0
    stays = ~is_word | (draws < split.keep[ids])
    left = ids[stays]
    ends = left < 0
    repeated = ends & np.concatenate([[False], ends[:-1]])  # of repeated sentence ends, one is kept
    return left[~repeated], len(ids) - int(np.count_nonzero(stays))


def _one_side(split: Split, number: int):
    """One segment of the ids, with the other side's words replaced by sentence ends."""
    start = number * split.segment
    stop = min(start + split.segment, len(split.ids))
    ids = np.array(split.ids[start:stop], np.int32)
    ids[is_held_out(start, stop, split.held_out) != split.held] = SENTENCE_END
    _leave(split.ids)
    return ids


def _leave(ids: np.ndarray) -> None:
    """Leaves the pages of a mapped file that were read: they would count as this process's memory.

    The system keeps them as long as it has room, so that the next epoch need not read the disk.
    """
    mapped: Any = ids
    while isinstance(mapped, np.ndarray):
        if mapped.flags.writeable:
            return  # what was written into a private map would be lost
        mapped = mapped.base
    if isinstance(mapped, mmap.mmap) and hasattr(mapped, "madvise"):
        with contextlib.suppress(OSError, ValueError):  # a locked map
            mapped.madvise(mmap.MADV_DONTNEED)


def _random(split: Split, epoch: int, number: int, purpose: int) -> np.random.Generator:
    return np.random.Generator(
        np.random.Philox(np.random.SeedSequence((split.seed, epoch, number, purpose)))
    )


def chunks(
    split: Split, reads: Reads, batch: int, steps: int, epoch: int, number: int = 0, first: int = 0
) -> Iterator[Chunk]:
    """Yield the texts of one epoch, in chunks of up to `steps` steps of `batch` blocks.

    The steps do not depend on the chunk length, nor on where the iteration begins.

    Args:
        number, first: the segment to begin with, and the step of it.
    """
    recent: dict[int, tuple[Any, int]] = {}  # a segment is used three times, and computed once

    def around(index: int):
        if index not in recent:
            recent[index] = kept(split, epoch, index)
        return recent[index]

    for index in range(number, segment_count(split)):
        recent = {i: part for i, part in recent.items() if i >= index - 1}
        body, subsampled = around(index)
        before = _words_before(around, index, reads.halo)
        after = _words_after(around, index, reads.halo, segment_count(split))
        blocks = cut(before, body, after, reads, split.cost)
        blocks = blocks[_random(split, epoch, index, purpose=1).permutation(len(blocks))]
        total = max(-(-len(blocks) // batch), 1)  # an empty segment still counts its dropped words
        for start in range(first, total, steps):
            part = blocks[start * batch : (start + steps) * batch]
            real = min(steps, total - start)
            texts = np.full((steps * batch, blocks.shape[1]), SENTENCE_END, np.int32)
            texts[: len(part)] = part
            yield Chunk(
                texts=texts.reshape(steps, batch, -1),
                real=real,
                segment=index,
                first=start,
                steps=total,
                trained=int(np.count_nonzero(_centers(part, reads) >= 0)),
                subsampled=subsampled if start + real == total else 0,
            )
        first = 0


def _words_before(around, index: int, halo: int):
    """The last `halo` ids before a segment, from as many segments as are needed."""
    ids = np.zeros(0, np.int32)
    while len(ids) < halo and index > 0:
        index -= 1
        ids = np.concatenate([around(index)[0], ids])
    return ids[len(ids) - halo :] if len(ids) > halo else ids


def _words_after(around, index: int, halo: int, segments: int):
    ids = np.zeros(0, np.int32)
    while len(ids) < halo and index + 1 < segments:
        index += 1
        ids = np.concatenate([ids, around(index)[0]])
    return ids[:halo]


def cut(
    before: Int[np.ndarray, " before"],
    body: Int[np.ndarray, " ids"],
    after: Int[np.ndarray, " after"],
    reads: Reads,
    cost: Int[np.ndarray, " vocab"] | None = None,
) -> Int32[np.ndarray, "blocks text"]:
    """Blocks of up to `block_length` centers that tile `body`, with `halo` ids on either side.

    With costs, a block also ends before the center that would exceed its budget. Words after a
    block's own centers, such as those of `after`, are context only and encoded as -2 - id.

    Raises:
        InputError: a word costs more than the budget of a block, which is 0 if there is none.
    """
    length, halo = reads.block_length, reads.halo
    starts = np.arange(0, len(body), length) if cost is None else _starts(body, reads, cost)
    padded = np.full(len(body) + length + 2 * halo, SENTENCE_END, np.int32)
    padded[halo - len(before) : halo] = before
    padded[halo : halo + len(body)] = body
    padded[halo + len(body) :][: len(after)] = np.where(after >= 0, -2 - after, SENTENCE_END)
    windows = np.lib.stride_tricks.sliding_window_view(padded, length + 2 * halo)
    blocks = windows[starts]  # a copy
    if cost is not None and len(starts):
        own = np.diff(starts, append=len(body))
        beyond = np.arange(length)[None, :] >= own[:, None]
        centers = _centers(blocks, reads)
        centers[beyond & (centers >= 0)] = -2 - centers[beyond & (centers >= 0)]
    return blocks


def _starts(body, reads: Reads, cost) -> Int[np.ndarray, " blocks"]:
    """The starts of blocks that are as long as their budget and `block_length` allow."""
    if np.max(cost) > reads.budget:
        raise InputError(
            f"a word costs up to {np.max(cost)} of a block's budget, which is {reads.budget}: "
            "raise the budget to that at least"
        )
    spent = np.concatenate([[0], np.cumsum(np.where(body >= 0, np.asarray(cost)[body], 0))])
    affordable = np.searchsorted(spent, spent[:-1] + reads.budget, side="right") - 1
    following = np.minimum(affordable, np.arange(len(body)) + reads.block_length).tolist()
    starts, start = [], 0
    while start < len(body):
        starts.append(start)
        start = following[start]
    return np.array(starts, np.int64)


def _centers(blocks, reads: Reads):
    return blocks[:, reads.halo : reads.halo + reads.block_length]
