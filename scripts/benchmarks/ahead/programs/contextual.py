"""Programs of language models: every member's training, its parts, and what reads with it."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import NamedSharding, PartitionSpec as P

from benchmarks.ahead.programs.calls import KEY, Call, Place, Program, at, float32, int32, shapes
from jaxemb.contextual import (
    language_model,
    members,
    models,
    objectives,
    perplexity,
    reader,
    recurrence,
    training,
)
from jaxemb.contextual.language_model import CONTEXT
from jaxemb.contextual.members.lstms import lstm_cell
from jaxemb.contextual.windows import Window
from jaxemb.functional import softmax
from jaxemb.lab.studies.context import report
from jaxemb.structs import Refused

UNROLL = 20
CHARACTERS = ((1, 32), (2, 32), (3, 64), (4, 128))


class Sizes:
    """Of a model: full, or small for laws that only lower it."""

    def __init__(self, place: Place) -> None:
        self.words, self.dim = place.size(30_000, 200), place.size(256, 16)
        self.batch, self.chunk = place.size(64, 8), place.size(8, 2)


def model_of(place: Place, member: Callable, *, characters: bool = False) -> Any:
    """A language model over a member."""
    sizes, more = Sizes(place), {}
    if member is members.lstm:
        more = {"units": 4 * sizes.dim}
    context = member(sizes.dim, **more)
    objective = objectives.next_word() if len(context.reverse) > 1 else objectives.masked_words()
    filters = CHARACTERS if characters else models.FILTERS
    return models.language_model(
        context, sizes.words, objective, dropout=0.1, characters=characters, filters=filters
    )


def _window(*shape: int) -> Window:
    ids, number = int32(*shape), float32(*shape)
    return Window(ids, ids, number, number, number)


def trained(
    member: Callable,
    samples: int | None = None,
    *,
    characters: bool = False,
    devices: int = 1,
    rule: bool = False,
) -> Callable[[Place], Call]:
    """A chunk of training windows; with `rule` one window's held-out losses."""

    def call(place: Place) -> Call:
        sizes = Sizes(place)
        model = model_of(place, member, characters=characters)
        few = samples and place.size(samples, 32)
        made = training.Rule(model, models.adagrad(0.2), UNROLL, few)
        spelled = int32(sizes.words + 3, 50) if characters else None
        init = functools.partial(language_model.init, model)
        params = jax.eval_shape(init, KEY, spelled)
        optimizer = jax.eval_shape(made.optimizer.init, params)
        directions = len(model.context.reverse)
        carry = jax.eval_shape(lambda: model.context.start((sizes.batch,)))
        resources = training.Resources(None, spelled)
        if rule:
            windows = (_window(UNROLL, sizes.batch),) * directions
            return Call(perplexity._losses, (made, params, resources, carry, windows))
        state = training.State(params, optimizer, carry, shapes(Refused()))
        windows = (_window(sizes.chunk, UNROLL, sizes.batch),) * directions
        rest = (resources, KEY, int32(), None)
        if devices > 1:
            state, rest, windows = _over(place.mesh(devices, 1), state, rest, windows)
        tokens = directions * UNROLL * sizes.batch
        table = (sizes.words + 3, sizes.dim)
        return Call(training._chunk, (made, state, *rest, windows), table=table, tokens=tokens)

    return call


def _over(mesh: Any, state: Any, rest: Any, windows: Any) -> Any:
    """The streams of text over the devices; all else on each of them."""

    def over(tree: Any, *spec: Any) -> Any:
        return at(tree, NamedSharding(mesh, P(*spec)))

    state = over(state)._replace(carry=over(state.carry, "data"))
    return state, over(rest), over(windows, None, None, "data")


