"""An explicit linear dependence among word vectors."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from jaxemb.functional.meshes import on_any_mesh
from jaxemb.functional.ratios import length
from jaxemb.linalg import arrays, derivatives
from jaxemb.linalg.arrays import matmul
from jaxemb.linalg.row_blocks import of_unit_size


class Dependence(NamedTuple):
    """Coefficients of length 1 whose combination of the rows is zero. True when it is."""

    coefficients: Float[Any, "*batch rows"]
    residual: Float[Any, "*batch"]  # || sum_i c_i a_i || / s_1, the rows' largest singular value
    tolerance: Float[Any, "*batch"]

    @property
    def dependent(self) -> Any:
        return self.residual <= self.tolerance

    def __bool__(self) -> bool:
        return bool(self.dependent)

    def __str__(self) -> str:
        return arrays.sentence(self, _said, self.residual)


def _said(of: Dependence) -> str:
    verb = "are dependent" if of else "show no dependence"
    return f"{of.coefficients.shape[-1]} rows {verb}: residual {float(of.residual):.1e} of s_1"


@on_any_mesh
def dependence(table: Any) -> Dependence:
    """The combination of the rows that comes nearest to zero.

    Any n+1 rows of dimension n have one that is zero: the left singular vector of the rows that
    belongs to the smallest singular value, 0 when there are more rows than columns. Further rows
    have coefficient 0.

    Args:
        table: k vectors of dimension n; NumPy in float64, jax in its own type.

    Returns:
        With k > n, always a dependence; with k <= n, one if the rows have it. The tolerance is
        2 eps ||A||_F / s_1, eps that of the table's own type; of whole numbers, that of the
        computation.

    Raises:
        InputError: no table of finite real numbers.
    """
    table = arrays.table(table, finite=True)
    k, n = table.shape
    xp, rows = arrays.raised(table[: n + 1])
    rows, _ = of_unit_size(rows)
    kinds = [rows.dtype] if k > n else [rows.dtype, table.dtype]
    unit = max(map(arrays.unit_roundoff, kinds))
    if xp is np:
        left, values, _ = np.linalg.svd(rows, full_matrices=k > n)
    else:
        values, left = derivatives.right_svd(rows.T)
    coefficients = left[:, -1]
    largest = xp.where(values[0] > 0, values[0], 1.0)
    residual = length(matmul(coefficients, rows)) / largest
    return Dependence(
        xp.pad(coefficients, (0, max(k - n - 1, 0))),
        residual,
        xp.asarray(4 * unit * length(rows) / largest, rows.dtype),
    )
