"""The loss of a batch of blocks under any objective."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxemb.structs import Block, InOut, Objective


def total(objective: Objective, rows: InOut[Array], batch: Block) -> Float[Array, ""]:
    """The summed loss of a batch of blocks in nats, as a function of the rows that it reads.

    Args:
        objective: how a block pools its rows, and its loss.
        rows: of `batch.ids`: [batch, ..., dim].
    """

    own = objective.reads.own

    def one(block_rows: InOut[Array], block: Block):
        hidden = objective.pool(block_rows.input, block)
        if not own:
            return objective.loss(hidden, block_rows.output, block.target, block.weight)
        first = hidden.shape[0] * own
        return _own(hidden, block_rows.output[:first], block) + objective.loss(
            hidden, block_rows.output[first:], block.target[own:], block.weight[:, own:]
        )

    def _own(hidden, outputs, block: Block):
        """The summed loss of each center against outputs that no other center shares."""
        per_center = jax.vmap(
            lambda h, o, w: objective.loss(h[None], o, block.target[:own], w[None])
        )
        outputs = outputs.reshape(hidden.shape[0], own, -1)
        return jnp.sum(per_center(hidden, outputs, block.weight[:, :own]))

    return jnp.sum(jax.vmap(one)(rows, batch))
