"""Learners, which update the tables from a batch: the dense reference, the row-sparse default.

Losses are summed over a batch, never averaged, so that `learning_rate` has word2vec's meaning: it
scales the update that one observed pair makes to a row.
"""

import functools
import itertools
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array

from jaxemb.errors import InputError
from jaxemb.functional import rounding
from jaxemb.functional.finite import all_finite, applied, refused, where
from jaxemb.static import batches, tables
from jaxemb.structs import Block, InOut, Learner, LearnerState, Objective, Refused, TableOps
from jaxemb.training import optimizers

if TYPE_CHECKING:
    Built = Objective
else:
    Built = Any  # the functions themselves say best what is no objective

Optimizer: TypeAlias = optax.GradientTransformation

sgd: Optimizer = optax.identity()  # the rate is an argument of `step`, not of the optimizer
adagrad: Optimizer = optax.scale_by_rss(initial_accumulator_value=0.1, eps=1e-7)


def adagrad_stanford(learning_rate: float, clip: float = 100.0) -> optax.GradientTransformation:
    """AdaGrad as in Stanford's GloVe program, for tables whose last column is a bias.

    t = learning_rate * gradient, the gradient clipped to +-clip; row -= t / sqrt(G), and only then
    G += t^2, from G = 1. The bias has neither learning rate nor clip. The first steps are therefore
    plain gradient descent, and the learning rate also decides how soon the steps shrink. The
    learner's own learning rate must be 1.

    Args:
        learning_rate: 0.05 in Stanford's program.
        clip: bound on the absolute value of each entry of the gradient.

    Source:
        github stanfordnlp/GloVe, src/glove.c, glove_thread, since 5b4e03c.
    """

    def init(params):
        return jax.tree.map(jnp.ones_like, params)

    def scaled(gradient):
        vectors = learning_rate * jnp.clip(gradient[:, :-1], -clip, clip)
        return jnp.concatenate([vectors, gradient[:, -1:]], axis=1)

    def update(updates, state, params=None):
        del params
        steps = jax.tree.map(scaled, updates)
        after = jax.tree.map(lambda squares, step: squares + step**2, state, steps)
        return jax.tree.map(lambda step, squares: step / jnp.sqrt(squares), steps, state), after

    return optax.GradientTransformation(init, update)


def dense(
    objective: Built,
    optimizer: Optimizer = sgd,
    *,
    ops: TableOps = tables.OPS,
) -> Learner:
    """The reference learner: autodiff through whole tables, with any optax transformation.

    A step costs O(vocab dim). Tests hold the other learners equal to this one.

    Args:
        objective: what a block reads and costs.
        optimizer: an optax transformation without its learning rate: `optax.scale_by_adam()`.
        ops: how rows are read.

    Raises:
        InputError: no objective; (from init) an optimizer that negates its update, such as
            `optax.adam(0.01)`.
    """
    _check(objective)

    def init(start: InOut[Array]) -> LearnerState:
        if optimizer is not sgd:
            optimizers.check_whole(optimizer, start)
        state = LearnerState(start, optimizers.begun(optimizer, start), Refused())
        return optimizers.apart(state)

    def step(state, blocks, learning_rate, trainable=None) -> LearnerState:
        def loss(whole: InOut[Array]):
            return batches.total(objective, ops.gather(whole, blocks.ids), blocks)

        gradient = jax.grad(loss)(state.tables)
        if trainable is not None:
            gradient = jax.tree.map(_masked, gradient, trainable)
        update, optimizer_state = optimizers.updated(
            optimizer, gradient, state.optimizer, state.tables
        )
        if trainable is not None:  # weight decay moves rows of gradient 0, too
            update = jax.tree.map(_masked, update, trainable)
        moved = jax.tree.map(lambda t, u: t - learning_rate * u, state.tables, update)
        finite = all_finite(gradient)
        return applied(finite, LearnerState(moved, optimizer_state, state.refused), state)

    return Learner(init, step, objective=objective)


class RowState(NamedTuple):
    """Optimizer state per row of one table, and scratch space to find repeated rows."""

    rows: Any  # leaves [vocab, dim]
    scratch: Any  # int32 [vocab]
    turn: Any = None  # uint32, of tables that are rounded: the number of steps


