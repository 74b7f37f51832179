"""Laws of the page's numbers. Oracles: NumPy, jaxemb's own measures, the definition of a code."""

import base64
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from jaxemb import evaluation, linalg
from jaxemb.errors import InputError
from jaxemb.evaluation import neighbours
from jaxemb.formats import WordVectors
from jaxemb.functional import similarity
from jaxemb.lab.explorer import content, page, quantised
from jaxemb.lab.tables import clusters

NODE = shutil.which("node")
IN_NODE = pytest.mark.skipif(NODE is None, reason="the page's programs run in Node.js: not here")
ROWS, DIM, NEAR = 100, 12, 8
WORDS = [3, 14, 15, 92, 65, 35]
CHANGES = [
    {"rank": DIM, "center": False, "directions": 0},
    {"rank": 5, "center": False, "directions": 0},
    {"rank": DIM, "center": True, "directions": 0},
    {"rank": DIM, "center": True, "directions": 2},
    {"rank": 7, "center": False, "directions": 1},
]
IDS = ["plain", "rank-5", "centred", "without-the-top-2", "rank-7-without-1"]


def _table(rows=ROWS, dim=DIM, seed=0):
    rng = np.random.default_rng(seed)
    spread = np.geomspace(3.0, 0.2, dim)
    return (rng.normal(size=(rows, dim)) * spread + rng.normal(size=dim)).astype(np.float32)


