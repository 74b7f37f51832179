"""The text of an epoch. Oracle: all windows of the whole text; counts by NumPy."""

import collections
import re
from pathlib import Path

import numpy as np
import pytest

from jaxemb.errors import InputError
from jaxemb.static import segments
from jaxemb.structs import Reads
from tests.references import word2vec

READS = Reads(block_length=4, halo=3, bits=0)


def _text(seed: int, words: int, vocab: int = 9, ends: float = 0.1):
    random = np.random.default_rng(seed)
    ids = random.integers(0, vocab, words).astype(np.int32)
    ids[random.random(words) < ends] = -1
    return ids


def _split(ids, keep=1.0, **options) -> segments.Split:
    return segments.Split(ids, np.full(9, keep), seed=5, **{"segment": 32, **options})


def _sentences(ids):
    sentences = [[]]
    for i in ids:
        sentences[-1].append(int(i)) if i >= 0 else sentences.append([])
    return [s for s in sentences if s]


def _pairs(chunks, halo: int) -> collections.Counter:
    """(center, context) of fixed windows, from the blocks alone, by plain loops."""
    pairs = collections.Counter()
    for chunk in chunks:
        for text in chunk.texts.reshape(-1, chunk.texts.shape[-1]):
            word = np.where(text < -1, -2 - text, text)
            for t in range(halo, len(text) - halo):
                if text[t] < 0:
                    continue
                for step in (-1, 1):
                    for j in range(t + step, t + step * (halo + 1), step):
                        if word[j] < 0:
                            break
                        pairs[int(text[t]), int(word[j])] += 1
    return pairs


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("words", [1, 5, 31, 32, 33, 64, 200])
@pytest.mark.parametrize("ends", [0.0, 0.1, 0.6])
def test_blocked_segmented_text_gives_exactly_the_pairs_of_the_whole_text(seed, words, ends):
    ids = _text(seed, words, ends=ends)
    chunks = list(segments.chunks(_split(ids), READS, batch=2, steps=3, epoch=0))
    expected = collections.Counter(word2vec.window_pairs(_sentences(ids), READS.halo))
    assert _pairs(chunks, READS.halo) == expected
    assert sum(c.trained for c in chunks) == np.count_nonzero(ids >= 0)


COST = np.array([1, 2, 3, 4, 5, 4, 3, 2, 1])


@pytest.mark.parametrize("words", [1, 31, 200])
@pytest.mark.parametrize("budget", [5, 9, 100])
def test_blocks_of_a_budget_keep_every_pair_and_are_as_long_as_it_lets_them_be(words, budget):
    ids, reads = _text(0, words), READS._replace(budget=budget)
    split = _split(ids, cost=COST)
    chunks = list(segments.chunks(split, reads, batch=2, steps=3, epoch=0))
    expected = collections.Counter(word2vec.window_pairs(_sentences(ids), READS.halo))
    assert _pairs(chunks, READS.halo) == expected
    assert sum(c.trained for c in chunks) == np.count_nonzero(ids >= 0)
    body, none = ids[:32], np.zeros(0, np.int32)
    start = 0
    for block in segments.cut(none, body, none, reads, COST)[:, 3:7]:
        ends = np.append(np.flatnonzero(block < -1), 4)  # a word that is only context, or the end
        count = min(ends[0], len(body) - start)
        np.testing.assert_array_equal(block[:count], body[start : start + count])
        start += count
        spent = COST[block[block >= 0]].sum()
        assert spent <= budget
        assert count == 4 or start == len(body) or spent + COST[body[start]] > budget
    assert start == len(body)


def test_a_word_that_costs_more_than_a_block_may_is_refused():
    with pytest.raises(InputError, match="costs up to 5 of a block's budget, which is 4"):
        list(segments.chunks(_split(_text(0, 9), cost=COST), READS._replace(budget=4), 2, 3, 0))


@pytest.mark.parametrize("keep", [0.02, 0.5])
def test_thinned_text_has_the_windows_of_what_is_left(keep):
    split = _split(_text(1, 500), keep)
    left = np.concatenate([segments.kept(split, 3, i)[0] for i in range(16)])
    chunks = list(segments.chunks(split, READS, batch=2, steps=3, epoch=3))
    expected = collections.Counter(word2vec.window_pairs(_sentences(left), READS.halo))
    assert _pairs(chunks, READS.halo) == expected


