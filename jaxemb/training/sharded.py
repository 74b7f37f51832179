"""Training on several devices: who computes what, and what travels.

In a step the gradients at the rows that were read travel with their ids, and every device adds
those of the whole batch, in the order of one device, to what it has of the tables. Of tables that
are cut by rows, the rows themselves travel, too, to the blocks that read them; of tables that are
cut by dim, parts of scores, which are summed. A table never does.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, PartitionSpec as P

from jaxemb import linalg
from jaxemb.errors import InputError
from jaxemb.static import bags, tables
from jaxemb.structs import Bag, InOut, Learner, TableOps
from jaxemb.training import loop, mesh as sharding, monitor
from jaxemb.training.mesh import Placement
from jaxemb.training.mesh_sizes import PIECES


class Sharded(NamedTuple):
    """A mesh, and how the work is divided on it."""

    mesh: Mesh
    by_dim: bool = False  # what `model` cuts: every vector, or else the rows
    exact: bool = False  # the same bits on any number of devices

    @property
    def of_batch(self) -> tuple[str, ...]:
        """The axes that divide the blocks of a batch."""
        return ("data",) if self.by_dim else ("data", "model")

    @property
    def some_rows(self) -> bool:
        """Whether a device has only some rows of a table."""
        return not self.by_dim and self.mesh.shape["model"] > 1


def of_config(config: Any) -> Sharded | None:
    """What `mesh`, `cut` and `exact_elastic` of a checked config ask for; None if one device.

    Raises:
        InputError: more devices than there are.
    """
    if config.mesh is None and not config.exact_elastic:
        return None
    mesh = sharding.parse(config.mesh or "data=1")
    return Sharded(mesh, config.cut == "dim", config.exact_elastic)


def placement(on: Sharded) -> Placement:
    """Where a state of tables lies."""

    def spec(leaf) -> P:
        """Of [rows, dim], of [rows], or of a number that all have."""
        if on.by_dim:
            return P(None, "model") if len(leaf.shape) == 2 else P()
        return P("model") if leaf.shape else P()

    return Placement(on.mesh, functools.partial(jax.tree.map, spec), sharding.PADDED)


def learner(on: Sharded, plain: Learner) -> Learner:
    """The learner that runs on every device of the mesh, on its part of tables and blocks.

    Raises:
        InputError: a learner that cannot.
    """
    if plain.over is None:
        raise InputError(
            "this learner changes whole tables, which would travel in every step: "
            "a mesh wants learners.row_sparse"
        )
    gather = functools.partial(_gather, on) if on.some_rows else _kept_apart(on, tables.gather)
    add = _kept_apart(on, tables.scatter_add)
    ops = TableOps(gather, add, functools.partial(_exchange, on))
    return plain.over(ops, PIECES // sharding.size(on.mesh, on.of_batch) if on.exact else 1)


def _kept_apart(on: Sharded, act: Callable[..., InOut]) -> Callable[..., InOut]:
    """`act`, of whose vectors each device has its part, and of their gradients."""
    if not on.by_dim:
        return act

    def apart(*arguments: Any) -> InOut:
        return jax.tree.map(
            lambda leaf: jax.lax.with_sharding_constraint(leaf, _part(leaf)), act(*arguments)
        )

    return apart


def _part(vectors) -> P:
    """Of vectors that `model` cuts."""
    return P(*[P.UNCONSTRAINED] * (vectors.ndim - 1), "model")


def _exchange(on: Sharded, whole: InOut, ids: InOut, rows: InOut, finite):
    """What every device adds to the rows that it has: ids and gradients of the whole batch."""
    ids = jax.tree.map(functools.partial(_everyones, on), ids)
    rows = jax.tree.map(functools.partial(_everyones, on, vectors=True), rows)
    finite = jnp.all(_everyones(on, finite[None]))
    if on.some_rows or on.exact:  # in one order, whatever a device has of the table
        ids, rows = tables.spread(ids, rows)
    if not on.some_rows:
        return ids, rows, finite
    sides = [_own(table, *side) for table, *side in zip(whole, ids, rows, strict=True)]
    return InOut(*(i for i, _ in sides)), InOut(*(r for _, r in sides)), finite


def _everyones(on: Sharded, leaf, vectors: bool = False):
    """Of all blocks of the batch, in their order."""
    if sharding.size(on.mesh, on.of_batch) == 1:
        return leaf
    gathered = functools.partial(jax.lax.all_gather, axis_name=on.of_batch, tiled=True)
    if not (on.by_dim and vectors):
        return gathered(leaf)
    # each device asks for its part of every vector: the partitioner would take them whole
    part = P(*[None] * (leaf.ndim - 1), "model")
    own = jax.shard_map(
        gathered, in_specs=part, out_specs=part, axis_names={"model"}, check_vma=False
    )
    return own(leaf)


def _own(table, ids, rows):
    """Ids within this device's part of a table; for what is elsewhere, some row and zeros."""
    at, mine = _places(table, ids)
    return at, jnp.where(mine[..., None], rows, 0.0)


