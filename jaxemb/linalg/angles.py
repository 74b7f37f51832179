"""How far the columns or rows of a table are from orthogonal."""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Bool, Float, Int

from jaxemb.functional.meshes import on_any_mesh
from jaxemb.functional.ratios import ratio, root
from jaxemb.linalg import arrays, measures
from jaxemb.linalg.arrays import matmul
from jaxemb.linalg.row_blocks import Rows, scaled, total
from jaxemb.structs import AnyArray, Number, TableLike, displayed

_SIDE = 2048  # rows of a block of cosines


@displayed
class Orthogonality(NamedTuple):
    """Whether vectors are orthogonal, and whether they are unit: two different faults.

    It has no truth value: ask `.orthogonal`, `.unit` or, for both, `.orthonormal`.
    """

    largest: Float[AnyArray, "*batch"]  # the largest |cosine| of two different vectors
    pair: Int[AnyArray, "*batch 2"]  # indices of these two vectors
    norm: Float[AnyArray, "*batch"]  # the largest | ||v||^2 - 1 |
    tolerance: Float[AnyArray, "*batch"]
    orthogonal: Bool[AnyArray, "*batch"]
    unit: Bool[AnyArray, "*batch"]

    @property
    def orthonormal(self) -> Any:
        """Whether the vectors are orthogonal and of length 1."""
        return self.orthogonal & self.unit

    def __bool__(self) -> bool:
        raise arrays.no_truth(self, "orthonormal", "orthogonal", "unit")

    def __str__(self) -> str:
        return arrays.sentence(self, _sentence, self.largest)


def _sentence(report: Orthogonality) -> str:
    kind = {
        (True, True): "orthonormal",
        (True, False): "orthogonal, but not of length 1",
        (False, True): "of length 1, but not orthogonal",
        (False, False): "neither orthogonal nor of length 1",
    }[bool(report.orthogonal), bool(report.unit)]
    i, j = map(int, report.pair)
    return (
        f"{kind}: largest |cosine| {float(report.largest):.1e} ({i}, {j}), "
        f"| ||v||^2 - 1 | up to {float(report.norm):.1e}, tolerance {float(report.tolerance):.1e}"
    )


@on_any_mesh
def orthogonality(
    table: TableLike, *, rows: bool = False, tolerance: Number | None = None
) -> Orthogonality:
    """Whether the columns of a table (or its rows) are orthogonal to each other, and unit.

    Args:
        table: real numbers [rows, dim].
        rows: test the rows; more than 4,096 rows are compared in float32, in blocks.
        tolerance: largest |cosine| and | ||v||^2 - 1 | accepted; by default 8 sqrt(k) eps of the
            computation for k vectors, plus 4 times the unit roundoff of the table's own type.

    Returns:
        A report in which a zero vector is orthogonal to all others, and not unit.

    Raises:
        InputError: not a table of finite real numbers; a tolerance that is negative or not finite.

    Source:
        Rounding of a product: Higham 2002, section 3.1, with sqrt(k) instead of the worst case k.
    """
    table = arrays.table(table, finite=True)
    k = table.shape[0] if rows else table.shape[1]
    if rows and k > 2 * _SIDE:
        report = coherence(table)
        largest, pair = report.largest, report.pair
        squares = arrays.namespace(table).sum(arrays.cast_up(table) ** 2, axis=1)
    else:
        largest, pair, squares = _columns(table.T if rows else table)
    xp = arrays.namespace(largest, squares)
    norm = xp.max(xp.abs(squares - 1.0))
    if tolerance is None:
        computed = float(jnp.finfo(largest.dtype).eps)
        tolerance = 8 * k**0.5 * computed + 4 * arrays.unit_roundoff(table.dtype)
    bound = arrays.tolerance(tolerance)
    xp = arrays.namespace(largest, bound)
    return Orthogonality(
        largest=largest,
        pair=pair,
        norm=norm,
        tolerance=xp.asarray(bound, largest.dtype),
        orthogonal=largest <= bound,
        unit=norm <= bound,
    )


