"""The front door in a notebook: train from text, load any file, ELMo; no config, no folder."""

import dataclasses
import functools
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import jax
import numpy as np
from jaxtyping import Float, Int

from jaxemb import formats
from jaxemb.errors import InputError, called_with, seeds, warn
from jaxemb.formats import fasttext, fasttext_file
from jaxemb.lab import progress as bars, vectors as files, workdir
from jaxemb.lab.model import Model, shortly
from jaxemb.static import subwords
from jaxemb.structs import Event, InOut, Learner, Objective, Vocab
from jaxemb.text import encoding, tokenizers
from jaxemb.training import fitting

Ids = Int[Any, " ids"]
Text = str | Path | Iterable[str] | Iterable[list[str]] | tuple[Ids, Vocab] | tuple[Vocab, Ids]

# what a name of files has, and a text of one line has not: an end such as .txt, a folder, a star
_NAME = re.compile(r"\S*(\.[A-Za-z]\w{0,9}|[/*\\]\S*)|.*\.(txt|text|csv|tsv|jsonl?|gz|bz2|xz|zst)")


@shortly
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
    bad_utf8: Literal["error", "replace"] = "error",
    learning_rate: float = 0.025,
    subsample: float = 1e-3,
    learner: Learner | Callable[..., Learner] | None = None,
    cap: float | None = None,
    batch: int = 32,
    chunk: int = 64,
    progress: bool = True,
    callback: Callable[[Event], Any] = lambda event: None,
) -> Model:
    """Train word vectors, with a bar; an interrupt keeps what was trained.

    Args:
        text: lines, lists of tokens, the `Path` of a file, (ids, vocab), or a string: the name of a
            file if there is such a file, else the text itself, unless it looks like a name.
        objective: `skipgram()`, `cbow()`, or your own.
        min_count, max_vocab, tokenizer: see `text.encode`.
        bad_utf8: "replace" takes a file with bytes that are not UTF-8.
        progress: show a bar with words a second, loss and the time left.
        callback: called with the `Event` of every chunk.
        dim, epochs, learning_rate, subsample, learner, cap, batch, chunk: see `training.fit`.

    Raises:
        InputError: a text or settings that cannot be used.
        NumericalError: several updates in a row are not finite, from which step on.

    Warns: of an interrupt, and as `training.fit`.
    """
    _check(text, objective)
    seeds(seed=seed)
    how = {"min_count": min_count, "max_vocab": max_vocab, "tokenizer": tokenizer}
    vocab, ids = _encoded(text, bad_utf8, **how)
    history, trained = list[dict[str, Any]](), list[InOut]()
    with bars.interrupts() as stop, bars.Bar(shown=progress) as bar:

        def step(event: Event) -> bool:
            history.append(_measured(event, bar))
            trained[:] = [event.state.tables]
            callback(event)
            return bool(stop)

        settings = {"dim": dim, "epochs": epochs, "batch": batch, "chunk": chunk, "cap": cap}
        rates = {"learning_rate": learning_rate, "subsample": subsample, "learner": learner}
        start = jax.random.key(seed), ids, vocab, objective
        tables = fitting.fit(*start, **settings, **rates, callback=step)
    if stop and history[-1]["done"] < 1:
        warn(f"interrupted: {history[-1]['done']:.0%} of the text is trained")
    own = {"epoch": epochs, "minCount": min_count, "t": subsample}
    compose = _composer(objective, vocab, trained[0], **own)
    return Model(vocab, InOut(*map(np.asarray, tables)), tuple(history), compose)


def _check(text: Any, objective: Any) -> None:
    if isinstance(text, jax.Array) or not isinstance(objective, Objective):
        raise InputError(
            f"got {type(text).__name__} and {type(objective).__name__}; wanted a text and an "
            "objective, fit(lines, jaxemb.skipgram()); of a key and ids: jaxemb.training.fit"
        )


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


def _composer(
    objective: Objective, vocab: Vocab, whole: InOut, **settings: Any
) -> Callable[[Sequence[str]], Any] | None:
    """What makes vectors of unknown words of the tables as trained; None if nothing does.

    Args:
        settings: those of fastText's file that the objective does not know.
    """
    if objective.unknown is None:
        return None
    resources, whole = jax.device_get((objective.prepare(vocab)[0], whole))
    compose = functools.partial(objective.unknown, whole, resources)
    drawn, hashed = subwords.drawn_by(objective), getattr(objective.unknown, "keywords", {})
    if drawn is None or not isinstance(resources, subwords.Resources):
        return compose
    (window, cbow), used = drawn, resources.bags.buckets

    def write(path: Path) -> None:
        of = fasttext_file.Settings(
            dim=whole.output.shape[1],
            ws=window.window,
            neg=window.negatives,
            wordNgrams=1,
            loss=fasttext.NEGATIVE_SAMPLING,
            model=fasttext.CBOW if cbow else fasttext.SKIPGRAM,
            bucket=hashed["buckets"] if hashed["maxn"] else 0,
            minn=hashed["minn"],
            maxn=hashed["maxn"],
            lrUpdateRate=100,
            **settings,
        )
        words, counts = vocab.words, vocab.counts.tolist()
        blocks = fasttext.blocks(whole.input, len(words), np.asarray(used), of.bucket)
        fasttext.write(path, of, words, counts, sum(counts), blocks, whole.output)

    return files.Subwords(compose, write)


def _encoded(text: Any, bad_utf8: str, **settings: Any) -> tuple[Vocab, Int[Any, " ids"]]:
    """The vocabulary and ids of a text in any form that `fit` takes."""
    called_with("line", tokenizer=settings["tokenizer"])
    if isinstance(text, tuple) and len(text) == 2 and any(isinstance(x, Vocab) for x in text):
        vocab, ids = text if isinstance(text[0], Vocab) else text[::-1]
        return vocab, ids
    if isinstance(text, list | tuple) and text and all(map(_is_name, text)):
        named = f"{text[0]}: the text is a list of {len(text):,} names of files"
        raise InputError(f"{named}; wanted lines, or one file: fit(Path({str(text[0])!r}), ...)")
    if isinstance(text, str) and _is_name(text):
        if not _there(text):
            hint = f"a text of one line is given as a list of lines: [{text!r:.60}]"
            raise InputError(f"{text}: no such file; {hint}")
        text = Path(text)
    if isinstance(text, Path):
        if not _there(text):
            raise InputError(f"{text}: no such file")
        if text.is_dir():
            raise InputError(f"{text}: a folder; wanted one file, or lines")
        lines = encoding.sentences([text], settings["tokenizer"], bad_utf8)
        return encoding.encode(lines, **settings)
    return encoding.encode(text.splitlines() if isinstance(text, str) else text, **settings)


def _is_name(text: Any) -> bool:
    """Whether a text is the name of a file that is there, or looks like the name of one."""
    if isinstance(text, Path):
        return True
    if not isinstance(text, str) or "\n" in text:
        return False
    return _there(text) or _NAME.fullmatch(text) is not None


def _there(name: str | Path) -> bool:
    try:
        return bool(str(name)) and Path(name).exists()
    except (OSError, ValueError):  # longer than a name may be; a NUL
        return False


@shortly
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
        warn(remark)
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
