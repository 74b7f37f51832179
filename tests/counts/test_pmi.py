"""Laws of pointwise mutual information. Oracles: the formula on dense float64; independence."""

import numpy as np
import pytest

from jaxemb.counts import pmi
from jaxemb.errors import InputError
from jaxemb.structs import Sparse

RANDOM = np.random.default_rng(0)
COUNTS = np.where(RANDOM.random((7, 7)) < 0.6, RANDOM.integers(1, 50, (7, 7)), 0).astype(float)
ONLY = {"rtol": 1e-6, "atol": 1e-6}  # values are rounded to float32


def cells_of(table) -> Sparse:
    rows, columns = (side.astype(np.int32) for side in np.nonzero(table))
    return Sparse(rows, columns, table[rows, columns].astype(np.float32))


def dense(cells: Sparse, vocab: int = 7):
    table = np.zeros((vocab, vocab))
    table[cells.rows, cells.columns] = cells.values
    return table


def by_formula(table, mass, power: float):
    """log(P(w, c) / (P(w) P_a(c))), each probability a quotient of sums; -inf where never met."""
    joint, word = table / table.sum(), table.sum(axis=1) / table.sum()
    context = mass**power / np.sum(mass**power)
    with np.errstate(divide="ignore"):
        return np.log(joint / (word[:, None] * context[None, :]))


@pytest.mark.parametrize("power", [1.0, 0.75, 0.0])
def test_pmi_is_the_log_ratio_of_the_joint_to_the_independent_probability(power, monkeypatch):
    monkeypatch.setattr(pmi, "_PIECE", 5)
    values = dense(pmi.pmi(cells_of(COUNTS), 7, power=power))
    expected = by_formula(COUNTS, COUNTS.sum(axis=0), power)
    np.testing.assert_allclose(values, np.where(COUNTS > 0, expected, 0), **ONLY)


def test_pmi_against_a_learners_noise_takes_the_vocabularys_counts():
    unigram = np.arange(7, 0, -1) * 13
    values = dense(pmi.pmi(cells_of(COUNTS), 7, contexts=unigram.astype(float), power=0.75))
    expected = by_formula(COUNTS, unigram, 0.75)
    np.testing.assert_allclose(values, np.where(COUNTS > 0, expected, 0), **ONLY)


def test_a_cell_that_was_not_counted_is_refused():
    cells = cells_of(COUNTS)
    none = cells._replace(values=np.where(np.arange(len(cells.values)) == 3, 0, cells.values))
    with pytest.raises(InputError, match="a count is not above 0"):
        pmi.pmi(none, 7)


def test_a_power_of_large_counts_does_not_overflow():
    unigram = np.array([1e12, 9e11, 8e11, 7e11, 6e11, 5e11, 4e11])
    values = dense(pmi.pmi(cells_of(COUNTS), 7, contexts=unigram, power=100.0))
    expected = by_formula(COUNTS, unigram / 1e12, 100.0)
    np.testing.assert_allclose(values, np.where(COUNTS > 0, expected, 0), rtol=1e-6, atol=1e-5)


def test_hyperwords_matrix_is_positive_shifted_and_smoothed():
    """max(log(#(w,c) S / (#w #c^a)) - log k, 0), with S the sum of what #c^a is smoothed from."""
    negatives, power = 5.0, 0.75
    word, context = COUNTS.sum(axis=1), COUNTS.sum(axis=0) ** power
    with np.errstate(divide="ignore"):
        ratio = COUNTS * context.sum() / (word[:, None] * context[None, :])
        expected = np.maximum(np.log(ratio) - np.log(negatives), 0)
    matrix = pmi.ppmi(cells_of(COUNTS), 7, negatives=negatives, power=power)
    assert (matrix.values > 0).all()
    np.testing.assert_allclose(dense(matrix), expected, **ONLY)


def test_words_that_are_independent_have_no_mutual_information():
    independent = np.outer([1, 2, 3, 4, 5, 6, 7], [7, 1, 2, 4, 4, 1, 3]).astype(float)
    cells = pmi.pmi(cells_of(independent), 7)
    np.testing.assert_allclose(cells.values, 0, atol=1e-6)


def test_counts_in_any_unit_have_the_same_pmi():
    left, right = (pmi.pmi(cells_of(table), 7, power=0.75) for table in (COUNTS, COUNTS / 64))
    np.testing.assert_allclose(left.values, right.values, **ONLY)


def test_marginals_are_the_sums_of_rows_and_columns():
    rows, columns = pmi.marginals(cells_of(COUNTS), 7)
    np.testing.assert_array_equal(rows, COUNTS.sum(axis=1))
    np.testing.assert_array_equal(columns, COUNTS.sum(axis=0))


def test_no_cells_have_no_pmi_and_words_without_cells_do_not_matter():
    nothing = cells_of(np.zeros((7, 7)))
    assert len(pmi.ppmi(nothing, 7).values) == 0
    larger = pmi.pmi(cells_of(COUNTS), 9, power=0.5)
    np.testing.assert_array_equal(larger.values, pmi.pmi(cells_of(COUNTS), 7, power=0.5).values)


def test_what_has_no_pmi_is_refused():
    cells = cells_of(COUNTS)
    with pytest.raises(InputError, match="a count is not above 0"):
        pmi.pmi(cells._replace(values=-cells.values), 7, contexts=np.ones(7))
    with pytest.raises(InputError, match="mass of a counted context"):
        pmi.pmi(cells, 7, contexts=np.zeros(7))
    with pytest.raises(InputError, match=r"shape \(3,\); wanted one mass a word, \(7,\)"):
        pmi.pmi(cells, 7, contexts=np.ones(3))
    with pytest.raises(InputError, match="power is -1"):
        pmi.pmi(cells, 7, power=-1.0)
    with pytest.raises(InputError, match="power is inf"):
        pmi.pmi(cells, 7, power=np.inf)
    with pytest.raises(InputError, match="negatives is 0"):
        pmi.shifted(cells, 0)
