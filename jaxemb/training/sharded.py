"""Training over a mesh: what each device computes, and what the devices exchange.

In every step the devices exchange the gradients of the rows they read, with the ids of these rows.
Each device then adds the gradients of the whole batch to its shard of the tables, in the order in
which a single device would add them. If tables are sharded by rows, the devices also exchange the
rows that their blocks read; if by dim, partial scores, which are summed. No table is exchanged.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, PartitionSpec as P
from jaxtyping import Array

from jaxemb import linalg
from jaxemb.errors import InputError
from jaxemb.static import bags, tables
from jaxemb.structs import Bag, InOut, Learner, TableOps
from jaxemb.training import loop, mesh as sharding, monitor
from jaxemb.training.mesh import Placement
from jaxemb.training.mesh_sizes import PIECES


class Sharded(NamedTuple):
    """A mesh, and how tables and batches are sharded over it."""

    mesh: Mesh
    by_dim: bool = False  # whether `model` shards the dimensions of vectors, or else the rows
    exact: bool = False  # results are bit-identical on any number of devices

    @property
    def of_batch(self) -> tuple[str, ...]:
        """The mesh axes that divide the blocks of a batch."""
        return ("data",) if self.by_dim else ("data", "model")

    @property
    def some_rows(self) -> bool:
        """Whether each device holds only some rows of a table."""
        return not self.by_dim and self.mesh.shape["model"] > 1


def of_config(config: Any) -> Sharded | None:
    """The mesh that a checked config's `mesh`, `cut` and `exact_elastic` describe; None for none.

    Raises:
        InputError: more devices than JAX has.
    """
    if config.mesh is None and not config.exact_elastic:
        return None
    mesh = sharding.parse(config.mesh or "data=1")
    return Sharded(mesh, config.cut == "dim", config.exact_elastic)


def placement(on: Sharded) -> Placement:
    """How a state of tables is sharded and padded."""

    def spec(leaf) -> P:
        """The spec of an array [rows, dim] or [rows], or of a replicated scalar."""
        if on.by_dim:
            return P(None, "model") if len(leaf.shape) == 2 else P()
        return P("model") if leaf.shape else P()

    return Placement(on.mesh, functools.partial(jax.tree.map, spec), sharding.PADDED)


def learner(on: Sharded, plain: Learner) -> Learner:
    """The learner to run on every device, on its shard of the tables and of the blocks.

    Raises:
        InputError: a learner without `over`, such as `learners.dense`.
    """
    if plain.over is None:
        raise InputError(
            "this learner changes whole tables, which devices would exchange in every step: "
            "a mesh wants learners.row_sparse"
        )
    gather = functools.partial(_gather, on) if on.some_rows else _sharded_by_dim(on, tables.gather)
    add = _sharded_by_dim(on, tables.scatter_add)
    ops = TableOps(gather, add, functools.partial(_exchange, on))
    return plain.over(ops, PIECES // sharding.size(on.mesh, on.of_batch) if on.exact else 1)


def _sharded_by_dim(on: Sharded, act: Callable[..., InOut[Array]]) -> Callable[..., InOut[Array]]:
    """`act`, whose vectors stay sharded by dim if the tables are, and their gradients too."""
    if not on.by_dim:
        return act

    def apart(*arguments: Any) -> InOut[Array]:
        return jax.tree.map(
            lambda leaf: jax.lax.with_sharding_constraint(leaf, _by_dim(leaf)), act(*arguments)
        )

    return apart


def _by_dim(vectors) -> P:
    """The spec of vectors whose last axis is sharded over `model`."""
    return P(*[P.UNCONSTRAINED] * (vectors.ndim - 1), "model")


def _exchange(on: Sharded, whole: InOut[Array], ids: InOut[Any], rows: InOut[Array], finite):
    """Ids and gradients of the whole batch, for this device to add to its shard of the tables."""
    ids = jax.tree.map(functools.partial(_gathered, on), ids)
    rows = jax.tree.map(functools.partial(_gathered, on, vectors=True), rows)
    finite = jnp.all(_gathered(on, finite[None]))
    if on.some_rows or on.exact:  # one order of addition, whatever rows this device holds
        ids, rows = tables.spread(ids, rows)
    if not on.some_rows:
        return ids, rows, finite
    sides = [_local_updates(table, *side) for table, *side in zip(whole, ids, rows, strict=True)]
    return InOut(*(i for i, _ in sides)), InOut(*(r for _, r in sides)), finite


def _gathered(on: Sharded, leaf, vectors: bool = False):
    """Gather an array from the devices that divide the batch, in the order of the blocks."""
    if sharding.size(on.mesh, on.of_batch) == 1:
        return leaf
    gathered = functools.partial(jax.lax.all_gather, axis_name=on.of_batch, tiled=True)
    if not (on.by_dim and vectors):
        return gathered(leaf)
    # each device gathers its part of every vector: the partitioner would gather whole vectors
    part = P(*[None] * (leaf.ndim - 1), "model")
    own = jax.shard_map(
        gathered, in_specs=part, out_specs=part, axis_names={"model"}, check_vma=False
    )
    return own(leaf)


def _local_updates(table, ids, rows):
    """Ids within this device's shard of a table; for rows of other devices, any id and zeros."""
    local, mine = _local_ids(table, ids)
    return local, jnp.where(mine[..., None], rows, 0.0)


