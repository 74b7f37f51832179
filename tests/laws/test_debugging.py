"""JAX's own alarms, jax_debug_infs and jax_debug_nans, ring for errors and for nothing else.

What stands for "no number here" within a search or a softmax is finite. Oracle: the alarms.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxemb import linalg, nearest, similarity
from jaxemb.evaluation import polysemy, search
from jaxemb.functional import losses, softmax
from jaxemb.structs import Vocab
from tests import covering
from tests.transforms import PLAIN_AND_JIT

ROWS = 6
TABLE = np.random.default_rng(0).normal(size=(ROWS, 4)).astype(np.float32)
VOCAB = Vocab(tuple("abcdef"), np.arange(ROWS, 0, -1))
IDS = jnp.arange(ROWS)
EVERY_WORD = softmax.Sample(IDS, jnp.zeros(ROWS))

FUNCTIONS = {
    "sampled softmax": lambda x: softmax.sampled(x, x, x[:, 0], IDS, EVERY_WORD),
    "full softmax": lambda x: softmax.full(x, x, x[:, 0], IDS),
    "loss": lambda x: losses.softmax(x, x, x[:, 0], x @ x.T),
    "cosine": lambda x: similarity.cosine(x, x),
    "euclidean": lambda x: similarity.euclidean(x, x),
    "largest": lambda x: similarity.largest(x @ x.T, 2),
    "silhouette": lambda x: polysemy.silhouette(x, IDS % 2, 2),
    "spectrum": lambda x: linalg.spectrum(x, method=linalg.sketch),
    "rank": lambda x: linalg.rank(linalg.spectrum(x, method=linalg.sketch)),
    "partition_isotropy": linalg.partition_isotropy,
    "mean_cosine": linalg.mean_cosine,
    "coherence": linalg.coherence,
    "cka": lambda x: linalg.cka(x, x * x),
    "axes": lambda x: linalg.axes(x, rotations=2),
    "gradient of a cosine": jax.grad(lambda x: similarity.cosine(x, x).sum()),
    "gradient of an effective rank": jax.grad(linalg.effective_rank),
}


@PLAIN_AND_JIT
@pytest.mark.parametrize("name", covering.every(2, FUNCTIONS))
def test_no_alarm_rings_where_nothing_is_wrong(transform, name):
    with jax.debug_infs(True), jax.debug_nans(True):
        jax.block_until_ready(transform(FUNCTIONS[name])(jnp.asarray(TABLE).at[2].set(0)))


def test_no_alarm_rings_in_a_search_for_more_than_there_is():
    with jax.debug_infs(True), jax.debug_nans(True):
        neighbours = nearest(VOCAB, TABLE, "c", k=10)
    assert len(neighbours.words) == ROWS - 1
    # the answers that do not exist have the score -inf
    few = search.best(TABLE, TABLE[None, :1], TABLE[None, :0], np.array([[0, 1]]), 6)
    assert np.isfinite(few.values).sum() == ROWS - 2
    np.testing.assert_array_equal(few.values[0, ROWS - 2 :], -np.inf)
