"""From ids on disk to the text blocks of every step: host NumPy, pure, one position as its cursor.

Frequent words are removed before windows are laid, so the text of an epoch is decided first:
segment by segment, each from (seed, epoch, segment) alone. Steps are then cut from the joined
segments, so no pair of a window is lost at an edge, and any position of the ids can be resumed at.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, Int32, Int64

from jaxemb.structs import Reads

SEGMENT = 1 << 18  # ids subsampled by one random stream: part of what a seed means
SPAN = 1000  # ids held out together, so that held-out windows are mostly whole


class Split(NamedTuple):
    """One side of a corpus: the text to train on, or the text held out."""

    ids: Int[Any, " ids"]  # words of all sentences, -1 at sentence ends; may be a memory map
    keep: Float[Any, " vocab"]  # the probability that an occurrence of each word is kept
    seed: int
    held_out: float = 0.0  # the share of the ids that is held out
    held: bool = False  # which side this is
    segment: int = SEGMENT


class Kept(NamedTuple):
    """What subsampling left of one segment."""

    ids: Int32[Any, " kept"]
    positions: Int64[Any, " kept"]  # where each stood in the split's ids
    dropped: Int64[Any, " dropped"]  # where the words stood that were left out


class Chunk(NamedTuple):
    """The texts of some steps. Blocks overlap by the halo; steps beyond `real` are padding."""

    texts: Int32[Any, "steps batch text"]
    starts: Int64[Any, " steps"]  # position of each step's first center
    real: int
    next_position: int  # where the chunk after this one starts; the number of ids at the end
    trained: int  # centers of this chunk
    subsampled: int  # words that were left out between its first center and `next_position`


def is_held_out(start: int, stop: int, share: float) -> Bool[Any, " ids"]:
    """Which of the positions start..stop are held out: whole spans, evenly spread.

    Of every 1/share spans of 1,000 the last, so a text of fewer spans holds out nothing.
    """
    span = np.arange(start // SPAN, (stop - 1) // SPAN + 1)
    chosen = np.floor((span + 1) * share) > np.floor(span * share)
    return np.repeat(chosen, SPAN)[start % SPAN :][: stop - start]


def words(split: Split) -> int:
    """The number of words on this side of the split; sentence ends are not words."""
    total = 0
    for start in range(0, len(split.ids), split.segment):
        total += int(np.count_nonzero(_one_side(split, start) >= 0))
    return total


def segment(split: Split, epoch: int, number: int) -> Kept:
    """What subsampling leaves of one segment, from (seed, epoch, number) alone."""
    start = number * split.segment
    ids = _one_side(split, start)
    seed = np.random.SeedSequence((split.seed, epoch, number))
    random = np.random.Generator(np.random.Philox(seed))
    is_word = ids >= 0
    stays = ~is_word | (random.random(len(ids)) < split.keep[ids])
    at = np.flatnonzero(stays)
    ends = ids[at] < 0
    at = at[~(ends & np.concatenate([[False], ends[:-1]]))]  # one sentence end says it all
    return Kept(ids[at], at + start, np.flatnonzero(~stays) + start)


def _one_side(split: Split, start: int):
    """One segment of the ids, with the other side's words replaced by sentence ends."""
    stop = min(start + split.segment, len(split.ids))
    ids = np.array(split.ids[start:stop], np.int32)
    ids[is_held_out(start, stop, split.held_out) != split.held] = -1
    return ids


def chunks(
    split: Split, reads: Reads, batch: int, steps: int, epoch: int, position: int = 0
) -> Iterator[Chunk]:
    """The texts of one epoch from a position on, in chunks of `steps` steps of `batch` blocks.

    Yields the same steps whatever the chunk length and wherever it is resumed.
    """
    per_chunk = steps * batch * reads.block_length
    buffer = _resume(split, reads.halo, epoch, position)
    number = _segment_of(split, position) + 1
    while True:
        more = number < _segment_count(split)
        if more and len(buffer.ids) < per_chunk + 2 * reads.halo:
            buffer = _join(buffer, segment(split, epoch, number))
            number += 1
            continue
        centers = len(buffer.ids) - reads.halo * (2 if more else 1)
        if centers <= 0:
            return
        yield _cut(buffer, reads, batch, steps, len(split.ids))
        keep = np.searchsorted(buffer.dropped, buffer.positions[reads.halo :][per_chunk:][:1])
        buffer = Kept(
            buffer.ids[per_chunk:],
            buffer.positions[per_chunk:],
            buffer.dropped[int(keep[0]) if keep.size else len(buffer.dropped) :],
        )


def _segment_count(split: Split) -> int:
    return -(-len(split.ids) // split.segment)


def _segment_of(split: Split, position: int) -> int:
    return position // split.segment


def _join(left: Kept, right: Kept) -> Kept:
    return Kept(*(np.concatenate(pair) for pair in zip(left, right, strict=True)))


def _resume(split: Split, halo: int, epoch: int, position: int) -> Kept:
    """The kept text from `position` to its segment's end, with exactly `halo` ids before it."""
    number = _segment_of(split, position)
    kept = segment(split, epoch, number)
    while np.searchsorted(kept.positions, position) < halo and number > 0:
        number -= 1
        kept = _join(segment(split, epoch, number), kept)
    at = int(np.searchsorted(kept.positions, position))
    missing = max(halo - at, 0)
    padding = np.full(missing, -1, np.int32), np.full(missing, -1), np.empty(0, np.int64)
    kept = _join(Kept(*padding), kept)
    after = kept.dropped[kept.dropped >= position]
    return Kept(kept.ids[at + missing - halo :], kept.positions[at + missing - halo :], after)


def _cut(buffer: Kept, reads: Reads, batch: int, steps: int, end: int) -> Chunk:
    length, halo = reads.block_length, reads.halo
    per_step = batch * length
    total = steps * per_step
    window = buffer.ids[: total + 2 * halo]
    padded = np.concatenate([window, np.full(total + 2 * halo - len(window), -1, np.int32)])
    texts = np.lib.stride_tricks.sliding_window_view(padded, length + 2 * halo)[::length]
    at_centers = buffer.positions[halo:]
    starts = at_centers[:total:per_step]
    next_position = int(at_centers[total]) if len(at_centers) > total else end
    return Chunk(
        texts=np.ascontiguousarray(texts).reshape(steps, batch, length + 2 * halo),
        starts=np.concatenate([starts, np.full(steps - len(starts), end)]),
        real=len(starts),
        next_position=next_position,
        trained=int(np.count_nonzero(padded[halo : halo + total] >= 0)),
        subsampled=int(np.searchsorted(buffer.dropped, next_position)),
    )
