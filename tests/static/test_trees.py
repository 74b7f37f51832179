"""Trees over words. Oracles: Kraft's equality, Shannon's bounds, Huffman's algorithm by heap."""

import heapq
import itertools
from fractions import Fraction

import numpy as np
import pytest

from jaxemb.errors import InputError
from jaxemb.static import trees

RANDOM = np.random.default_rng(0)
FIBONACCI = [1, 1]
while sum(FIBONACCI) + FIBONACCI[-1] + FIBONACCI[-2] < 1 << 62:
    FIBONACCI.append(FIBONACCI[-1] + FIBONACCI[-2])
COUNTS = {
    "two words": np.array([3, 1]),
    "equal": np.full(7, 4),
    "zipf": (1e6 / np.arange(1, 400)).astype(np.int64),
    "unsorted": RANDOM.integers(1, 1000, 100),
    "steep": 1 << np.arange(40, dtype=np.int64),
    "deepest": np.array(FIBONACCI, np.int64),
    "large": np.array([1 << 61, 1 << 61, 1, 1], np.int64),
}
MAKERS = {"huffman": trees.huffman, "balanced": trees.balanced}
every_count = pytest.mark.parametrize("counts", COUNTS.values(), ids=COUNTS.keys())
every_tree = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS.keys())


def paths(tree):
    """The path of each word, as (node, branch) from the root."""
    return [
        list(zip(nodes[:n].tolist(), branches[:n].tolist(), strict=True))
        for nodes, branches, n in zip(*tree, strict=True)
    ]


@every_count
@every_tree
def test_krafts_sum_is_one(make, counts):
    lengths = make(counts).lengths.tolist()
    assert sum(Fraction(1, 1 << n) for n in lengths) == 1


@every_count
@every_tree
def test_no_word_is_the_beginning_of_another_and_prefix_and_node_name_each_other(make, counts):
    paths_of_words = paths(make(counts))
    nodes = {}
    for path in paths_of_words:
        for i, (node, branch) in enumerate(path):
            assert branch in (1, -1)
            prefix = tuple(branch for _, branch in path[:i])
            assert nodes.setdefault(node, prefix) == prefix
    assert len(nodes) == len(set(nodes.values())) == len(counts) - 1
    codes = {tuple(branch for _, branch in path) for path in paths_of_words}
    assert len(codes) == len(counts)
    assert not codes & set(nodes.values())  # a word ends where no path goes on
    assert nodes[0] == ()


@every_count
def test_beyond_a_path_there_is_nothing(counts):
    tree = trees.huffman(counts)
    beyond = np.arange(tree.nodes.shape[1])[None, :] >= tree.lengths[:, None]
    np.testing.assert_array_equal(tree.branches == 0, beyond)
    np.testing.assert_array_equal(tree.nodes[beyond], 0)
    assert tree.nodes.shape[1] == tree.lengths.max() <= 91


@every_count
def test_huffmans_expected_length_is_the_heaps_and_within_a_bit_of_the_entropy(counts):
    tree = trees.huffman(counts)
    cost = sum(c * n for c, n in zip(counts.tolist(), tree.lengths.tolist(), strict=True))
    heap, expected = counts.tolist(), 0
    heapq.heapify(heap)
    while len(heap) > 1:
        joined = heapq.heappop(heap) + heapq.heappop(heap)
        expected += joined  # each of its words is one branch deeper
        heapq.heappush(heap, joined)
    assert cost == expected
    share = np.float64(counts) / np.float64(counts).sum()
    entropy = -np.sum(share * np.log2(share))
    assert entropy - 1e-9 <= cost / counts.sum(dtype=object) <= entropy + 1


def test_huffman_is_no_longer_than_any_tree_of_five_words():
    counts = np.array([9, 5, 4, 1, 1])
    cost = int(np.sum(counts * trees.huffman(counts).lengths))
    lengths = itertools.product(range(1, 5), repeat=5)
    kraft = (n for n in lengths if sum(Fraction(1, 1 << i) for i in n) == 1)
    assert cost == min(sum(c * i for c, i in zip(counts, n, strict=True)) for n in kraft)


def test_inner_nodes_are_numbered_by_falling_weight():
    tree, counts = trees.huffman(COUNTS["unsorted"]), COUNTS["unsorted"]
    weight = np.zeros(len(counts) - 1, np.int64)
    np.add.at(weight, tree.nodes, np.where(tree.branches != 0, counts[:, None], 0))
    assert (np.diff(weight) <= 0).all()


def test_balanced_paths_differ_by_one_and_frequent_words_have_the_shorter():
    counts = COUNTS["unsorted"]
    lengths = trees.balanced(counts).lengths
    assert set(lengths) == {6, 7}  # of 100 words
    assert counts[lengths == 6].min() >= counts[lengths == 7].max()


def test_a_tree_of_ones_own_is_its_children():
    """((a b) c): from the root, branch +1 leads to the pair, -1 to c."""
    tree = trees.of_children(np.array([[4, 2], [0, 1]]))
    assert paths(tree) == [[(0, 1), (1, 1)], [(0, 1), (1, -1)], [(0, -1)]]


@pytest.mark.parametrize(
    ("children", "message"),
    [
        ([[0, 1, 2]], "wanted \\[inner, 2\\]"),
        (np.zeros((0, 2), int), "wanted \\[inner, 2\\]"),
        ([[0, 0]], "no tree: wanted every word"),
        ([[0, 1], [2, 4]], "no tree: a circle"),  # node 1 is its own child
        ([[0, 1], [2, 3]], "no tree: wanted every word"),  # the root hangs from node 1
    ],
)
def test_what_is_no_tree_is_refused(children, message):
    with pytest.raises(InputError, match=message):
        trees.of_children(np.array(children))


@every_tree
@pytest.mark.parametrize(
    "counts", [[5], [], [3, 0], [3, -1], [1.5, 2.5], [1 << 62, 1 << 62], [[1, 2]]]
)
def test_counts_that_make_no_tree_are_refused(make, counts):
    with pytest.raises(InputError, match=r"wanted integers of at least two|counts >= 1 whose sum"):
        make(np.array(counts))
