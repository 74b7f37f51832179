"""Laws of factorized counts. Oracles: NumPy's SVD of the dense formula; identities."""

import numpy as np
import pytest

from jaxemb.counts import cooccurrence, factorizations, pmi
from jaxemb.errors import InputError
from jaxemb.structs import Vocab

SIZE = 30
IDS = np.minimum(np.random.default_rng(0).zipf(1.4, 4000) - 2, SIZE - 1).astype(np.int32)
CELLS = cooccurrence.cooccurrence(IDS, SIZE)
VOCAB = Vocab(tuple(f"w{i}" for i in range(SIZE)), np.bincount(IDS[IDS >= 0], minlength=SIZE))


def ppmi(negatives: float = 1.0, power: float = 0.75):
    """hyperwords' matrix, dense, in float64."""
    table = np.zeros((SIZE, SIZE))
    table[CELLS.rows, CELLS.columns] = CELLS.values
    context = table.sum(axis=0) ** power
    with np.errstate(divide="ignore"):
        ratio = table * context.sum() / (table.sum(axis=1)[:, None] * context[None, :])
        return np.maximum(np.log(ratio) - np.log(negatives), 0)


@pytest.mark.parametrize("side_power", [0.0, 0.5, 1.0])
def test_the_tables_are_the_best_approximation_of_the_matrix_for_any_power_of_a_side(side_power):
    factored = factorizations.ppmi_svd(CELLS, VOCAB, dim=5, side_power=side_power, negatives=2.0)
    u, s, vt = np.linalg.svd(ppmi(2.0))
    product = factored.tables.input @ factored.tables.output.T
    np.testing.assert_allclose(product, u[:, :5] * s[:5] @ vt[:5], atol=2e-5)
    gram = np.float64(factored.tables.input.T @ factored.tables.input)
    np.testing.assert_allclose(gram, np.diag(s[:5] ** (2 * side_power)), atol=2e-5)
    assert all(table.dtype == np.float32 for table in factored.tables)


def test_its_account_is_of_the_matrix_that_it_factored():
    reports = []
    factored = factorizations.ppmi_svd(
        CELLS, VOCAB, dim=4, progress=lambda *report: reports.append(report), noise_power=1.0
    )
    account, matrix = factored.account, ppmi(power=1.0)
    every = np.linalg.svd(matrix, compute_uv=False)
    assert account["counted_cells"] == len(CELLS.values)
    assert account["matrix_cells"] == np.count_nonzero(matrix)
    np.testing.assert_allclose(account["frobenius"], np.linalg.norm(matrix), rtol=1e-6)
    np.testing.assert_allclose(account["error"], np.sqrt(np.sum(every[4:] ** 2)), rtol=1e-5)
    np.testing.assert_allclose(account["singular_values"], every[:4], rtol=1e-6)
    held = 100 * np.sum(every[:4] ** 2) / np.sum(every**2)
    assert f"4 triplets hold {held:.2f} % of the squares" in factored.remarks[1]
    assert reports[-1][0] == reports[-1][1]


def test_both_vectors_of_a_word_add_up():
    plain, added = (
        factorizations.ppmi_svd(CELLS, VOCAB, dim=3, add_contexts=a) for a in (False, True)
    )
    both = plain.tables.input + plain.tables.output
    np.testing.assert_array_equal(factorizations.both(plain.tables), both)
    np.testing.assert_array_equal(added.tables.input, both)
    np.testing.assert_array_equal(added.tables.output, plain.tables.output)
    assert added.remarks == (*plain.remarks, "the input table is w + c, the output table c")


def test_what_cannot_be_factored_is_refused():
    with pytest.raises(InputError, match="dim is 31, but there are 30 words"):
        factorizations.ppmi_svd(CELLS, VOCAB, dim=31)
    with pytest.raises(InputError, match="side_power is 2"):
        factorizations.ppmi_svd(CELLS, VOCAB, side_power=2.0)
    with pytest.raises(InputError, match=r"no cell of [\d,]+ is above 0 in PMI - log 1e\+09"):
        factorizations.ppmi_svd(CELLS, VOCAB, dim=3, negatives=1e9)
    assert len(pmi.ppmi(CELLS, SIZE, negatives=1e9).values) == 0
