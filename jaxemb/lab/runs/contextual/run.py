"""A language model trained in a folder: text, checkpoints, interruption, result."""

import dataclasses
import hashlib
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxemb import files
from jaxemb.contextual import language_model, models, objectives, perplexity, training, windows
from jaxemb.contextual.baselines import Baseline
from jaxemb.contextual.language_model import LanguageModel
from jaxemb.contextual.members import MEMBERS
from jaxemb.contextual.objectives import OBJECTIVES
from jaxemb.contextual.training import Plan, Resources, Rule, Text
from jaxemb.errors import InputError
from jaxemb.lab import corpus as preparation, outcome, progress, vectors, workdir as identity
from jaxemb.lab.durable import layouts, loop, tensors
from jaxemb.lab.hosts import agreement
from jaxemb.lab.runs.contextual.config import ContextualConfig
from jaxemb.lab.settings import Corpus
from jaxemb.structs import Vocab
from jaxemb.text import characters, corpus, vocabulary
from jaxemb.training import monitor, optimizers

MODEL = "model.safetensors"
# the functions of this package that config.json may name
OURS = {files.function_name(function): function for function in (*MEMBERS, *OBJECTIVES)}
_COLUMNS = 8  # streams of held-out text


class Sentences(NamedTuple):
    """Sentences by their use, each with its marks of start and end."""

    train: list[Any]
    dev: list[Any]
    held_out: list[Any]


class Result(NamedTuple):
    """The result of a finished run, of this session or an earlier one."""

    vocab: Vocab
    model: LanguageModel
    params: Any
    perplexity: perplexity.Perplexity
    baselines: dict[str, Baseline]  # of each direction
    tokens: dict[str, Any]
    metrics: list[dict[str, Any]]


def prepare(config: ContextualConfig) -> corpus.Corpus:
    """Return the corpus of a config, encoded now or reused.

    Raises:
        InputError: text that cannot be used.
    """
    folder = config.corpus.prepared or files.writable(config.workdir) / "corpus"
    return preparation.prepare_corpus(config.corpus, folder)


def train(config: ContextualConfig, model: LanguageModel, prepared: corpus.Corpus) -> Result:
    """Train into config.workdir, or resume an interrupted run there.

    Raises:
        InputError: settings that cannot be used; a workdir of another config.
        NumericalError: a loss that is not finite, with its step.
        Interrupted: after Ctrl-C or SIGTERM, when the chunk is finished and saved.
    """
    vocab = prepared.vocab
    table, resources = _given(config, model, vocab)
    digest = None if table is None else hashlib.sha256(table.tobytes()).hexdigest()
    workdir, finished = agreement.opened(config, prepared, MODEL, digest)
    path, texts = workdir.folder / MODEL, sentences(config, prepared)
    optimizer = optimizers.clipped(config.optimizer, config.learning_rate, config.clip)
    rule = Rule(model, optimizer, config.unroll, config.samples)
    key, seed = jax.random.key(config.seed), config.seed
    plan = Plan(key, rule, config.epochs, config.carried, config.chunk, seed, config.precision)
    if not finished:
        text, dev = Text(*windows.streams(texts.train, config.batch)), _few_streams(texts.dev)
        layout, put = layouts.streams(config.mesh)
        state, cursor = loop.run(
            training.training(plan, text, resources, table, put),
            workdir,
            every=config.checkpoint_every,
            layout=agreement.together(layout),
            watch=_watch(plan, dev, resources),
            seconds=config.seconds,
        )
        tensors.save(path, state.params, cursor._asdict())
    agreement.leave()
    workdir.finish()
    params = _restored(path, model, resources.characters)
    outcome.loaded(config, finished)
    reached = perplexity.of(plan, params, _few_streams(texts.held_out), resources)
    baselines = model.objective.baseline(*texts, len(vocab.words) + windows.SHIFT)
    tokens = _account(prepared, texts, tensors.cursor(path))
    metrics = progress.logged(workdir.folder / progress.METRICS)
    return Result(vocab, model, params, reached, baselines, tokens, metrics)


def build(config: ContextualConfig, vocab: Vocab) -> LanguageModel:
    """Build the model of a config over a vocabulary.

    Raises:
        InputError: the model does not fit the objective; what the config's functions raise.
    """
    objective = config.objective or objectives.next_word
    return models.language_model(
        config.model(**config.settings("model")),
        len(vocab.words),
        objective(**config.settings("objective")),
        dropout=config.dropout,
        tied=config.tied,
        characters=config.characters,
    )


def sentences(config: ContextualConfig, prepared: corpus.Corpus) -> Sentences:
    """Divide the sentences of a corpus into those to train on, to choose by, and to report on."""
    marked = windows.sentences(prepared.ids, len(prepared.vocab.words))
    shares = (config.corpus.held_out, config.dev)
    held, dev, train = windows.split(len(marked), config.seed, *shares)
    return Sentences(*([marked[i] for i in part] for part in (train, dev, held)))


