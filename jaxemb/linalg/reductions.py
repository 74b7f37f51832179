"""Three reductions of a tall table to a small matrix with the same singular values and row space.

Each gives R with R^T R = A^T A; R has at most a few times as many rows as columns. Left out are the
Gram matrix in float32 (it shows nothing below 3e-4 s_1) and Cholesky QR (it fails on any
rank-deficient table).
"""

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.experimental.layout import Layout, with_layout_constraint

from jaxemb.linalg import row_blocks
from jaxemb.linalg.arrays import computed, matmul, namespace, triangle
from jaxemb.linalg.row_blocks import Rows, fold, total

_ASLANT = 0.01  # least eigenvalue of a Gram matrix of unit columns for which float32 is enough
_FEW = 1 << 14  # entries of a table whose rows are their own sketch
_ROUND = 8.0  # s_1 / s_n of unit columns up to which a float32 Gram matrix is as good


class Method(NamedTuple):
    """A reduction of a table, (rows, key) -> (R, growth): in float64 on the host, in float32 on a
    device, or both. Rounding moves a small singular value by at most growth u ||A||_F."""

    host: Callable[[Rows, Any], tuple[Any, Any]] | None
    device: Callable[[Rows, Any], tuple[Any, Any]] | None
    unit: float = 0.0  # share of ||A||_F below which the method shows nothing


def _qr_host(rows: Rows, key: Any):
    del key
    return _tree(rows), np.float64(1.0)


def _qr_device(rows: Rows, key: Any):
    """R of the tree, refined once: where many rows are equal, their rounding errors add up, and R
    of the tree alone may be off by 40 u ||A||_F."""
    del key
    r = _tree(rows)
    if rows.axis_name:  # only R factors travel
        r = triangle(lax.all_gather(r, rows.axis_name, tiled=True))
    r, least = _refined(rows, r)
    return r, jnp.maximum(_ASLANT / least, 1.0)


