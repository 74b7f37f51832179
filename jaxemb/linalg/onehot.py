"""Rank and orthogonality of one-hot tables, exactly, in integers; no table is formed."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Int

from jaxemb.errors import InputError, at_least
from jaxemb.functional.meshes import on_any_mesh
from jaxemb.linalg import arrays
from jaxemb.structs import AnyArray, IdsLike, displayed


@displayed
class OneHot(NamedTuple):
    """The table E = one_hot(ids, vocab). No truth value: ask `.orthonormal` or `.identity`.

    E E^T is 1 where two ids are equal and 0 elsewhere; E^T E is diagonal: its entries are `counts`.
    """

    rows: Int[AnyArray, "*batch"]
    counts: Int[AnyArray, "*batch vocab"]  # the diagonal of E^T E; all other entries are 0
    rank: Int[AnyArray, "*batch"]  # the number of different ids
    outside: Int[AnyArray, "*batch"]  # ids outside the vocabulary, whose rows are zeros

    @property
    def orthonormal(self) -> Any:
        """Whether E E^T = I: no id occurs twice, and none is outside the vocabulary."""
        return (self.rank == self.rows) & (self.outside == 0)

    @property
    def identity(self) -> Any:
        """Whether E^T E = I: every word occurs once."""
        return (self.counts == 1).all(axis=-1)

    def __bool__(self) -> bool:
        raise arrays.no_truth(self, "orthonormal", "identity")

    def __str__(self) -> str:
        return arrays.sentence(self, _sentence, self.rank)


def _sentence(report: OneHot) -> str:
    kind = "rows orthonormal"
    if not report.orthonormal:
        kind = "rows not orthonormal: an id occurs twice, or is outside the vocabulary"
    return (
        f"rank {int(report.rank):,} of {report.counts.shape[-1]:,}, exactly: "
        f"{int(report.rows):,} {kind}"
    )


@on_any_mesh
def one_hot(ids: IdsLike, vocab: int) -> OneHot:
    """The rank and both Gram matrices of one_hot(ids, vocab), by counting.

    `one_hot(np.arange(m), m)` is the identity of m words.

    Args:
        ids: integers [rows].
        vocab: m, the number of words.

    Raises:
        InputError: ids that are not integers [rows]; a vocab below 1.
    """
    arrays.refuse_others(ids, "ids")
    ids = ids if isinstance(ids, jax.Array) else np.asarray(ids)
    if ids.ndim != 1 or not jnp.issubdtype(ids.dtype, jnp.integer):
        raise InputError(f"ids are {ids.dtype} {ids.shape}; wanted integers in one row, [rows]")
    at_least(1, vocab=vocab)
    xp = arrays.namespace(ids)
    known = (ids >= 0) & (ids < vocab)
    if xp is np:
        counts = np.bincount(ids[known], minlength=vocab)
    else:
        counts = jnp.zeros(vocab, jnp.int32).at[jnp.where(known, ids, vocab)].add(1, mode="drop")
    return OneHot(
        rows=arrays.number(xp.asarray(len(ids))),
        counts=counts,
        rank=arrays.number(xp.sum(counts > 0)),
        outside=arrays.number(xp.sum(~known)),
    )
