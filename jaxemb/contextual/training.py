"""Training a bidirectional language model: chunks of windows under one jit, without files."""

import enum
import functools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Key

from jaxemb.contextual import language_model
from jaxemb.contextual.language_model import LanguageModel
from jaxemb.contextual.windows import Window
from jaxemb.functional import loops
from jaxemb.functional.finite import all_finite, applied
from jaxemb.structs import Cursor, Event, Refused, Training
from jaxemb.training import optimizers


class Stream(enum.IntEnum):
    """What randomness is for: fold_in(key, Stream) keeps the streams of one seed apart."""

    PARAMS = 0
    STEPS = 1


class Rule(NamedTuple):
    """What a step is compiled for."""

    model: LanguageModel
    optimizer: optax.GradientTransformation
    unroll: int
    samples: int | None = None


class Resources(NamedTuple):
    """What a step reads besides its text."""

    frozen: Any = None  # bool [rows]: rows of the table that keep their bits
    characters: Any = None  # [rows, chars], where the model reads them


class Plan(NamedTuple):
    """All that decides the bits of a training, besides its text and resources."""

    key: Key[Array, ""]
    rule: Rule
    epochs: int
    carried: bool
    chunk: int  # windows in one jitted call: changes nothing but speed
    seed: int = 0  # of what the objective draws on the host
    precision: str = "highest"  # of the products of training


class Text(NamedTuple):
    """Streams of text and their masks, [length, batch] each."""

    ids: Any
    mask: Any


class State(NamedTuple):
    """All that training changes."""

    params: Any
    optimizer: Any
    carry: Any
    refused: Refused


def start(plan: Plan, batch: int, resources: Resources, table: Any = None) -> State:
    """The state before the first step; `table` [rows, dim] takes the place of a random one."""
    model, key = plan.rule.model, jax.random.fold_in(plan.key, Stream.PARAMS)
    made = jax.jit(language_model.init, static_argnums=0)
    params = made(model, key, resources.characters)
    if table is not None:
        # a copy: the state is given away
        params = with_table(params, jnp.array(table, jnp.float32))
    optimizer = optimizers.begun(plan.rule.optimizer, params)
    return optimizers.apart(State(params, optimizer, model.context.start((batch,)), Refused()))


def table_of(params: Any) -> Any:
    """The table that the model looks words up in, [rows, dim]; None if it reads characters."""
    return params["params"]["embed"].get("table")


def with_table(params: Any, table: Any) -> Any:
    """The parameters with another table."""
    inner = params["params"]
    return {**params, "params": {**inner, "embed": {**inner["embed"], "table": table}}}


def events(
    plan: Plan,
    state: State,
    text: Text,
    resources: Resources,
    cursor: Cursor = Cursor(),  # noqa: B008 (a NamedTuple does not change)
    put: Callable[[Any], Any] = lambda windows: windows,
) -> Iterator[Event]:
    """Trains from the cursor to the last epoch, a chunk at a time.

    States of an epoch's end are not carried into the next: it begins with another text.

    Args:
        cursor: its `segment_step` counts windows, its `trained` predictions of both directions.
        put: windows, [windows, time, batch], on the devices that read them.
    """
    steps, cut = jax.random.fold_in(plan.key, Stream.STEPS), plan.rule.model.objective.windows
    while cursor.epoch < plan.epochs:
        draw = (plan.seed, cursor.epoch)
        total, at = cut(*text, plan.rule.unroll, plan.carried, draw)
        for first in range(cursor.segment_step, total, plan.chunk):
            together = [at(k) for k in range(first, min(first + plan.chunk, total))]
            real = len(together)
            if cursor.segment_step == 0:
                state = state._replace(carry=jax.tree.map(jnp.zeros_like, state.carry))
            stacked = put(_stacked(together, plan.chunk))
            count = loops.turns(real, plan.chunk)
            with jax.default_matmul_precision(plan.precision):
                state, sums, counts = _chunk(
                    plan.rule, state, resources, steps, cursor.step, count, stacked
                )
            trained = sum(int(window.weight.sum()) for each in together for window in each)
            ends = cursor.segment_step + real == total
            began, cursor = (
                cursor,
                Cursor(
                    epoch=cursor.epoch + ends,
                    segment_step=0 if ends else cursor.segment_step + real,
                    step=cursor.step + real,
                    trained=cursor.trained + trained,
                ),
            )
            done = (began.epoch * total + began.segment_step + real) / (plan.epochs * total)
            loss, refused = sums / jnp.maximum(counts, 1), jax.tree.map(jnp.copy, state.refused)
            yield Event(state, began, cursor, loss, done, ends, refused)


