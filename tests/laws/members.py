"""The members that laws run over: a new one is tested by being listed here."""

import jax.nn
import jax.numpy as jnp
import pytest

from jaxemb import embedders
from jaxemb.functional import losses, pooling
from jaxemb.static import blocks, objectives

SMALL = {"window": 2, "negatives": 3, "block_length": 4, "shared_negatives": 3}


def hinge(hidden, outputs, target, weight):
    """A user's own loss: it knows nothing of windows, so it trains under every draw."""
    scores = hidden @ outputs.T
    return jnp.sum(weight * jax.nn.relu(1.0 - target[None, :] * scores))


def squared(hidden, outputs, target, weight):
    scores = hidden @ outputs.T
    return jnp.sum(weight * (scores - target[None, :]) ** 2)


LOSSES = {"logistic": losses.logistic, "hinge": hinge, "squared": squared}
DRAWS = {
    "skipgram": objectives.skipgram,
    "skipgram skip": lambda **s: objectives.skipgram(collision=blocks.skip, **s),
    "skipgram fixed": lambda **s: objectives.skipgram(dynamic_window=False, **s),
    "cbow": objectives.cbow,
    "cbow skip": lambda **s: objectives.cbow(collision=blocks.skip, **s),
    "cbow word2vec": lambda **s: objectives.cbow(mean=pooling.mean_word2vec, **s),
}
OBJECTIVES = {
    f"{draw}, {loss}": DRAWS[draw](loss=LOSSES[loss], **SMALL)
    for draw in DRAWS
    for loss in (LOSSES if draw in ("skipgram", "cbow") else ("logistic",))
}
EMBEDDERS = {"one_hot": (embedders.one_hot(7), 7), "lookup": (embedders.lookup(7, 3), 3)}

every_objective = pytest.mark.parametrize("objective", OBJECTIVES.values(), ids=OBJECTIVES.keys())
every_embedder = pytest.mark.parametrize(
    ("embedder", "dim"), EMBEDDERS.values(), ids=EMBEDDERS.keys()
)
