"""A training run in a folder: progress, metrics, checkpoints, interruption and continuation."""

import functools
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxemb import files
from jaxemb.lab import progress, workdir as identity
from jaxemb.lab.durable import checkpoints, layouts, loop, tensors
from jaxemb.lab.hosts import agreement
from jaxemb.lab.runs.static import config as config_lib, growth, start as starting, steps, subwords
from jaxemb.lab.workdir import TABLES
from jaxemb.static import segments, tables
from jaxemb.structs import InOut, Learner, Objective, Vocab
from jaxemb.text import corpus as corpus_lib
from jaxemb.training import fitting, loop as training, mesh, monitor, sharded

METRICS = "metrics.jsonl"


class How(NamedTuple):
    """What runs on the device: the program of one model, or of several together."""

    program: training.Program
    measure: Callable[[InOut], dict[str, Any]]
    held_out: Callable[..., Any]  # (plan, tables, resources, texts) -> nats per pair, or None
    layout: loop.Layout = loop.Layout()
    put: Callable[[Any], Any] = lambda resources: resources  # on the devices that read them
    beside: bool = True  # whether other programs may run meanwhile: not if devices wait for another


class Result(NamedTuple):
    """What a finished run knows, whether it ended now or in an earlier session."""

    tables: InOut  # NumPy, float32
    vocab: Vocab
    tokens: dict[str, Any]
    metrics: list[dict[str, Any]]
    rotation: dict[str, float] | None  # held-out loss before and after both tables are turned
    start: dict[str, Any] | None = None  # where the first rows came from, if they were given
    step: dict[str, Any] | None = None  # blocks, cap, and how often a step updates the same row


def train(
    config: config_lib.StaticConfig,
    objective: Objective,
    learner: Learner,
    corpus: corpus_lib.Corpus,
    together: Callable[[training.Plan], How] | None = None,
) -> Result:
    """Trains into config.workdir, or goes on where an earlier session was interrupted.

    Args:
        together: for several models in one program: `members.together`.

    Returns:
        The finished tables with the account of every token.

    Raises:
        InputError: a workdir of another config, with what differs.
        NumericalError: a loss that is not finite, with its step and place in the text.
        Interrupted: after Ctrl-C or SIGTERM, when the chunk is finished and saved.
    """
    workdir = agreement.own(files.writable(config.workdir), config)
    training.check_ids(corpus.ids, corpus.vocab)
    prepared = objective.prepare(corpus.vocab)
    config, step = steps.settled(config, objective, prepared[0], corpus)
    if step.said:  # other settings than it was built from
        learner = config.build_learner(objective)
    growth.check(config, prepared[1], corpus.vocab)
    start = subwords.start(config, corpus.vocab, prepared[0])
    begun = any((workdir / name).exists() for name in (checkpoints.FOLDER, TABLES))
    identity.refuse_other(workdir, config, corpus, start and start.account["sha256"], begun)
    plan = plan_of(config, objective, learner)
    if start:
        start = start.sized(prepared[1].output)
        plan = plan._replace(initial=start, trainable=start.trainable)
    keep = config.kept(corpus)
    sides = {"held_out": config.corpus.held_out, "cost": objective.cost(prepared[0])}
    text = training.split_of(plan.key, corpus.ids, keep, **sides)
    held = training.split_of(plan.key, corpus.ids, keep, **sides, held=True)
    corpus_lib.write_vocab(workdir / corpus_lib.VOCAB, corpus.vocab)
    finished = workdir / TABLES
    how = (together or functools.partial(_alone, config, prepared[1]))(plan)
    if agreement.told(not finished.exists()):
        cursor, state = _loop(workdir, config, plan, how, prepared, text, held, step.said)
        subwords.keep(workdir, config, corpus, state.tables, prepared[0])
        of_words = objective.words(state.tables, prepared[0])
        tensors.save(finished, of_words, cursor._asdict())
    agreement.leave()
    shutil.rmtree(workdir / checkpoints.FOLDER, ignore_errors=True)
    cursor = tensors.position(finished, training.Cursor)
    raw = jax.eval_shape(lambda: how.program.start(prepared[1])).tables
    sizes = jax.eval_shape(objective.words, raw, prepared[0])
    whole = tensors.restore(finished, sizes)
    tokens = training.account(
        corpus, config.epochs, segments.words(text), segments.words(held), cursor
    )
    parts = [] if together else monitor.texts(plan, held)
    turned = monitor.rotation(plan, whole, objective.of_words(prepared[0]), parts)
    begin = growth.account(config, start, corpus.vocab, whole)
    size = {**steps.account(step), "ran_away": fitting.runaway(whole)}
    return Result(whole, corpus.vocab, tokens, metrics(workdir), turned, begin, size)


