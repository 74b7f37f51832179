"""What training asks of an optax transformation: which ones it takes, and how it calls them.

Whether it can be used is tried on a few numbers before training; a step then costs nothing more.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax.core import Tracer
from jaxtyping import Array

from jaxemb.errors import InputError

_FAR = 1e15  # beyond any bound of a clip; its square is a float32, too


def begun(optimizer: optax.GradientTransformation, params: Any) -> Any:
    """The first state of an optimizer.

    Raises:
        InputError: no transformation, but what makes one, perhaps.
    """
    if not (hasattr(optimizer, "init") and hasattr(optimizer, "update")):
        raise InputError(
            f"optimizer is {optimizer!r:.60}; wanted an optax transformation, such as "
            "optax.scale_by_adam()"
        )
    with _as_wide_as(params):
        return optimizer.init(params)


def updated(optimizer: optax.GradientTransformation, gradient: Any, *state: Any) -> Any:
    """`optimizer.update`: numbers of its own are as wide as the gradient's.

    Adam's bias correction takes JAX's default type, which is wider where `jax_enable_x64` is set.
    """
    with _as_wide_as(gradient):
        return optimizer.update(gradient, *state)


def _as_wide_as(tree: Any) -> Any:
    """A context: 64 bits are JAX's default only where a leaf has them."""
    return jax.enable_x64(any(leaf.dtype.itemsize > 4 for leaf in jax.tree.leaves(tree)))


def apart(tree: Any) -> Any:
    """The tree with an array of its own for each leaf: a state is given away to the next step.

    What stands there twice (an `init` that gives one array to several leaves, one table for both
    sides) would be given away twice, which JAX refuses. Costs a copy of such leaves alone.
    """
    seen: set[Any] = set()

    def own(leaf: Any) -> Any:
        if not isinstance(leaf, jax.Array) or isinstance(leaf, Tracer):
            return leaf
        buffers = _buffers(leaf)
        if seen & buffers:
            return jnp.copy(leaf)
        seen.update(buffers)
        return leaf

    return jax.tree.map(own, tree)


def _buffers(leaf: jax.Array) -> set[int]:
    """Where an array lies; two arrays may lie in one place."""
    try:
        return {each.data.unsafe_buffer_pointer() for each in leaf.addressable_shards}
    except (AttributeError, RuntimeError):  # not every device says: an array stands for its place
        return {id(leaf)}


class _Probe(NamedTuple):
    """What an optimizer did to three rows of numbers."""

    along: Any  # its update times the gradient: above 0 if it points where the gradient does
    by_rows: Any  # the update of one row is the same whatever the others are
    rests: Any  # a row of gradient 0 stays where it is, and so does its state


@functools.lru_cache(maxsize=64)
def _probe(optimizer: optax.GradientTransformation, dim: int, dtype: Any) -> _Probe:
    """Tries rows of one table, without parameters: all that `row_sparse` shows an optimizer."""

    @jax.jit
    def tried(gradient):
        state = begun(optimizer, jnp.ones_like(gradient))
        update, after = updated(optimizer, gradient, state)
        beside, _ = updated(optimizer, gradient.at[1].set(_FAR), state)
        rest, end = updated(optimizer, jnp.zeros_like(gradient), after)
        still = [jnp.all(rest == 0), *jax.tree.leaves(jax.tree.map(_equal, after, end))]
        same = jnp.all(jnp.abs(beside[0] - update[0]) <= 1e-5 * jnp.abs(update[0]))
        return _Probe(jnp.sum(update * gradient), same, jnp.all(jnp.stack(still)))

    with jax.ensure_compile_time_eval():
        return jax.tree.map(float, tried(jnp.full((3, dim), 0.5, dtype)))


def _equal(one: Array, other: Array) -> Array:
    return jnp.all(one == other)


def check_rows(optimizer: optax.GradientTransformation, table: Any) -> None:
    """Raises InputError for an optimizer that cannot be used row by row, at the rows read alone.

    Of the others the results would not be those of whole tables: momentum moves rows that are not
    read, a clip by the global norm is one by the norm of the rows read, weight decay wants rows.
    """
    way_out = "use learners.dense, which takes those too"
    try:
        found = _probe(optimizer, table.shape[1], table.dtype)
    except Exception as error:
        said = str(error).strip().split("\n")[0]
        raise InputError(
            f"row_sparse cannot use this optimizer, which is given gradients alone and no tables "
            f"(weight decay wants them): {said}: {way_out}"
        ) from error
    if not found.rests:
        raise InputError(
            "row_sparse takes an optimizer that leaves rows of gradient 0 and their state alone "
            f"(SGD, Adagrad); this one moves them, as momentum and decaying means do: {way_out}"
        )
    if not found.by_rows:
        raise InputError(
            "row_sparse takes an optimizer that treats each row by itself; of this one a row's "
            f"update depends on the others, as a clip of the global norm does: {way_out}"
        )
    _refuse_descent(found.along)


def check_whole(optimizer: optax.GradientTransformation, tables: Any) -> None:
    """Raises InputError for an optimizer whose update is one to be added, not taken away."""
    _refuse_descent(_along(optimizer, tables))


def _along(optimizer: optax.GradientTransformation, params: Any) -> float:
    """Its first update times the gradient, of three rows of each leaf; 0 if these it cannot have.

    An optimizer of certain leaves (other rates for other parameters) has nothing to say of others.
    """

    def tried():
        gradient = jax.tree.map(
            lambda leaf: jnp.full((3, *leaf.shape[1:]), 0.5, leaf.dtype), params
        )
        update, _ = updated(optimizer, gradient, begun(optimizer, gradient), gradient)
        return sum(jnp.sum(leaf) for leaf in jax.tree.leaves(update))

    with jax.ensure_compile_time_eval():
        try:
            return float(jax.jit(tried)())
        except (ValueError, TypeError, KeyError, AttributeError):
            return 0.0


def _refuse_descent(along: float) -> None:
    if along < 0:
        raise InputError(
            "the optimizer's update goes down the gradient, and a learner takes it away, times its "
            "own learning rate: wanted a transformation without learning rate and sign, such as "
            "optax.scale_by_adam() for optax.adam(0.01)"
        )


def clipped(make: Callable[[float], Any], learning_rate: float, clip: float) -> Any:
    """The optimizer that `make` gives for a learning rate, after a clip of the gradients' norm.

    Args:
        make: from the learning rate to an optax transformation, whose update is added:
            `optax.adam`, `contextual.models.adagrad`.
        clip: the largest norm of all gradients together.

    Raises:
        InputError: `make` gives something else, or what is meant for a learner of tables.
    """
    made = make(learning_rate)
    if not isinstance(made, optax.GradientTransformation):
        raise InputError(
            f"optimizer({learning_rate:g}) is {type(made).__name__}; wanted an optax "
            "transformation, such as optax.adam gives"
        )
    if _along(made, jax.ShapeDtypeStruct((3, 3), jnp.float32)) > 0:
        raise InputError(
            f"the update of optimizer({learning_rate:g}) goes up the gradient: wanted an optax "
            "transformation with its learning rate and sign, such as optax.adam gives"
        )
    return optax.chain(optax.clip_by_global_norm(clip), made)
