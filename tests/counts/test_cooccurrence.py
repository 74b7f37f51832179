"""Laws of co-occurrence counts. Oracles: a loop over pairs; the arithmetic of sentence lengths."""

import resource
import signal

import numpy as np
import pytest

from jaxemb.counts import cells as merging, cooccurrence
from jaxemb.counts.cells import Run
from jaxemb.errors import InputError
from jaxemb.static import segments
from jaxemb.structs import Sparse

VOCAB = 9
SIDES = {"both": (True, True), "right": (False, True), "left": (True, False)}
WEIGHTS = {
    "word2vec": cooccurrence.word2vec,
    "harmonic": cooccurrence.harmonic,
    "uniform": cooccurrence.uniform,
}
PLAIN = {
    cooccurrence.word2vec: lambda distance, window: (window - distance + 1) / window,
    cooccurrence.harmonic: lambda distance, window: 1 / distance,
    cooccurrence.uniform: lambda distance, window: 1,
}
every_side = pytest.mark.parametrize("side", SIDES)


def text_of(length: int, seed: int = 0):
    """Random words of random sentences: one id in ten is a sentence end."""
    return np.random.default_rng(seed).integers(-1, VOCAB, length).astype(np.int32)


def by_loop(ids, window: cooccurrence.Window):
    """The matrix by its definition, one pair at a time."""
    table = np.zeros((VOCAB, VOCAB))
    for position, word in enumerate(ids):
        for step, sign in ((window.right, 1), (window.left, -1)):
            for distance in range(1, window.window + 1):
                other = position + sign * distance
                if word < 0 or not step or not 0 <= other < len(ids) or ids[other] < 0:
                    break
                table[word, ids[other]] += PLAIN[window.weight](distance, window.window)
    return table


def dense(cells: Sparse, vocab: int = VOCAB):
    table = np.zeros((vocab, vocab))
    table[cells.rows, cells.columns] = cells.values
    return table


def refuse_disorder(cells: Sparse):
    keys = np.int64(cells.rows) * VOCAB + cells.columns
    assert (np.diff(keys) > 0).all()
    assert (cells.rows.dtype, cells.columns.dtype, cells.values.dtype) == merging.DTYPES


@every_side
@pytest.mark.parametrize("weight", WEIGHTS)
def test_cells_are_the_windows_of_every_word_by_row_then_column(weight, side):
    window = cooccurrence.Window(4, WEIGHTS[weight], *SIDES[side])
    ids = text_of(300)
    cells = cooccurrence.cooccurrence(ids, VOCAB, window)
    refuse_disorder(cells)
    # values are sums rounded to float32 once
    np.testing.assert_allclose(dense(cells), by_loop(ids, window), rtol=2e-7)


def test_pairs_at_a_distance_that_weighs_nothing_are_no_cells(tmp_path):
    """A cell is a count above 0: PMI and GloVe take its logarithm."""

    def neighbours(distance, window):
        return np.where(distance == 1, 1.0, 0.0)

    ids, window = text_of(300), cooccurrence.Window(3, neighbours)
    cells = cooccurrence.count(cooccurrence.whole(ids, VOCAB), tmp_path, window).cells
    np.testing.assert_array_equal(
        dense(cells), by_loop(ids, cooccurrence.Window(1, cooccurrence.uniform))
    )
    assert (cells.values > 0).all()


def test_weights_are_word2vecs_probability_and_gloves_reciprocal():
    np.testing.assert_allclose(cooccurrence.Window(5).weights(), [1, 0.8, 0.6, 0.4, 0.2])
    np.testing.assert_allclose(
        cooccurrence.Window(4, cooccurrence.harmonic).weights(), [1, 1 / 2, 1 / 3, 1 / 4]
    )


