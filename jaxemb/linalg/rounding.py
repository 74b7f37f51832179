"""What rounding the entries of a table to a type has lost of them."""

from typing import Any, NamedTuple

import jax.numpy as jnp

from jaxemb.linalg import arrays


class Rounding(NamedTuple):
    """What was lost of an entry a: at most unit |a| + underflow."""

    unit: float
    underflow: float
    whole: bool  # whether the entries are whole numbers


def rounded(given: Any, stored: Any, computed: Any, method: float) -> Rounding:
    kinds = [given, computed] if stored is None else [given, computed, stored]
    unit = max(method, *map(arrays.unit_roundoff, kinds))
    finest = [float(jnp.finfo(k).smallest_subnormal) / 2 for k in kinds if arrays.is_floating(k)]
    flushed = float(jnp.finfo(computed).tiny)  # XLA takes subnormal numbers for zeros
    whole = arrays.is_whole(given) and stored is None
    return Rounding(unit, max([flushed, *finest]), whole)
