"""A bidirectional language model trained in a folder: text, checkpoints, interruption, result."""

import hashlib
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxemb import files
from jaxemb.contextual import models, perplexity, training, windows
from jaxemb.contextual.language_model import LanguageModel
from jaxemb.contextual.training import Plan, Resources, Rule, Text
from jaxemb.errors import InputError
from jaxemb.lab import corpus as preparation, progress, vectors, workdir as identity
from jaxemb.lab.durable import layouts, loop, tensors
from jaxemb.lab.hosts import agreement
from jaxemb.lab.runs.contextual.config import ContextualConfig
from jaxemb.structs import Vocab
from jaxemb.text import characters, corpus, vocabulary
from jaxemb.training import monitor, optimizers

MODEL = "model.safetensors"
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
    bigrams: dict[str, dict[str, float]]  # of each direction: perplexity and k
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
    table, resources = _given(config, vocab)
    digest = None if table is None else hashlib.sha256(table.tobytes()).hexdigest()
    workdir, finished = agreement.opened(config, prepared, MODEL, digest)
    path, texts = workdir.folder / MODEL, sentences(config, prepared)
    optimizer = optimizers.clipped(config.optimizer, config.learning_rate, config.clip)
    rule = Rule(model, optimizer, config.unroll, config.samples)
    plan = Plan(jax.random.key(config.seed), rule, config.epochs, config.carried, config.chunk)
    if not finished:
        text, dev = Text(*windows.streams(texts.train, config.batch)), _few_streams(texts.dev)
        layout, put = layouts.streams(config.mesh)
        state, cursor = loop.run(
            training.training(plan, text, resources, table, put),
            workdir,
            every=config.checkpoint_every,
            layout=agreement.together(layout),
            watch=_watch(plan, dev, resources),
        )
        tensors.save(path, state.params, cursor._asdict())
    agreement.leave()
    workdir.finish()
    like = jax.eval_shape(lambda: training.init(model, jax.random.key(0), resources.characters))
    params = jax.tree.map(jnp.asarray, tensors.restore(path, like))
    reached = perplexity.of(plan, params, _few_streams(texts.held_out), resources)
    bigrams = _bigrams(texts, len(vocab.words) + windows.SHIFT)
    tokens = _account(prepared, texts, tensors.cursor(path))
    metrics = progress.logged(workdir.folder / progress.METRICS)
    return Result(vocab, model, params, reached, bigrams, tokens, metrics)


def build(config: ContextualConfig, vocab: Vocab) -> LanguageModel:
    """Build the model of a config over a vocabulary."""
    return models.language_model(
        config.cell(config.units, config.dim),
        len(vocab.words),
        layers=config.layers,
        skip=config.skip,
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


def _given(config: ContextualConfig, vocab: Vocab) -> tuple[Any, Resources]:
    """The table to start from, random where no vector is given, and what a step reads."""
    if config.characters:
        return None, Resources(characters=_spelled(vocab))
    if config.vectors is None:
        return None, Resources()
    words = vocab.words
    loaded, rows = vectors.rows_of(config.vectors, words, config.dim, only=words)
    pretrained, places = loaded.word_vectors.vectors, np.append([-1] * windows.SHIFT, rows)
    there = places >= 0
    # random rows have the scale of the given ones
    draw = np.random.Generator(np.random.Philox(key=[config.seed, 1]))
    scale = np.sqrt(np.mean(np.square(pretrained, dtype=np.float64)))
    table = draw.normal(0, scale, (len(places), config.dim)).astype(np.float32)
    table[there] = pretrained[places[there]]
    return table, Resources(frozen=None if config.trained else there)


def _spelled(vocab: Vocab) -> Any:
    """The characters of every id, [rows, chars]."""
    return characters.character_ids([characters.START, characters.END, "<UNK>", *vocab.words])


def _watch(plan: Plan, dev: Text, resources: Resources) -> loop.Watch:
    """Measure the largest norm of a parameter's row, and the perplexity on the dev text."""

    def epoch(state: training.State) -> dict[str, Any]:
        on_dev = perplexity.of(plan, state.params, dev, resources)
        return {"dev": [on_dev.forward, on_dev.backward]}

    return loop.Watch(
        step=lambda event: {"largest_norm": monitor.largest_norm(event.state.params)}, epoch=epoch
    )


def _bigrams(texts: Sentences, rows: int) -> dict[str, dict[str, float]]:
    """The perplexity of a bigram model of the same text, in both directions."""

    def pairs(ids: list[Any]) -> tuple[Any, Any]:
        firsts, seconds = ([line[part] for line in ids] for part in (slice(-1), slice(1, None)))
        return np.concatenate(firsts), np.concatenate(seconds)

    ahead = [pairs(part) for part in texts]
    back = [(second, first) for first, second in ahead]
    reached = {}
    for name, parts in (("forward", ahead), ("backward", back)):
        least, k = perplexity.best_perplexity(parts[0], parts[1], parts[2], rows)
        reached[name] = {"perplexity": least, "k": k}
    return reached


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


def load(workdir: str | Path) -> Loaded:
    """Load the model of a finished run.

    Raises:
        InputError: no finished run there; a cell that is not from this package.
    """
    workdir = Path(workdir)
    if not (workdir / MODEL).is_file():
        raise InputError(
            f"{workdir}: holds no finished language model (no {MODEL}); one is made by "
            "python scripts/train_contextual.py configs/elmo_quickstart.py"
        )
    settings = files.read_json(workdir / identity.CONFIG)["config"]
    vocab = vocabulary.read(workdir / vocabulary.FILE)
    cell = _function(workdir, settings["cell"])(int(settings["units"]), int(settings["dim"]))
    fields = ("layers", "skip", "dropout", "tied", "characters")
    options = {name: settings[name] for name in fields}
    model = models.language_model(cell, len(vocab.words), **options)
    spelled = _spelled(vocab) if settings["characters"] else None
    like = jax.eval_shape(lambda: training.init(model, jax.random.key(0), spelled))
    params = jax.tree.map(jnp.asarray, tensors.restore(workdir / MODEL, like))
    return Loaded(vocab, model, params, settings["characters"])


def _function(workdir: Path, name: str) -> Any:
    """Look up the function that config.json names."""
    module, _, inside = name.partition(":")
    # the file is not trusted: only a cell is called, and only with numbers
    if module != models.__name__ or not inside.endswith("_cell") or not hasattr(models, inside):
        raise InputError(f"{workdir}: its cell is {name}, which is not from this package")
    return getattr(models, inside)