def _alone(config, rows: InOut, plan: training.Plan) -> How:
    if on := sharded.of_config(config):
        return _over_mesh(on, plan, rows)
    return How(training.one(plan), monitor.measure, monitor.loss)


def _over_mesh(on: sharded.Sharded, plan: training.Plan, rows: InOut) -> How:
    return How(
        sharded.program(on, plan),
        functools.partial(sharded.measure, on, rows),
        monitor.loss,
        layout=layouts.layout(sharded.placement(on)),
        put=lambda resources: mesh.divided(on.mesh, resources),
        beside=False,
    )


def plan_of(config: config_lib.StaticConfig, objective: Objective, learner: Learner):
    """What of a config decides the bits of its training."""
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
    )


def _loop(workdir: Path, config, plan: training.Plan, how: How, prepared, text, held, said):
    """Trains to the end; where it stands then, and the state. `said` is told as it begins."""
    resources, rows = how.put(prepared[0]), prepared[1]

    def measure(tables: InOut) -> dict[str, Any]:
        return how.measure(plan.objective.words(tables, resources))

    held_texts = monitor.texts(plan, held)

    def asked(tables: InOut) -> Any:
        return how.held_out(plan, tables, resources, held_texts)

    with (
        identity.alone(workdir),
        progress.stop_requests() as stop,
        progress.Log(workdir / METRICS) as log,
        progress.Meter() as meter,
        ThreadPoolExecutor(1) as beside,
    ):
        run = loop.Durable(
            _training(plan, how.program, text, resources, rows),
            agreement.place(config.workdir),
            every=config.checkpoint_every,
            stop=stop,
            say=log.say,
            layout=agreement.together(how.layout),
        )
        log.back_to(run.cursor)
        every, beginning = config.watch_every or monitor.interval(plan, rows.output), None
        if not run.cursor.step:
            for line in (*starting.said(plan.initial), *([said] if said else [])):
                log.say(line)
            log.add(run.cursor, held_out=asked(run.state.tables))
            # compiling this takes seconds in which training can begin: it gets tables of its own
            own = jax.tree.map(jax.numpy.copy, run.state.tables)
            beginning = beside.submit(_measure_start, measure, own, log)
            if not how.beside:
                beginning.result()
        pending = before = None
        for event, saving in run.events():
            if loop.went_back(before, event):
                log.back_to(event.began)
            elif pending:  # one chunk late, so that the device never waits for the host
                _log(*pending, meter, log)
            # but at once where a continued run would not measure it again
            seen = measure(event.state.tables) if monitor.due(event, every, plan) else None
            before, pending = event, None if event.ends_epoch or saving else (event, seen)
            if not pending:
                _log(event, seen, meter, log)
            if event.ends_epoch:
                log.add(event.cursor, held_out=asked(event.state.tables))
        if beginning:
            beginning.result()  # raises what went wrong there
        whole = how.layout.whole(run.state, run.like)
        if told := fitting.runaway(whole.tables):
            log.say(told)
    return run.cursor, whole


def _training(plan, program: training.Program, text, resources, rows) -> loop.Training:
    return loop.Training(
        start=lambda: program.start(rows),
        events=lambda state, cursor: training.events(plan, state, resources, text, cursor, program),
        cursor=training.Cursor,
        where=training.where,
    )


def _measure_start(measure, tables: InOut, log: progress.Log) -> None:
    log.add(training.Cursor(), **monitor.plain(measure(tables)))


def _log(event: training.Event, seen, meter: progress.Meter, log: progress.Log) -> None:
    losses = np.asarray(event.loss, np.float64)
    rates = {"learning_rate": event.learning_rate, "words_per_second": meter(event, losses.mean())}
    numbers = {**rates, **loop.refusals(event), **monitor.plain(seen)}
    log.add(event.cursor, loss=losses.tolist(), **numbers)


def metrics(workdir: Path) -> list[dict[str, Any]]:
    """The measurements of a run, in the order they were made."""
    return progress.logged(workdir / METRICS)
