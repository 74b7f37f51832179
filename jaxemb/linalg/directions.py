"""Whether the axes of a table are special: do single dimensions have a meaning?

Every loss of u . c alone has the same value for (U Q, C Q) with any rotation Q, so it prefers no
axes; only the initialization and an optimizer that works axis by axis (Adagrad) can. Axes with a
meaning would have few large entries and many small ones, more so than the axes of the same table
rotated at random.
"""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Float, Int

from jaxemb.errors import at_least
from jaxemb.functional.meshes import on_any_mesh
from jaxemb.functional.ratios import length, ratio, root
from jaxemb.linalg import arrays
from jaxemb.linalg.arrays import matmul
from jaxemb.linalg.fixtures import random_orthogonal
from jaxemb.linalg.measures import center
from jaxemb.structs import AnyArray, TableLike, displayed

MOST_ROWS = 20_000  # the most frequent words: enough for moments
ENOUGH_ROWS = 2_000  # of a wide table, whose moments are means over its many axes too
_WORK = MOST_ROWS * 300**2  # products of a rotation, beyond which fewer rows count


@displayed
class Axes(NamedTuple):
    """Kurtosis and sparsity of the axes of a table, and of those of random rotations of it.

    It has no truth value: ask `.special`.
    """

    # excess, of each centred axis; 0 of a Gaussian or constant
    kurtosis: Float[AnyArray, "*batch dim"]
    sparsity: Float[AnyArray, "*batch dim"]  # Hoyer's, 0 (all alike, or constant) to 1 (one entry)
    rotated_kurtosis: Float[AnyArray, "*batch rotations"]  # mean over the axes, of each rotation
    rotated_sparsity: Float[AnyArray, "*batch rotations"]
    top: Int[AnyArray, "*batch dim k"]  # rows of the largest entries of each axis

    @property
    def special(self) -> Any:
        """Whether the axes are more peaked, or sparser, than those of every rotation tried."""
        xp = arrays.namespace(self.kurtosis)
        return (xp.mean(self.kurtosis, axis=-1) > self.rotated_kurtosis.max(axis=-1)) | (
            xp.mean(self.sparsity, axis=-1) > self.rotated_sparsity.max(axis=-1)
        )

    def __bool__(self) -> bool:
        raise arrays.no_truth(self, "special")

    def __str__(self) -> str:
        return arrays.sentence(self, _sentence, self.kurtosis[..., 0])


def _sentence(report: Axes) -> str:
    kind = "more than other directions" if report.special else "no more than any other direction"
    turned = report.rotated_kurtosis
    return (
        f"the axes mean {kind}: mean excess kurtosis {float(report.kurtosis.mean()):.3f}, of "
        f"{turned.shape[-1]} random rotations {float(turned.min()):.3f} to "
        f"{float(turned.max()):.3f}; sparsity {float(report.sparsity.mean()):.4f}, of rotations "
        f"{float(report.rotated_sparsity.min()):.4f} to {float(report.rotated_sparsity.max()):.4f}"
    )


@on_any_mesh
def axes(table: TableLike, key: Any = None, *, rotations: int = 100, k: int = 8) -> Axes:
    """Kurtosis and sparsity of the axes, against Haar rotations of the same table.

    Args:
        table: real numbers [rows, dim], the most frequent words first: at most MOST_ROWS count, and
            above dim 300 fewer, down to ENOUGH_ROWS.
        key: for the rotations; `jax.random.key(0)` by default.
        rotations: their number; with 100, a table without axes is called special in 2 % of cases.
        k: number of rows in `top` for each axis.

    Source:
        Sparsity: Hoyer 2004, section 3.1. The test: a permutation test over rotations.
    """
    at_least(1, rotations=rotations, k=k)
    table = arrays.table(table, finite=True)
    most = min(MOST_ROWS, max(_WORK // table.shape[1] ** 2, ENOUGH_ROWS))
    table = center(arrays.on_device(table[:most]))
    scaled = ratio(table, root(jnp.mean(table * table)))
    keys = jax.random.split(jax.random.key(0) if key is None else key, rotations)
    return Axes(*_measured(scaled, keys, k=min(k, len(scaled))))


@functools.partial(jax.jit, static_argnames="k")
def _measured(table, keys, *, k: int):
    def turned(key):
        moved = matmul(table, random_orthogonal(key, table.shape[1]))
        return _kurtosis(moved).mean(), _sparsity(moved).mean()

    top = jax.lax.top_k(table.T, k)[1]
    return (_kurtosis(table), _sparsity(table), *jax.lax.map(turned, keys), top)


def _kurtosis(x):
    squares = x * x
    variance = jnp.mean(squares, axis=0)
    fourth = jnp.mean(squares * squares, axis=0)
    varies = variance > 0
    return jnp.where(varies, ratio(fourth, variance**2) - 3.0, 0.0)


def _sparsity(x):
    most, size = jnp.sqrt(jnp.float32(max(x.shape[0], 2))), length(x, axis=0)
    share = ratio(jnp.sum(jnp.abs(x), axis=0), size)
    return jnp.where(size > 0, (most - share) / (most - 1.0), 0.0)