def recurrent(recur: Callable, *, backward: bool) -> Callable[[Place], Call]:
    """An LSTM over twenty steps, 256 -> 1024 -> 256; with `backward` its gradient, too."""

    def call(place: Place) -> Call:
        dim, batch = place.size(256, 8), place.size(32, 2)
        made = lstm_cell(4 * dim, dim, cell_clip=3.0, projection_clip=3.0, recur=recur)
        params = jax.eval_shape(lambda: made.init(jax.random.key(0), dim))
        carry = jax.eval_shape(lambda: made.start((batch,)))
        at = float32(UNROLL, batch)

        def forward(params, vectors, mask, reset, carry):
            return made.run(params, vectors, mask, reset, carry)

        def loss(*arguments):
            return jnp.sum(forward(*arguments)[0] ** 2)

        run = jax.grad(loss, (0, 1)) if backward else forward
        arguments = (params, float32(UNROLL, batch, dim), at, at, carry)
        return Call(jax.jit(run), arguments, tokens=UNROLL * batch)

    return call


def sampled(place: Place) -> Call:
    """The gradient of a sampled softmax of 800,000 words."""
    words, dim, tokens = place.size(800_000, 200), place.size(512, 8), place.size(1_280, 8)

    def loss(hidden, kernel, bias, target, key):
        sample = softmax.log_uniform(key, place.size(8_192, 16), words)
        return jnp.sum(softmax.sampled(hidden, kernel, bias, target, sample))

    arguments = (float32(tokens, dim), float32(words, dim), float32(words), int32(tokens), KEY)
    return Call(jax.jit(jax.grad(loss, (0, 1, 2))), arguments, table=(words, dim))


def _read(place: Place, which: str) -> Call:
    """What reads sentences with a model: its table, its layers, or the shares of each position."""
    sizes, model = Sizes(place), model_of(place, members.lstm)
    params = jax.eval_shape(functools.partial(language_model.init, model), KEY, None)
    embed = model.ends.embed
    own, rows = params["params"]["embed"], 32
    if which == "embedded":
        return Call(reader._embedded, (embed, own, int32(512)))
    if which == "read":
        vectors, mask = float32(24, rows, sizes.dim), float32(24, rows)
        carry = jax.eval_shape(lambda: model.context.start((rows,)))
        return Call(reader._read, (model.context, params["params"][CONTEXT], vectors, mask, carry))
    both = {"embed": own, CONTEXT: params["params"][CONTEXT]}
    return Call(report._shares, (embed, model.context, both, int32(12), float32(12), KEY))


def initial(place: Place) -> Call:
    """The parameters before the first step."""
    made = jax.jit(language_model.init, static_argnums=0)
    return Call(made, (model_of(place, members.lstm), KEY, None))


STEP = "contextual.training._chunk"
PROGRAMS = {
    **{
        f"{member.__name__}, 4,096 samples": Program(trained(member, 4_096), STEP)
        for member in members.MEMBERS
    },
    "lstm, softmax of 30,000": Program(trained(members.lstm), STEP),
    "lstm of characters": Program(trained(members.lstm, 4_096, characters=True), STEP),
    "lstm, data=4": Program(trained(members.lstm, 4_096, devices=4), STEP),
    "held-out loss": Program(trained(members.lstm, rule=True), "contextual.perplexity._losses"),
    "recurrence, forward": Program(recurrent(recurrence.fast, backward=False), ""),
    "recurrence, gradient": Program(recurrent(recurrence.fast, backward=True), ""),
    "recurrence, plain gradient": Program(recurrent(recurrence.plain, backward=True), ""),
    "sampled softmax of 800,000": Program(sampled, ""),
    "initial parameters": Program(initial, "contextual.training.start"),
    "token vectors": Program(
        functools.partial(_read, which="embedded"), "contextual.reader._embedded"
    ),
    "layers": Program(functools.partial(_read, which="read"), "contextual.reader._read"),
    "shares of positions": Program(
        functools.partial(_read, which="shares"), "lab.studies.context.report._shares"
    ),
}
PROGRAMS = {f"contextual/{name}": program for name, program in PROGRAMS.items()}