def _few_streams(texts: list[Any]) -> Text:
    """Text to measure on, in few streams, because each of them begins with a state of zeros."""
    return Text(*windows.streams(texts, min(_COLUMNS, max(sum(map(len, texts)) // 2, 1))))


def _given(config: ContextualConfig, model: LanguageModel, vocab: Vocab) -> tuple[Any, Resources]:
    """The table to start from, random where no vector is given, and what a step reads."""
    if config.characters:
        return None, Resources(characters=_spelled(vocab))
    if config.vectors is None:
        return None, Resources()
    words = vocab.words
    options: dict[str, Any] = {"only": words, "named": " by --vectors"}
    loaded, rows = vectors.rows_of(config.vectors, words, config.dim, **options)
    hidden = [-1] * model.objective.hides  # the row of words that are hidden
    places = np.concatenate([[-1] * windows.SHIFT, rows, hidden]).astype(int)
    pretrained = loaded.word_vectors.vectors
    there = places >= 0
    # random rows have the scale of the given ones
    draw = np.random.Generator(np.random.Philox(key=[config.seed, 1]))
    scale = np.sqrt(np.mean(np.square(pretrained, dtype=np.float64)))
    table = draw.normal(0, scale, (len(places), config.dim)).astype(np.float32)
    table[there] = pretrained[places[there]]
    return table, Resources(frozen=None if config.trained else there)


def _spelled(vocab: Vocab) -> Any:
    """The characters of every id, [rows, chars], and of a word that is hidden."""
    marks = (characters.START, characters.END, "<UNK>")
    return characters.character_ids([*marks, *vocab.words, "<MASK>"])


def _watch(plan: Plan, dev: Text, resources: Resources) -> loop.Watch:
    """Measure the largest norm of a parameter's row, and the perplexity on the dev text."""

    def epoch(state: training.State) -> dict[str, Any]:
        on_dev = perplexity.of(plan, state.params, dev, resources)
        return {"dev": list(on_dev.by_direction.values())}

    return loop.Watch(
        step=lambda event: {"largest_norm": monitor.largest_norm(event.state.params)}, epoch=epoch
    )


def _account(prepared: corpus.Corpus, texts: Sentences, cursor: dict[str, Any]) -> dict[str, Any]:
    """Account for every token; marks of sentences are not tokens."""
    sizes = {name: sum(len(s) - 2 for s in part) for name, part in texts._asdict().items()}
    unknown = sum(int((s == windows.UNKNOWN).sum()) for part in texts for s in part)
    tokens = prepared.tokens
    return preparation.account(
        prepared,
        {**sizes, "unknown": unknown, "predictions": cursor["trained"]},
        ("read = train + dev + held out", tokens.read, sum(sizes.values())),
        ("dropped = unknown", sum(tokens.dropped.values()), unknown),
    )


class Loaded(NamedTuple):
    """The model of a finished run."""

    vocab: Vocab
    model: LanguageModel
    params: Any
    characters: bool


def load(workdir: str | Path, config: ContextualConfig | None = None) -> Loaded:
    """Load the model of a finished run.

    Args:
        config: the config that trained it, wanted where its model or objective is not from this
            package. Of a config the functions are called; all numbers are the run's.

    Raises:
        InputError: no finished run there; its functions are not from this package, and no config
            has them.
    """
    workdir = Path(workdir)
    if not (workdir / MODEL).is_file():
        made = "train_contextual", "elmo_quickstart"
        raise identity.no_run(workdir, f"finished language model (no {MODEL})", *made)
    trained = _as_trained(workdir, config)
    vocab = vocabulary.read(workdir / vocabulary.FILE)
    model = build(trained, vocab)
    spelled = _spelled(vocab) if trained.characters else None
    params = _restored(workdir / MODEL, model, spelled)
    return Loaded(vocab, model, params, trained.characters)


def _restored(path: Path, model: LanguageModel, spelled: Any) -> Any:
    like = jax.eval_shape(lambda: language_model.init(model, jax.random.key(0), spelled))
    return jax.tree.map(jnp.asarray, tensors.restore(path, like))


def _as_trained(workdir: Path, config: ContextualConfig | None) -> ContextualConfig:
    """The config of a run: its numbers, and the functions that config.json names.

    The file is not trusted: it names functions, and only those of this package or of the user's own
    config are called.
    """
    was = ContextualConfig.of_older(files.read_json(workdir / identity.CONFIG)["config"])
    functions = {}
    for field in ("model", "objective"):
        name = was.get(field)
        own = getattr(config, field, None)
        if own is not None and files.function_name(own) == name:
            functions[field] = own
        elif config is not None and own != OURS.get(str(name)):
            now = "none" if own is None else files.function_name(own)
            raise InputError(
                f"{workdir}: was trained with the {field} {name}, and the config has {now}: wanted "
                "the file that trained it, unchanged"
            )
        elif name is None or name in OURS:
            functions[field] = OURS.get(str(name))
        else:
            raise InputError(
                f"{workdir}: its {field} is {name}, which is not from this package: name the "
                "config that trained it, as --config mine.py"
            )
    numbers = {k: v for k, v in was.items() if v is None or isinstance(v, int | float)}
    base = config or ContextualConfig(Corpus(), str(workdir), functions["model"], models.adagrad)
    known = {field.name for field in dataclasses.fields(base)}
    return dataclasses.replace(
        base, **{name: was for name, was in numbers.items() if name in known} | functions
    )
