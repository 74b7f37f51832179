"""Which optax transformations training accepts, and how it calls them.

A transformation is tried on a few numbers before training, so that its steps need no checks.
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

_FAR = 1e15  # beyond the bound of any clip; its square is still finite in float32


def begun(optimizer: optax.GradientTransformation, params: Any) -> Any:
    """Initialise an optimizer's state.

    Raises:
        InputError: no optax transformation, but for example the function that makes one.
    """
    if not (hasattr(optimizer, "init") and hasattr(optimizer, "update")):
        raise InputError(
            f"optimizer is {optimizer!r:.60}; wanted an optax transformation, such as "
            "optax.scale_by_adam()"
        )
    with _as_wide_as(params):
        return optimizer.init(params)


def updated(optimizer: optax.GradientTransformation, gradient: Any, *state: Any) -> Any:
    """Call `optimizer.update`; the optimizer's own constants get the gradient's precision.

    Adam's bias correction has JAX's default type, which is float64 where `jax_enable_x64` is set.
    """
    with _as_wide_as(gradient):
        return optimizer.update(gradient, *state)


def _as_wide_as(tree: Any) -> Any:
    """A context in which JAX's default types have 64 bits only if a leaf has them."""
    return jax.enable_x64(any(leaf.dtype.itemsize > 4 for leaf in jax.tree.leaves(tree)))


def apart(tree: Any) -> Any:
    """Copy leaves that share a buffer, so that the whole tree can be donated to a step.

    An `init` may give one array to several leaves, or a user one table as both sides: JAX refuses
    to donate a buffer twice. All other leaves stay uncopied.
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
    """The addresses of an array's buffers, which several arrays may share."""
    try:
        return {shard.data.unsafe_buffer_pointer() for shard in leaf.addressable_shards}
    except (
        AttributeError,
        RuntimeError,
    ):  # not every device tells: the array itself stands for its buffer
        return {id(leaf)}


class _Probe(NamedTuple):
    """How an optimizer updated three rows of a trial table."""

    along: Any  # update times gradient: above 0 if the update points along the gradient
    by_rows: Any  # whether the update of a row is independent of the other rows
    rests: Any  # whether a row of gradient 0, and its state, stay unchanged


@functools.lru_cache(maxsize=64)
def _probe(optimizer: optax.GradientTransformation, dim: int, dtype: Any) -> _Probe:
    """Try an optimizer on rows without parameters, as `row_sparse` calls it."""

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
    """Raise InputError for an optimizer that cannot update the rows read, each by itself.

    With such an optimizer the result would differ from that of whole tables: momentum moves rows
    that were not read, a clip of the global norm would see the rows read alone, and weight decay
    needs the tables.
    """
    way_out = "use learners.dense, which takes those too"
    try:
        probe = _probe(optimizer, table.shape[1], table.dtype)
    except Exception as error:
        reason = str(error).strip().split("\n")[0]
        raise InputError(
            f"row_sparse cannot use this optimizer: it is given gradients alone and no tables "
            f"(weight decay wants them): {reason}: {way_out}"
        ) from error
    if not probe.rests:
        raise InputError(
            "row_sparse takes an optimizer that leaves rows of gradient 0 and their state alone "
            f"(SGD, Adagrad); this one moves them, as momentum and moving averages do: {way_out}"
        )
    if not probe.by_rows:
        raise InputError(
            "row_sparse takes an optimizer that treats each row by itself; with this one a row's "
            f"update depends on the others, as with a clip of the global norm: {way_out}"
        )
    _refuse_descent(probe.along)


def check_whole(optimizer: optax.GradientTransformation, tables: Any) -> None:
    """Raise InputError for an optimizer whose update is to be added, not subtracted."""
    _refuse_descent(_along(optimizer, tables))


def _along(optimizer: optax.GradientTransformation, params: Any) -> float:
    """First update times gradient, for three rows of each leaf; 0 if the optimizer refuses them.

    An optimizer for certain leaves (other rates for other parameters) may accept no others.
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
    """The optimizer `make(learning_rate)`, preceded by a clip of the global gradient norm.

    Args:
        make: from a learning rate to an optax transformation whose update is added: `optax.adam`,
            `contextual.models.adagrad`.
        clip: the maximum global norm of the gradients.

    Raises:
        InputError: `make` returns something else, or a transformation without its sign.
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