def _columns(table):
    """(the largest |cosine| of two columns, which two, the squared lengths)."""
    xp, k = arrays.namespace(table), table.shape[1]
    # each column is scaled by itself, so that a long one does not hide the faults of a short one
    upper, lower = (arrays.cast_up(end(arrays.still(table), axis=0)) for end in (xp.max, xp.min))
    most = xp.maximum(xp.abs(upper), xp.abs(lower))
    exponent = xp.clip(xp.where(xp.isfinite(most), xp.frexp(most)[1], 0), -126, 126)
    scale = xp.ldexp(xp.ones_like(most), -exponent)

    def products(block):
        block = block * scale[None, :]
        return matmul(block.T, block)

    gram = total(Rows(table), products)
    inverse = ratio(1.0, root(xp.diagonal(gram)))
    cosines = xp.abs(gram * inverse[:, None] * inverse[None, :])
    cosines = xp.where(xp.eye(k, dtype=bool), 0.0, cosines)
    place = xp.argmax(cosines)
    return cosines.max(), xp.stack([place // k, place % k]), xp.diagonal(gram) / scale / scale


@displayed
class Coherence(NamedTuple):
    """Cosines over every pair of different rows."""

    mean: Float[AnyArray, "*batch"]  # mean |cosine|
    largest: Float[AnyArray, "*batch"]  # max |cosine|
    pair: Int[AnyArray, "*batch 2"]  # indices of these two rows
    rows: Int[AnyArray, "*batch"]
    welch: Float[AnyArray, "*batch"]  # lower bound on `largest` for any table [rows, dim]

    def __bool__(self) -> bool:
        raise arrays.no_truth(self, "largest", "mean")

    def __str__(self) -> str:
        return arrays.sentence(self, _coherence_sentence, self.largest)


def _coherence_sentence(report: Coherence) -> str:
    i, j = map(int, report.pair)
    return (
        f"|cosine| of {int(report.rows):,} rows: mean {float(report.mean):.3f}, largest "
        f"{float(report.largest):.3f} ({i:,}, {j:,}); none of this shape stays below "
        f"{float(report.welch):.3f}"
    )


@on_any_mesh
def coherence(table: TableLike, *, side: int = _SIDE) -> Coherence:
    """Mean and largest |cosine| over all pairs of rows, in blocks: m^2 dim multiplications.

    Args:
        table: real numbers [rows, dim], at least two rows; computed in float32. A zero row has
            cosine 0 with all others.
        side: rows of a block: side^2 cosines are held at a time.

    Raises:
        InputError: fewer than two rows; NaN or infinity, with its row (under jit: NaN).

    Source:
        The lower bound `welch`: Welch 1974.
    """
    table = measures.at_least_two(arrays.table(table, finite=True))
    m, n = table.shape
    mean, largest, pair = _coherence(arrays.on_device(table), side)
    welch = np.sqrt(max((m - n) / (n * (m - 1)), 0.0))
    return Coherence(mean, largest, pair, jnp.int32(m), jnp.float32(welch))


@functools.partial(jax.jit, static_argnames="side")
def _coherence(table, side: int):
    """Find the largest |cosine| over the blocks on and above the diagonal, and then its pair."""
    m = table.shape[0]
    side = min(side, m)
    count = -(-m // side)
    upper = np.stack(np.triu_indices(count), axis=1)
    scale = scaled(Rows(table))[0].scale

    def cosines(place):
        starts = jnp.minimum(place * side, m - side)  # the last block overlaps: one shape for all
        left, right = (
            measures.unit_rows(arrays.cast_up(lax.dynamic_slice_in_dim(table, first, side)) * scale)
            for first in starts
        )
        i, j = jnp.arange(side, dtype=jnp.int32)[None, :] + starts[:, None]
        new = (
            (i >= place[0] * side)[:, None]
            & (j >= place[1] * side)[None, :]
            & (i[:, None] < j[None, :])
        )
        return jnp.where(new, jnp.abs(matmul(left, right.T)), 0.0), starts

    def ends(place):
        values, _ = cosines(place)
        return values.max(), values.sum(axis=1).sum()

    largest, sums = lax.map(ends, jnp.asarray(upper))
    block, starts = cosines(jnp.asarray(upper)[jnp.argmax(largest)])
    place = jnp.argmax(block)
    pairs = m * (m - 1) / 2
    finite = jnp.isfinite(sums).all()
    pair = jnp.stack([place // side, place % side]) + starts
    return sums.sum() / pairs, jnp.where(finite, largest.max(), jnp.nan), pair
