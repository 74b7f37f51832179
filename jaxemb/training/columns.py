"""Tables with columns of zeros beyond `dim`, up to whole vectors of the hardware."""

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxemb.structs import InOut


def wide(plan: Any, table: Float[Array, "rows _"]) -> Float[Array, "rows columns"]:
    """A table with columns of zeros, up to `plan.columns`."""
    return jnp.pad(table, ((0, 0), (0, plan.columns - table.shape[1])))


def narrow(plan: Any, tables: InOut[Any]) -> InOut[Any]:
    """The tables without their columns of zeros: [..., rows, dim]."""
    return InOut(*(table[..., : plan.dim] for table in tables))


def words(plan: Any, tables: InOut[Any], resources: Any) -> InOut[Any]:
    """`objective.words` of tables that are being trained: an input row a word, of `dim` columns."""
    return plan.objective.words(narrow(plan, tables), resources)
