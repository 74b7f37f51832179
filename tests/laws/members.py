"""The members that laws run over: a new one is tested by being listed here."""

import jax.nn
import jax.numpy as jnp
import pytest

from jaxemb import embedders
from jaxemb.contextual import members
from jaxemb.functional import losses, pooling
from jaxemb.static import blocks, hierarchical, objectives, softmaxes, subwords
from tests import covering

SMALL = {"window": 2, "negatives": 3, "block_length": 4, "shared_negatives": 3}
HASHED = {"minn": 1, "maxn": 3, "buckets": 9}  # some n-grams share a bucket


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
    "skipgram from context": lambda **s: objectives.skipgram(
        collision=blocks.resample, direction=blocks.skipgram_from_context, **s
    ),
    "skipgram fixed": lambda **s: objectives.skipgram(dynamic_window=False, **s),
    "cbow": objectives.cbow,
    "cbow skip": lambda **s: objectives.cbow(collision=blocks.skip, **s),
    "cbow word2vec": lambda **s: objectives.cbow(mean=pooling.mean_word2vec, **s),
    "subword skipgram": lambda **s: subwords.subword_skipgram(**HASHED, **s),
    "subword cbow": lambda **s: subwords.subword_cbow(**HASHED, **s),
}
# what is added to rows is the gradient of no loss: another program's
NO_GRADIENT = {"cbow word2vec, logistic", "subword skipgram, logistic"}
OBJECTIVES = {
    f"{draw}, {loss}": DRAWS[draw](loss=LOSSES[loss], **SMALL)
    for draw in DRAWS
    for loss in (LOSSES if draw in ("skipgram", "cbow") else ("logistic",))
} | {
    "skipgram hs": hierarchical.skipgram_hs(window=2, block_length=4, budget=24),
    "cbow hs": hierarchical.cbow_hs(window=2, block_length=4, budget=24),
    "skipgram softmax": softmaxes.skipgram_softmax(window=2, block_length=4),
    "cbow softmax": softmaxes.cbow_softmax(window=2, block_length=4),
    "skipgram nce": softmaxes.skipgram_nce(**SMALL),
    "cbow nce": softmaxes.cbow_nce(**SMALL),
}

STATIC = {"one_hot": (embedders.one_hot(7), 7), "lookup": (embedders.lookup(7, 3), 3)}
LOOKUP, BILM = embedders.lookup(7, 3), members.gru(3, layers=1)  # soon compiled
DEEP = members.lstm(3, 5)
READINGS = {
    "top": embedders.top(),
    "mix": embedders.mix(),
}
CHANGES = {
    "concat": (embedders.concat(), 9),
    "additive": (embedders.additive(rank=2), 3),
    "gate": (embedders.gate(), 3),
    "rotation": (embedders.rotation(planes=2), 3),
    "sense mixture": (embedders.sense_mixture(7, senses=3), 3),
}
CONTEXTUAL = {
    **{name: (embedders.contextual(LOOKUP, BILM, read), 6) for name, read in READINGS.items()},
    **{
        name: (embedders.contextual(LOOKUP, BILM, embedders.top(), change), dim)
        for name, (change, dim) in CHANGES.items()
    },
    "mix without static": (embedders.contextual(LOOKUP, DEEP, embedders.mix_without_static()), 6),
    "changed": (
        embedders.changed(
            embedders.one_hot(7),
            embedders.contextual(LOOKUP, BILM, embedders.mix()),
            embedders.gate(),
            dims=(7, 6),
        ),
        7,
    ),
    "of one-hot": (
        embedders.contextual(embedders.one_hot(7), members.gru(7, layers=1), embedders.top()),
        14,
    ),
}

# one of each kind of draw, of pooling and of loss
KINDS = {"skipgram, logistic", "cbow word2vec, logistic", "subword skipgram, logistic", "cbow hs"}
KINDS |= {"skipgram softmax", "cbow nce", "cbow, squared"}
every_objective = pytest.mark.parametrize(
    "objective",
    [
        pytest.param(objective, id=name, marks=[] if name in KINDS else pytest.mark.thorough)
        for name, objective in OBJECTIVES.items()
    ],
)
every_static, every_contextual, every_embedder = (
    pytest.mark.parametrize(
        ("embedder", "dim"),
        covering.every(2, [pytest.param(*member, id=name) for name, member in members.items()]),
    )
    for members in (STATIC, CONTEXTUAL, STATIC | CONTEXTUAL)
)