def _places(table, ids):
    """Where ids are in this device's part of a table, and which of them are."""
    at = ids - jax.lax.axis_index("model") * table.shape[0]
    mine = (at >= 0) & (at < table.shape[0])
    # any row would do for the others; of so many, none is written to by all
    return jnp.where(mine, at, ids % table.shape[0]), mine


def _gather(on: Sharded, whole: InOut, ids: InOut) -> InOut:
    """`tables.gather` where a device has some rows only."""

    def read(table, ids):
        ids = jax.tree.map(lambda i: jax.lax.all_gather(i, "model", tiled=True), ids)
        if isinstance(ids, Bag):
            found = _part_of_mean(on, table, ids)
        else:
            at, mine = _places(table, ids)
            found = jnp.where(mine[..., None], table.at[at].get(mode="promise_in_bounds"), 0.0)
        return jax.lax.psum_scatter(found, "model", tiled=True)

    return InOut(*map(read, whole, ids))


def _part_of_mean(on: Sharded, table, bag: Bag):
    """What this device's rows add to the mean of each bag."""
    if on.exact:
        raise InputError(
            "the rows of a word with subwords are summed in another order on every mesh: "
            "exact_elastic wants a mesh of data alone"
        )
    at, mine = _places(table, bag.rows)
    slot = jax.lax.broadcasted_iota(bag.length.dtype, at.shape, at.ndim - 1)
    mine &= slot < bag.length[..., None]
    first = jnp.argsort(~mine, axis=-1, stable=True)
    own = jnp.sum(mine, axis=-1, dtype=bag.length.dtype)
    part = Bag(jnp.take_along_axis(at, first, axis=-1), own, bag.share)
    return bags.read(table, part) * (own / jnp.maximum(bag.length, 1))[..., None]


def program(on: Sharded, plan: loop.Plan) -> loop.Program:
    """The plan's program over a mesh, for a state that lies as `placement` says.

    Every draw is that of one device: random bits are those of the whole batch, divided.

    Raises:
        InputError: a learner that cannot.
    """
    trainable = plan.trainable and sharding.place(placement(on), plan.trainable)
    run = steps(on, plan)

    def chunk(state, step, count, texts, rates, resources):
        texts = sharding.divided(on.mesh, texts, None, on.of_batch)
        return run(state, step, count, texts, rates, resources, trainable)

    return loop.one(plan)._replace(chunk=chunk)


def steps(on: Sharded, plan: loop.Plan) -> Any:
    """What `program` compiles.

    (state, first, count, texts, rates, resources, trainable) -> state
    """
    draws = jax.random.fold_in(plan.key, loop.Stream.DRAWS)
    how = {"objective": plan.objective, "learner": learner(on, plan.learner)}
    where, blocks = placement(on), P(None, on.of_batch)

    def has(state: Any) -> Any:
        """What of a state a device has by the axes that divide the blocks."""
        return jax.tree.map(lambda _: P(), state) if on.by_dim else where.specs(state)

    @functools.partial(jax.jit, donate_argnums=0)
    def run(state, first, count, texts, rates, resources, trainable):
        numbers = first + jnp.arange(texts.shape[0], dtype=jnp.int32)
        random = loop.random_bits(draws, numbers, texts.shape[1], plan.objective)
        each = jax.shard_map(
            functools.partial(loop.run, **how),
            mesh=on.mesh,
            in_specs=(has(state), P(), blocks, blocks, P(), P(), has(trainable)),
            out_specs=has(state),
            axis_names=set(on.of_batch),  # parts of vectors are left to the partitioner
            check_vma=False,  # what no spec divides is computed alike everywhere
        )
        state = each(state, count, random, texts, rates, resources, trainable)
        return jax.lax.with_sharding_constraint(state, sharding.lies(where, state))

    return run


def measure(on: Sharded, rows: InOut, whole: InOut) -> dict[str, Any]:
    """`monitor.measure` of tables where they lie; of padded ones, with their rows without it."""
    if on.by_dim:
        whole = sharding.by_rows(placement(on), whole)
    # each process has it on a device of its own: a number of the host is every device's
    of = jax.tree.map(np.asarray, linalg.spectrum(whole.input))
    return _of_spectrum(of, whole, rows.input)


_of_spectrum = jax.jit(monitor.of_spectrum, static_argnums=2)
