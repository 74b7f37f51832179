"""What is measured during training: the linear algebra of the tables, and the loss held out.

The loss on text that is not trained on is computed with the same draws at every call.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxemb import linalg
from jaxemb.linalg.arrays import matmul
from jaxemb.static import segments
from jaxemb.structs import Event, InOut
from jaxemb.training.loop import Plan, Stream, block_loss, random_bits

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@jax.jit
def measure(tables: InOut) -> dict[str, Any]:
    """What the input table is at this moment, in one program on the device.

    Returns:
        singular_values: of the input table, descending.
        effective_rank: of the same.
        norms: the 5, 25, 50, 75 and 95 % quantiles of its rows' lengths.
        largest_norm: the longest row of either table; it grows before numbers leave their range.
        imbalance: || U^T U - C^T C ||_F. A loss of U C^T alone conserves the difference under
            gradient flow; a step of SGD changes it by learning_rate^2 only.
    """
    return of_spectrum(linalg.spectrum(tables.input), tables)


def of_spectrum(of: linalg.Spectrum, tables: InOut, rows: int | None = None) -> dict[str, Any]:
    """The same, of a spectrum that is there.

    Args:
        rows: of the input table; those beyond are padding. By default all.
    """
    own = matmul(of.basis * of.values[None, :] ** 2, of.basis.T)
    norms = jnp.sqrt(jnp.sum(tables.input**2, axis=1))[:rows]
    return {
        "singular_values": of.values,
        "effective_rank": linalg.effective_rank(of),
        "norms": jnp.quantile(norms, jnp.asarray(QUANTILES, jnp.float32)),
        "largest_norm": largest_norm(tables),
        "imbalance": jnp.linalg.norm(own - linalg.gram(tables.output)),
    }


@jax.jit
def largest_norm(tree: Any) -> Any:
    """The Euclidean length of the longest row in any matrix of a tree."""
    matrices = [leaf for leaf in jax.tree.leaves(tree) if jnp.ndim(leaf) > 1]
    squares = [jnp.max(jnp.sum(jnp.square(leaf), axis=-1)) for leaf in matrices]
    return jnp.sqrt(jnp.max(jnp.stack(squares)))


def plain(measured: dict[str, Any] | None) -> dict[str, Any]:
    """As JSON values, to seven digits."""
    return {
        name: np.asarray(value, np.float64).round(7).tolist()
        for name, value in (measured or {}).items()
    }


def interval(plan: Plan, rows: int) -> int:
    """Words between two measurements, so that they take about 2 % of the time.

    Training takes time in proportion to words x dim; a measurement, to rows x dim^2 and dim^2.
    """
    return plan.dim * (2 * rows // 3 + 10_000)


def due(event: Event, every: int, plan: Plan) -> bool:
    """Whether a chunk passed a multiple of `every` words, or was the last.

    Also at 1/16 and 1/4 of the first: a table changes most at the start.
    """
    before, after = (at.trained + at.subsampled for at in (event.began, event.cursor))
    early = any(before < every // part <= after for part in (4, 16))
    return early or before // every != after // every or event.cursor.epoch == plan.epochs


def loss(plan: Plan, whole: InOut, resources: Any, parts: list[segments.Chunk]) -> float | None:
    """The loss per pair on text held out, with the same draws at every call; None without pairs.

    Args:
        parts: from `texts`.
    """
    sums, first = np.zeros(2), 0
    draws = jax.random.fold_in(plan.key, Stream.HELD_OUT_DRAWS)
    for part in parts:
        found = _held_out(whole, draws, first, part.texts, resources, objective=plan.objective)
        sums += np.float64(found)
        first += part.real
    return float(sums[0] / sums[1]) if sums[1] else None


def texts(plan: Plan, split: segments.Split) -> list[segments.Chunk]:
    """The held-out text, subsampled once, in chunks."""
    if not split.held_out:
        return []
    parts = segments.chunks(split, plan.objective.reads, plan.batch, plan.chunk, 0)
    return [part for part in parts if part.trained]


def rotation(plan: Plan, whole: InOut, resources: Any, parts: list[segments.Chunk]):
    """The loss before and after both tables are turned by one random rotation; None without pairs.

    Every loss of the products u . c alone is the same in any axes.
    """
    if not parts:
        return None
    turn = np.asarray(linalg.random_orthogonal(plan.key, plan.dim), np.float64)
    turned = InOut(*(np.float32(np.float64(table) @ turn) for table in whole))
    before, after = (loss(plan, each, resources, parts) for each in (whole, turned))
    return None if before is None else {"before": before, "after": after}


@functools.partial(jax.jit, static_argnames="objective")
def _held_out(whole, draws, first, texts, resources, *, objective):
    steps, batch, _ = texts.shape
    draw = jax.vmap(objective.draw, in_axes=(0, 0, None))
    random = random_bits(draws, first + jnp.arange(steps, dtype=jnp.int32), batch, objective)
    losses, pairs = jax.lax.map(
        lambda at: block_loss(objective, whole, draw(at[0], at[1], resources)), (random, texts)
    )
    return jnp.sum(losses), jnp.sum(pairs)
