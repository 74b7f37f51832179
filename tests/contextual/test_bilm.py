"""Laws of the bidirectional language model. Oracles: exact zeros, equal bits, sentences alone."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxemb.contextual.bilm import BiLM
from jaxemb.contextual.characters import CharCNN
from jaxemb.contextual.members.grus import gru_cell
from jaxemb.contextual.members.lstms import lstm_cell
from jaxemb.contextual.members.mingrus import mingru_cell
from jaxemb.structs import Text
from tests import covering
from tests.rounding import NETWORK, close

DIM, TIME = 4, 6
CELLS = {
    "LSTM": lstm_cell(DIM),
    "ELMo's": lstm_cell(7, DIM, cell_clip=0.5, projection_clip=0.4),
    "GRU": gru_cell(DIM),
    "minGRU": mingru_cell(5, DIM),
}
BY_CELL = pytest.mark.parametrize("cell", covering.first(2, CELLS.values()), ids=CELLS)


@functools.cache
def _made(cell, **fields):
    model = BiLM(cell, **fields)
    vectors = jax.random.normal(jax.random.key(0), (TIME, DIM))
    params = jax.jit(model.init)(jax.random.key(1), vectors, jnp.ones(TIME))
    return model, params, vectors


@functools.cache
def _program(model):
    return jax.jit(model.apply)


def _apply(model, params, vectors, mask=None, **options):
    mask = jnp.ones(vectors.shape[:-1]) if mask is None else mask
    return _program(model)(params, vectors, mask, **options)


@BY_CELL
@pytest.mark.parametrize("skip", [False, True])
def test_no_direction_sees_the_word_it_is_to_predict(cell, skip):
    model, params, vectors = _made(cell, layers=3, skip=skip)
    jacobian = jax.jit(jax.jacrev(lambda v: model.apply(params, v, jnp.ones(TIME))[0]))(vectors)
    sizes = np.abs(np.asarray(jacobian)).max(axis=-1)  # [layers, time, 2 out, time]
    for t in range(TIME):
        assert (sizes[:, t, :DIM, t + 1 :] == 0).all()  # forward
        assert (sizes[:, t, DIM:, :t] == 0).all()  # backward
        assert (sizes[:, t, :DIM, t].max(axis=-1) > 0).all()
        assert (sizes[:, t, DIM:, t].max(axis=-1) > 0).all()
    assert (sizes[0][~np.eye(TIME, dtype=bool)[:, None, :].repeat(2 * DIM, 1)] == 0).all()


@pytest.mark.as_users_compile(always=False)
@BY_CELL
@pytest.mark.parametrize("padding", [1, 5])
def test_padding_changes_no_bit_and_comes_out_as_zero(cell, padding):
    model, params, vectors = _made(cell)
    longer = jnp.concatenate([vectors, jnp.full((padding, DIM), 9.0)])
    mask = (jnp.arange(TIME + padding) < TIME).astype(jnp.float32)
    alone, carry = _apply(model, params, vectors)
    padded, carried = _apply(model, params, longer, mask)
    np.testing.assert_array_equal(padded[:, :TIME], alone)
    np.testing.assert_array_equal(padded[:, TIME:], 0.0)
    jax.tree.map(np.testing.assert_array_equal, carried, carry)


@pytest.mark.as_users_compile(always=False)
@BY_CELL
def test_not_even_nan_comes_out_of_padding(cell):
    model, params, vectors = _made(cell)
    mask = (jnp.arange(TIME) < 4).astype(jnp.float32)
    hidden = vectors.at[4:].set(jnp.nan)
    layers, _ = _apply(model, params, hidden, mask)
    np.testing.assert_array_equal(layers, _apply(model, params, vectors, mask)[0])
    slope = jax.jit(jax.grad(lambda v: jnp.sum(model.apply(params, v, mask)[0] ** 2)))(hidden)
    assert np.isfinite(slope).all()


@BY_CELL
def test_no_tokens_have_no_vectors_and_leave_the_carry(cell):
    model, params, vectors = _made(cell)
    layers, carry = _apply(model, params, vectors[:0])
    assert layers.shape == (3, 0, 2 * DIM)
    jax.tree.map(np.testing.assert_array_equal, carry, model.start(()))


@BY_CELL
def test_with_equal_weights_backward_is_forward_on_the_reversed_sentence(cell):
    model, params, vectors = _made(cell)
    inner = dict(params["params"])
    inner["backward"] = inner["forward"]
    layers, _ = _apply(model, {"params": inner}, vectors)
    turned, _ = _apply(model, {"params": inner}, vectors[::-1])
    close(layers[..., DIM:], turned[:, ::-1, :DIM], ulps=NETWORK)


@BY_CELL
def test_a_carry_goes_on_where_the_text_was_cut(cell):
    model, params, vectors = _made(cell)
    whole, _ = _apply(model, params, vectors)
    first, carry = _apply(model, params, vectors[:2])
    then, _ = _apply(model, params, vectors[2:], carry=carry)
    close(first[..., :DIM], whole[:, :2, :DIM], ulps=NETWORK)
    close(then[..., :DIM], whole[:, 2:, :DIM], ulps=NETWORK)
    last, carry = _apply(model, params, vectors[2:])  # the backward direction reads the end first
    before, _ = _apply(model, params, vectors[:2], carry=carry)
    close(before[..., DIM:], whole[:, :2, DIM:], ulps=NETWORK)
    close(last[..., DIM:], whole[:, 2:, DIM:], ulps=NETWORK)


@BY_CELL
def test_sentences_packed_in_one_row_are_read_as_if_alone(cell):
    model, params, vectors = _made(cell)
    reset = jnp.zeros(TIME + 2).at[jnp.array([0, 4])].set(1.0)
    mask = (jnp.arange(TIME + 2) < TIME).astype(jnp.float32)
    row = jnp.concatenate([vectors, vectors[:2]])
    packed, _ = _apply(model, params, row, mask, reset=reset)
    for part in (slice(0, 4), slice(4, TIME)):
        alone, _ = _apply(model, params, vectors[part])
        close(packed[:, part], alone, ulps=NETWORK)


@BY_CELL
def test_a_batch_is_its_sentences(cell):
    model, params, vectors = _made(cell)
    batch = jnp.stack([vectors, vectors[::-1], 2 * vectors], axis=1)
    mask = jnp.ones((TIME, 3)).at[4:, 1].set(0.0)
    layers, carry = _apply(model, params, batch, mask)
    for i in range(3):
        alone, last = _apply(model, params, batch[:, i], mask[:, i])
        close(layers[:, :, i], alone, ulps=NETWORK)
        jax.tree.map(lambda states, one, i=i: close(states[i], one, ulps=NETWORK), carry, last)


@BY_CELL
def test_every_cell_trains_with_one_field_changed(cell):
    """The task: from the last forward state, tell whether the FIRST word was positive."""
    model, params, _ = _made(cell)
    optimizer = optax.adam(0.02)
    vectors = jax.random.normal(jax.random.key(5), (TIME, 64, DIM))
    wanted = jnp.sign(vectors[0, :, 0])

    def loss(params):
        layers, _ = model.apply(params, vectors, jnp.ones((TIME, 64)))
        return jnp.mean(jax.nn.softplus(-20 * wanted * layers[-1, -1, :, 0]))

    @jax.jit
    def train(params):
        def step(state, _):
            value, slope = jax.value_and_grad(loss)(state[0])
            change, moments = optimizer.update(slope, state[1])
            return (optax.apply_updates(state[0], change), moments), value

        return jax.lax.scan(step, (params, optimizer.init(params)), length=150)[1]

    losses = train(params)
    assert losses[-1] < 0.3 * losses[0]


def test_dropout_is_drawn_anew_at_every_position_and_only_in_training():
    model, params, vectors = _made(CELLS["LSTM"], dropout=0.5)
    same = [model.apply(params, vectors, jnp.ones(TIME))[0] for _ in range(2)]
    np.testing.assert_array_equal(*same)
    drawn = [
        model.apply(
            params,
            vectors,
            jnp.ones(TIME),
            deterministic=False,
            rngs={"dropout": jax.random.key(k)},
        )[0]
        for k in range(2)
    ]
    assert not np.allclose(*drawn)
    np.testing.assert_array_equal(drawn[0][0, :, :DIM], vectors)  # layer 0 is what was given


def test_each_direction_may_read_a_text_of_its_own():
    model, params, vectors = _made(CELLS["ELMo's"])
    ones, zeros = jnp.ones(TIME), jnp.zeros(TIME)
    texts = Text(vectors, ones, zeros), Text(vectors[::-1], ones, zeros)
    ahead, back, _ = model.apply(params, *texts, model.start(()), method=model.directions)
    layers, _ = _apply(model, params, vectors)
    turned, _ = _apply(model, params, vectors[::-1])
    close(jnp.stack(ahead), layers[1:, :, :DIM], ulps=NETWORK)
    close(jnp.stack(back), turned[1:, :, DIM:], ulps=NETWORK)


def test_vectors_of_another_dimension_are_refused():
    with pytest.raises(ValueError, match="vectors have 3 dimensions, the model gives 4"):
        BiLM(CELLS["LSTM"]).init(jax.random.key(0), jnp.ones((2, 3)), jnp.ones(2))


def test_the_character_network_is_the_papers_formula():
    cnn = CharCNN(3, ((1, 2), (2, 3)), dim=4, characters=9)
    ids = jax.random.randint(jax.random.key(0), (5, 6), 0, 9)
    params = cnn.init(jax.random.key(1), ids)
    weights = jax.tree.map(np.float64, params["params"])
    rows = np.concatenate([np.zeros((1, 4)), weights["embedding"]])[np.asarray(ids)]
    maxima = []
    for i, width in enumerate((1, 2)):
        windows = [
            np.einsum("nwc,wco->no", rows[:, t : t + width], weights[f"kernel_{i}"])
            for t in range(6 - width + 1)
        ]
        maxima.append(np.max(windows, axis=0) + weights[f"bias_{i}"])
    x = np.maximum(np.concatenate(maxima, axis=1), 0)
    for i in range(2):
        carry, new = (weights[f"highway_{i}"][name] for name in ("carry", "transform"))
        gate = 1 / (1 + np.exp(-(x @ carry["kernel"] + carry["bias"])))
        x = gate * np.maximum(x @ new["kernel"] + new["bias"], 0) + (1 - gate) * x
    expected = x @ weights["projection"]["kernel"] + weights["projection"]["bias"]
    close(jax.jit(cnn.apply)(params, ids), expected, ulps=NETWORK)
    np.testing.assert_allclose(weights["highway_0"]["carry"]["bias"], -2.0)


def test_vectors_of_characters_begin_uniform_around_zero():
    rows = CharCNN(3, ((1, 2),)).init(jax.random.key(0), jnp.zeros((1, 4), int))["params"]
    values = np.asarray(rows["embedding"])
    assert np.abs(values).max() <= 1
    assert abs(values.mean()) < 5 / np.sqrt(3 * values.size)  # five standard errors of the mean
    assert abs(values.var() - 1 / 3) < 0.02
