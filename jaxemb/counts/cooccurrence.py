"""Windowed co-occurrence counts of words in a text, as sparse cells.

The text is read in blocks. The pairs of a block are packed into integers of word, context and
distance, sorted, and summed, in two threads, because sorting releases the lock. A block's sums are
a sorted run; runs are merged (`cells`), on disk for a text of any length. Host NumPy, no jax.
"""

import collections
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float64, Int, Int64

from jaxemb.counts import cells as merging
from jaxemb.counts.cells import Run
from jaxemb.errors import InputError, at_least
from jaxemb.static import segments
from jaxemb.structs import IdsLike, Sparse

PAIRS = 1 << 22  # pairs sorted together: 32 MiB of keys
WORKERS = 2

Weight = Callable[[Float64[np.ndarray, " window"], int], Float64[np.ndarray, " window"]]
Progress = Callable[[int, int], None]


def word2vec(
    distance: Float64[np.ndarray, " window"], window: int
) -> Float64[np.ndarray, " window"]:
    """(window - d + 1) / window: how often word2vec's dynamic window reaches distance d."""
    return (window - distance + 1) / window


def harmonic(
    distance: Float64[np.ndarray, " window"], window: int
) -> Float64[np.ndarray, " window"]:
    """1/d: GloVe (Pennington et al. 2014, section 4.2)."""
    del window
    return 1 / distance


def uniform(
    distance: Float64[np.ndarray, " window"], window: int
) -> Float64[np.ndarray, " window"]:
    """1: every word of the window has the same weight."""
    del window
    return np.ones_like(distance)


def of_windows(*, dynamic: bool) -> Weight:
    """The weight of each distance in the windows that a learner reads."""
    return word2vec if dynamic else uniform


class Window(NamedTuple):
    """Which pairs are counted, and how much each counts."""

    window: int = 5  # the furthest distance of a context word
    weight: Weight = word2vec  # a function of the distances 1..window
    left: bool = True  # contexts before the word
    right: bool = True  # contexts behind it

    def weights(self) -> Float64[np.ndarray, " window"]:
        """The weight of each distance.

        Raises:
            InputError: a weight that is not finite, or is below 0; a window without any word.
        """
        at_least(1, window=self.window)
        if not (self.left or self.right):
            raise InputError("left and right are both off: there is no window; wanted one at least")
        values = self.weight(np.arange(1.0, self.window + 1), self.window)
        values = np.asarray(values, np.float64)
        if values.shape != (self.window,) or not (np.isfinite(values) & (values >= 0)).all():
            raise InputError(
                f"the weights of distances 1 to {self.window} are {values}; wanted a finite number "
                ">= 0 for each"
            )
        return values


class Counted(NamedTuple):
    """The cells, and the numbers of pairs and words that they were made from.

    The sum of all values is sum_d weight(d) pairs[d], twice that where both sides are counted.
    """

    cells: Sparse
    # pairs of words of one sentence at each distance, counted once
    pairs: Int64[np.ndarray, " window"]
    words: int  # occurrences that subsampling of frequent words left
    subsampled: int  # occurrences that subsampling removed


def cooccurrence(ids: IdsLike, vocab: int, window: Window = Window()) -> Sparse:  # noqa: B008
    """Co-occurrence counts of a text in memory. Windows do not cross sentence ends.

    Args:
        ids: integers [ids]: word ids, -1 at sentence ends.
        vocab: the number of words: rows and columns of the matrix.
        window: which pairs count; by default word2vec's dynamic window of 5, on both sides.

    Returns:
        Cell [i, j]: the summed weight of the occurrences of word j in windows of word i. Sums are
        formed in float64 and rounded to float32 once, at the end.

    Raises:
        InputError: ids that are not words of the vocabulary; see also `Window.weights`.
    """
    ids = np.asarray(ids)
    segments.largest_id(ids, vocab)  # refuses ids that are no words
    window.weights()  # refuses weights that cannot be counted with
    packing = merging.packing(vocab, window.window)
    text = whole(ids, vocab)
    runs = [_run(block, window, packing)[0] for block in _blocks(text, window.window)]
    return merging.cells(merging.summed(runs), packing)