def row_sparse(
    objective: Built,
    optimizer: Optimizer = sgd,
    *,
    cap: float | None = None,
    table_dtype: Any = None,
    parts: int | None = None,
    ops: TableOps = tables.OPS,
) -> Learner:
    """The default learner: gradients at the rows read, then one scatter-add per table and step.

    Args:
        objective: what a block reads and costs.
        optimizer: an optax transformation, without its learning rate, whose state is per row and
            which leaves a row of zero gradient alone (`init` tries it): `learners.adagrad`.
        cap: the largest Euclidean norm of the update that one step adds to one row; None for no
            bound, which equals `dense`. Very large batches, which sum many updates, need a cap.
        table_dtype: bfloat16 keeps tables in half the memory: rows are read into float32, and
            rounded stochastically when they are written. By default float32.
        parts: slices of a batch whose gradients are computed in parallel; they change rounding. By
            default 2 on a CPU, of any number of cores, and 1 on accelerators.
        ops: how rows are read and added.

    Raises:
        InputError: no objective; a `table_dtype` that is neither; (from init) the optimizer has
            state that is not of rows (Adam), moves rows of zero gradient (momentum), looks at
            several rows (a global norm), needs the tables (weight decay), or has a sign or rate.
    """
    _check(objective)
    rounds = _rounds(table_dtype)
    again = functools.partial(row_sparse, objective, optimizer, cap=cap, table_dtype=table_dtype)
    init = functools.partial(_begun, optimizer, rounds)
    plain = cap is None and optimizer is sgd and not rounds

    def step(state, blocks: Block, learning_rate, trainable=None) -> LearnerState:
        def gradient_at_rows(blocks: Block) -> InOut[Array]:
            rows = ops.gather(state.tables, blocks.ids)
            return jax.grad(lambda r: batches.total(objective, r, blocks))(rows)

        gradient = _in_parts(gradient_at_rows, blocks, parts)
        finite = all_finite(gradient)
        ids, gradient, finite = ops.exchange(state.tables, blocks.ids, gradient, finite)
        # rows whose gradient is 0 stay as they are, whatever the optimizer
        gradient = where(finite, gradient, jax.tree.map(jnp.zeros_like, gradient))
        if not plain or trainable is not None:  # what follows acts on each row separately
            ids, gradient = tables.spread(ids, gradient)
        if trainable is not None:
            masks = jax.tree.map(lambda mask, i: mask[i], trainable, ids)
            gradient = jax.tree.map(_masked, gradient, masks)
        if plain:
            update, slots = jax.tree.map(lambda g: -learning_rate * g, gradient), state.optimizer
        else:
            sides = zip(ids, gradient, state.optimizer, strict=True)
            changed = [_row_update(optimizer, cap, learning_rate, *side) for side in sides]
            update, slots = (InOut(*pair) for pair in zip(*changed, strict=True))
        add = functools.partial(_rounded, slots) if rounds else ops.scatter_add
        moved = add(state.tables, ids, update)
        return LearnerState(moved, slots, refused(state, finite))

    return Learner(init, step, lambda ops, parts: again(ops=ops, parts=parts), objective)


def _begun(optimizer, rounds: bool, start: InOut[Array]) -> LearnerState:
    """The state of `row_sparse` before its first step."""
    rows = InOut(*(_row_state(optimizer, table) for table in start))
    if rounds:
        # two tables, and two models of other starts, round by other random bits
        first = jnp.sum(jax.lax.bitcast_convert_type(start.input, jnp.uint32), dtype=jnp.uint32)
        turns = first, first + jnp.uint32(1 << 31)
        rows = InOut(*(side._replace(turn=t) for side, t in zip(rows, turns, strict=True)))
        start = InOut(*(table.astype(jnp.bfloat16) for table in start))
    return optimizers.apart(LearnerState(start, rows, Refused()))


def _check(objective: Any) -> None:
    if not isinstance(objective, Objective):
        raise InputError(
            f"objective is {objective!r:.60}; wanted a built one, such as "
            "learners.dense(skipgram(), optimizer=optax.scale_by_adam())"
        )