def training(
    plan: Plan,
    text: Text,
    resources: Resources,
    table: Any = None,
    put: Callable[[Any], Any] = lambda windows: windows,
) -> Training:
    """The `Training` of a plan over streams of text; `table`, `put` as in `start` and `events`."""
    return Training(
        start=functools.partial(start, plan, text.ids.shape[1], resources, table),
        events=lambda state, cursor: events(plan, state, text, resources, cursor, put),
        where=where,
    )


def _stacked(together: list[tuple[Window, ...]], size: int) -> tuple[Window, ...]:
    """Windows of each direction side by side, filled up with empty ones to a fixed number."""
    empty = jax.tree.map(np.zeros_like, together[0])
    filled = [*together, *[empty] * (size - len(together))]
    return jax.tree.map(lambda *parts: np.stack(parts), *filled)


@functools.partial(jax.jit, static_argnums=0, donate_argnums=1)
def _chunk(rule: Rule, state: State, resources, steps, first, real, windows):
    """Some windows one after another, with no word to the host in between."""

    def step(i, carried):
        state, sums, counts = carried
        own = jax.tree.map(lambda leaf: leaf[i], windows)
        key = jax.random.fold_in(steps, first + i)
        state, nats, predictions = _step(rule, state, resources, key, own)
        return state, sums + nats, counts + predictions

    nothing = jnp.zeros(len(windows), jnp.float32)
    every = len(jax.tree.leaves(windows)[0])
    return loops.repeat(real, every, step, (state, nothing, nothing))


def _step(rule: Rule, state: State, resources: Resources, key, windows: tuple[Window, ...]):
    """One update by all directions: the mean loss per prediction, times the window's length.

    The factor is ELMo's (bilm-tf takes the gradient of `total * unroll_steps`), so that a learning
    rate means what it means there.
    """

    def loss(params):
        read = (params, windows, state.carry, resources.characters)
        nats, counts, carry = language_model.losses(
            rule.model, *read, key=key, samples=rule.samples
        )
        total = jnp.sum(nats / jnp.maximum(counts, 1)) / len(windows) * rule.unroll
        return total, (nats, counts, carry)

    gradient, (nats, counts, carry) = jax.grad(loss, has_aux=True)(state.params)
    # frozen rows are neither in the norm that is clipped, nor moved by an optimizer's own accord
    gradient = _where_trained(resources, gradient, jax.tree.map(jnp.zeros_like, gradient))
    change, optimizer = optimizers.updated(rule.optimizer, gradient, state.optimizer, state.params)
    params = optax.apply_updates(state.params, change)
    params = _where_trained(resources, params, state.params)
    finite = all_finite((gradient, nats))
    new = State(params, optimizer, carry, state.refused)
    return applied(finite, new, state), nats, counts


def where(event: Event) -> str:
    """The place of a chunk, for people."""
    at = event.began
    return f"step {at.step + 1:,}, in epoch {at.epoch + 1}, window {at.segment_step:,}"


def _where_trained(resources: Resources, new: Any, frozen: Any) -> Any:
    """Parameters, with the frozen rows of the table from elsewhere."""
    if resources.frozen is None:
        return new
    kept = jnp.where(resources.frozen[:, None], table_of(frozen), table_of(new))
    return with_table(new, kept)
