"""How a batch of blocks changes the tables: the dense reference, and the row-sparse default.

Losses are summed over a batch, never averaged, so that `learning_rate` means what it means in
word2vec: what one observed pair does to a row.
"""

import itertools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array

from jaxemb.errors import InputError
from jaxemb.functional.finite import all_finite, applied, refused, where
from jaxemb.static import batches, tables
from jaxemb.structs import Block, InOut, Learner, LearnerState, Objective, Refused, TableOps
from jaxemb.training import optimizers

sgd = optax.identity()  # the learning rate is an argument of `step`, not of the optimizer
adagrad = optax.scale_by_rss(initial_accumulator_value=0.1, eps=1e-7)


def adagrad_stanford(learning_rate: float, clip: float = 100.0) -> optax.GradientTransformation:
    """AdaGrad as GloVe's program has it, for tables whose last column is a bias; step it with 1.

    t = learning_rate * gradient, the gradient clipped to +-clip; row -= t / sqrt(G), and only then
    G += t^2, from G = 1. The bias has neither rate nor clip. So the first steps are plain gradient
    descent, and the rate decides too how soon they shrink.

    Args:
        learning_rate: 0.05 in the program.
        clip: the largest size of a gradient's entry.

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
    objective: Objective,
    *,
    optimizer: optax.GradientTransformation = sgd,
    ops: TableOps = tables.OPS,
) -> Learner:
    """The reference: autodiff through whole tables, any optax transformation.

    Costs [vocab, dim] a step; the other learners equal it by test.

    Args:
        objective: what a block reads and costs.
        optimizer: an optax transformation without its learning rate: `optax.scale_by_adam()`.
        ops: how rows are read.

    Raises:
        InputError: (from init) an optimizer with a sign of its own, such as `optax.adam(0.01)`.
    """

    def init(start: InOut) -> LearnerState:
        if optimizer is not sgd:
            optimizers.check_whole(optimizer, start)
        state = LearnerState(start, optimizers.begun(optimizer, start), Refused())
        return optimizers.apart(state)

    def step(state, blocks, learning_rate, trainable=None) -> LearnerState:
        def loss(whole: InOut):
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

    return Learner(init, step)


class RowState(NamedTuple):
    """State of an optimizer kept per row of one table, and scratch to find repeated rows."""

    rows: Any  # leaves [vocab, dim]
    scratch: Any  # int32 [vocab]


def row_sparse(
    objective: Objective,
    *,
    optimizer: optax.GradientTransformation = sgd,
    cap: float | None = None,
    parts: int | None = None,
    ops: TableOps = tables.OPS,
) -> Learner:
    """The default: autodiff at the rows that were read, then one scatter per table and step.

    Args:
        objective: what a block reads and costs.
        optimizer: an optax transformation, without its learning rate, whose state is per row and
            which leaves a row of zero gradient alone: `learners.sgd`, `learners.adagrad`. That is
            tried on a few numbers by `init`.
        cap: the largest Euclidean norm of what one step adds to one row; None for no bound, which
            equals `dense`. A frequent word takes many summed updates: very large batches need it.
        parts: pieces of a batch that are computed side by side, with the same result up to
            rounding. By default 2 on a CPU, whose cores take one each (not one per core: results
            would depend on the machine), and 1 elsewhere: accelerators want few large operations.
        ops: how rows are read and added.

    Raises:
        InputError: (from init) the optimizer keeps state that does not belong to rows (Adam's step
            count), moves rows of zero gradient (momentum), looks at several rows at once (a clip of
            the global norm), wants the tables (weight decay), or has a sign and rate of its own.
    """

    def over(ops: TableOps, parts: int) -> Learner:
        return row_sparse(objective, optimizer=optimizer, cap=cap, parts=parts, ops=ops)

    if parts is None:
        parts = 2 if jax.default_backend() == "cpu" else 1

    def init(start: InOut) -> LearnerState:
        rows = InOut(*(_row_state(optimizer, table) for table in start))
        return optimizers.apart(LearnerState(start, rows, Refused()))

    def step(state, blocks: Block, learning_rate, trainable=None) -> LearnerState:
        def gradient_at_rows(blocks: Block) -> InOut:
            rows = ops.gather(state.tables, blocks.ids)
            return jax.grad(lambda r: batches.total(objective, r, blocks))(rows)

        gradient = _in_parts(gradient_at_rows, blocks, parts)
        finite = all_finite(gradient)
        ids, gradient, finite = ops.exchange(state.tables, blocks.ids, gradient, finite)
        # rows whose gradient is 0 stay as they are, whatever the optimizer
        gradient = where(finite, gradient, jax.tree.map(jnp.zeros_like, gradient))
        plain = cap is None and optimizer is sgd
        if not plain or trainable is not None:  # what is done to each row by itself
            ids, gradient = tables.spread(ids, gradient)
        if trainable is not None:
            gradient = jax.tree.map(
                lambda g, mask, i: _masked(g, mask[i]), gradient, trainable, ids
            )
        if plain:
            update = jax.tree.map(lambda g: -learning_rate * g, gradient)
            optimizer_state = state.optimizer
        else:
            sides = zip(ids, gradient, state.optimizer, strict=True)
            changed = [_row_update(optimizer, cap, learning_rate, *side) for side in sides]
            update, optimizer_state = (InOut(*parts) for parts in zip(*changed, strict=True))
        moved = ops.scatter_add(state.tables, ids, update)
        return LearnerState(moved, optimizer_state, refused(state, finite))

    return Learner(init, step, over)


def _masked(gradient: Array, mask: Array) -> Array:
    """A mask of any type, NumPy's default too, leaves gradients of theirs."""
    return gradient * mask[..., None].astype(gradient.dtype)


def _in_parts(of, blocks: Block, parts: int):
    """`of` each slice of a batch, one result after the other."""
    batch = blocks.pairs.shape[0]
    at = [batch * part // parts for part in range(parts + 1)]
    slices = [slice(start, stop) for start, stop in itertools.pairwise(at) if stop > start]
    done = [of(jax.tree.map(lambda leaf, s=s: leaf[s], blocks)) for s in slices]
    return jax.tree.map(lambda *each: jnp.concatenate(each), *done)


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
    update = jnp.where(first[:, None], -learning_rate * update, 0.0)
    if cap is not None:
        norm = jnp.linalg.norm(update, axis=-1, keepdims=True)
        update = update * jnp.minimum(1.0, cap / jnp.maximum(norm, jnp.finfo(norm.dtype).tiny))
    # only representatives write back: a repeat still holds the state from before
    changed = jax.tree.map(
        lambda leaf, new: leaf.at[jnp.where(first, flat, leaf.shape[0])].set(new, mode="drop"),
        state.rows,
        new_rows,
    )
    return update.reshape(gradient.shape), RowState(changed, scratch)
