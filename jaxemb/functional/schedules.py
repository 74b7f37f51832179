"""Learning rate schedules, as functions of the completed share of a training run.

Computed on the host in float64. Never imports jax: a config names these rules.
"""

import numpy as np
from jaxtyping import Float

from jaxemb.structs import AnyArray

FLOOR = 1e-4


def word2vec(start: float, done: Float[AnyArray, "*steps"]) -> Float[AnyArray, "*steps"]:
    """start max(1 - done, 1e-4): linear decay to 1e-4 of the start.

    Args:
        start: the learning rate at the start.
        done: the share of all epochs' text that has been read, from 0 to 1.

    Source:
        github tmikolov/word2vec, word2vec.c, TrainModelThread.
    """
    return start * np.maximum(1.0 - done, FLOOR)


def gensim(start: float, done: Float[AnyArray, "*steps"]) -> Float[AnyArray, "*steps"]:
    """start - (start - 1e-4) done: linear decay to 1e-4, whatever the start.

    Source:
        github piskvorky/gensim, word2vec.py, `min_alpha`. Arguments: see `word2vec`.
    """
    return start - (start - FLOOR) * done


def to_zero(start: float, done: Float[AnyArray, "*steps"]) -> Float[AnyArray, "*steps"]:
    """start (1 - done): linear decay to 0.

    Source:
        github facebookresearch/fastText, fasttext.cc, trainThread. Arguments: see `word2vec`.
    """
    return start * (1.0 - done)
