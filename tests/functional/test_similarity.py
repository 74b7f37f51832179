"""Cosine and Euclidean similarity. Oracles: scipy; the identity on unit rows."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.spatial.distance

from jaxemb.functional import similarity
from tests.rounding import SUM, close
from tests.transforms import PLAIN_AND_JIT


def _two(seed: int):
    keys = jax.random.split(jax.random.key(seed), 2)
    return jax.random.normal(keys[0], (5, 7)), jax.random.normal(keys[1], (6, 7))


@PLAIN_AND_JIT
@pytest.mark.parametrize("seed", range(3))
def test_cosine_and_distance_are_scipys(transform, seed):
    left, right = _two(seed)
    cdist = scipy.spatial.distance.cdist
    expected = 1 - cdist(left, right, "cosine")
    close(transform(similarity.cosine)(left, right), expected, ulps=SUM)
    distance = transform(similarity.euclidean)(left, right)
    np.testing.assert_allclose(distance, cdist(left, right), rtol=1e-5)


def test_on_unit_rows_both_rank_neighbours_alike():
    left, right = (similarity.normalize(x) for x in _two(3))
    squared = similarity.euclidean(left, right) ** 2
    close(squared, 2 - 2 * similarity.cosine(left, right), ulps=SUM)


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
def test_length_is_one_at_any_scale_and_zero_stays_zero(scale):
    vectors = jnp.concatenate([_two(0)[0] * scale, jnp.zeros((1, 7))])
    norms = np.linalg.norm(np.asarray(similarity.normalize(vectors)), axis=1)
    np.testing.assert_allclose(norms, [1, 1, 1, 1, 1, 0], rtol=1e-6)


def _cosines(rows, vectors):
    return 1 - scipy.spatial.distance.cdist(np.float64(rows), np.float64(vectors), "cosine")


@PLAIN_AND_JIT
@pytest.mark.parametrize("answer", ["cos_add", "cos_mul", "closeness"])
def test_answers_to_analogies_are_the_papers_formulas(transform, answer):
    a, b, c, rows = (
        jax.random.normal(key, (5, 7)) for key in jax.random.split(jax.random.key(1), 4)
    )
    near, far, rows = jnp.stack([b[0], c[0]]), a[:1], jnp.concatenate([rows, rows * 1e-25])
    cosines = _cosines(rows, jnp.stack([a[0], b[0], c[0]]))
    unit = [np.float64(x[0]) / np.linalg.norm(np.float64(x[0])) for x in (a, b, c)]
    shifted = (1 + cosines) / 2
    expected = {
        "cos_add": _cosines(rows, [unit[1] + unit[2] - unit[0]])[:, 0],
        "cos_mul": shifted[:, 1] * shifted[:, 2] / (shifted[:, 0] + 1e-6),
        "closeness": -np.linalg.norm(rows - (b[0] + c[0] - a[0])[None, :], axis=1),
    }[answer]
    scores = transform(getattr(similarity, answer))(near, far, rows)
    np.testing.assert_allclose(scores, expected, rtol=1e-4, atol=1e-6)  # float32 cosines


@PLAIN_AND_JIT
@pytest.mark.parametrize(("rows", "k"), [(6400, 10), (128, 1), (640, 10), (70, 3)])
def test_the_largest_by_groups_are_the_plain_ones_and_ties_go_to_the_lower_index(
    transform, rows, k
):
    random = np.random.default_rng(rows)
    for values in (10**6, rows // 3, 3, 1):  # hardly a tie, some, many, all equal
        scores = jnp.asarray(random.integers(0, values, (4, rows)), jnp.float32)
        order = np.argsort(-np.asarray(scores), axis=1, kind="stable")[:, :k]
        top, indices = transform(lambda s: similarity.largest(s, k))(scores)
        np.testing.assert_array_equal(indices, order)
        np.testing.assert_array_equal(top, np.take_along_axis(np.asarray(scores), order, axis=1))
