"""Numbers that are not finite: found in a tree, and never applied."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from jaxemb.structs import Refused


@functools.partial(jax.jit, inline=True)
def all_finite(tree: Any) -> Array:
    """Whether every number of a pytree is finite."""
    return jnp.all(jnp.stack([jnp.all(jnp.isfinite(leaf)) for leaf in jax.tree.leaves(tree)]))


def where(condition: Array, new: Any, old: Any) -> Any:
    """`jnp.where` leaf by leaf: the pytree `new` if the scalar `condition` holds, else `old`."""
    return jax.tree.map(lambda n, o: jnp.where(condition, n, o), new, old)


def applied(finite: Array, new: Any, old: Any) -> Any:
    """The state after a step: one whose update is not finite changes nothing but `refused`."""
    return where(finite, new, old)._replace(refused=refused(old, finite))


def refused(state: Any, finite: Array) -> Refused:
    """The counts of refused steps after one more step, whose update is finite or is refused."""
    bad = jnp.where(finite, 0, 1)
    return Refused((state.refused.in_a_row + bad) * bad, state.refused.in_all + bad)
