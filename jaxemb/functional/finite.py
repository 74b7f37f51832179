"""Checks that all numbers of a pytree are finite, and updates that are applied only if they are."""

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
    """The state after a step; an update that is not finite changes nothing but `refused`."""
    return where(finite, new, old)._replace(refused=refused(old, finite))


def refused(state: Any, finite: Array) -> Refused:
    """The counts of refused updates after one more update, refused if it is not finite."""
    bad = jnp.where(finite, 0, 1)
    return Refused((state.refused.in_a_row + bad) * bad, state.refused.in_all + bad)
