"""Laws of every contextualizer. Oracles: exact zeros, equal bits, texts read alone or whole."""

import functools
import inspect
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxemb.contextual import language_model, models
from jaxemb.contextual.members import MEMBERS
from jaxemb.contextual.objectives import OBJECTIVES, masked_words
from jaxemb.contextual.windows import SHIFT
from jaxemb.errors import InputError
from jaxemb.functional.reading import in_context
from jaxemb.structs import Contextualizer, Text
from tests.rounding import NETWORK, close

DIM, TIME, SPAN = 4, 7, 4
SMALL = {"units": 6, "heads": 2, "span": SPAN, "layers": 2, "dropout": 0.3}
NAMES = [member.__name__ for member in MEMBERS]
every_member = pytest.mark.parametrize("name", NAMES)
every_pair = pytest.mark.parametrize(
    "name", [name for name in NAMES if name != "masked_transformer"]
)
ONE = jnp.ones(TIME)


@functools.cache
def made(name: str) -> tuple[Contextualizer, Any, Any]:
    """A member, its parameters and a text."""
    member = MEMBERS[NAMES.index(name)]
    names = inspect.signature(member).parameters
    model = member(DIM, **{key: value for key, value in SMALL.items() if key in names})
    params = jax.jit(model.init)(jax.random.key(1))
    return model, params, jax.random.normal(jax.random.key(0), (TIME, DIM))


@functools.cache
def _program(name: str):
    return jax.jit(functools.partial(in_context, made(name)[0]))


def _read(name, vectors, mask=None, **options):
    mask = jnp.ones(vectors.shape[:-1]) if mask is None else mask
    return _program(name)(made(name)[1], vectors, mask, **options)


@pytest.mark.parametrize(
    "name", ["lstm", *(pytest.param(n, marks=pytest.mark.thorough) for n in NAMES if n != "lstm")]
)
def test_a_jitted_batch_has_the_gradient_of_the_batch(name):
    model, params, vectors = made(name)
    texts = jnp.stack([vectors, -vectors, vectors[::-1]])

    def loss(params, transform):
        batch = jax.vmap(lambda text: in_context(model, params, text, ONE)[0])
        return jnp.sum(jnp.sin(transform(batch)(texts)))

    gradients = [
        jax.jit(jax.grad(functools.partial(loss, transform=transform)))(params)
        for transform in (jax.jit, lambda f: f)
    ]
    jax.tree.map(functools.partial(close, ulps=NETWORK), *gradients)


@every_member
def test_no_direction_sees_what_it_is_to_predict(name):
    """The derivative of each output by each input that its direction must not see is 0."""
    model, params, vectors = made(name)
    read = jax.jit(jax.jacrev(lambda v: in_context(model, params, v, ONE)[0]))
    sizes = np.abs(np.asarray(read(vectors))).max(axis=-1)  # [layers, time, directions dim, time]
    for i, reverse in enumerate(model.reverse):
        own = sizes[1:, :, i * DIM : (i + 1) * DIM].max(axis=2)  # [layers, out, in]
        seen = own > 0
        assert seen[:, range(TIME), range(TIME)].all()
        if len(model.reverse) == 1:  # what is predicted is hidden: the next law
            assert seen.all()
            continue
        ahead = np.triu(np.ones((TIME, TIME), bool), 1)
        assert not seen[:, ahead.T if reverse else ahead].any()


def _predicting(name: str, streams: int):
    """A language model of a member, its parameters, and windows of words that occur once."""
    model = made(name)[0]
    [objective] = [
        o for o in (make() for make in OBJECTIVES) if len(o.directions) == len(model.reverse)
    ]
    whole = models.language_model(model, 9, objective)
    params = language_model.init(whole, jax.random.key(0))["params"]
    text = np.array([[0, *range(3, 11)]] * streams, np.int32).T  # a mark comes first
    windows = objective.windows(text, np.ones_like(text, np.float32), 9, True, (0, 3)).at(0)
    return whole, params, windows


@every_member
def test_the_loss_of_a_position_does_not_read_the_word_that_it_predicts(name):
    """The derivative of the top vector, of which the loss is made, by the vectors of all words."""
    model = made(name)[0]
    _, params, windows = _predicting(name, streams=1)
    for i, window in enumerate(windows):

        def top(table, i=i):
            texts = [Text(table[w.inputs], *map(jnp.asarray, (w.mask, w.reset))) for w in windows]
            return model.layers(params["bilm"], texts, model.start((1,)))[0][i][-1][:, 0]

        slopes = np.abs(jax.jit(jax.jacrev(top))(params["embed"]["table"])).max(axis=(1, 3))
        asked = np.flatnonzero(window.weight[:, 0])
        assert len(asked)
        assert (slopes[asked, window.target[asked, 0]] == 0).all()
        assert (slopes[asked, window.inputs[asked, 0]] > 0).all()  # hidden: the last row