def count(
    text: segments.Split,
    folder: str | Path,
    window: Window = Window(),  # noqa: B008 (a NamedTuple does not change)
    *,
    progress: Progress = lambda done, total: None,
) -> Counted:
    """Co-occurrence counts of a text of any length, written to files, in bounded memory.

    Args:
        text: the ids, with the probability that an occurrence of each word is kept, as a learner
            reads them: words are subsampled before windows are cut (with `whole`, none is).
        folder: for the files of the cells, and for scratch files of 16 bytes for every distinct
            pair of a block. Nothing is left there on failure.
        window: which pairs count.
        progress: called with units of work done and in all.

    Returns:
        The cells of `cooccurrence`, memory-mapped, and the numbers behind them.

    Raises:
        InputError: ids that are not words of the vocabulary; see also `Window.weights`.
    """
    segments.largest_id(text.ids, len(text.keep))  # refuses ids that are no words
    folder, vocab = Path(folder), len(text.keep)
    weights, packing = window.weights(), merging.packing(vocab, window.window)
    total = 2 * len(text.ids)  # sorting and merging take about the same time
    pairs, words, runs = np.zeros(len(weights), np.int64), 0, []
    folder.mkdir(parents=True, exist_ok=True)

    def run(block: "Block", number: int) -> tuple[Path, "Block", Int64[np.ndarray, " window"]]:
        sums, more = _run(block, window, packing)
        return merging.write_run(folder, number, sums), block, more

    try:
        for path, block, more in _ahead(run, _blocks(text, window.window)):
            runs.append(path)
            pairs, words = pairs + more, words + int(np.count_nonzero(block.ids[block.new :] >= 0))
            progress(block.read, total)
        merged = merging.merge(runs, lambda done: progress(int(total / 2 * (1 + done)), total))
        cells = merging.write_cells(folder, merged, packing)
    finally:
        merging.sweep(folder)
    return Counted(cells, pairs, words, segments.words(text) - words)


def whole(ids: Int[np.ndarray, " ids"], vocab: int) -> segments.Split:
    """The text without subsampling: every occurrence is kept."""
    return segments.Split(ids, np.ones(vocab), seed=0)


class Block(NamedTuple):
    """A piece of the text, preceded by the words that its first windows reach back to."""

    ids: Int[np.ndarray, " ids"]
    new: int  # where the piece begins
    read: int  # ids of the text up to its end, before subsampling


def _blocks(text: segments.Split, window: int) -> Iterator[Block]:
    """The subsampled text in pieces of at most PAIRS pairs."""
    size = max(PAIRS // window, 1)
    before = rest = np.zeros(0, np.int32)
    for number in range(segments.segment_count(text)):
        rest = np.concatenate([rest, segments.kept(text, 0, number)[0]])
        read = min((number + 1) * text.segment, len(text.ids))
        ends = number + 1 == segments.segment_count(text)
        while len(rest) >= size or (ends and len(rest)):
            yield Block(np.concatenate([before, rest[:size]]), len(before), read)
            before = np.concatenate([before, rest[:size]])[-window:]
            rest = rest[size:]


def _run(block: Block, window: Window, packing: merging.Packing):
    """The sums of one block, sorted, and the number of its pairs at each distance."""
    keys, pairs = _keys(block, window, packing)
    keys.sort()
    first = merging.firsts(keys)
    times = np.diff(first, append=len(keys))
    pair, distance = packing.without_distance(keys[first])
    del keys
    values = times * window.weights()[distance]
    counts = values > 0  # pairs at a distance of weight 0 are no cells
    counted = Run(*merging.add_up(pair[counts], values[counts]))
    if window.left and window.right:  # so far each pair stands once, the smaller id first
        counted = merging.summed([counted, packing.transposed(counted)])
    return counted, pairs


def _keys(block: Block, window: Window, packing: merging.Packing):
    """The key of every pair whose later word is in the piece; the number at each distance."""
    ids = block.ids.astype(np.int64)
    sentence = np.cumsum(ids < 0)
    sentence[ids < 0] = -1  # a sentence end is no word
    keys = np.empty(window.window * (len(ids) - block.new), np.int64)
    pairs, filled = np.zeros(window.window, np.int64), 0
    for distance in range(1, window.window + 1):
        later = slice(max(block.new, distance), len(ids))
        earlier = slice(later.start - distance, max(len(ids) - distance, 0))
        together = (sentence[later] == sentence[earlier]) & (sentence[later] >= 0)
        left, right = ids[earlier][together], ids[later][together]
        if window.left and window.right:
            left, right = np.minimum(left, right), np.maximum(left, right)
        elif window.left:
            left, right = right, left
        pairs[distance - 1] = len(left)
        keys[filled : filled + len(left)] = packing.pack(left, right, distance - 1)
        filled += len(left)
    return keys[:filled], pairs


def _ahead(work: Callable[..., Any], blocks: Iterator[Block]) -> Iterator[Any]:
    """The results of work(block, number), in order; threads compute some ahead."""
    with ThreadPoolExecutor(WORKERS) as pool:
        pending: collections.deque[Future] = collections.deque()
        for number, block in enumerate(blocks):
            pending.append(pool.submit(work, block, number))
            if len(pending) > WORKERS:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
