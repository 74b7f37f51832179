"""A training run in a folder: progress, metrics, checkpoints, interruption and resumption."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Array

from jaxemb.lab import command_line, corpus as preparation, outcome, progress
from jaxemb.lab.durable import layouts, loop, tensors
from jaxemb.lab.hosts import agreement
from jaxemb.lab.runs.static import config as config_lib, growth, start as starting, steps, subwords
from jaxemb.lab.workdir import TABLES, kept
from jaxemb.static import segments, tables
from jaxemb.structs import Cursor, Event, InOut, Learner, LearnerState, Objective, Vocab
from jaxemb.text import corpus as corpus_lib
from jaxemb.training import columns, fitting, loop as training, mesh, monitor, sharded


class How(NamedTuple):
    """What runs on the device: the program of one model, or of several together."""

    program: training.Program
    measure: Callable[[InOut[Array]], dict[str, Any]]
    held_out: Callable[..., Any]  # (plan, tables, resources, texts) -> nats per pair, or None
    layout: loop.Layout = loop.Layout()
    put: Callable[[Any], Any] = lambda resources: resources  # on the devices that read them


class Result(NamedTuple):
    """The result of a finished run, of this session or an earlier one."""

    tables: InOut[np.ndarray]  # NumPy, float32
    vocab: Vocab
    tokens: dict[str, Any]
    metrics: list[dict[str, Any]]
    rotation: dict[str, float] | None  # held-out loss before and after both tables are rotated
    start: dict[str, Any] | None = None  # where the first rows came from, if they were given
    step: dict[str, Any] | None = None  # blocks, cap, and how often a step updates one row


def train(
    config: config_lib.StaticConfig,
    objective: Objective,
    learner: Learner,
    corpus: corpus_lib.Corpus,
    together: Callable[[training.Plan], How] | None = None,
) -> Result:
    """Train into config.workdir, or resume an interrupted run there.

    Args:
        together: `members.together`, for several models in one program.

    Raises:
        InputError: a workdir of another config, with what differs.
        NumericalError: a loss that is not finite, with its step and place in the text.
        Interrupted: after Ctrl-C or SIGTERM, when the chunk is finished and saved.
    """
    training.check_ids(corpus.ids, corpus.vocab)
    resources, rows = objective.prepare(corpus.vocab)
    config, step = steps.settled(config, objective, resources, corpus)
    if step.message:  # its settings are not those it was built from
        learner = config.build_learner(objective)
    growth.check(config, rows, corpus.vocab)
    start = subwords.start(config, corpus.vocab, resources)
    workdir, finished = agreement.opened(config, corpus, TABLES, start and start.account["sha256"])
    lanes = kept(config.workdir, "lanes", absent=1)  # of the checkpoints there
    plan = plan_of(config, objective, learner)._replace(lanes=lanes)
    plan, start = _from(start, plan, rows.output)
    say = [*starting.log_lines(plan.initial), *filter(None, [step.message])]
    text, held = _sides(config, plan, corpus, objective.cost(resources))
    how = (together or functools.partial(_alone, config, rows))(plan)
    held_texts = monitor.texts(plan, held)
    if not finished:
        placed = how.put(resources)
        every = config.watch_every or monitor.interval(plan, rows.output)
        watch = _watch(plan, how, placed, held_texts, every, say)
        job = training.training(plan, how.program, placed, text, rows)
        _finish(config, plan, job, workdir, how, watch, corpus, resources)
    agreement.leave()
    workdir.finish()
    whole = tensors.restore(workdir.folder / TABLES, _shapes(how, plan, resources, rows))
    outcome.loaded(config, finished)
    texts, done = [] if together else held_texts, tensors.cursor(workdir.folder / TABLES)
    idle = _idle(whole, Cursor(**done), 0 if start else len(corpus.vocab.words))
    return Result(
        whole,
        corpus.vocab,
        _account(config, corpus, text, held, done),
        progress.logged(workdir.folder / progress.METRICS),
        rotation=monitor.rotation(plan, whole, objective.of_words(resources), texts),
        start=growth.account(config, start, corpus.vocab, whole),
        step={**steps.account(config, step), "idle": idle, "ran_away": fitting.runaway(whole)},
    )


def _finish(config, plan: training.Plan, job, workdir, how: How, watch, corpus, resources) -> None:
    """Train to the end, and write the tables; the state is freed."""
    layout = agreement.together(how.layout)
    state, cursor = loop.run(
        job, workdir, every=config.checkpoint_every, layout=layout, watch=watch
    )
    trained = columns.narrow(plan, state.tables)
    subwords.keep(workdir.folder, config, corpus, trained, resources)
    whole = plan.objective.words(trained, resources)
    tensors.save(workdir.folder / TABLES, whole, cursor._asdict())


def _from(
    start: starting.Start | None, plan: training.Plan, rows: int
) -> tuple[training.Plan, starting.Start | None]:
    """A plan that begins with given rows, if there are any."""
    if start is None:
        return plan, None
    start = start.sized(rows)
    return plan._replace(initial=start, trainable=start.trainable), start


def _idle(whole: InOut[Any], cursor: Cursor, words: int) -> str | None:
    """Say on the terminal and for the report that nothing was trained, or almost nothing."""
    idle = fitting.idle(whole, cursor, words)
    if idle:
        idle = command_line.as_typed(idle)
        progress.say(f"warning: {idle}")
    return idle


def _shapes(how: How, plan: training.Plan, resources: Any, rows: InOut[int]) -> InOut[Array]:
    """Those of the finished tables, a row a word."""
    begin = functools.partial(how.program.start, rows)
    return jax.eval_shape(lambda: columns.words(plan, begin().tables, resources))


def _sides(
    config, plan: training.Plan, corpus: corpus_lib.Corpus, cost
) -> tuple[segments.Split, segments.Split]:
    """The text that is trained on, and that held out."""
    keep = config.kept(corpus)
    shares = {"held_out": config.corpus.held_out, "cost": cost}
    text, held = (
        training.split_of(plan.key, corpus.ids, keep, **shares, held=held) for held in (False, True)
    )
    return text, held


def _account(config, corpus: corpus_lib.Corpus, text, held, cursor: dict[str, int]):
    """Account for every token."""
    train, held_out = segments.words(text), segments.words(held)
    trained, subsampled = cursor["trained"], cursor["subsampled"]
    return preparation.account(
        corpus,
        {"held_out": held_out, "subsampled": subsampled, "trained": trained},
        ("kept = train + held out", corpus.tokens.kept, train + held_out),
        ("epochs x train = trained + subsampled", config.epochs * train, trained + subsampled),
    )


def _alone(config, rows: InOut[int], plan: training.Plan) -> How:
    if on := sharded.of_config(config):
        return _over_mesh(on, plan, rows)
    return How(training.one(plan), monitor.measure, monitor.loss)


def _over_mesh(on: sharded.Sharded, plan: training.Plan, rows: InOut[int]) -> How:
    return How(
        sharded.program(on, plan),
        functools.partial(sharded.measure, on, rows),
        monitor.loss,
        layout=layouts.layout(sharded.placement(on)),
        put=lambda resources: mesh.divided(on.mesh, resources),
    )


def plan_of(
    config: config_lib.StaticConfig, objective: Objective, learner: Learner
) -> training.Plan:
    """The plan of a training run: what of a config determines its result."""
    return training.Plan(
        jax.random.key(config.seed),
        objective,
        learner,
        config.dim,
        config.epochs,
        config.learning_rate,
        config.batch,
        config.chunk,
        initialize=config.initialize or tables.init,
        schedule=config.schedule,
        lanes=config.lanes,
        precision=config.precision,
    )


def _watch(plan: training.Plan, how: How, resources, held_texts, every: int, say) -> loop.Watch:
    """Measure the table's spectrum and the held-out loss; log the lines `say` at the start."""

    def measure(tables: InOut[Array]) -> dict[str, Any]:
        return how.measure(columns.words(plan, tables, resources))

    def held_out(state: LearnerState) -> dict[str, Any]:
        return {"held_out": how.held_out(plan, state.tables, resources, held_texts)}

    def start(state: LearnerState, log: progress.Log) -> None:
        for line in say:
            log.say(line)
        log.add(Cursor(), **held_out(state))
        log.add(Cursor(), **monitor.plain(measure(state.tables)))

    def step(event: Event) -> dict[str, Any]:
        return measure(event.state.tables) if monitor.due(event, every, plan) else {}

    def end(state: LearnerState) -> list[str]:
        line = fitting.runaway(state.tables)
        return [line] if line else []

    return loop.Watch(start, step, held_out, end)
