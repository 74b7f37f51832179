"""The loss on text that was not trained on, with the same draws at every call."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxemb import linalg
from jaxemb.static import segments
from jaxemb.structs import InOut
from jaxemb.training.loop import Plan, Stream, block_loss, random_bits


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
