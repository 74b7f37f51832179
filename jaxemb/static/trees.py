"""Binary trees over a vocabulary, for hierarchical softmax: host NumPy.

The words are the leaves. Each of the vocab - 1 inner nodes has a vector, and the probability of a
word is the product of the branch probabilities on the path from the root to it.
"""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int

from jaxemb.errors import InputError


class Tree(NamedTuple):
    """The path from the root to every word, padded to the depth of the deepest."""

    # int32: inner nodes from the root 0 down; 0 beyond the path
    nodes: Int[np.ndarray, "vocab depth"]
    # int8: +1 or -1, the branch taken there; 0 beyond the path
    branches: Int[np.ndarray, "vocab depth"]
    lengths: Int[np.ndarray, " vocab"]  # int32: branches on the path


def huffman(counts: Any) -> Tree:
    """The Huffman tree of word counts, whose expected path is the shortest of all trees.

    Among equal weights, words are joined before inner nodes, which keeps the deepest path short.
    Inner nodes are numbered by falling weight. Paths are not truncated: counts below 2^63 give at
    most 89 branches (Fibonacci counts).

    Args:
        counts: integers [vocab], >= 1.

    Raises:
        InputError: fewer than two words, a count below 1, or counts whose sum exceeds int64.

    Source:
        Huffman 1952; by two queues (van Leeuwen 1976), as in word2vec.c.
    """
    counts = _checked(counts)
    order = np.argsort(counts, kind="stable")
    words, size, inner = counts[order].tolist(), len(counts), []
    children = np.zeros((size - 1, 2), np.int64)
    names, word, joined = order.tolist(), 0, 0
    for new in range(size - 1):
        weight = 0
        for side in (0, 1):
            # both queues rise: the smallest weight left is at the head of one of them
            if word < size and (joined >= len(inner) or words[word] <= inner[joined]):
                weight += words[word]
                children[new, side] = names[word]
                word += 1
            else:
                weight += inner[joined]
                children[new, side] = size + joined
                joined += 1
        inner.append(weight)
    # the root was made last: reverse the numbers
    is_node = children >= size
    children[is_node] = size + (size - 2) - (children[is_node] - size)
    return of_children(children[::-1])


def balanced(counts: Any) -> Tree:
    """The tree whose path lengths differ by at most one; frequent words have the shorter paths.

    Args:
        counts: integers [vocab], >= 1.

    Raises:
        InputError: as `huffman`.
    """
    size = len(_checked(counts))
    heap = np.arange(1, 2 * size - 1).reshape(-1, 2)  # inner nodes 0 .. size - 2, then the leaves
    by_length = np.argsort(-np.asarray(counts), kind="stable")
    # leaves size - 1 .. 2 size - 2 of the heap lie level by level: the first ones are the nearest
    leaf = heap - (size - 1)
    return of_children(np.where(leaf >= 0, by_length[np.maximum(leaf, 0)], size + heap))


def of_children(children: Any) -> Tree:
    """Make any tree from the two children of each inner node.

    Args:
        children: integers [inner, 2]. A child below vocab = inner + 1 is a word; another child is
            the inner node child - vocab. Node 0 is the root. Branch +1 leads to the first child,
            -1 to the second.

    Raises:
        InputError: the children make no tree: a word or node has no parent or several, or the root
            does not reach a node.
    """
    children = np.asarray(children)
    if children.ndim != 2 or children.shape[1] != 2 or not len(children):
        raise InputError(f"children have shape {children.shape}; wanted [inner, 2], inner >= 1")
    size = len(children) + 1
    expected = np.delete(np.arange(2 * size - 1), size)  # everything but the root
    if not np.array_equal(np.sort(children, axis=None), expected):
        raise InputError(
            f"no tree: wanted every word 0 .. {size - 1} and every inner node but the root, "
            f"{size + 1} .. {2 * size - 2}, once among the children"
        )
    parent, branch = np.zeros(2 * size - 1, np.int64), np.zeros(2 * size - 1, np.int8)
    parent[children] = np.arange(size - 1)[:, None]
    branch[children] = np.array([1, -1], np.int8)
    depth = _depths(children, size)
    lengths = depth[:size]
    nodes = np.zeros((size, lengths.max()), np.int32)
    branches = np.zeros(nodes.shape, np.int8)
    current, live = np.arange(size), np.arange(size)
    while live.size:  # all words go one node up, until they reach the root
        here, place = current[live], depth[current[live]] - 1
        nodes[live, place], branches[live, place] = parent[here], branch[here]
        current[live] = size + parent[here]
        live = live[parent[here] > 0]
    return Tree(nodes, branches, lengths.astype(np.int32))


def _depths(children, size: int) -> Int[np.ndarray, " nodes"]:
    """The distance of each word and inner node from the root."""
    depth = np.full(2 * size - 1, -1, np.int64)
    level, distance = np.array([size]), 0
    while level.size:
        depth[level] = distance
        level = children[level[level >= size] - size].reshape(-1)
        distance += 1
    if depth.min() < 0:
        raise InputError("no tree: a circle of nodes that the root, node 0, does not reach")
    return depth


def _checked(counts):
    counts = np.asarray(counts)
    if counts.ndim != 1 or counts.size < 2 or not np.issubdtype(counts.dtype, np.integer):
        raise InputError(
            f"counts are {counts.dtype} {counts.shape}; wanted integers of at least two words"
        )
    if counts.min() < 1 or sum(counts.tolist()) >= 1 << 63:
        raise InputError("a tree needs counts >= 1 whose sum is below 2^63")
    return counts
