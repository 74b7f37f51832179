"""The front door in a notebook: train from text, load any file, ELMo; no config, no folder."""

import dataclasses
import functools
import warnings
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jaxtyping import Float, Int

from jaxemb import formats
from jaxemb.errors import InputError, seeds
from jaxemb.lab import progress as bars, vectors as files, workdir
from jaxemb.lab.model import Model
from jaxemb.structs import Event, InOut, Learner, Objective, Vocab
from jaxemb.text import encoding, tokenizers
from jaxemb.training import fitting

Ids = Int[Any, " ids"]
Text = str | Path | Iterable[str] | Iterable[list[str]] | tuple[Ids, Vocab] | tuple[Vocab, Ids]


def fit(
    text: Text,
    objective: Objective,
    *,
    dim: int = 100,
    epochs: int = 5,
    seed: int = 0,
    min_count: int = 5,
    max_vocab: int | None = None,
    tokenizer: Callable[[str], list[str]] = tokenizers.words,
    learning_rate: float = 0.025,
    subsample: float = 1e-3,
    learner: Learner | None = None,
    cap: float | None = None,
    batch: int = 32,
    chunk: int = 64,
    progress: bool = True,
    callback: Callable[[Event], Any] = lambda event: None,
) -> Model:
    """Train word vectors, with a bar; an interrupt keeps what was trained.

    Args:
        text: lines, lists of tokens, the `Path` of a file, (ids, vocab), or a string: the name of a
            file if it has no line end and there is such a file, else the text itself.
        objective: `skipgram()`, `cbow()`, or your own.
        min_count, max_vocab, tokenizer: see `text.encode`.
        progress: show a bar with words a second, loss and the time left.
        callback: called with the `Event` of every chunk.
        dim, epochs, learning_rate, subsample, learner, cap, batch, chunk: see `training.fit`.

    Raises:
        InputError: a text or settings that cannot be used.
        NumericalError: the tables have NaN or infinite entries.
    """
    if isinstance(text, jax.Array) or not isinstance(objective, Objective):
        raise InputError(
            f"got {type(text).__name__} and {type(objective).__name__}; wanted a text and an "
            "objective, fit(lines, jaxemb.skipgram()); of a key and ids: jaxemb.training.fit"
        )
    seeds(seed=seed)
    vocab, ids = _encoded(text, min_count=min_count, max_vocab=max_vocab, tokenizer=tokenizer)
    history: list[dict[str, Any]] = []
    trained: list[InOut] = []
    with bars.interrupts() as stop, bars.Bar(shown=progress) as bar:

        def step(event: Event) -> bool:
            history.append(_measured(event, bar))
            trained[:] = [event.state.tables]
            callback(event)
            return bool(stop)

        settings = {"dim": dim, "epochs": epochs, "batch": batch, "chunk": chunk, "cap": cap}
        rates = {"learning_rate": learning_rate, "subsample": subsample, "learner": learner}
        key = jax.random.key(seed)
        tables = fitting.fit(key, ids, vocab, objective, **settings, **rates, callback=step)
    if stop and history[-1]["done"] < 1:
        done = f"{history[-1]['done']:.0%} of the text is trained"
        warnings.warn(f"interrupted: {done}", stacklevel=2)
    compose = _composer(objective, vocab, trained[0]) if objective.unknown else None
    return Model(vocab, InOut(*map(np.asarray, tables)), tuple(history), compose)


def _measured(event: Event, bar: bars.Bar) -> dict[str, Any]:
    loss, cursor = float(event.loss), event.cursor
    return {
        "step": cursor.step,
        "epoch": cursor.epoch,
        "words": cursor.words,
        "done": event.done,
        "loss": loss,
        "learning_rate": event.learning_rate,
        "words_per_second": bar(event, loss),
    }