@pytest.mark.parametrize("weight", WEIGHTS)
def test_the_sum_of_all_cells_is_the_arithmetic_of_the_sentences_lengths(weight, tmp_path):
    """n words have n - d pairs at distance d, and each is seen from both of its words."""
    lengths = [1, 2, 3, 7, 40]
    ids = np.concatenate([[*np.arange(n) % VOCAB, -1] for n in lengths]).astype(np.int32)
    window = cooccurrence.Window(5, WEIGHTS[weight])
    counted = cooccurrence.count(cooccurrence.whole(ids, VOCAB), tmp_path, window)
    pairs = [sum(max(n - d, 0) for n in lengths) for d in range(1, 6)]
    np.testing.assert_array_equal(counted.pairs, pairs)
    expected = 2 * np.dot(window.weights(), pairs)
    np.testing.assert_allclose(np.sum(counted.cells.values, dtype=float), expected, rtol=1e-7)
    assert (counted.words, counted.subsampled) == (sum(lengths), 0)


@every_side
@pytest.mark.parametrize("pairs", [1, 7, 60, 10_000])
def test_blocks_of_any_size_streamed_and_merged_count_the_same(pairs, side, tmp_path, monkeypatch):
    window, ids = cooccurrence.Window(3, cooccurrence.harmonic, *SIDES[side]), text_of(120)
    plain = by_loop(ids, window)
    monkeypatch.setattr(cooccurrence, "PAIRS", pairs)
    monkeypatch.setattr(merging, "MERGED", 8)
    counted = cooccurrence.count(
        cooccurrence.whole(ids, VOCAB)._replace(segment=50), tmp_path, window
    )
    refuse_disorder(counted.cells)
    np.testing.assert_allclose(dense(counted.cells), plain, rtol=2e-7)
    in_memory = cooccurrence.cooccurrence(ids, VOCAB, window)
    np.testing.assert_allclose(dense(in_memory), plain, rtol=2e-7)


def test_both_sides_are_the_one_and_its_transpose():
    ids = text_of(200)
    both, right, left = (
        dense(
            cooccurrence.cooccurrence(
                ids, VOCAB, cooccurrence.Window(4, cooccurrence.uniform, *sides)
            )
        )
        for sides in SIDES.values()
    )
    np.testing.assert_array_equal(left, right.T)
    np.testing.assert_array_equal(both, right + left)


def test_frequent_words_are_thinned_out_before_windows_are_cut(tmp_path):
    """The text that is counted is the one that a learner of the same seed reads."""
    keep = np.where(np.arange(VOCAB) < 3, 0.3, 1.0)
    split = segments.Split(text_of(900), keep, seed=5, segment=200)
    thinned = np.concatenate([segments.kept(split, 0, number)[0] for number in range(5)])
    counted = cooccurrence.count(split, tmp_path, cooccurrence.Window(2))
    np.testing.assert_allclose(
        dense(counted.cells), by_loop(thinned, cooccurrence.Window(2)), rtol=2e-7
    )
    gone = np.count_nonzero(split.ids >= 0) - np.count_nonzero(thinned >= 0)
    assert (counted.words, counted.subsampled) == (np.count_nonzero(thinned >= 0), gone)


def test_runs_of_any_overlap_merge_to_their_sum_in_any_room(tmp_path):
    random = np.random.default_rng(1)
    table, paths = np.zeros(100), []
    for number, (low, high) in enumerate([(0, 100), (0, 10), (90, 100), (50, 50), (20, 80)]):
        keys = np.flatnonzero(random.random(high - low) < 0.6) + low
        run = merging.Run(keys, random.random(len(keys)))
        np.add.at(table, keys, run.values)
        paths.append(merging.write_run(tmp_path, number, run))
    for room in (1, 10, 33, 1000):
        pieces = list(merging.merge(paths, room=room))
        keys = np.concatenate([piece.keys for piece in pieces])
        assert (np.diff(keys) > 0).all()
        np.testing.assert_array_equal(keys, np.flatnonzero(table))
        values = np.concatenate([piece.values for piece in pieces])
        np.testing.assert_allclose(values, table[keys], rtol=1e-15)
        assert max(len(piece.keys) for piece in pieces) <= max(room, len(paths))