@pytest.mark.as_users_compile(always=False)
@every_member
@pytest.mark.parametrize("padding", [1, 5])
def test_padding_changes_nothing_and_comes_out_as_zero(name, padding):
    _, _, vectors = made(name)
    longer = jnp.concatenate([vectors, jnp.full((padding, DIM), jnp.nan)])
    mask = (jnp.arange(TIME + padding) < TIME).astype(jnp.float32)
    alone, carry = _read(name, vectors)
    padded, carried = _read(name, longer, mask)
    close(padded[:, :TIME], alone, ulps=NETWORK)
    np.testing.assert_array_equal(padded[:, TIME:], 0.0)
    jax.tree.map(lambda a, b: close(a, b, ulps=NETWORK), carried, carry)


@every_member
def test_nan_in_padding_reaches_no_gradient(name):
    model, params, vectors = made(name)
    mask = (jnp.arange(TIME) < 4).astype(jnp.float32)
    hidden = vectors.at[4:].set(jnp.nan)

    def loss(params, vectors):
        return jnp.sum(in_context(model, params, vectors, mask)[0] ** 2)

    slopes = jax.jit(jax.grad(loss, argnums=(0, 1)))(params, hidden)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(slopes))


@every_member
def test_a_batch_is_its_texts(name):
    _, _, vectors = made(name)
    batch = jnp.stack([vectors, vectors[::-1], 2 * vectors], axis=1)
    mask = jnp.ones((TIME, 3)).at[4:, 1].set(0.0)
    layers, carry = _read(name, batch, mask)
    twice, _ = _read(name, batch[:, None], mask[:, None])  # of any number of axes
    close(twice[:, :, 0], layers, ulps=NETWORK)
    for i in range(3):
        alone, last = _read(name, batch[:, i], mask[:, i])
        close(layers[:, :, i], alone, ulps=NETWORK)
        jax.tree.map(lambda states, one, i=i: close(states[i], one, ulps=NETWORK), carry, last)


@every_member
@pytest.mark.parametrize("cut", [1, 3, 6])
def test_a_carry_goes_on_where_the_text_was_cut(name, cut):
    model, _, vectors = made(name)
    if not jax.tree.leaves(model.start(())):
        pytest.skip("a member without a carry")
    whole, _ = _read(name, vectors)
    for i, reverse in enumerate(model.reverse):
        own = slice(i * DIM, (i + 1) * DIM)
        parts = [slice(0, cut), slice(cut, TIME)][:: -1 if reverse else 1]
        _, carry = _read(name, vectors[parts[0]])
        then, _ = _read(name, vectors[parts[1]], carry=carry)
        close(then[..., own], whole[:, parts[1], own], ulps=NETWORK)


@every_pair
def test_a_carry_survives_padding(name):
    _, _, vectors = made(name)
    whole, _ = _read(name, vectors)
    mask = (jnp.arange(9) < 3).astype(jnp.float32)  # more padding than a span
    _, carry = _read(name, jnp.pad(vectors[:3], ((0, 6), (0, 0))), mask)
    then, _ = _read(name, vectors[3:], carry=carry)
    close(then[..., :DIM], whole[:, 3:, :DIM], ulps=NETWORK)


@every_member
def test_sentences_packed_in_one_row_are_read_as_if_alone(name):
    _, _, vectors = made(name)
    reset = jnp.zeros(TIME + 2).at[jnp.array([0, 4])].set(1.0)
    mask = (jnp.arange(TIME + 2) < TIME).astype(jnp.float32)
    row = jnp.concatenate([vectors, vectors[:2]])
    packed, _ = _read(name, row, mask, reset=reset)
    for part in (slice(0, 4), slice(4, TIME)):
        alone, _ = _read(name, vectors[part])
        close(packed[:, part], alone, ulps=NETWORK)


@every_member
def test_a_sentence_that_begins_anew_reads_no_carry(name):
    vectors, begins = made(name)[2], jnp.zeros(TIME).at[0].set(1.0)
    _, carry = _read(name, 3 * vectors)
    anew, carried = _read(name, vectors, carry=carry, reset=begins)
    alone, own = _read(name, vectors)
    close(anew, alone, ulps=NETWORK)
    then, expected = (_read(name, vectors[:3], carry=state)[0] for state in (carried, own))
    close(then, expected, ulps=NETWORK)


