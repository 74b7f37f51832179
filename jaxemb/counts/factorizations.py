"""From co-occurrence cells to word vectors: each method a function of (cells, vocab, settings).

method(cells, vocab, *, progress, **settings) -> Factored

A run passes the settings that a method names; in a notebook they are plain arguments.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from jaxemb import linalg
from jaxemb.counts import pmi
from jaxemb.errors import InputError, above_zero, at_least
from jaxemb.linalg import operators, truncated
from jaxemb.structs import AnyArray, InOut, Sparse, Vocab

Progress = Callable[[int, int], None]


class Factored(NamedTuple):
    """Tables whose products approximate a matrix of the cells, and how well they do."""

    tables: InOut[np.ndarray]  # float32 [vocab, dim], on the host
    account: dict[str, Any]  # measures of the approximation, as JSON values
    remarks: tuple[str, ...]  # the same as sentences


def ppmi_svd(
    cells: Sparse,
    vocab: Vocab,
    *,
    dim: int = 100,
    negatives: float = 1.0,
    noise_power: float = 0.75,
    side_power: float = 0.5,
    add_contexts: bool = False,
    seed: int = 0,
    progress: Progress = lambda done, total: None,
) -> Factored:
    """Truncated SVD of the positive, shifted, smoothed PMI: hyperwords' SVD.

    input = U S^p, output = V S^(1 - p), so that input output^T is the best approximation of the
    matrix in so many dimensions, for any p.

    Args:
        cells: co-occurrence counts of words (rows) and contexts (columns).
        vocab: names rows and columns.
        dim: number of singular triplets.
        negatives: k of the shift log k.
        noise_power: exponent of the contexts' counts in PMI; 1 for no smoothing.
        side_power: p. 1 is the usual SVD, 0.5 is symmetric, 0 forgets the singular values.
        add_contexts: whether the input table is w + c (`both`), or w.
        seed: of the random start of the SVD: it changes rounding, and signs of columns.
        progress: called with matrix products done and in all.

    Raises:
        InputError: dim beyond the vocabulary, a setting out of its range, no cell above 0.

    Source:
        Levy, Goldberg and Dagan 2015, section 3; Levy and Goldberg 2014, section 4.2.
    """
    size = len(vocab.words)
    at_least(1, dim=dim)
    if not 0 <= side_power <= 1:
        raise InputError(f"side_power is {side_power}; it must be between 0 and 1")
    if dim > size:
        raise InputError(f"dim is {dim}, but there are {size:,} words: lower dim")
    matrix = _ppmi(cells, size, negatives, noise_power)
    operator = _with_progress(_operator(matrix, size), progress, truncated.default_steps(dim))
    svd = linalg.truncated_svd(operator, dim, key=seed)
    bounds = linalg.singular_bounds(operator, svd, key=seed + 1)
    u, s, v = (np.asarray(factor, np.float64) for factor in (svd.u, svd.s, svd.v))
    root = np.where(s > 0, s, 0.0)[None, :]
    tables = InOut(u * root**side_power, v * root ** (1 - side_power))
    account = {
        "negatives": negatives,
        "noise_power": noise_power,
        "counted_cells": len(cells.values),
        "matrix_cells": len(matrix.values),
        **_described(operator, svd, bounds),
    }
    tables, remarks = InOut(*(table.astype(np.float32) for table in tables)), _remarks(account)
    if add_contexts:
        tables = tables._replace(input=both(tables))
        remarks = (*remarks, "the input table is w + c, the output table c")
    return Factored(tables, account, remarks)


def both(tables: InOut[AnyArray]) -> Float[AnyArray, "vocab dim"]:
    """w + c, the sum of a word's two vectors: GloVe's export, and hyperwords' option.

    Source:
        Pennington et al. 2014, section 4.2; Levy, Goldberg and Dagan 2015, section 3.3.
    """
    return tables.input + tables.output


def _operator(matrix: Sparse, size: int) -> linalg.Operator:
    """The matrix as an operator: on an accelerator if there is one, else on the host."""
    if jax.default_backend() != "cpu":
        matrix = Sparse._make(map(jnp.asarray, matrix))
    return operators.sparse(*matrix, (size, size))


def _ppmi(cells: Sparse, size: int, negatives: float, noise_power: float) -> Sparse:
    above_zero(negatives=negatives)
    matrix = pmi.ppmi(cells, size, negatives=negatives, power=noise_power)
    if not len(matrix.values):
        raise InputError(
            f"no cell of {len(cells.values):,} is above 0 in PMI - log {negatives:g}: lower "
            "negatives, or give more text"
        )
    return matrix


def _with_progress(operator: linalg.Operator, progress: Progress, products: int) -> linalg.Operator:
    """The operator, reporting each product with A; on a device it reports nothing."""
    if not operator.on_host:
        return operator
    done = 0

    def times(matrix: Any, x: Any) -> Any:
        nonlocal done
        done = min(done + 1, products)
        progress(done, products)
        return operator.times(matrix, x)

    return operator._replace(times=times)


def _described(operator, svd: linalg.TruncatedSVD, bounds: linalg.Bounds) -> dict[str, Any]:
    plain = {
        "singular_values": svd.s,
        "residuals": svd.residuals,
        "lower": bounds.lower,
        "upper": bounds.upper,
        "residual": bounds.residual,
        "outside": bounds.outside,
        "error": svd.error,
        "frobenius": operator.square**0.5,
    }
    values = {name: np.asarray(value, np.float64).tolist() for name, value in plain.items()}
    return {**values, "failure": bounds.failure, "verdict": str(bounds)}


def _remarks(account: dict[str, Any]) -> tuple[str, ...]:
    whole, error = account["frobenius"], account["error"]
    counted, left = account["counted_cells"], account["matrix_cells"]
    shift, power = account["negatives"], account["noise_power"]
    of_cells = (
        f"of {counted:,} counted cells {left:,} are above 0 in PMI - log {shift:g}, contexts "
        f"smoothed by the power {power:g}"
    )
    of_squares = (
        f"{len(account['singular_values'])} triplets hold {100 * (1 - (error / whole) ** 2):.2f} % "
        f"of the squares of that matrix, exactly: ||A||_F = {whole:,.6g}, ||A - U S V^T||_F = "
        f"{error:,.6g}"
    )
    of_values = (
        f"residuals ||A v - s u|| are at most {max(account['residuals']):.2g}; {account['verdict']}"
    )
    return of_cells, of_squares, of_values
