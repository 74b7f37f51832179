"""Configs: frozen dataclasses of plain numbers and named functions.

A config file in `configs/` holds one `config` object; every number in it can be set on the command
line. Functions are values: named in the file, written down as module:qualname.
"""

import dataclasses
import inspect
from collections.abc import Callable
from typing import Annotated, Any, Literal

import tyro

from jaxemb.errors import InputError, above_zero, at_least
from jaxemb.functional import schedules, subsampling
from jaxemb.provenance import function_name
from jaxemb.text import corpus as corpus_lib
from jaxemb.text import phrases as phrases_lib
from jaxemb.text import tokenizers

Function = Annotated[Callable[..., Any], tyro.conf.Suppress]
Chosen = Annotated[Callable[..., Any] | None, tyro.conf.Suppress]  # None: what is usual
Score = Annotated[
    Callable[..., Any],
    tyro.constructors.PrimitiveConstructorSpec(
        nargs=1,
        metavar="NAME",
        instance_from_str=lambda said: phrases_lib.named(said[0]),
        is_instance=callable,
        str_from_instance=lambda score: [function_name(score)],
    ),
]


@dataclasses.dataclass(frozen=True)
class Corpus:
    """Text, and what of it is a word."""

    path: tuple[str, ...] = ()
    """Files, folders, globs, or package:NAME/GLOB for files inside a Python package."""
    tokenizer: Function = tokenizers.words
    min_count: int = 5
    """Rarer words are left out."""
    max_vocab: int | None = None
    """The most words to keep, by frequency."""
    subsample: float = 1e-3
    """Words more frequent than about 2.6 times this share are thinned out; 0: none."""
    held_out: float = 0.01
    """The share of the text that is not trained on, in spans of 1,000 tokens."""
    bad_utf8: Literal["error", "replace"] = "error"
    """What to do with bytes that are not UTF-8; replaced ones are counted."""
    mark_unknown: bool = False
    """Words that are left out leave a mark, as a language model wants them to."""
    phrases: int = 0
    """Passes that join words that often stand together into one; 0: none, 2: up to 4 words."""
    phrase_score: Score = phrases_lib.word2phrase
    """What says how often is often: word2phrase, gensim, npmi, or MODULE:NAME."""
    phrase_threshold: tuple[float, ...] = (100.0,)
    """A pair is joined if it scores above it; a number for each pass, or the last for the rest."""
    phrase_min_count: int = 5
    """Rarer pairs are left as they are; the scores discount it."""
    phrase_joiner: str = "_"
    prepared: str | None = None
    """The folder of the encoded corpus; by default `corpus` in the workdir."""

    def __post_init__(self) -> None:
        if isinstance(self.path, str):
            object.__setattr__(self, "path", (self.path,))

    def check(self) -> None:
        """Raises InputError for a setting out of its range."""
        at_least(1, min_count=self.min_count)
        if self.max_vocab is not None:
            at_least(1, max_vocab=self.max_vocab)
        if not 0 <= self.held_out < 1:
            raise InputError(f"held_out is {self.held_out}; it must be at least 0 and below 1")
        at_least(0, phrases=self.phrases)
        at_least(1, phrase_min_count=self.phrase_min_count)
        if not self.phrase_threshold:
            raise InputError("phrase_threshold is empty; wanted a number for each pass, or one")
        if not self.subsample >= 0:
            raise InputError(f"subsample is {self.subsample}; it must be at least 0 (0: none)")

    def settings(self) -> corpus_lib.Settings:
        named = self.phrase_score, self.phrase_threshold, self.phrase_min_count, self.phrase_joiner
        return corpus_lib.Settings(
            self.tokenizer,
            self.min_count,
            self.max_vocab,
            self.bad_utf8,
            self.mark_unknown,
            phrases_lib.Rule(self.phrases, *named) if self.phrases else None,
        )


@dataclasses.dataclass(frozen=True)
class Member:
    """One of several models trained together; what is None is the config's."""

    seed: int | None = None
    learning_rate: float | None = None
    dim: int | None = None
    """At most the config's."""


