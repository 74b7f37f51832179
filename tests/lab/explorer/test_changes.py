"""Laws of a changed table: rank, rows of zeros, axes of the map. Oracles: NumPy, jaxemb's ranks."""

import numpy as np
import pytest

from jaxemb import linalg
from jaxemb.lab.explorer import content
from tests.lab.explorer import node
from tests.lab.explorer.node import DIM, IN_NODE, NEAR, made


def _rank_r(r, dtype, rows=40, dim=6):
    random = np.random.default_rng(r)
    table = random.normal(size=(rows, r)) @ random.normal(size=(r, dim))
    return (table * 100).astype(dtype)


def _with_ones():
    """A table of rank 5 whose columns make a column of ones, but not the first three of U S."""
    table = _rank_r(4, np.float64)
    return np.concatenate([table, np.full((len(table), 1), 0.5)], axis=1)


TABLES = {
    "full rank": _rank_r(6, np.float32),
    "float64 of full rank": _rank_r(6, np.float64),
    "float64 of rank 4": _rank_r(4, np.float64),
    "float32 of rank 1": _rank_r(1, np.float32),
    "float16 of full rank": _rank_r(6, np.float16),
    "ones among the columns": _with_ones(),
    "one-hot": np.eye(7),
    "more columns than rows": _rank_r(5, np.float64, rows=5, dim=9),
    "equal rows": np.full((9, 4), 0.3),
    "one column": _rank_r(1, np.float64, dim=1),
    "one column of ones": np.ones((8, 1)),
    "two directions": np.repeat(np.eye(2), 5, axis=0),
    "zeros among the rows": _rank_r(6, np.float64) * (np.arange(40) % 3 > 0)[:, None],
}
WAYS = [(center, without) for center in (False, True) for without in (0, 1)]


def _answers(table, changes):
    """What the page computes for every change, about rows 0, 1 and 2."""
    return node.answers(content.table(None, table), changes, [0, 1, 2])["asked"]


@IN_NODE
@pytest.mark.parametrize("name", TABLES)
def test_the_page_has_the_rank_that_is_certified_whatever_is_changed(name):
    table = TABLES[name]
    of = linalg.spectrum(table)
    basis = np.asarray(of.basis)
    changes = [
        {"rank": k, "center": center, "directions": without}
        for k in range(1, len(of.values) + 1)
        for center, without in WAYS
        if without < k
    ]
    for change, got in zip(changes, _answers(table, changes), strict=True):
        kept = basis[:, : change["rank"]]
        exact = np.asarray(table, np.float64) @ kept @ kept.T
        if change["center"]:
            exact = exact - exact.mean(axis=0)
        u, s, vt = np.linalg.svd(exact, full_matrices=False)
        s[: change["directions"]] = 0.0
        expected = np.linalg.matrix_rank((u * s) @ vt, tol=float(of.tolerance))
        assert got["measures"]["rank"] == expected, change
    assert _answers(table, changes[-len(WAYS) :])[0]["measures"]["rank"] <= linalg.rank(of).rank


@IN_NODE
@pytest.mark.parametrize("rank", [DIM, 5])
def test_a_row_of_zeros_has_no_direction_and_is_near_no_row(rank):
    table = made(9).astype(np.float64)  # so few rows that all could be neighbours
    table[[0, 7]] = 0.0
    (got,) = _answers(table, [{"rank": rank, "center": False, "directions": 0}])
    assert got["zeros"] == [0, 7]
    zero, other, _ = got["nearest"]
    assert zero["cosine"] == []
    assert len(zero["euclid"]) == NEAR
    assert zero["euclid"][0] == [7, 0.0]
    assert {j for j, _ in other["cosine"]} == {2, 3, 4, 5, 6, 8}
    assert [pair["angle"] for pair in got["pairs"]] == [None, None]
    assert got["analogy"] == []


@IN_NODE
def test_only_rounding_that_is_left_of_a_row_is_zeros():
    plain, centred, without = _answers(
        TABLES["equal rows"],
        [
            {"rank": 4, "center": center, "directions": directions}
            for center, directions in ((False, 0), (True, 0), (False, 1))
        ],
    )
    assert plain["zeros"] == []
    assert centred["zeros"] == without["zeros"] == list(range(9))


@IN_NODE
def test_a_fourth_row_is_wanted_for_an_analogy():
    (got,) = _answers(made(3), [{"rank": 3, "center": False, "directions": 0}])
    assert got["analogy"] == []


MAPS = {
    "equal rows": (0, "all rows are equal"),
    "one column": (1, "the only principal axis"),
    "one column of ones": (0, "all rows are equal"),
    "float32 of rank 1": (1, "the only principal axis"),
    "two directions": (1, "the only principal axis"),
    "full rank": (2, "principal axes 1 and 2 of 6"),
}


@IN_NODE
@pytest.mark.parametrize("name", MAPS)
def test_a_map_has_as_many_axes_as_the_rows_have(name):
    table, (axes, note) = TABLES[name], MAPS[name]
    dim = min(table.shape)
    (got,) = _answers(table, [{"rank": dim, "center": False, "directions": 0}])
    assert note in got["note"]
    spread = [np.ptp(coordinates) > 0 for coordinates in got["plane"]]
    assert spread == [axes > 0, axes > 1]
    centred = table - table.mean(axis=0)
    expected = np.linalg.svd(centred, compute_uv=False)[0]
    x = np.array(got["plane"][0])
    np.testing.assert_allclose(np.linalg.norm(x - x.mean()), expected, rtol=1e-3, atol=1e-6)
