"""Monitoring of a training run: linear algebra of the tables, and the loss on held-out text.

The held-out loss is computed with the same random draws at every call.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int32

from jaxemb import linalg
from jaxemb.linalg.arrays import matmul
from jaxemb.static import segments
from jaxemb.static.tables import cast_up
from jaxemb.structs import AnyArray, Event, InOut
from jaxemb.text.vocabulary import SENTENCE_END
from jaxemb.training.loop import Plan, Stream, block_loss, random_bits

Texts = Int32[np.ndarray, "steps batch text"]
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@jax.jit
def measure(tables: InOut[Array]) -> dict[str, Any]:
    """Spectrum and row norms of the input table U, and its balance with the output table C.

    One program on the device computes them all.

    Returns:
        singular_values: of the input table, descending.
        effective_rank: of the input table.
        norms: the 5, 25, 50, 75 and 95 % quantiles of the input rows' Euclidean norms.
        largest_norm: of all rows of either table; it grows before numbers overflow.
        imbalance: || U^T U - C^T C ||_F. Under gradient flow a loss of U C^T alone conserves
            U^T U - C^T C; a step of SGD changes it by O(learning_rate^2) only.
    """
    return of_spectrum(linalg.spectrum(tables.input), tables)


def of_spectrum(
    of: linalg.Spectrum,
    tables: InOut[Array],
    rows: int | None = None,
    gram: Callable[[Any], Any] = linalg.gram,
) -> dict[str, Any]:
    """`measure`, given the input table's spectrum.

    Args:
        of: the spectrum of the input table.
        rows: the number of rows of the input table that are not padding; by default all.
        gram: from a table to its Gram matrix.
    """
    own = matmul(of.basis * of.values[None, :] ** 2, of.basis.T)
    norms = jnp.sqrt(jnp.sum(cast_up(tables.input) ** 2, axis=1))[:rows]
    return {
        "singular_values": of.values,
        "effective_rank": linalg.effective_rank(of),
        "norms": jnp.quantile(norms, jnp.asarray(QUANTILES, jnp.float32)),
        "largest_norm": largest_norm(tables),
        "imbalance": jnp.linalg.norm(own - gram(tables.output)),
    }


@jax.jit
def largest_norm(tree: Any) -> Any:
    """The largest Euclidean norm of a row, over all matrices of a tree."""
    matrices = [leaf for leaf in jax.tree.leaves(tree) if jnp.ndim(leaf) > 1]
    squares = [jnp.max(jnp.sum(jnp.square(cast_up(leaf)), axis=-1)) for leaf in matrices]
    return jnp.sqrt(jnp.max(jnp.stack(squares)))


def plain(measured: dict[str, Any]) -> dict[str, Any]:
    """Measurements as JSON values, rounded to seven decimals."""
    return {
        name: np.asarray(value, np.float64).round(7).tolist() for name, value in measured.items()
    }


def interval(plan: Plan, rows: int) -> int:
    """The number of words between two measurements, so that these take about 2 % of the time.

    The time of training grows with words x dim, that of a measurement with rows x dim^2 and dim^2.
    """
    return plan.dim * (2 * rows // 3 + 10_000)


def due(event: Event, every: int, plan: Plan) -> bool:
    """Whether a chunk passed a multiple of `every` words, or was the last of the run.

    Measurements are also due at every/16 and every/4 words: a table changes most at the start.
    """
    before, after = (cursor.words for cursor in (event.began, event.cursor))
    early = any(before < every // part <= after for part in (4, 16))
    return early or before // every != after // every or event.cursor.epoch == plan.epochs


def loss(
    plan: Plan,
    whole: InOut[AnyArray],
    resources: Any,
    parts: list[Texts],
    turn: Array | None = None,
) -> float | None:
    """The held-out loss in nats per pair, with the same draws at every call; None without pairs.

    Args:
        parts: the held-out text, from `texts`.
        turn: by which every row is multiplied first: [dim, dim].
    """
    sums, first = np.zeros(2), 0
    draws = jax.random.fold_in(plan.key, Stream.HELD_OUT_DRAWS)
    for part in parts:
        arguments = (whole, draws, first, part, resources, turn)
        totals = _held_out(*arguments, objective=plan.objective)
        sums += np.float64(totals)
        first += len(part)
    return float(sums[0] / sums[1]) if sums[1] else None


def texts(plan: Plan, split: segments.Split) -> list[Texts]:
    """The held-out text, subsampled once: the steps of all segments, a chunk's number at a time.

    A segment holds out few steps: in chunks of its own they would be one part text to ten parts
    padding. Sizes are powers of two, so that texts of nearly one size share a program.
    """
    if not split.held_out:
        return []
    chunks = segments.chunks(split, plan.objective.reads, plan.batch, plan.chunk, 0)
    steps = [step for part in chunks if part.trained for step in part.texts[: part.real]]
    if not steps:
        return []
    size = min(plan.chunk, 1 << (len(steps) - 1).bit_length())
    steps += [np.full_like(steps[0], SENTENCE_END)] * (-len(steps) % size)
    return [np.stack(steps[i : i + size]) for i in range(0, len(steps), size)]


def rotation(
    plan: Plan, whole: InOut[AnyArray], resources: Any, parts: list[Texts]
) -> dict[str, float] | None:
    """The held-out loss before and after a random rotation of both tables; None without pairs.

    A loss of the products u . c alone does not change.
    """
    if not parts:
        return None
    whole = jax.device_put(whole)  # once: tables that were read from disk are NumPy arrays
    turn = linalg.random_orthogonal(plan.key, plan.dim)
    before, after = (loss(plan, whole, resources, parts, by) for by in (None, turn))
    return None if before is None or after is None else {"before": before, "after": after}


@functools.partial(jax.jit, static_argnames="objective")
def _held_out(whole, draws, first, texts, resources, turn, *, objective):
    steps, batch, _ = texts.shape
    draw = jax.vmap(objective.draw, in_axes=(0, 0, None))
    random = random_bits(draws, first + jnp.arange(steps, dtype=jnp.int32), batch, objective)
    with jax.default_matmul_precision("highest"):
        losses, pairs = jax.lax.map(
            lambda own: block_loss(objective, whole, draw(*own, resources), turn), (random, texts)
        )
    return jnp.sum(losses), jnp.sum(pairs)
