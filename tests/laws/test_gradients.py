"""Whatever has a value at zero has a finite gradient there; all public functions, by list.

A row of zeros is padding, equal rows are a word met twice: both occur in every batch. Oracles:
finite numbers; central differences in float64; closed forms.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxemb import embedders, linalg
from jaxemb.evaluation import contextuality, jacobians, occurrences, polysemy
from jaxemb.functional import losses, pooling, products, ratios, similarity, softmax
from tests import covering

ROWS, DIM = 6, 4
_RANDOM = np.random.default_rng(0)
FULL = _RANDOM.normal(size=(ROWS, DIM)).astype(np.float32)
_ONE, _ROW = np.arange(ROWS)[:, None], np.ones((ROWS, DIM), np.float32)
INPUTS = {
    "a row of zeros": np.where(_ONE == 2, 0, FULL),
    "two equal rows": np.where(_ONE == 2, FULL[4], FULL),
    "equal rows": np.tile(FULL[:1], (ROWS, 1)),
    "all zeros": 0 * _ROW,
    "a column of zeros": FULL * [1, 0, 1, 1],
    "equal singular values": np.eye(ROWS, DIM),
    "a zero among ones": np.where(_ONE == 0, [0, 1, 1, 1], _ROW),
}
STACKED = np.stack(list(INPUTS.values())).astype(np.float32)
BASIS = np.linalg.qr(_RANDOM.normal(size=(DIM, 2)))[0].astype(np.float32)
OTHER = _RANDOM.normal(size=(ROWS, DIM)).astype(np.float32)
HERE = np.ones(ROWS, np.float32)
TYPES = np.array([0, 0, 1, 1, 1, 2], np.int32)
SIGNS = np.where(np.arange(ROWS) % 2 == 0, 1.0, -1.0).astype(np.float32)
WEIGHT = np.where(_ONE == 1, 0, np.ones((ROWS, ROWS), np.float32)).astype(np.float32)
SAMPLE = softmax.Sample(np.array([0, 3, 5], np.int32), np.zeros(ROWS, np.float32))
KEY = jax.random.key(0)
STACKED, BASIS, OTHER, HERE, TYPES, SIGNS, WEIGHT, SAMPLE = jax.tree.map(
    jnp.asarray, (STACKED, BASIS, OTHER, HERE, TYPES, SIGNS, WEIGHT, SAMPLE)
)

FUNCTIONAL = {
    "losses.softplus": losses.softplus,
    "losses.skipgram": lambda x: losses.skipgram(x[0], x[2], x[3:]),
    "losses.cbow": lambda x: losses.cbow(x[:3], jnp.array([0.0, 0.0, 0.0]), x[3], x[4:]),
    "losses.hierarchical": lambda x: losses.hierarchical(x[0], x[1:], SIGNS[1:], HERE[1:]),
    "losses.logistic": lambda x: losses.logistic(x, x, SIGNS, WEIGHT),
    "losses.glove": lambda x: losses.glove(x[0], x[2], x[1, 0], x[2, 1], jnp.ones(()), x[3, 0]),
    "losses.biased_squares": lambda x: losses.biased_squares(x, x, SIGNS, WEIGHT),
    "losses.softmax": lambda x: losses.softmax(x, x, SIGNS, WEIGHT),
    "losses.noise_contrastive": lambda x: losses.noise_contrastive(
        x, x, losses.Contrast(SIGNS, SIGNS), WEIGHT
    ),
    "pooling.mean": lambda x: pooling.mean(x, WEIGHT),
    "pooling.mean_word2vec": lambda x: pooling.mean_word2vec(x, WEIGHT),
    "products.scores": lambda x: products.scores(x, x),
    "products.sums": lambda x: products.sums(WEIGHT, x),
    "ratios.ratio": lambda x: ratios.ratio(x[:3], x[3:]),
    "ratios.root": lambda x: ratios.root(x * x),
    "ratios.length": ratios.length,
    "ratios.lengths": ratios.lengths,
    "ratios.unit": ratios.unit,
    "similarity.normalize": similarity.normalize,
    "similarity.lengths": similarity.lengths,
    "similarity.cosine_to_rows": lambda x: similarity.cosine_to_rows(x, x),
    "similarity.cosine": lambda x: similarity.cosine(x, x),
    "similarity.euclidean": lambda x: similarity.euclidean(x, x),
    "similarity.cos_add": lambda x: similarity.cos_add(x[:2], x[2:3], x),
    "similarity.cos_mul": lambda x: similarity.cos_mul(x[:2], x[2:3], x),
    "similarity.closeness": lambda x: similarity.closeness(x[:2], x[2:3], x),
    "similarity.largest": lambda x: similarity.largest(x, 2),
    "softmax.full": lambda x: softmax.full(x, x, x[:, 0], jnp.arange(ROWS)),
    "softmax.sampled": lambda x: softmax.sampled(x, x, x[:, 0], jnp.arange(ROWS), SAMPLE),
}
LINALG = {
    "spectrum": linalg.spectrum,
    "spectrum centred": lambda x: linalg.spectrum(x, center=True),
    "spectrum by qr": lambda x: linalg.spectrum(x, method=linalg.qr),
    "rank": lambda x: linalg.rank(x)[2:5],
    "certify": lambda x: linalg.certify(x)[2:5],
    "condition": linalg.condition,
    "stable_rank": linalg.stable_rank,
    "effective_rank": linalg.effective_rank,
    "effective_rank RankMe": lambda x: linalg.effective_rank(x, epsilon=1e-7),
    "explained_variance": linalg.explained_variance,
    "participation_ratio": linalg.participation_ratio,
    "participation_ratio of a spectrum": lambda x: linalg.participation_ratio(linalg.spectrum(x)),
    "isoscore": linalg.isoscore,
    "isoscore of a spectrum": lambda x: linalg.isoscore(linalg.spectrum(x, center=True)),
    "partition_isotropy": linalg.partition_isotropy,
    "gram": linalg.gram,
    "mean_cosine": linalg.mean_cosine,
    "center": linalg.center,
    "unit_rows": linalg.unit_rows,
    "whiten": linalg.whiten,
    "all_but_the_top": lambda x: linalg.all_but_the_top(x, 2),
    "basis": lambda x: linalg.basis(x, 2),
    "project": lambda x: linalg.project(x, BASIS),
    "project of a basis": lambda x: linalg.project(OTHER, linalg.basis(x, 2)),
    "reject": lambda x: linalg.reject(x, BASIS),
    "membership": lambda x: linalg.membership(x[2], BASIS),
    "dependence": linalg.dependence,
    "dependence of few": lambda x: linalg.dependence(x[:3]),
    "orthogonality": linalg.orthogonality,
    "orthogonality of rows": lambda x: linalg.orthogonality(x, rows=True),
    "coherence": linalg.coherence,
    "principal_angles": lambda x: linalg.principal_angles(
        jnp.linalg.qr(OTHER)[0] + 0 * x, jnp.linalg.qr(OTHER)[0]
    ),
    "procrustes": lambda x: linalg.procrustes(x, OTHER),
    "procrustes with itself": lambda x: linalg.procrustes(x, x),
    "cka": lambda x: linalg.cka(x, OTHER),
    "cka biased": lambda x: linalg.cka(x, OTHER, unbiased=False),
    "pip_distance": lambda x: linalg.pip_distance(x, OTHER),
    "pip_distance from itself": lambda x: linalg.pip_distance(x, x),
    "axes": lambda x: linalg.axes(x, rotations=2),
}
EVALUATION = {
    "self_similarity": lambda x: occurrences.self_similarity(x, TYPES, 3),
    "intra_sentence_similarity": lambda x: occurrences.intra_sentence_similarity(x, TYPES, 3),
    "anisotropy": occurrences.anisotropy,
    "anisotropy weighted": lambda x: occurrences.anisotropy(x, HERE),
    "explainable_variance": occurrences.explainable_variance,
    "context_share": lambda x: occurrences.context_share(x, TYPES, 3),
    "procrustes_similarity": lambda x: contextuality.procrustes_similarity(x, OTHER),
    "jacobian_norms": lambda x: jacobians.jacobian_norms(lambda v: v * v, x),
    "sampled_jacobian_norms": lambda x: jacobians.sampled_jacobian_norms(
        KEY, lambda v: v * v, x, 2
    ),
    "jacobian_share": lambda x: jacobians.jacobian_share(lambda v: jnp.cumsum(v, axis=0) ** 2, x),
    "silhouette": lambda x: polysemy.silhouette(x, TYPES % 2, 2),
}
CHANGES = {
    "gate": embedders.gate(),
    "rotation": embedders.rotation(2),
    "additive": embedders.additive(1),
    "concat": embedders.concat(),
    "switch": embedders.switch(),
    "sense_mixture": embedders.sense_mixture(3, 2),
}


def _changed(change):
    """With the table as the vectors, as the context and as every parameter."""

    def apply(x):
        shapes = jax.eval_shape(lambda key: change.init(key, DIM, DIM), KEY)
        params = jax.tree.map(lambda s: jnp.resize(x, s.shape), shapes)
        return change.apply(params, x, x, TYPES)

    return apply


EMBEDDERS = {name: _changed(change) for name, change in CHANGES.items()} | {
    "mix": lambda x: embedders.mix().apply(
        embedders.Mix(x[0, :2], x[1, 0]), jnp.stack([x, x]), HERE
    ),
    "static_from_mean": lambda x: embedders.static_from_mean(x, TYPES, 3),
    "faded": lambda x: embedders.faded(x[:3], x, TYPES, 0.5),
    "mix, normed": lambda x: embedders.mix(batch_scalar_norm=True).apply(
        embedders.Mix(x[0, :2], x[1, 0]), jnp.stack([x, x]), HERE
    ),
}
EVERY = FUNCTIONAL | LINALG | EVALUATION | EMBEDDERS


def _number(function):
    """A weighted sum of all finite numbers that the function gives."""

    def of(x):
        leaves = [
            jnp.where(jnp.isfinite(leaf), leaf, 0.0)
            for leaf in jax.tree.leaves(function(x))
            if isinstance(leaf, jax.Array) and jnp.issubdtype(leaf.dtype, jnp.floating)
        ]
        weights = [jnp.cos(jnp.arange(leaf.size)).reshape(leaf.shape) for leaf in leaves]
        return sum(jnp.vdot(*pair) for pair in zip(leaves, weights, strict=True))

    return of


@pytest.mark.parametrize("name", covering.every(3, EVERY))
def test_what_has_a_value_has_a_finite_gradient(name):
    both = jax.jit(lambda xs: jax.lax.map(jax.value_and_grad(_number(EVERY[name])), xs))
    values, gradients = both(STACKED)
    for i, where in enumerate(INPUTS):
        assert np.isfinite(values[i]), where
        assert np.isfinite(gradients[i]).all(), where


NOT_OF_A_TABLE = {
    "products": {"stated"},
    "linalg": {
        *("planted", "random_orthogonal", "simplex", "tight_frame", "one_hot"),  # make tables
        *("gram64", "qr", "sketch", "summary"),  # methods; a report of the host
        *("singular_bounds", "truncated_svd"),  # of operators
    },
    "occurrences": {"sentence_weights", "explainable_variance_baseline", "generator"},
}


def test_every_public_function_of_tables_is_on_a_list_above():
    public = {name for name in linalg.__all__ if name.islower() and not name.startswith("assert_")}
    assert {name.split()[0] for name in LINALG} == public - NOT_OF_A_TABLE["linalg"]
    for module in (losses, pooling, products, ratios, similarity):
        short = module.__name__.rpartition(".")[2]
        listed = {name.rpartition(".")[2] for name in FUNCTIONAL if name.startswith(short)}
        assert listed == _functions(module) - NOT_OF_A_TABLE.get(short, set())
    own = _functions(occurrences) - NOT_OF_A_TABLE["occurrences"]
    assert own <= {name.split()[0] for name in EVALUATION}
    assert _functions(jacobians) <= set(EVALUATION)


def _functions(module) -> set[str]:
    return {
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and callable(value)
        and getattr(value, "__module__", "") == module.__name__
        and not isinstance(value, type)
    }


# --- closed forms ------------------------------------------------------------------------------


def test_a_row_of_zeros_receives_no_gradient_and_the_others_that_of_a_table_without_it():
    """Padding: the measure does not notice it, so nor may what is learned from the measure."""
    full = jnp.asarray(FULL).at[2].set(0)
    without = jnp.delete(FULL, 2, axis=0)
    for measure in (
        lambda x: jnp.sum(jnp.sin(3 * similarity.cosine(x, OTHER[:1]))),
        lambda x: jnp.sum(jnp.sin(3 * linalg.unit_rows(x))),
    ):
        gradient = jax.jit(jax.grad(measure))(full)
        np.testing.assert_array_equal(gradient[2], 0)
        # 8 eps of gradients up to 3: the one is fused into one program, the other op by op
        others = jnp.delete(gradient, 2, axis=0)
        np.testing.assert_allclose(others, jax.grad(measure)(without), rtol=0, atol=3e-6)


def test_the_gradient_of_a_length_is_the_unit_vector_at_any_scale():
    for scale in (1e-30, 1.0, 1e30):
        gradient = jax.grad(lambda x: jnp.sum(similarity.lengths(x)))(FULL * scale)
        unit = np.float64(FULL) / np.linalg.norm(np.float64(FULL), axis=1, keepdims=True)
        np.testing.assert_allclose(gradient, unit, atol=1e-6)  # 8 eps: of four squares and a root


def test_equal_vectors_do_not_pull_and_others_pull_along_their_difference():
    x = jnp.asarray(FULL).at[2].set(FULL[4])
    gradient = jax.grad(lambda x: jnp.sum(similarity.euclidean(x, x)))(x)
    apart = np.float64(x)[:, None] - np.float64(x)[None]
    away = np.linalg.norm(apart, axis=2, keepdims=True)
    expected = 2 * np.where(away > 0, apart / np.where(away > 0, away, 1), 0).sum(axis=1)
    np.testing.assert_allclose(gradient, expected, atol=1e-5)  # sums of ten unit vectors
