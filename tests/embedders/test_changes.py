"""Laws of changes of A that hold for all parameters.

Oracles: bit-identity; identities of linear algebra in float64. EPS is float32's at 1.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxemb import embedders, linalg
from jaxemb.embedders.changes import Gate, LowRank, reflected
from jaxemb.errors import InputError
from tests.rounding import SOFTMAX, close
from tests.transforms import PLAIN_AND_JIT

EPS = 2.0**-23
TIME, DIM, CONTEXT, VOCAB = 9, 6, 10, 5
TOKENS = jnp.arange(TIME) % VOCAB
SIZES = pytest.mark.parametrize("size", [1e-3, 1.0, 1e3], ids="context of {}".format)


def _given(seed: int = 0, time: int = TIME):
    keys = jax.random.split(jax.random.key(seed))
    return jax.random.normal(keys[0], (time, DIM)), jax.random.normal(keys[1], (time, CONTEXT))


def _anywhere(change: embedders.Change, seed: int = 0):
    random = np.random.default_rng(seed)
    start = change.init(jax.random.key(seed), DIM, CONTEXT)
    return jax.tree.map(lambda x: jnp.asarray(random.normal(size=x.shape), jnp.float32), start)


def _start(change: embedders.Change):
    static, context = _given()
    return static, change.apply(
        change.init(jax.random.key(3), DIM, CONTEXT), static, context, TOKENS
    )


@PLAIN_AND_JIT
def test_concat_is_a_then_the_context_bit_for_bit(transform):
    static, context = _given()
    both = transform(embedders.concat().apply)((), static, context, TOKENS)
    np.testing.assert_array_equal(both[:, :DIM], static)
    np.testing.assert_array_equal(both[:, DIM:], context)


def test_an_additive_change_starts_as_a_bit_for_bit():
    static, changed = _start(embedders.additive(rank=2))
    np.testing.assert_array_equal(changed, static)


@pytest.mark.parametrize("down", [0.0, 1.0])
def test_an_additive_change_with_zeros_in_a_factor_is_a(down):
    static, context = _given()
    params = LowRank(down * jnp.ones((CONTEXT, 2)), (1.0 - down) * jnp.ones((2, DIM)))
    changed = embedders.additive(rank=2).apply(params, static, context, TOKENS)
    np.testing.assert_array_equal(changed, static)


@PLAIN_AND_JIT
@pytest.mark.parametrize("rank", [1, 2, 4])
def test_the_update_of_any_text_has_at_most_its_rank(transform, rank):
    change = embedders.additive(rank=rank)
    _, context = _given(time=200)
    update = transform(change.apply)(
        _anywhere(change), jnp.zeros((200, DIM)), context, jnp.zeros(200, int)
    )
    linalg.assert_matrix_rank(np.asarray(update), rank)
    static, _ = _given(time=200)
    changed = change.apply(_anywhere(change), static, context, jnp.zeros(200, int))
    np.testing.assert_allclose(changed - static, update, atol=32 * EPS)


@PLAIN_AND_JIT
@SIZES
def test_a_gate_lets_no_entry_grow_or_change_its_sign_and_zeros_stay(transform, size):
    static, context = _given()
    static = static.at[2].set(0.0).at[4, 1].set(0.0)
    change = embedders.gate()
    changed = transform(change.apply)(_anywhere(change), static, size * context, TOKENS)
    assert (np.abs(changed) <= np.abs(static)).all()
    assert (np.asarray(changed * static) >= 0).all()
    np.testing.assert_array_equal(changed[2], 0.0)
    assert changed[4, 1] == 0
    assert np.abs(changed - static).max() > 0.1


def test_a_gate_is_its_formula_open_shut_and_half_open_at_the_start():
    static, half = _start(embedders.gate())
    np.testing.assert_array_equal(half, static / 2)
    _, context = _given()
    for bias, expected in ((1e3, static), (-1e3, 0 * static)):
        params = Gate(jnp.zeros((CONTEXT, DIM)), jnp.full(DIM, bias))
        changed = embedders.gate().apply(params, static, context, TOKENS)
        np.testing.assert_array_equal(changed, expected)
    params = _anywhere(embedders.gate())
    scores = np.float64(context) @ np.float64(params.kernel) + np.float64(params.bias)
    changed = embedders.gate().apply(params, static, context, TOKENS)
    np.testing.assert_allclose(changed, static / (1 + np.exp(-scores)), rtol=2e-5, atol=1e-7)


def _matrix(change, params, one):
    """Q of one context, from its action on each axis."""
    eye, context = jnp.eye(DIM), jnp.broadcast_to(one, (DIM, CONTEXT))
    return np.float64(change.apply(params, eye, context, jnp.zeros(DIM, int))).T


@SIZES
@pytest.mark.parametrize("planes", [1, 3])
def test_a_rotation_is_orthogonal_for_any_parameters(planes, size):
    change = embedders.rotation(planes)
    params, (_, context) = _anywhere(change), _given()
    for one in context[:3]:
        q = _matrix(change, params, size * one)
        np.testing.assert_allclose(q.T @ q, np.eye(DIM), atol=16 * planes * EPS)
        assert np.linalg.det(q) > 0.99  # a rotation, not a reflection
        assert np.abs(q - np.eye(DIM)).max() > 1e-4


@PLAIN_AND_JIT
@SIZES
def test_a_rotation_changes_no_length(transform, size):
    change = embedders.rotation(planes=2)
    static, context = _given()
    changed = transform(change.apply)(_anywhere(change), static, size * context, TOKENS)
    lengths = [np.linalg.norm(np.float64(x), axis=1) for x in (changed, static)]
    np.testing.assert_allclose(*lengths, rtol=32 * EPS)


@pytest.mark.parametrize("size", [1e-30, 1e-19, 1e15])
def test_no_scale_of_its_parameters_makes_a_rotation_less_orthogonal(size):
    change = embedders.rotation(planes=2)
    static, context = _given()
    params = jax.tree.map(lambda leaf: size * leaf, _anywhere(change))  # squares under- or overflow
    changed = change.apply(params, static, context, TOKENS)
    lengths = [np.linalg.norm(np.float64(x), axis=1) for x in (changed, static)]
    np.testing.assert_allclose(*lengths, rtol=32 * EPS)


def test_a_rotation_moves_at_most_two_directions_a_plane_and_depends_on_its_context():
    change = embedders.rotation(planes=1)
    params, (_, context) = _anywhere(change), _given()
    first, second = (_matrix(change, params, one) for one in context[:2])
    values = np.linalg.svd(first - np.eye(DIM))[1]
    assert (values[:2] > 0.1).all()
    assert (values[2:] < 16 * EPS).all()
    assert np.abs(first - second).max() > 0.1


def test_a_rotation_starts_as_a_and_can_leave_it():
    static, changed = _start(embedders.rotation(planes=3))
    np.testing.assert_allclose(changed, static, atol=16 * EPS)
    change, (_, context) = embedders.rotation(), _given()
    params = change.init(jax.random.key(0), DIM, CONTEXT)
    gradient = jax.grad(lambda p: jnp.sum(change.apply(p, static, context, TOKENS) ** 3))(params)
    assert np.abs(gradient.kernel).max() > 0.1


def test_a_normal_of_zero_reflects_nothing_and_has_a_finite_gradient():
    static, _ = _given()
    normals = jnp.zeros_like(static)
    np.testing.assert_array_equal(reflected(static, normals), static)
    gradient = jax.grad(lambda n: jnp.sum(reflected(static, n)))(normals)
    assert np.isfinite(gradient).all()


@PLAIN_AND_JIT
@SIZES
def test_sense_weights_lie_on_the_simplex_and_vectors_in_the_hull_of_the_senses(transform, size):
    change = embedders.sense_mixture(VOCAB, senses=3)
    params, (static, context) = _anywhere(change), _given()
    pi = np.float64(transform(embedders.sense_weights)(params, size * context, TOKENS))
    assert (pi >= 0).all()
    np.testing.assert_allclose(pi.sum(axis=1), 1.0, atol=4 * EPS)
    assert np.ptp(pi[:, 0]) > 1e-4  # the context matters
    senses = np.float64(static)[:, None, :] + np.float64(params.offsets)[TOKENS]
    changed = transform(change.apply)(params, static, size * context, TOKENS)
    close(changed, np.einsum("tk,tkd->td", pi, senses), ulps=SOFTMAX)


def test_one_sense_is_static_bit_for_bit_and_the_start_is_a():
    change = embedders.sense_mixture(VOCAB, senses=1)
    params, (static, context) = _anywhere(change), _given()
    static = static[TOKENS]
    changed = change.apply(params, static, context, TOKENS)
    np.testing.assert_array_equal(changed, static + params.offsets[TOKENS, 0])
    for word in range(VOCAB):
        same = np.asarray(changed)[np.asarray(TOKENS) == word]
        np.testing.assert_array_equal(same, same[:1].repeat(len(same), axis=0))
    static, start = _start(embedders.sense_mixture(VOCAB, senses=4))
    np.testing.assert_array_equal(start, static)


def test_sizes_below_one_are_refused():
    for make in (
        lambda: embedders.additive(rank=0),
        lambda: embedders.rotation(planes=0),
        lambda: embedders.sense_mixture(VOCAB, senses=0),
    ):
        with pytest.raises(InputError, match="must be at least 1"):
            make()
