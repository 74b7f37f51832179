"""Laws of the page's numbers. Oracles: NumPy, jaxemb's own measures, the definition of a code."""

import numpy as np
import pytest

from jaxemb import evaluation, linalg
from jaxemb.errors import InputError
from jaxemb.evaluation import neighbours
from jaxemb.formats import WordVectors
from jaxemb.functional import similarity
from jaxemb.lab.explorer import content, quantised
from tests.lab.explorer import node
from tests.lab.explorer.node import DIM, IN_NODE, NEAR, ROWS, made

WORDS = [3, 14, 15, 92, 65, 35]
CHANGES = [
    {"rank": DIM, "center": False, "directions": 0},
    {"rank": 5, "center": False, "directions": 0},
    {"rank": DIM, "center": True, "directions": 0},
    {"rank": DIM, "center": True, "directions": 2},
    {"rank": 7, "center": False, "directions": 1},
]
IDS = ["plain", "rank-5", "centred", "without-the-top-2", "rank-7-without-1"]


@pytest.fixture(scope="module")
def pages_table():
    return content.table([f"w{i}" for i in range(ROWS)], made())


@pytest.fixture(scope="module")
def answers(pages_table):
    return node.answers(pages_table, CHANGES, WORDS)


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
    table = made().astype(np.float64)
    codes = quantised.quantise(table)
    apart = np.abs(quantised.restore(codes) - table)
    np.testing.assert_allclose(codes.step, np.ptp(table, axis=0) / 4095, rtol=1e-12)
    assert (apart <= codes.step * (0.5 + 1e-9)).all()


def test_a_column_of_equal_numbers_is_exact():
    table = np.full((5, 2), 0.3)
    np.testing.assert_array_equal(quantised.restore(quantised.quantise(table)), table)


def test_a_row_of_zeros_stays_a_row_of_zeros():
    table = made().astype(np.float64)
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
    table = made().astype(np.float64)
    scores = quantised.scores(table, linalg.spectrum(table), DIM)
    np.testing.assert_allclose(scores @ scores.T, table @ table.T, atol=1e-10)


def test_the_first_columns_are_the_best_approximation_of_their_rank():
    table = made().astype(np.float64)
    scores = quantised.scores(table, linalg.spectrum(table), 5)
    u, s, vt = np.linalg.svd(table, full_matrices=False)
    best = (u[:, :5] * s[:5]) @ vt[:5]
    np.testing.assert_allclose(scores @ scores.T, best @ best.T, atol=1e-9)


def test_the_printed_distance_is_that_of_the_page_from_the_full_table(pages_table):
    table = made().astype(np.float64)
    exact = table @ np.asarray(linalg.spectrum(made()).basis)
    far = np.linalg.norm(quantised.restore(pages_table.codes) - exact)
    np.testing.assert_allclose(pages_table.fidelity.moved, far, rtol=1e-9)
    np.testing.assert_allclose(pages_table.fidelity.error, far / np.linalg.norm(table), rtol=1e-6)
    assert f"{pages_table.fidelity.error:.1e}" in content.said(pages_table)


def test_columns_that_are_left_out_count_as_lost():
    table = made().astype(np.float64)
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


def test_a_table_that_cannot_be_explored_is_refused():
    for table, message in (
        (np.ones((2, 3), np.float32), "has 2 rows; wanted 3"),
        (np.zeros((5, 3), np.float32), "are 0"),
        (np.full((5, 3), np.nan, np.float32), "row 0 of the table holds NaN"),
    ):
        with pytest.raises(InputError, match=message):
            content.table(None, table)
    with pytest.raises(InputError, match="0 columns of U S"):
        content.table(None, made(), most=0)
