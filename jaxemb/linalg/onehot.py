"""One-hot tables, judged by their structure: in integers, exactly, and never formed."""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Int

from jaxemb.errors import InputError, at_least
from jaxemb.functional.meshes import on_any_mesh
from jaxemb.linalg import arrays


class OneHot(NamedTuple):
    """The table E = one_hot(ids, vocab). No truth value: ask `.orthonormal` or `.identity`.

    E E^T is 1 where two ids are equal and 0 elsewhere; E^T E is diagonal: its entries are `counts`.
    """

    rows: Int[Any, "*batch"]
    counts: Int[Any, "*batch vocab"]  # the diagonal of E^T E; all other entries are 0
    rank: Int[Any, "*batch"]  # the number of different ids
    outside: Int[Any, "*batch"]  # ids that are no words: rows of zeros

    @property
    def orthonormal(self) -> Any:
        """Whether E E^T = I: no id twice, none outside."""
        return (self.rank == self.rows) & (self.outside == 0)

    @property
    def identity(self) -> Any:
        """Whether E^T E = I: every word once."""
        return (self.counts == 1).all(axis=-1)

    __bool__ = arrays.no_truth("orthonormal", "identity")

    def __str__(self) -> str:
        return arrays.sentence(self, _said, self.rank)


def _said(of: OneHot) -> str:
    kind = "rows orthonormal"
    if not of.orthonormal:
        kind = "rows not orthonormal: an id twice, or none of the words"
    return f"rank {int(of.rank):,} of {of.counts.shape[-1]:,}, exactly: {int(of.rows):,} {kind}"


@on_any_mesh
def one_hot(ids: Any, vocab: int) -> OneHot:
    """The rank and both Gram matrices of one_hot(ids, vocab), by counting.

    `one_hot(np.arange(m), m)` is the identity of m words.

    Args:
        ids: integers [rows].
        vocab: m, the number of words.

    Raises:
        InputError: ids that are not integers in one row; no words.
    """
    arrays.refuse_sparse(ids, "ids")
    ids = ids if arrays.namespace(ids) is jnp else np.asarray(ids)
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
        rows=xp.asarray(len(ids)),
        counts=counts,
        rank=xp.sum(counts > 0),
        outside=xp.sum(~known),
    )