def _masked(gradient: Array, mask: Array) -> Array:
    """Multiply gradients by a row mask of any dtype; the gradients keep their dtype."""
    return gradient * mask[..., None].astype(gradient.dtype)


def _in_parts(function, blocks: Block, parts: int | None):
    """Apply a function to slices of a batch, and concatenate its results.

    Args:
        parts: the number of slices; None for that of the platform which the program is lowered for.
    """
    if parts is None:
        two, one = (functools.partial(_in_parts, function, parts=n) for n in (2, 1))
        return jax.lax.platform_dependent(blocks, cpu=two, default=one)
    batch = blocks.pairs.shape[0]
    bounds = [batch * part // parts for part in range(parts + 1)]
    slices = [slice(start, stop) for start, stop in itertools.pairwise(bounds) if stop > start]
    results = [function(jax.tree.map(lambda leaf, s=s: leaf[s], blocks)) for s in slices]
    return jax.tree.map(lambda *leaves: jnp.concatenate(leaves), *results)


def _row_state(optimizer, table) -> RowState:
    state = optimizers.begun(optimizer, table)
    if any(jnp.shape(leaf) != table.shape for leaf in jax.tree.leaves(state)):
        raise InputError(
            "row_sparse takes an optimizer whose state has the shape of the table (SGD, Adagrad); "
            "this one keeps more: use learners.dense, which takes any optax transformation"
        )
    if optimizer is not sgd:
        optimizers.check_rows(optimizer, table)
    return RowState(state, jnp.zeros(table.shape[0], jnp.int32))


def _row_update(optimizer, cap, learning_rate, ids, gradient, state: RowState):
    """The update of one table at the rows read: repeats summed, optimizer applied, norm bounded."""
    flat = ids.reshape(-1)
    summed, first, scratch = tables.sum_repeats(
        flat, gradient.reshape(flat.shape[0], -1), state.scratch
    )
    at_rows = jax.tree.map(lambda leaf: leaf[flat], state.rows)
    update, new_rows = optimizers.updated(optimizer, summed, at_rows)
    # a product, and not a choice: XLA would keep the zeros to choose from as a third array
    update = update * jnp.where(first, -learning_rate, 0.0)[:, None]
    if cap is not None:
        norm = jnp.linalg.norm(update, axis=-1, keepdims=True)
        update = update * jnp.minimum(1.0, cap / jnp.maximum(norm, jnp.finfo(norm.dtype).tiny))
    # only representatives write back: repeats hold the state from before the step
    changed = jax.tree.map(
        lambda leaf, new: leaf.at[jnp.where(first, flat, leaf.shape[0])].set(new, mode="drop"),
        state.rows,
        new_rows,
    )
    turn = None if state.turn is None else state.turn + 1
    return update.reshape(gradient.shape), RowState(changed, scratch, turn)


def _rounded(slots: InOut[RowState], whole: InOut[Array], ids: InOut[Any], update: InOut[Array]):
    """The tables with their rows changed by updates, as `_rounded_rows` changes each."""
    return InOut(*map(_rounded_rows, whole, ids, update, slots))


def _rounded_rows(table, ids, update, state: RowState):
    """The table with its rows changed by an update that repeats hold once, stochastically rounded.

    Each row is written once: by the representative that `tables.sum_repeats` left in the scratch.
    """
    flat = ids.reshape(-1)
    rows = tables.cast_up(table.at[flat].get(mode="promise_in_bounds"))
    rows += update.reshape(flat.shape[0], -1)
    random = rounding.bits(state.turn, flat, rows.shape[1])
    position = jnp.arange(len(flat), dtype=flat.dtype)
    into = jnp.where(state.scratch[flat] == position, flat, table.shape[0] + position)
    return rounding.written(table, into, rounding.stochastic(rows, random))


def _rounds(table_dtype: Any) -> bool:
    """Whether tables of this type are rounded: those of bfloat16 are, those of float32 are not."""
    kinds = {None: False, "float32": False, "bfloat16": True}
    name = table_dtype if table_dtype is None else jnp.dtype(table_dtype).name
    if name not in kinds:
        raise InputError(f"table_dtype is {name}; wanted float32 or bfloat16")
    return kinds[name]