@dataclasses.dataclass(frozen=True)
class StaticConfig:
    """Static word vectors from text."""

    corpus: Corpus
    workdir: str
    """The folder of this run. Run again with the same settings to continue or to report again."""
    objective: Function
    """From the settings below to an Objective: objectives.skipgram, objectives.cbow, or yours."""
    learner: Function
    """From an Objective to a Learner: learners.row_sparse or learners.dense."""
    window: int = 5
    """The furthest distance of a context word."""
    negatives: int = 5
    """Noise words per observed pair, in expectation."""
    dynamic_window: bool = True
    """Draw each center's reach from 1..window, as word2vec does; or always use the whole window."""
    noise_power: float = 0.75
    """Noise is drawn in proportion to count to this power."""
    collision: Chosen = None
    """Of noise that is the observed word: blocks.keep (as it is by default), skip or resample."""
    direction: Chosen = None
    """Of skip-gram: blocks.skipgram (by default), or blocks.skipgram_from_context."""
    mean: Chosen = None
    """Of CBOW: pooling.mean, the exact gradient (by default), or pooling.mean_word2vec."""
    dim: int = 100
    """The dimension of the vectors."""
    initialize: Chosen = None
    """From (key, rows, dim) to the tables at the start: tables.init by default."""
    subsample_rule: Function = subsampling.keep_word2vec
    subsample_of: Literal["kept", "read"] = "kept"
    """The tokens of which a word has its share: those of the vocabulary, or all (fastText)."""
    epochs: int = 5
    learning_rate: float = 0.025
    """At the start."""
    schedule: Function = schedules.word2vec
    """How it falls: by default linearly to 1e-4 of itself."""
    block_length: int = 16
    """Centers that share their noise words."""
    shared_negatives: int = 24
    """Noise words drawn for a block."""
    batch: int = 32
    """Blocks in a step."""
    chunk: int = 64
    """Steps in one jitted call; changes nothing but speed."""
    cap: float | None = None
    """The largest norm of what one step adds to one row; none by default."""
    seed: int = 0
    init_from: str | None = None
    """Vectors to start from: a file of any format, or a finished run; other rows are random."""
    freeze: str | None = None
    """Input rows that are not trained: "loaded", "all", or a text with a word a line."""
    members: Annotated[tuple[Member, ...], tyro.conf.Suppress] = ()
    """Models trained together on the same subsampled text; none: one model."""
    neighbours_of: tuple[str, ...] = ()
    """Words whose nearest neighbours the report shows; by default some frequent ones."""
    checkpoint_every: float = 60.0
    """Seconds between checkpoints."""
    watch_every: int | None = None
    """Words between measurements of the table's spectrum; by default so that they take 2 %."""
    memory: float | None = None
    """GiB that tables may take; by default what the machine has."""

    def check(self) -> None:
        """Raises InputError for a setting out of its range."""
        self.corpus.check()
        if self.corpus.mark_unknown:
            raise InputError("mark_unknown is for language models: word2vec reads past rare words")
        at_least(
            1,
            window=self.window,
            negatives=self.negatives,
            dim=self.dim,
            epochs=self.epochs,
            block_length=self.block_length,
            shared_negatives=self.shared_negatives,
            batch=self.batch,
            chunk=self.chunk,
        )
        at_least(0, seed=self.seed)
        if self.seed >= 1 << 32:
            raise InputError(f"seed is {self.seed}; it must be below 2^32")
        above_zero(learning_rate=self.learning_rate)
        if self.members and (self.init_from or self.freeze):
            raise InputError("init_from and freeze are for one model: take the members out")
        for member in self.members:
            if member.dim is not None and not 1 <= member.dim <= self.dim:
                raise InputError(f"a member's dim is {member.dim}; wanted 1 to dim = {self.dim}")
            if member.learning_rate is not None:
                above_zero(learning_rate=member.learning_rate)
        if self.watch_every is not None:
            at_least(1, watch_every=self.watch_every)
        if self.memory is not None:
            above_zero(memory=self.memory)
        if self.cap is not None:
            above_zero(cap=self.cap)

    def build_learner(self, objective):
        """The learner; `cap` is passed where it is set, for not every learner takes one."""
        return self.learner(objective, **({} if self.cap is None else {"cap": self.cap}))

    def kept(self, made: corpus_lib.Corpus):
        """The probability that an occurrence of each word is kept: float64 [vocab]."""
        threshold = self.corpus.subsample
        if self.subsample_of == "read":  # rules take counts for all that was read
            threshold *= made.tokens.read / made.tokens.kept
        return self.subsample_rule(made.vocab.counts, threshold)

    def build_objective(self):
        """The objective, built with those settings of this config that it takes, by their names.

        A subclass with one more field is all that an objective with one more setting needs. What
        is None is left to the objective; one that takes `**settings` gets those that were changed.

        Raises:
            InputError: a setting was changed that the objective has no use for.
        """
        taken, given = inspect.signature(self.objective).parameters, {}
        takes_any = any(each.kind is each.VAR_KEYWORD for each in taken.values())
        for field in dataclasses.fields(self):
            name, value = field.name, getattr(self, field.name)
            changed = name in OF_OBJECTIVES and value != field.default
            if name in taken or (takes_any and changed):
                given[name] = value
            elif changed:
                whose = getattr(self.objective, "__qualname__", self.objective)
                raise InputError(f"{name} is {value}, but {whose} has no {name}")
        return self.objective(**{name: each for name, each in given.items() if each is not None})


# settings that only some objectives have
OF_OBJECTIVES = {
    "window",
    "negatives",
    "dynamic_window",
    "noise_power",
    "collision",
    "direction",
    "mean",
    "block_length",
    "shared_negatives",
}
