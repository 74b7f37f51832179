"""Bounds on the rounding error of the entries of a table."""

from typing import Any, NamedTuple

import jax.numpy as jnp

from jaxemb.linalg import arrays


class Rounding(NamedTuple):
    """The rounding error of an entry a is at most unit |a| + underflow."""

    unit: float
    underflow: float
    whole: bool  # whether the entries are whole numbers


def rounded(given: Any, stored: Any, computed: Any, method: float) -> Rounding:
    """Bounds for entries of the type `given`, once of the type `stored`, if that is not None.

    Args:
        given: the type of the table.
        stored: a type that the entries were rounded to before, or None.
        computed: the type of the computation.
        method: the unit roundoff of the method of reduction.
    """
    kinds = [given, computed] if stored is None else [given, computed, stored]
    unit = max(method, *map(arrays.unit_roundoff, kinds))
    finest = [float(jnp.finfo(k).smallest_subnormal) / 2 for k in kinds if arrays.is_floating(k)]
    flushed = float(jnp.finfo(computed).tiny)  # XLA takes subnormal numbers for zeros
    whole = arrays.is_whole(given) and stored is None
    return Rounding(unit, max([flushed, *finest]), whole)