def _composer(objective: Objective, vocab: Vocab, whole: InOut) -> Callable[[Sequence[str]], Any]:
    """What makes vectors of unknown words of the tables as trained."""
    assert objective.unknown is not None
    resources = jax.device_get(objective.prepare(vocab)[0])
    return functools.partial(objective.unknown, jax.device_get(whole), resources)


def _encoded(text: Any, **settings: Any) -> tuple[Vocab, Int[Any, " ids"]]:
    """The vocabulary and ids of a text in any form that `fit` takes."""
    if isinstance(text, tuple) and len(text) == 2 and any(isinstance(x, Vocab) for x in text):
        vocab, ids = text if isinstance(text[0], Vocab) else text[::-1]
        return vocab, ids
    if isinstance(text, str):
        if "\n" in text or not _is_file(text):
            return encoding.encode(text.splitlines(), **settings)
        text = Path(text)
    if isinstance(text, Path):
        lines = encoding.sentences([text], settings["tokenizer"])
        return encoding.encode(lines, **settings)
    return encoding.encode(text, **settings)


def _is_file(name: str) -> bool:
    try:
        return Path(name).is_file()
    except OSError:  # longer than a name may be
        return False


def load(path: str | Path, **options: Any) -> Model:
    """The model in a file of vectors of any format, or in the folder of a finished run.

    Rows of a table without words are called by their numbers.

    Args:
        options: see `formats.read`.

    Raises:
        InputError, FormatError: what is wrong with it, and where.
    """
    if (Path(path) / formats.TABLES).is_file():
        vocab, tables = workdir.load(path)
        model = formats.with_ngrams(path)
        return Model(vocab, tables, unknown=model and files.composed(model))
    loaded = files.word_vectors(path, **options)
    for remark in loaded.remarks:
        warnings.warn(remark, stacklevel=2)
    words, table = loaded.word_vectors
    words = tuple(map(str, range(len(table)))) if words is None else words
    vocab = Vocab(words, np.zeros(len(words), np.int64))
    return Model(vocab, InOut(table, None), unknown=loaded.unknown)


@dataclasses.dataclass(frozen=True)
class Elmo:
    """ELMo from its two files: sentences to vectors in context."""

    embedding: Any  # contextual.reader.Embedding

    def __call__(
        self, texts: Sequence[str] | Sequence[Sequence[str]], pool: str | None = None
    ) -> list[Float[np.ndarray, "layers time dim"]] | Float[np.ndarray, "sentences dim"]:
        """Vectors of sentences: an array [layers, tokens, dim] of each.

        Args:
            texts: sentences whose tokens stand between spaces, or lists of tokens.
            pool: None; or "mean" for one vector of each sentence, the mean over layers and tokens.

        Raises:
            InputError: a single string, a sentence without tokens, another `pool`.
        """
        from jaxemb.contextual import reader

        if isinstance(texts, str):
            raise InputError(f"got the text {texts!r:.60}; wanted a list, even of one sentence")
        if pool not in (None, "mean"):
            raise InputError(f"pool is {pool!r}; wanted None or 'mean'")
        tokens = [text.split() if isinstance(text, str) else list(text) for text in texts]
        if empty := [i for i, sentence in enumerate(tokens) if not sentence]:
            raise InputError(f"sentence {empty[0]:,} has no tokens")
        layers: list[Any] = [None] * len(tokens)
        for i, vectors in reader.vectors(self.embedding, tokens):
            layers[i] = vectors
        return np.stack([array.mean(axis=(0, 1)) for array in layers]) if pool else layers

    def __repr__(self) -> str:
        return f"ELMo: {self.embedding.layers} layers of {self.embedding.dim} dimensions"


def elmo(options: str | Path, weights: str | Path) -> Elmo:
    """ELMo from options.json and its HDF5 weights; called with sentences, it gives their vectors.

    Raises:
        FormatError, InputError: as `contextual.reader.of_elmo`.
    """
    from jaxemb.contextual import reader

    return Elmo(reader.of_elmo(options, weights))