@every_pair
def test_a_carry_is_of_the_sentence_that_goes_on(name):
    """Of a row that ends within its second sentence, as of that sentence alone."""
    _, _, vectors = made(name)
    _, carry = _read(name, vectors[:5], reset=jnp.zeros(5).at[jnp.array([0, 4])].set(1.0))
    _, alone = _read(name, vectors[4:5])
    then, expected = (_read(name, vectors[5:], carry=state)[0] for state in (carry, alone))
    close(then[..., :DIM], expected[..., :DIM], ulps=NETWORK)


def test_a_hidden_word_has_a_row_of_its_own_that_is_learned():
    whole = models.language_model(made("masked_transformer")[0], 9, masked_words())
    params = language_model.init(whole, jax.random.key(0))
    assert params["params"]["embed"]["table"].shape == (9 + SHIFT + 1, DIM)
    text = np.array([0, *range(3, 11)], np.int32)[:, None]
    cut = whole.objective.windows(text, np.ones_like(text, np.float32), 9, True, (0, 3))
    windows = jax.tree.map(jnp.asarray, cut.at(0))

    def nats(params):
        return language_model.losses(whole, params, windows, ())[0].sum()

    slope = np.abs(jax.jit(jax.grad(nats))(params)["params"]["embed"]["table"]).max(axis=1)
    hidden = windows[0].target[windows[0].weight > 0]
    read = np.isin(np.arange(len(slope) - 1), text) & ~np.isin(np.arange(len(slope) - 1), hidden)
    np.testing.assert_array_equal(slope[:-1] > 0, read)
    assert slope[-1] > 0


@every_member
def test_no_tokens_have_no_vectors_and_leave_the_carry(name):
    model, _, vectors = made(name)
    layers, carry = _read(name, vectors[:0])
    assert layers.shape == (1 + model.depth, 0, len(model.reverse) * DIM)
    jax.tree.map(np.testing.assert_array_equal, carry, model.start(()))


@every_member
def test_a_key_turns_dropout_on_and_another_key_drops_others(name):
    model, params, vectors = made(name)
    plain, first, again, other = (
        in_context(model, params, vectors, ONE, key=key and jax.random.key(key))[0]
        for key in (None, 1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)
    assert not np.allclose(first, plain)
    np.testing.assert_array_equal(first[0], plain[0])  # layer 0 is what was given


@every_member
def test_a_member_learns(name):
    """The task: the sign of the first word, from what the forward direction reads last."""
    model, params, _ = made(name)
    optimizer = optax.adam(0.02)
    vectors = jax.random.normal(jax.random.key(5), (SPAN, 64, DIM))
    wanted, mask = jnp.sign(vectors[0, :, 0]), jnp.ones((SPAN, 64))

    def loss(params):
        layers, _ = in_context(model, params, vectors, mask)
        return jnp.mean(jax.nn.softplus(-6 * wanted * layers[-1, -1, :, 0]))

    @jax.jit
    def train(params):
        def step(state, _):
            value, slope = jax.value_and_grad(loss)(state[0])
            change, moments = optimizer.update(slope, state[1])
            return (optax.apply_updates(state[0], change), moments), value

        return jax.lax.scan(step, (params, optimizer.init(params)), length=150)[1]

    losses = train(params)
    assert losses[-1] < 0.5 * losses[0]


def test_a_model_of_one_direction_wants_an_objective_of_one():
    masked, pair = made("masked_transformer")[0], made("gru")[0]
    with pytest.raises(InputError, match="wanted masked_words"):
        models.language_model(masked, 9)
    with pytest.raises(InputError, match="the model has 2 directions"):
        models.language_model(pair, 9, masked_words())


@every_member
def test_every_product_of_training_is_of_bfloat16_where_that_is_stated(name):
    """Lowered for a GPU, forward and backward: each says so; what is not a product is float32."""
    model = made(name)[0]
    whole, params, windows = _predicting(name, streams=2)
    windows = jax.tree.map(jnp.asarray, windows)

    def cost(inner):
        carry = model.start((2,))
        return language_model.losses(whole, {"params": inner}, windows, carry)[0].sum()

    with jax.default_matmul_precision("bfloat16"):
        lowered = jax.jit(jax.grad(cost)).trace(params).lower(lowering_platforms=("cuda",))
    lines = lowered.as_text().splitlines()
    products = [line for line in lines if "dot_general" in line]
    assert products
    assert [line for line in products if "bf16" not in line] == []
    assert not any("tensor<" in line and "xbf16>" in line for line in lines)
