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

_SIDE = 2048  # rows of a block of cosines


class Orthogonality(NamedTuple):
    """Whether vectors are orthogonal, and whether they are unit: two different faults.

    It has no truth value: ask `.orthogonal`, `.unit` or, for both, `.orthonormal`.
    """

    largest: Float[Any, "*batch"]  # |cosine| of two different vectors, the largest
    pair: Int[Any, "*batch 2"]  # where it is
    norm: Float[Any, "*batch"]  # the largest | ||v||^2 - 1 |
    tolerance: Float[Any, "*batch"]
    orthogonal: Bool[Any, "*batch"]
    unit: Bool[Any, "*batch"]

    @property
    def orthonormal(self) -> Any:
        return self.orthogonal & self.unit

    __bool__ = arrays.no_truth("orthonormal", "orthogonal", "unit")

    def __str__(self) -> str:
        return arrays.sentence(self, _said, self.largest)


def _said(of: Orthogonality) -> str:
    kind = {
        (True, True): "orthonormal",
        (True, False): "orthogonal, but not of length 1",
        (False, True): "of length 1, but not orthogonal",
        (False, False): "neither orthogonal nor of length 1",
    }[bool(of.orthogonal), bool(of.unit)]
    i, j = map(int, of.pair)
    return (
        f"{kind}: largest |cosine| {float(of.largest):.1e} ({i}, {j}), "
        f"| ||v||^2 - 1 | up to {float(of.norm):.1e}, tolerance {float(of.tolerance):.1e}"
    )


@on_any_mesh
def orthogonality(table: Any, *, rows: bool = False, tolerance: Any = None) -> Orthogonality:
    """Whether the columns of a table (or its rows) are orthogonal to each other, and unit.

    Args:
        table: real numbers [rows, dim].
        rows: of the rows; of more than 4,096 in float32, in blocks.
        tolerance: of a cosine and of a squared norm; by default 8 sqrt(k) eps of the computation
            for k vectors, and 4 times the unit roundoff of the table's own type.

    Returns:
        A vector of zeros is orthogonal to all others, and not unit.

    Raises:
        InputError: no table of finite real numbers; a tolerance that is negative or not finite.

    Source:
        Rounding of a product: Higham 2002, section 3.1, sqrt instead of the worst case.
    """
    table = arrays.table(table, finite=True)
    k = table.shape[0] if rows else table.shape[1]
    if rows and k > 2 * _SIDE:
        found = coherence(table)
        largest, pair = found.largest, found.pair
        squares = arrays.namespace(table).sum(arrays.cast_up(table) ** 2, axis=1)
    else:
        largest, pair, squares = _columns(table.T if rows else table)
    xp = arrays.namespace(largest, squares)
    norm = xp.max(xp.abs(squares - 1.0))
    if tolerance is None:
        computed = float(jnp.finfo(largest.dtype).eps)
        tolerance = 8 * k**0.5 * computed + 4 * arrays.unit_roundoff(table.dtype)
    tolerance = arrays.tolerance(tolerance)
    xp = arrays.namespace(largest, tolerance)
    return Orthogonality(
        largest=largest,
        pair=pair,
        norm=norm,
        tolerance=xp.asarray(tolerance, largest.dtype),
        orthogonal=largest <= tolerance,
        unit=norm <= tolerance,
    )


def _columns(table):
    """(the largest |cosine| of two columns, which two, the squared lengths)."""
    xp, k = arrays.namespace(table), table.shape[1]
    # by columns scaled one by one: a short column's faults are not hidden by a long one
    upper, lower = (arrays.cast_up(end(arrays.still(table), axis=0)) for end in (xp.max, xp.min))
    most = xp.maximum(xp.abs(upper), xp.abs(lower))
    exponent = xp.clip(xp.where(xp.isfinite(most), xp.frexp(most)[1], 0), -126, 126)
    scale = xp.ldexp(xp.ones_like(most), -exponent)

    def products(block):
        block = block * scale[None, :]
        return matmul(block.T, block)

    found = total(Rows(table), products)
    inverse = ratio(1.0, root(xp.diagonal(found)))
    cosines = xp.abs(found * inverse[:, None] * inverse[None, :])
    cosines = xp.where(xp.eye(k, dtype=bool), 0.0, cosines)
    at = xp.argmax(cosines)
    return cosines.max(), xp.stack([at // k, at % k]), xp.diagonal(found) / scale / scale


class Coherence(NamedTuple):
    """Cosines over every pair of different rows."""

    mean: Float[Any, "*batch"]  # mean |cosine|
    largest: Float[Any, "*batch"]  # max |cosine|
    pair: Int[Any, "*batch 2"]  # where it is
    rows: Int[Any, "*batch"]
    welch: Float[Any, "*batch"]  # no rows x dim table has a smaller largest |cosine|

    __bool__ = arrays.no_truth("largest", "mean")

    def __str__(self) -> str:
        return arrays.sentence(self, _say_coherence, self.largest)


def _say_coherence(of: Coherence) -> str:
    i, j = map(int, of.pair)
    return (
        f"|cosine| of {int(of.rows):,} rows: mean {float(of.mean):.3f}, largest "
        f"{float(of.largest):.3f} ({i:,}, {j:,}); none of this shape stays below "
        f"{float(of.welch):.3f}"
    )


@on_any_mesh
def coherence(table: Any, *, side: int = _SIDE) -> Coherence:
    """Mean and largest |cosine| over all pairs of rows, in blocks: m^2 dim multiplications.

    Args:
        table: at least two rows; a zero row has cosine 0 with all. In float32.
        side: rows of a block: side^2 cosines are held at a time.

    Raises:
        InputError: fewer than two rows; NaN or infinity, with its row (under jit: NaN).

    Source:
        The lower bound: Welch 1974.
    """
    table = measures.at_least_two(arrays.table(table, finite=True))
    m, n = table.shape
    mean, largest, pair = _coherence(arrays.on_device(table), side)
    welch = np.sqrt(max((m - n) / (n * (m - 1)), 0.0))
    return Coherence(mean, largest, pair, jnp.int32(m), jnp.float32(welch))


@functools.partial(jax.jit, static_argnames="side")
def _coherence(table, side: int):
    """Blocks on and above the diagonal: the largest of each; its place only once, at the end."""
    m = table.shape[0]
    side = min(side, m)
    count = -(-m // side)
    upper = np.stack(np.triu_indices(count), axis=1)
    scale = scaled(Rows(table))[0].scale

    def cosines(at):
        starts = jnp.minimum(at * side, m - side)  # the last block overlaps: one shape for all
        left, right = (
            measures.unit_rows(arrays.cast_up(lax.dynamic_slice_in_dim(table, first, side)) * scale)
            for first in starts
        )
        i, j = jnp.arange(side, dtype=jnp.int32)[None, :] + starts[:, None]
        new = (
            (i >= at[0] * side)[:, None] & (j >= at[1] * side)[None, :] & (i[:, None] < j[None, :])
        )
        return jnp.where(new, jnp.abs(matmul(left, right.T)), 0.0), starts

    def ends(at):
        found, _ = cosines(at)
        return found.max(), found.sum(axis=1).sum()

    largest, sums = lax.map(ends, jnp.asarray(upper))
    block, starts = cosines(jnp.asarray(upper)[jnp.argmax(largest)])
    at = jnp.argmax(block)
    pairs = m * (m - 1) / 2
    finite = jnp.isfinite(sums).all()
    pair = jnp.stack([at // side, at % side]) + starts
    return sums.sum() / pairs, jnp.where(finite, largest.max(), jnp.nan), pair
