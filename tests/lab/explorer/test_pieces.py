"""Laws of the page's search, labels and clusters. Oracles: what a reader looks for, arithmetic."""

import subprocess

import numpy as np
import pytest

from jaxemb.lab.explorer import page
from jaxemb.lab.tables import clusters
from tests.lab.explorer.node import IN_NODE, NODE, ROWS, in_node, made


@IN_NODE
def test_the_modules_of_the_page_are_one_program(tmp_path):
    (tmp_path / "page.mjs").write_text(page.program(), "utf-8")
    command = [NODE, "--check", str(tmp_path / "page.mjs")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr  # no name is defined by two modules


@IN_NODE
def test_a_word_that_is_typed_is_listed_first():
    begin = [f"a{i}" for i in range(20)]
    alike = ["á", "à", "â", "ä", "ã", "å", "ā", "ă", "ą", "A", "Á"]
    words = [*begin, *alike, "a", "us", "Us", "US", "\u0301", "中国", "中国人", "中"]
    listed = in_node(search={"words": words, "typed": words})["search"]
    assert [words[some[0]] for some in listed] == words
    assert all(len(some) == len(set(some)) <= 8 for some in listed)


@IN_NODE
def test_search_finds_beginnings_first_and_folds_case_and_marks():
    words = ["table", "Été", "able", "ablest", "étés", "unable"]
    search = {"words": words, "typed": ["able", "ETE", "zz", ""]}
    assert in_node(search=search)["search"] == [[2, 3, 0, 5], [1, 4], [], []]


@IN_NODE
@pytest.mark.parametrize("seed", range(3))
def test_no_two_labels_overlap(seed):
    rng = np.random.default_rng(seed)
    points = rng.uniform(0, 600, (300, 2)).tolist()
    sizes = [[20 + 60 * float(u), 15, 7] for u in rng.uniform(size=300)]
    placed = in_node(labels={"points": points, "sizes": sizes})["labels"]
    assert len(placed) > 50
    boxes = [(x, y - 7.5, x + sizes[i][0], y + 7.5) for i, x, y in placed]
    for i, one in enumerate(boxes):
        for two in boxes[:i]:
            apart = one[0] >= two[2] or two[0] >= one[2] or one[1] >= two[3] or two[1] >= one[3]
            assert apart, (one, two)


@IN_NODE
def test_the_chosen_words_have_labels_whatever_these_cover():
    crowd = [[100.0 + i % 9, 100.0 + i // 9] for i in range(81)]
    dots = [[x - 5, y - 5, x + 5, y + 5] for x, y in crowd]
    options = {"taken": [*dots, [0, 0, 300, 140]], "within": [0, 0, 300, 300], "certain": 3}
    labels = {"points": crowd, "sizes": [[40, 15, 7]] * len(crowd), "options": options}
    placed = in_node(labels=labels)["labels"]
    assert [i for i, _, _ in placed[:3]] == [0, 1, 2]
    for _, left, middle in placed:
        assert 0 <= left <= 300 - 40
        assert 7.5 <= middle <= 300 - 7.5
    free = {(left, middle) for _, left, middle in placed[3:]}
    assert all(middle - 7.5 >= 140 for _, middle in free)


def test_every_row_has_a_cluster_and_the_first_is_the_largest():
    groups = clusters.clusters(made().astype(np.float64), 10)
    sizes = np.bincount(groups)
    assert len(groups) == ROWS
    assert len(sizes) <= 10
    assert list(sizes) == sorted(sizes, reverse=True)
    assert sizes.min() > 0


def test_heaps_that_lie_apart_are_the_clusters():
    heaps = np.repeat([2, 0, 1, 3], [9, 20, 13, 7])
    middles = np.array([[9.0, 0, 0], [-9, 0, 0], [0, 7, 0], [0, -7, 0]])
    rows = middles[heaps] + np.random.default_rng(0).normal(size=(49, 3), scale=0.1)
    by_size = np.argsort(np.argsort(-np.bincount(heaps)))
    np.testing.assert_array_equal(clusters.clusters(rows, 4), by_size[heaps])


def test_rows_that_are_equal_are_one_cluster():
    np.testing.assert_array_equal(clusters.clusters(np.zeros((5, 3)), 4), 0)