def _tree(rows: Rows):
    """R factor of the R factors of groups of blocks: in one long chain rounding would grow."""
    width = rows.width
    length = max(rows.block_length(), min(4 * width, rows.table.shape[0]))
    group = max(math.isqrt(-(-rows.table.shape[0] // length)), 1)

    def step(carry, block, i):
        if not rows.on_host:  # else XLA would give the whole table LAPACK's column-major layout
            block = with_layout_constraint(block, Layout((0, 1)))
        outer, inner = carry[0], triangle(carry[1], block)
        branches = (lambda: (triangle(outer, inner), inner * 0.0)), (lambda: (outer, inner))
        ends = (i + 1) % group == 0
        return branches[not ends]() if rows.on_host else lax.cond(ends, *branches)

    kind = np.float64 if rows.on_host else computed(rows.table.dtype)
    zero = (np if rows.on_host else jnp).zeros((width, width), kind)
    return triangle(*fold(rows, step, (zero, zero), length))


def _gram64(rows: Rows, key: Any):
    """R from the eigenvectors of A^T A, in float64."""
    del key
    values, vectors = np.linalg.eigh(total(rows, _gram))
    return np.sqrt(np.maximum(values, 0.0))[:, None] * vectors.T, np.float64(1.0)


def _sketch(rows: Rows, key: Any):
    """R from the Gram matrix in the basis of a random sketch, where float32 is accurate enough.

    The sketch adds every row, with a random sign, to one of 4n buckets: its singular values are
    right within 20 %. In W = A V / s the small directions weigh as much as the large ones, so
    the float32 Gram matrix of W loses none of them. If W shows that the sketch missed a direction
    (a few rows far larger than the rest), W is computed again in the basis that it gave.

    Source:
        Count sketch: Clarkson and Woodruff 2013; sketch, then Gram: the idea of randomized
        Cholesky QR (Balabanov 2022), with an eigendecomposition that no zero breaks.
    """

    def aslant(state):
        _, least, turn = state
        return (least < _ASLANT) & (turn < 5)

    def again(state):
        r, _, turn = state
        r, least = _refined(rows, r)
        return jnp.pad(r, ((0, more), (0, 0))), least, turn + 1

    r = _few(rows) if _are_few(rows) else _count_sketch(rows, key)
    more = len(r) - rows.width
    # the first turn, too, is one of the loop: each copy of it would take a second to compile
    first = r, jnp.asarray(-jnp.inf, r.dtype), jnp.int32(0)
    r, least, _ = lax.while_loop(aslant, again, first)
    r = r[: rows.width]
    return r, jnp.maximum(_ASLANT / least, 1.0)


def _refined(rows: Rows, r: Any):
    """(R of the rows, through the right singular basis of `r`; least eigenvalue in that basis)."""
    size = jnp.sqrt(jnp.sum(r * r, axis=0))  # of each column, so that no scale is lost
    _, values, basis = jnp.linalg.svd(r * _inverse(size)[None, :], full_matrices=False)
    eps, same = jnp.finfo(values.dtype).eps, jnp.eye(len(values), dtype=bool)
    values = jnp.maximum(values, eps * values[0] + jnp.finfo(values.dtype).tiny)
    to_unit = _inverse(size)[:, None] * basis.T / values[None, :]

    def in_basis():
        return total(rows, lambda block: _gram(matmul(block, to_unit)))

    def plain():  # half the work, and as good where no direction is much smaller than another
        return matmul(to_unit.T, matmul(total(rows, _gram), to_unit))

    even = values[-1] * _ROUND > values[0]
    gram = in_basis() if _are_few(rows) else lax.cond(even, plain, in_basis)
    # columns of length 1: a direction that was missed is far longer than the others
    length = jnp.sqrt(jnp.maximum(jnp.diagonal(gram), 0.0))
    gram = jnp.where(same, 1.0, gram * _inverse(length)[:, None] * _inverse(length)[None, :])
    weights, mix = jnp.linalg.eigh(gram)
    half = jnp.sqrt(jnp.maximum(weights, 0.0))[:, None] * mix.T * (length * values)[None, :]
    r = matmul(half, basis) * size[None, :]
    # directions that hold only rounding error may be parallel: they do not count
    along = length * values * jnp.sqrt(jnp.sum((basis * size[None, :]) ** 2, axis=1))
    real = along > 2 * eps * jnp.linalg.norm(r)
    apart = jnp.where(real[:, None] & real[None, :] | same, gram, 0.0)
    return r, jnp.linalg.eigvalsh(apart)[0]


def _gram(block: Any):
    return matmul(block.T, block)


def _inverse(x: Any):
    return jnp.where(x > 0, 1.0 / jnp.where(x > 0, x, 1.0), 0.0)


def _are_few(rows: Rows) -> bool:
    """Whether a table is so small that its own rows are their sketch: there is less to compile."""
    return rows.axis_name is None and rows.table.shape[0] * rows.width <= _FEW


def _few(rows: Rows):
    """All rows, and zeros below them where there are fewer than columns."""
    every = row_blocks.block(rows, 0, rows.table.shape[0])
    return jnp.pad(every, ((0, max(rows.width - len(every), 0)), (0, 0)))


def _count_sketch(rows: Rows, key: Any):
    """Add every row, with a random sign, to one of 4n buckets. A block of rows goes to consecutive
    buckets from a random one on, so that two rows meet with the probability 1 / buckets."""
    buckets = 4 * rows.width
    length = min(buckets, rows.table.shape[0])
    kind = computed(rows.table.dtype)
    if rows.axis_name:
        key = jax.random.fold_in(key, lax.axis_index(rows.axis_name))

    def step(sums, block, i):
        size = len(block)
        bits = jax.random.bits(jax.random.fold_in(key, i), (size + 1,), jnp.uint32)
        signs = jnp.where(bits[:size] >> 31, 1.0, -1.0).astype(block.dtype)
        place = (bits[size] % buckets).astype(jnp.int32)
        there = lax.dynamic_slice_in_dim(sums, place, size)
        return lax.dynamic_update_slice_in_dim(sums, there + block * signs[:, None], place, 0)

    sums = fold(rows, step, jnp.zeros((2 * buckets, rows.width), kind), length)
    return rows.across(sums[:buckets] + sums[buckets:])


def right_svd(r: Any) -> tuple[Any, Any]:
    """Singular values and right singular vectors, as columns, of a small matrix.

    In float32 one SVD moves every value by a few u s_1: too much where one value (often that of the
    mean) is far above the rest. A second SVD follows, by QR iteration, of the R factor in the basis
    of the first, whose rows fall in length as the values do: 5 u ||A||_F became 0.004.
    """
    xp = namespace(r)
    if xp is np:
        _, values, basis = np.linalg.svd(r)
        return values, basis.T
    _, _, first = jnp.linalg.svd(r, full_matrices=False)
    graded = triangle(matmul(r, first.T))
    svd = functools.partial(lax.linalg.svd, full_matrices=False)
    iterated = functools.partial(svd, algorithm=lax.linalg.SvdAlgorithm.QR)
    _, values, second = lax.platform_dependent(graded, tpu=svd, default=iterated)
    return values, matmul(first.T, second.T)


qr: Method = Method(_qr_host, _qr_device)
gram64: Method = Method(_gram64, None, unit=math.sqrt(float(np.finfo(np.float64).eps)))
sketch: Method = Method(None, _sketch)
