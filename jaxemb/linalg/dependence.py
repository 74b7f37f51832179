"""An explicit linear dependence among word vectors."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float


class Dependence(NamedTuple):
    """Coefficients of length 1 whose combination of the rows is zero. True when it is."""

    coefficients: Float[Any, " rows"]
    residual: float  # || sum_i c_i a_i || / s_1, the largest singular value of the rows
    tolerance: float

    def __bool__(self) -> bool:
        return self.residual <= self.tolerance

    def __str__(self) -> str:
        verb = "are dependent" if self else "show no dependence"
        return f"{len(self.coefficients)} rows {verb}: residual {self.residual:.1e} of s_1"


def dependence(rows: Float[Any, "rows dim"]) -> Dependence:
    """The combination of the rows that comes nearest to zero, in float64.

    Any n+1 rows of dimension n have one that is zero: the left singular vector of the rows that
    belongs to the smallest singular value, 0 when there are more rows than columns.

    Args:
        rows: k vectors of dimension n.

    Returns:
        With k > n, always a dependence; with k <= n, one if the rows have it.
    """
    a = np.asarray(rows, np.float64)
    left, values, _ = np.linalg.svd(a, full_matrices=True)
    coefficients = left[:, -1]
    largest = values[0] if values.size and values[0] > 0 else 1.0
    residual = float(np.linalg.norm(coefficients @ a) / largest)
    return Dependence(coefficients, residual, 4 * len(a) * float(np.finfo(np.float64).eps))