def test_progress_ends_where_it_said(tmp_path, monkeypatch):
    monkeypatch.setattr(cooccurrence, "PAIRS", 60)
    reports = []
    split = cooccurrence.whole(text_of(500), VOCAB)._replace(segment=100)
    cooccurrence.count(split, tmp_path, progress=lambda *report: reports.append(report))
    assert reports == sorted(reports)
    assert reports[-1] == (1000, 1000)


@every_side
@pytest.mark.parametrize("length", [1, 2, 3])
def test_a_text_shorter_than_the_window_has_the_pairs_that_it_has(side, length):
    window = cooccurrence.Window(5, cooccurrence.harmonic, *SIDES[side])
    ids = np.arange(length, dtype=np.int32)
    cells = cooccurrence.cooccurrence(ids, VOCAB, window)
    np.testing.assert_allclose(dense(cells), by_loop(ids, window), rtol=1e-6)


@pytest.mark.parametrize("ids", [np.zeros(0, np.int32), np.array([3, -1, 4, -1, -1], np.int32)])
def test_a_text_without_pairs_has_no_cells(ids, tmp_path):
    for cells in (
        cooccurrence.cooccurrence(ids, VOCAB),
        cooccurrence.count(cooccurrence.whole(ids, VOCAB), tmp_path).cells,
    ):
        assert [len(side) for side in cells] == [0, 0, 0]


def test_a_failure_leaves_nothing_behind(tmp_path, monkeypatch):
    def broken(*_):
        raise OSError("the disk is full")

    monkeypatch.setattr(merging, "write_cells", broken)
    with pytest.raises(OSError, match="disk is full"):
        cooccurrence.count(cooccurrence.whole(text_of(100), VOCAB), tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("room", [0, 100, 4095])
def test_a_full_disk_is_said_and_which_file_it_cut_short(room, tmp_path):
    """A limit on the size of files simulates a full disk; the run has 4,096 bytes."""
    kept = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, kept[1]))
        with pytest.raises(InputError, match=r"run-000000.cells-tmp: cannot be written \(File too"):
            merging.write_run(tmp_path, 0, Run(np.arange(256), np.ones(256)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, kept)
        signal.signal(signal.SIGXFSZ, ignored)


def test_what_cannot_be_counted_is_refused(tmp_path):
    ids = text_of(20)
    with pytest.raises(InputError, match=r"ids run from -1 to 8; wanted -1 .* to 3"):
        cooccurrence.cooccurrence(ids, 4)
    with pytest.raises(InputError, match=r"ids run from -1 to 8; wanted -1 .* to 3"):
        cooccurrence.count(cooccurrence.whole(ids, 4), tmp_path)
    with pytest.raises(InputError, match=r"ids are float64 \(3,\)"):
        cooccurrence.cooccurrence(np.zeros(3), 4)
    with pytest.raises(InputError, match="left and right are both off"):
        cooccurrence.cooccurrence(ids, VOCAB, cooccurrence.Window(2, left=False, right=False))
    with pytest.raises(InputError, match="window is 0; it must be at least 1"):
        cooccurrence.cooccurrence(ids, VOCAB, cooccurrence.Window(0))
    with pytest.raises(InputError, match=r"weights of distances 1 to 2 are \[-1. -2.\]"):
        cooccurrence.cooccurrence(ids, VOCAB, cooccurrence.Window(2, lambda d, window: -d))
    with pytest.raises(InputError, match="do not fit into 63 bits"):
        merging.packing(1 << 31, 5)


def test_damaged_files_of_cells_are_refused(tmp_path):
    cooccurrence.count(cooccurrence.whole(text_of(100), VOCAB), tmp_path)
    with (tmp_path / merging.FILES.values).open("ab") as file:
        file.write(b"more")
    with pytest.raises(InputError, match=r"cells.values: has \d+ bytes, but cells.json promises"):
        merging.load(tmp_path)
    (tmp_path / merging.MANIFEST).write_text("{}")
    with pytest.raises(InputError, match="not of this version"):
        merging.load(tmp_path)
    with pytest.raises(InputError, match="cannot be read"):
        merging.load(tmp_path / "nowhere")
