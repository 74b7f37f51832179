"""Several models trained together in one program, with other seeds, learning rates or dimensions.

Members read the same subsampled text in the same order. Each member has its own starting tables and
its own draws of windows and noise. A member of fewer dimensions has columns of zeros, which every
loss of the products u . c leaves at zero.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from jaxemb.static import segments
from jaxemb.structs import AnyArray, InOut
from jaxemb.training import columns, loop, monitor, optimizers


class Members(NamedTuple):
    """The settings that differ between members: one entry per member."""

    seeds: tuple[int, ...]
    learning_rates: tuple[float, ...]
    dims: tuple[int, ...]


def program(members: Members, plan: loop.Plan) -> loop.Program:
    """The plan's program under `vmap`; state, losses and rates get a leading members axis."""
    keys = [jax.random.key(seed) for seed in members.seeds]
    draws = jnp.stack([jax.random.fold_in(key, loop.Stream.DRAWS) for key in keys])
    functions = {"objective": plan.objective, "learner": plan.learner}

    def start(rows: InOut[int]):
        tables_of = [
            plan.initialize(jax.random.fold_in(key, loop.Stream.TABLES), rows, dim)
            for key, dim in zip(keys, members.dims, strict=True)
        ]
        padded = [jax.tree.map(functools.partial(columns.wide, plan), t) for t in tables_of]
        stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *padded)
        return optimizers.apart(jax.vmap(plan.learner.init)(stacked))

    def chunk(state, step, count, texts, rates, resources):
        return _chunks(
            state, draws, step, count, texts, rates, resources, plan.trainable, **functions
        )

    def rates(done):
        return np.stack([plan.schedule(start, done) for start in members.learning_rates])

    return loop.Program(
        start,
        rates,
        lambda whole, *rest: _first_losses(whole, draws, *rest, objective=plan.objective),
        chunk,
    )


def split(members: Members, whole: InOut[AnyArray]) -> list[InOut[np.ndarray]]:
    """The tables of each member, without the padding of its dimensions."""
    return [
        InOut(*(np.asarray(table[i, :, :dim]) for table in whole))
        for i, dim in enumerate(members.dims)
    ]


def _over_members(run, in_axes):
    """The program of one model, mapped over the arguments that differ between members."""

    def mapped(*arguments, **functions):
        return jax.vmap(functools.partial(run, **functions), in_axes)(*arguments)

    return mapped


_chunks = jax.jit(
    _over_members(loop.steps, (0, 0, None, None, None, 0, None, None)),
    static_argnames=("objective", "learner"),
    donate_argnums=0,
)
_first_losses = jax.jit(
    _over_members(loop.first_loss, (0, 0, None, None, None)), static_argnames="objective"
)
measure: Callable[[InOut[Array]], dict[str, Any]] = jax.jit(jax.vmap(monitor.measure))


def held_out(
    members: Members,
    plan: loop.Plan,
    whole: InOut[Array],
    resources: Any,
    parts: list[segments.Chunk],
) -> Any:
    """Each member's loss on held-out text, with the same draws for all; None without pairs."""
    losses = [
        monitor.loss(plan, jax.tree.map(lambda t, i=i: t[i], whole), resources, parts)
        for i in range(len(members.seeds))
    ]
    return None if None in losses else losses