def _in_node(**question):
    folder = Path(__file__).parent
    asked = {"web": str(page.WEB), "vendor": str(page.VENDOR / "vendor.min.js"), **question}
    command = [NODE, str(folder / "in_node.mjs")]
    done = subprocess.run(
        command, input=json.dumps(asked), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def pages_table():
    return content.table([f"w{i}" for i in range(ROWS)], _table())


@pytest.fixture(scope="module")
def answers(pages_table):
    codes = base64.b64encode(quantised.pack(pages_table.codes.codes).tobytes()).decode()
    ask = [{"settings": change, "words": WORDS, "near": NEAR} for change in CHANGES]
    return _in_node(values=json.loads(page.as_json(pages_table.values)), codes=codes, ask=ask)


def _changed(table, rank, center, directions):
    """The same changes by jaxemb, of U S in float64."""
    table = table[:, :rank]
    if center:
        return linalg.all_but_the_top(table, directions)
    return linalg.reject(table, linalg.basis(table, directions)) if directions else table


@pytest.mark.parametrize("rows", [3, 4])
@pytest.mark.parametrize("dim", [1, 3, 4])
def test_two_codes_travel_in_three_bytes(rows, dim):
    codes = np.random.default_rng(rows).integers(0, 4096, (rows, dim)).astype(np.uint16)
    packed = quantised.pack(codes)
    assert len(packed) == 3 * ((rows * dim + 1) // 2)
    bits = np.unpackbits(packed)[: 12 * rows * dim].reshape(-1, 12)
    np.testing.assert_array_equal(bits @ (1 << np.arange(12)[::-1]), codes.reshape(-1))


def test_a_restored_number_is_within_half_a_step_of_its_column():
    table = _table().astype(np.float64)
    codes = quantised.quantise(table)
    apart = np.abs(quantised.restore(codes) - table)
    np.testing.assert_allclose(codes.step, np.ptp(table, axis=0) / 4095, rtol=1e-12)
    assert (apart <= codes.step * (0.5 + 1e-9)).all()


def test_a_column_of_equal_numbers_is_exact():
    table = np.full((5, 2), 0.3)
    np.testing.assert_array_equal(quantised.restore(quantised.quantise(table)), table)


def test_a_row_of_zeros_stays_a_row_of_zeros():
    table = _table().astype(np.float64)
    table[7] = 0.0
    scores = quantised.scores(table, linalg.spectrum(table), DIM)
    restored = quantised.restore(quantised.quantise(scores))
    assert not restored[7].any()
    assert (np.abs(restored - scores) <= np.ptp(scores, axis=0) / 4095 * (0.5 + 1e-9)).all()


@pytest.mark.parametrize("ends", [(-1.0, 2.0), (-3.0, 0.0), (0.0, 3.0), (-4095.5, 4096.5)])
def test_0_is_a_code_of_a_column_of_both_signs_and_no_code_exceeds_12_bits(ends):
    column = np.append(np.linspace(*ends, 10_000), 0.0)[:, None]
    codes = quantised.quantise(column)
    apart = np.abs(quantised.restore(codes) - column)
    assert apart[-1, 0] == 0.0
    assert codes.codes.max() <= 4095
    assert (apart <= codes.step * (0.5 + 1e-9)).all()


def test_the_scores_have_the_tables_inner_products():
    table = _table().astype(np.float64)
    scores = quantised.scores(table, linalg.spectrum(table), DIM)
    np.testing.assert_allclose(scores @ scores.T, table @ table.T, atol=1e-10)


def test_the_first_columns_are_the_best_approximation_of_their_rank():
    table = _table().astype(np.float64)
    scores = quantised.scores(table, linalg.spectrum(table), 5)
    u, s, vt = np.linalg.svd(table, full_matrices=False)
    best = (u[:, :5] * s[:5]) @ vt[:5]
    np.testing.assert_allclose(scores @ scores.T, best @ best.T, atol=1e-9)


def test_the_printed_distance_is_that_of_the_page_from_the_full_table(pages_table):
    table = _table().astype(np.float64)
    exact = table @ np.asarray(linalg.spectrum(_table()).basis)
    far = np.linalg.norm(quantised.restore(pages_table.codes) - exact)
    np.testing.assert_allclose(pages_table.fidelity.moved, far, rtol=1e-9)
    np.testing.assert_allclose(pages_table.fidelity.error, far / np.linalg.norm(table), rtol=1e-6)
    assert f"{pages_table.fidelity.error:.1e}" in content.said(pages_table)


def test_columns_that_are_left_out_count_as_lost():
    table = _table().astype(np.float64)
    short = content.table(None, table, most=4)
    lost = np.linalg.norm(np.linalg.svd(table)[1][4:])
    assert short.fidelity.moved >= lost
    np.testing.assert_allclose(short.fidelity.moved, lost, rtol=1e-3)
    assert "without the 8 smallest directions" in content.said(short)


@IN_NODE
def test_the_page_reads_the_numbers_that_python_restores(answers, pages_table):
    restored = quantised.restore(pages_table.codes).reshape(-1)
    np.testing.assert_allclose(answers["numbers"], restored, atol=1e-6)


@IN_NODE
@pytest.mark.parametrize("at", range(len(CHANGES)), ids=IDS)
def test_the_page_equals_python_to_1e_4(answers, pages_table, at):
    table = np.asarray(_changed(quantised.restore(pages_table.codes), **CHANGES[at]))
    words = tuple(map(str, range(ROWS)))
    vectors, got = WordVectors(words, table), answers["asked"][at]
    for i, near in zip(WORDS, got["nearest"], strict=True):
        for name, nearest in (
            ("cosine", neighbours.nearest(vectors, table, words[i], NEAR)),
            ("euclid", neighbours.nearest_euclidean(vectors, table, words[i], NEAR)),
        ):
            values = [value for _, value in near[name]]
            np.testing.assert_allclose(values, nearest.values, atol=1e-4)
            assert [str(j) for j, _ in near[name]] == list(nearest.words)
    for j, pair in zip(WORDS[1:], got["pairs"], strict=True):
        one, other = words[WORDS[0]], words[j]
        cosine = evaluation.neighbours.similarity(vectors, table, one, other)
        distance = evaluation.neighbours.euclidean_distance(vectors, table, one, other)
        np.testing.assert_allclose(
            [pair["cosine"], pair["distance"]], [cosine, distance], atol=1e-4
        )
        np.testing.assert_allclose(np.cos(np.deg2rad(pair["angle"])), cosine, atol=1e-4)
    a, b, c = (words[i] for i in WORDS[:3])
    answer = neighbours.analogy(vectors, table, a, b, c, NEAR, similarity.cos_add)
    np.testing.assert_allclose([v for _, v in got["analogy"]], answer.values, atol=1e-4)
    assert [str(j) for j, _ in got["analogy"]] == list(answer.words)


@IN_NODE
@pytest.mark.parametrize("at", range(len(CHANGES)), ids=IDS)
def test_the_pages_spectrum_and_isotropy_equal_pythons(answers, pages_table, at):
    table = np.asarray(_changed(quantised.restore(pages_table.codes), **CHANGES[at]))
    got, of = answers["asked"][at], linalg.spectrum(table)
    kept = np.asarray(of.values) > 1e-6
    np.testing.assert_allclose(got["values"], np.where(kept, of.values, 0.0), atol=1e-4)
    values = np.linalg.svd(table - table.mean(axis=0), compute_uv=False)
    np.testing.assert_allclose(got["centred"], values, atol=1e-4)
    measures = got["measures"]
    assert measures["rank"] == CHANGES[at]["rank"] - CHANGES[at]["directions"]
    np.testing.assert_allclose(measures["cosine"], linalg.mean_cosine(table), atol=1e-4)
    np.testing.assert_allclose(measures["effective"], linalg.effective_rank(of), rtol=1e-4)
    np.testing.assert_allclose(measures["stable"], linalg.stable_rank(of), rtol=1e-4)
    np.testing.assert_allclose(measures["participation"], linalg.participation_ratio(of), rtol=1e-4)
    np.testing.assert_allclose(measures["isoscore"], linalg.isoscore(table), atol=1e-4)
    condition = np.inf if measures["condition"] is None else measures["condition"]
    np.testing.assert_allclose(condition, linalg.condition(of), rtol=1e-4)


@IN_NODE
@pytest.mark.parametrize("at", range(len(CHANGES)), ids=IDS)
def test_the_map_is_the_plane_of_most_variance(answers, pages_table, at):
    table = np.asarray(_changed(quantised.restore(pages_table.codes), **CHANGES[at]))
    x, y = np.array(answers["asked"][at]["plane"])
    _, values, axes = np.linalg.svd(table - table.mean(axis=0))
    expected = table @ axes[:2].T
    for got, want in ((x, expected[:, 0]), (y, expected[:, 1])):
        sign = np.sign(got @ want)
        np.testing.assert_allclose(sign * got, want, atol=1e-3 * values[0])


@IN_NODE
@pytest.mark.parametrize("at", range(len(CHANGES)), ids=IDS)
def test_one_row_more_than_columns_is_dependent(answers, pages_table, at):
    got = answers["asked"][at]["dependence"]
    table = np.asarray(_changed(quantised.restore(pages_table.codes), **CHANGES[at]))
    rows = table[: CHANGES[at]["rank"] + 1]
    coefficients = np.array(got["coefficients"])
    np.testing.assert_allclose(np.linalg.norm(coefficients), 1.0, rtol=1e-9)
    largest = np.linalg.svd(rows)[1][0]
    assert np.linalg.norm(coefficients @ rows) / largest < 1e-5
    assert got["residual"] < 1e-5


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


def _answers(table, asked):
    """What the page computes for every change, of words 0, 1 and 2."""
    held = content.table(None, table)
    codes = base64.b64encode(quantised.pack(held.codes.codes).tobytes()).decode()
    asked = [{"settings": settings, "words": [0, 1, 2], "near": NEAR} for settings in asked]
    values = json.loads(page.as_json(held.values))
    return _in_node(values=values, codes=codes, ask=asked)["asked"]


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
@pytest.mark.parametrize("change", [0, 1], ids=["plain", "rank-5"])
def test_a_row_of_zeros_has_no_direction_and_is_near_no_row(change):
    table = _table().astype(np.float64)
    table[[0, 50]] = 0.0
    (got,) = _answers(table, [CHANGES[change]])
    assert got["zeros"] == [0, 50]
    zero, other, _ = got["nearest"]
    assert zero["cosine"] == []
    assert len(zero["euclid"]) == NEAR
    assert zero["euclid"][0] == [50, 0.0]
    assert not {0, 50} & {j for j, _ in other["cosine"]}
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
    (got,) = _answers(_table(3), [{"rank": 3, "center": False, "directions": 0}])
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
    listed = _in_node(search={"words": words, "typed": words})["search"]
    assert [words[some[0]] for some in listed] == words
    assert all(len(some) == len(set(some)) <= 8 for some in listed)


@IN_NODE
def test_search_finds_beginnings_first_and_folds_case_and_marks():
    words = ["table", "Été", "able", "ablest", "étés", "unable"]
    search = {"words": words, "typed": ["able", "ETE", "zz", ""]}
    assert _in_node(search=search)["search"] == [[2, 3, 0, 5], [1, 4], [], []]


@IN_NODE
@pytest.mark.parametrize("seed", range(3))
def test_no_two_labels_overlap(seed):
    rng = np.random.default_rng(seed)
    points = rng.uniform(0, 600, (300, 2)).tolist()
    sizes = [[20 + 60 * float(u), 15, 7] for u in rng.uniform(size=300)]
    placed = _in_node(labels={"points": points, "sizes": sizes})["labels"]
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
    placed = _in_node(labels=labels)["labels"]
    assert [i for i, _, _ in placed[:3]] == [0, 1, 2]
    for _, left, middle in placed:
        assert 0 <= left <= 300 - 40
        assert 7.5 <= middle <= 300 - 7.5
    free = {(left, middle) for _, left, middle in placed[3:]}
    assert all(middle - 7.5 >= 140 for _, middle in free)


def test_a_table_that_cannot_be_explored_is_refused():
    for table, message in (
        (np.ones((2, 3), np.float32), "has 2 rows; wanted 3"),
        (np.zeros((5, 3), np.float32), "are 0"),
        (np.full((5, 3), np.nan, np.float32), "row 0 of the table holds NaN"),
    ):
        with pytest.raises(InputError, match=message):
            content.table(None, table)
    with pytest.raises(InputError, match="0 columns of U S"):
        content.table(None, _table(), most=0)


def test_every_row_has_a_cluster_and_the_first_is_the_largest():
    groups = clusters.clusters(_table().astype(np.float64), 10)
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
