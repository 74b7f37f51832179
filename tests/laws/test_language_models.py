"""Laws of the training of every contextualizer. Oracles: equal bits; one device; the first loss."""

import functools

import jax
import numpy as np
import pytest

from jaxemb.contextual import models, training
from jaxemb.contextual.objectives import masked_words
from jaxemb.contextual.training import Plan, Resources, Rule
from jaxemb.lab.durable import layouts
from jaxemb.training import optimizers
from tests.laws.test_contextualizers import NAMES, made
from tests.scripts.test_train_contextual import VOCAB, _text

every_member = pytest.mark.parametrize("name", NAMES)


@functools.cache
def _plan(name: str, epochs: int = 2) -> Plan:
    context = made(name)[0]
    objective = masked_words(0.4) if len(context.reverse) == 1 else None
    model = models.language_model(context, VOCAB, objective, dropout=0.1)
    optimizer = optimizers.clipped(models.adam, 0.02, 10.0)
    return Plan(jax.random.key(0), Rule(model, optimizer, 5), epochs, True, 3)


def _trained(plan, text, begun=None, stop=None, put=lambda windows: windows):
    state, cursor = begun or (training.start(plan, 4, Resources()), training.Cursor())
    losses = []
    for i, event in enumerate(training.events(plan, state, text, Resources(), cursor, put)):
        state, cursor = event.state, event.cursor
        losses.append(np.asarray(event.loss))
        if i == stop:
            break
    return state, cursor, losses


@every_member
def test_a_member_trains_from_any_event_to_the_same_bits_and_learns(name):
    plan, text = _plan(name), _text(0, sentences=40)
    whole, end, losses = _trained(plan, text)
    assert (np.mean(losses[-4:], axis=0) < losses[0]).all()
    *begun, first = _trained(plan, text, stop=2)
    resumed, again, later = _trained(plan, text, begun=tuple(begun))
    jax.tree.map(np.testing.assert_array_equal, resumed, whole)
    assert again == end
    np.testing.assert_array_equal([*first, *later], losses)


@every_member
def test_a_member_on_several_devices_is_that_on_one_up_to_rounding(name):
    text, plan = _text(0, sentences=12), _plan(name, epochs=1)
    states = []
    for mesh in (None, "data=4"):
        layout, put = layouts.streams(mesh)
        state = layout.begin(functools.partial(training.start, plan, 4, Resources()))
        state, _, _ = _trained(plan, text, begun=(state, training.Cursor()), put=put)
        states.append(jax.device_get(state.params))
        if mesh:
            carried = jax.tree.leaves(state.carry)
            assert not any(leaf.is_fully_replicated for leaf in carried)
    for one, many in zip(*map(jax.tree.leaves, states), strict=True):
        # Adam divides by the root of a gradient that rounding may turn: a step is at most 0.02
        np.testing.assert_allclose(many, one, rtol=0, atol=2e-3 * max(np.abs(one).max(), 1.0))
