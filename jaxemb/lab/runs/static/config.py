"""Configs: frozen dataclasses of plain numbers and named functions.

A config file in `configs/` holds one `config` object; every number in it can be set on the command
line. Functions are values: named in the file, written down as module:qualname.
"""

import dataclasses
import inspect
from typing import Annotated, Literal

import numpy as np
import tyro

from jaxemb.errors import InputError, above_zero, at_least, called_with, not_negative, seeds
from jaxemb.functional import hashing, schedules, subsampling
from jaxemb.lab.settings import Chosen, Corpus, Function, Hosts
from jaxemb.structs import Vocab
from jaxemb.text import corpus as corpus_lib
from jaxemb.training import mesh_sizes

__all__ = [
    "OF_OBJECTIVES",
    "Chosen",
    "Corpus",
    "Function",
    "Hosts",
    "Member",
    "StaticConfig",
]


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
    tree: Chosen = None
    """Of hierarchical softmax: trees.huffman (by default), trees.balanced, or yours."""
    budget: int | None = None
    """Of hierarchical softmax: inner nodes in a block; by default what the objective says."""
    dim: int = 100
    """The dimension of the vectors."""
    initialize: Chosen = None
    """From (key, rows, dim) to the tables at the start: tables.init by default."""
    subsample_rule: Function = subsampling.keep_word2vec
    """From (counts, subsample) to the probability that an occurrence of each word is kept:
    subsampling.keep_word2vec, subsampling.keep_paper, or yours."""
    subsample_of: Literal["kept", "read"] = "kept"
    """The tokens of which a word has its share: those of the vocabulary, or all (fastText)."""
    epochs: int = 5
    learning_rate: float = 0.025
    """At the start."""
    schedule: Function = schedules.word2vec
    """From (learning_rate, share done) to the rate: schedules.word2vec (falls linearly to 1e-4 of
    it), schedules.gensim, schedules.to_zero, or yours."""
    block_length: int = 16
    """Centers that share their noise words."""
    shared_negatives: int = 24
    """Noise words drawn for a block."""
    batch: int = 32
    """Blocks in a step; fewer for a text of few words, if no cap is set."""
    chunk: int = 64
    """Steps in one jitted call; changes nothing but speed."""
    cap: float | None = None
    """The largest norm of what one step adds to one row; by default none, but for a text of few
    words."""
    seed: int = 0
    init_from: str | None = None
    """Vectors to start from: a file of any format, or a finished run; other rows are random."""
    grow_from: str | None = None
    """A finished run to go on from: its words stay, and new ones of the text come beside them."""
    freeze: str | None = None
    """Input rows that are not trained: "loaded", "all", or a text with a word a line. "loaded" of
    grow_from is the old rows of both tables."""
    members: Annotated[tuple[Member, ...], tyro.conf.Suppress] = ()
    """Models trained together on the same subsampled text; none: one model."""
    neighbours_of: tuple[str, ...] = ()
    """Words whose nearest neighbours the report shows; by default some frequent ones."""
    checkpoint_every: float = 60.0
    """Seconds between checkpoints."""
    watch_every: int | None = None
    """Words between measurements of the table's spectrum; by default so that they take 2 %."""
    mesh: str | None = None
    """Devices to train on: data=4,model=2 divides batches by 4, and cuts tables by 2."""
    cut: Literal["rows", "dim"] = "rows"
    """What `model` of a mesh cuts: the rows of tables, or every vector."""
    exact_elastic: bool = False
    """The same bits on 1, 2, 4 and 8 devices, between which a run may change."""
    hosts: Hosts = Hosts()  # noqa: RUF009 (it is frozen)
    """Several processes, each started with the same command but for its number."""
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
        seeds(seed=self.seed)
        called_with("key", "rows", "dim", initialize=self.initialize)
        called_with("counts", "subsample", subsample_rule=self.subsample_rule)
        called_with("learning_rate", "done", schedule=self.schedule)
        called_with("objective", learner=self.learner)
        above_zero(learning_rate=self.learning_rate)
        not_negative(checkpoint_every=self.checkpoint_every)
        if self.members and (self.init_from or self.grow_from or self.freeze):
            raise InputError(
                "init_from, grow_from and freeze are for one model: take the members out"
            )
        if self.grow_from and (self.init_from or self.corpus.max_vocab):
            raise InputError(
                "grow_from keeps every word of the run, and its rows: take init_from and max_vocab "
                "out; a larger min_count takes fewer new words"
            )
        for member in self.members:
            if member.dim is not None and not 1 <= member.dim <= self.dim:
                raise InputError(f"a member's dim is {member.dim}; wanted 1 to dim = {self.dim}")
            if member.seed is not None:
                seeds(seed=member.seed)
            if member.learning_rate is not None:
                above_zero(learning_rate=member.learning_rate)
        if self.watch_every is not None:
            at_least(1, watch_every=self.watch_every)
        mesh_sizes.check(self)
        self.hosts.check(self.mesh)
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
    "tree",
    "budget",
    "block_length",
    "shared_negatives",
}


@dataclasses.dataclass(frozen=True)
class SubwordConfig(StaticConfig):
    """Static word vectors made of a row for the word and rows for its character n-grams."""

    minn: int = 3
    """The shortest n-gram, in characters; `<` before a word and `>` after it are two."""
    maxn: int = 6
    """The longest; 0 for no n-grams."""
    buckets: int = 2_000_000
    """N-grams whose hashes agree modulo this share a row."""

    def check(self) -> None:
        """Raises InputError for a setting out of its range."""
        super().check()
        at_least(0, minn=self.minn, maxn=self.maxn)
        at_least(1, buckets=self.buckets)
        if self.buckets >= 1 << 31:
            raise InputError(f"buckets is {self.buckets:,}; it must be below 2^31")
        if self.members:
            raise InputError("members are of objectives without subwords: take the members out")

    def rows(self, vocab: Vocab) -> int:
        """Rows of the input table: one a word, and one a bucket that n-grams of words fall in."""
        raw = [word.encode("utf-8", "surrogateescape") for word in vocab.words]
        used = np.unique(hashing.buckets_of(raw, self.minn, self.maxn, self.buckets)[0])
        return len(raw) + len(used)