def _local_ids(table, ids):
    """Ids within this device's shard of a table, and which of them belong to it."""
    local = ids - jax.lax.axis_index("model") * table.shape[0]
    mine = (local >= 0) & (local < table.shape[0])
    # the others may name any row; spread over many rows, their writes do not collide
    return jnp.where(mine, local, ids % table.shape[0]), mine


def _gather(on: Sharded, whole: InOut[Array], ids: InOut[Any]) -> InOut[Array]:
    """`tables.gather` where each device holds only some rows."""

    def read(table, ids):
        ids = jax.tree.map(lambda i: jax.lax.all_gather(i, "model", tiled=True), ids)
        if isinstance(ids, Bag):
            vectors = _part_of_mean(on, table, ids)
        else:
            local, mine = _local_ids(table, ids)
            rows = tables.cast_up(table.at[local].get(mode="promise_in_bounds"))
            vectors = jnp.where(mine[..., None], rows, 0.0)
        return jax.lax.psum_scatter(vectors, "model", tiled=True)

    return InOut(*map(read, whole, ids))


def _part_of_mean(on: Sharded, table, bag: Bag):
    """The contribution of this device's rows to the mean of each bag."""
    if on.exact:
        raise InputError(
            "the order in which a word's subword rows are summed depends on the mesh: "
            "exact_elastic wants a mesh of data alone"
        )
    local, mine = _local_ids(table, bag.rows)
    slot = jax.lax.broadcasted_iota(bag.length.dtype, local.shape, local.ndim - 1)
    mine &= slot < bag.length[..., None]
    first = jnp.argsort(~mine, axis=-1, stable=True)
    own = jnp.sum(mine, axis=-1, dtype=bag.length.dtype)
    part = Bag(jnp.take_along_axis(local, first, axis=-1), own, bag.share)
    return bags.read(table, part) * (own / jnp.maximum(bag.length, 1))[..., None]


def program(on: Sharded, plan: loop.Plan) -> loop.Program:
    """The plan's program over a mesh, for a state that is sharded as `placement` says.

    Its random draws are those of a single device: the bits are drawn for the whole batch, and each
    device takes its part.

    Raises:
        InputError: a learner without `over`, such as `learners.dense`; columns that cannot be cut.
    """
    if on.by_dim and plan.columns % on.mesh.shape["model"]:
        raise InputError(
            f"tables have {plan.columns} columns; cut='dim' wants a multiple of model, "
            f"{on.mesh.shape['model']}: set lanes to it"
        )
    trainable = plan.trainable and sharding.place(placement(on), plan.trainable)
    run = steps(on, plan)

    def chunk(state, step, count, texts, rates, resources):
        texts = sharding.divided(on.mesh, texts, None, on.of_batch)
        return run(state, step, count, texts, rates, resources, trainable)

    return loop.one(plan)._replace(chunk=chunk)


def steps(on: Sharded, plan: loop.Plan) -> Any:
    """The jitted chunk of steps that `program` runs, to be lowered and inspected.

    (state, first, count, texts, rates, resources, trainable) -> state; `state` is donated.
    """
    draws = jax.random.fold_in(plan.key, loop.Stream.DRAWS)
    functions = {"objective": plan.objective, "learner": learner(on, plan.learner)}
    where, blocks = placement(on), P(None, on.of_batch)

    def specs(state: Any) -> Any:
        """How a state is sharded over the axes that divide the blocks."""
        return jax.tree.map(lambda _: P(), state) if on.by_dim else where.specs(state)

    @functools.partial(jax.jit, donate_argnums=0)
    def run(state, first, count, texts, rates, resources, trainable):
        numbers = first + jnp.arange(texts.shape[0], dtype=jnp.int32)
        random = loop.random_bits(draws, numbers, texts.shape[1], plan.objective)
        sharded_run = jax.shard_map(
            functools.partial(loop.run, **functions),
            mesh=on.mesh,
            in_specs=(specs(state), P(), blocks, blocks, P(), P(), specs(trainable)),
            out_specs=specs(state),
            axis_names=set(on.of_batch),  # the partitioner shards vectors by dim
            check_vma=False,  # all devices compute replicated values alike
        )
        state = sharded_run(state, count, random, texts, rates, resources, trainable)
        return jax.lax.with_sharding_constraint(state, sharding.lies(where, state))

    return run


def measure(on: Sharded, rows: InOut[int], whole: InOut[Array]) -> dict[str, Any]:
    """`monitor.measure` of sharded tables.

    Args:
        rows: row counts without padding.
        whole: the padded tables.
    """
    if on.by_dim:
        whole = sharding.by_rows(placement(on), whole)
    # as NumPy values: each process has them on one device, and the program runs on all
    spectrum = jax.tree.map(np.asarray, linalg.spectrum(whole.input))
    axes = next(iter(getattr(whole.output.sharding, "spec", ())), None)
    return _of_spectrum(on.mesh, axes, rows.input, spectrum, whole)


@functools.partial(jax.jit, static_argnums=(0, 1, 2))
def _of_spectrum(mesh: Mesh, axes: Any, rows: int, of: linalg.Spectrum, whole: InOut[Array]):
    """`monitor.of_spectrum` of tables whose rows are sharded over these axes of the mesh."""

    def gram(shard):
        own = linalg.gram(shard)
        return jax.lax.psum(own, axes) if axes else own

    # by hand: the partitioner would gather the table, of which the Gram matrix reads blocks
    whole_gram = jax.shard_map(gram, mesh=mesh, in_specs=P(axes), out_specs=P(), check_vma=False)
    return monitor.of_spectrum(of, whole, rows, whole_gram)