@pytest.mark.parametrize("keep", [0.0, 0.02, 0.5, 1.0])
@pytest.mark.parametrize("held_out", [0.0, 0.3])
def test_every_word_is_trained_subsampled_or_held_out(keep, held_out):
    ids = _text(2, 5000)
    split = _split(ids, keep, held_out=held_out, segment=700)
    chunks = list(segments.chunks(split, READS, batch=3, steps=4, epoch=1))
    done = sum(c.trained + c.subsampled for c in chunks)
    held = segments.words(split._replace(held=True))
    assert done == segments.words(split)
    assert done + held == np.count_nonzero(ids >= 0)
    assert (held > 0) == (held_out > 0)


def test_words_are_kept_with_their_probability():
    ids = np.zeros(200_000, np.int32)
    split = segments.Split(ids, np.array([0.3]), seed=1)
    kept = len(segments.kept(split, 0, 0)[0])
    assert abs(kept / len(ids) - 0.3) < 5 * np.sqrt(0.21 / len(ids))


def _flat(chunks):
    return np.concatenate([c.texts[: c.real].reshape(c.real, -1) for c in chunks])


@pytest.mark.parametrize("steps", [1, 2, 7, 100])
def test_the_steps_are_the_same_whatever_the_chunk_length(steps):
    split = _split(_text(3, 400), 0.7)
    one = _flat(segments.chunks(split, READS, batch=2, steps=3, epoch=2))
    other = _flat(segments.chunks(split, READS, batch=2, steps=steps, epoch=2))
    np.testing.assert_array_equal(one, other)


def test_any_step_can_be_resumed_at():
    split = _split(_text(3, 200), 0.7)
    whole = list(segments.chunks(split, READS, batch=2, steps=1, epoch=2))
    for i, chunk in enumerate(whole):
        where = {"number": chunk.segment, "first": chunk.first}
        rest = segments.chunks(split, READS, batch=2, steps=2, epoch=2, **where)
        np.testing.assert_array_equal(_flat(rest), _flat(whole[i:]))


def test_epochs_and_seeds_differ():
    split = _split(_text(3, 400), 0.5)
    texts = [
        _flat(segments.chunks(s, READS, batch=2, steps=3, epoch=e)).tobytes()
        for s, e in [(split, 0), (split, 1), (split._replace(seed=6), 0)]
    ]
    assert len(set(texts)) == 3


@pytest.mark.parametrize("share", [0.01, 0.05, 0.25])
@pytest.mark.parametrize("spans", [1, 7, 100, 1000])
def test_the_share_held_out_is_whole_spans_evenly_spread(share, spans):
    length = spans * segments.SPAN
    held = segments.is_held_out(0, length, share).reshape(spans, segments.SPAN)
    assert (held.all(axis=1) | ~held.any(axis=1)).all()
    assert held.any(axis=1).sum() == int(spans * share + 1e-9)
    parts = [segments.is_held_out(a, min(a + 777, length), share) for a in range(0, length, 777)]
    np.testing.assert_array_equal(np.concatenate(parts), held.ravel())


def _pages(path) -> int:
    """The bytes of a mapped file that count as memory of this process."""
    text = Path("/proc/self/smaps").read_text()
    return 1024 * sum(map(int, re.findall(rf"{path}\n(?:.*\n)*?Rss: +(\d+) kB", text)))


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="the system has no /proc")
def test_a_scan_of_a_mapped_file_leaves_no_page_of_it_in_memory(tmp_path):
    path = tmp_path / "ids"
    _text(0, 1_000_000).tofile(path)
    ids = np.memmap(path, np.int32, "r")
    assert ids.sum() > 0
    assert _pages(path) > 1_000_000
    segments.largest_id(ids, 9)
    assert _pages(path) == 0
    assert segments.words(_split(ids[:500_000], segment=100_000)) > 400_000
    assert _pages(path) == 0


def test_what_was_written_into_a_private_map_is_kept(tmp_path):
    path = tmp_path / "ids"
    _text(0, 10_000).tofile(path)
    ids = np.memmap(path, np.int32, "c")
    ids[:] = 8
    frozen = ids.view()
    frozen.flags.writeable = False
    for same in (ids, frozen, np.broadcast_to(ids, ids.shape)):
        segments.largest_id(same, 9)
        assert segments.words(_split(same)) == 10_000
        assert (ids == 8).all()
