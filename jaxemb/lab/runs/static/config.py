"""Configs: frozen dataclasses of plain numbers and named functions.

A config file in `configs/` holds one `config` object; every number in it can be set on the command
line. Functions are values: named in the file, written down as module:qualname.
"""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np

from jaxemb import files
from jaxemb.errors import InputError, above_zero, at_least, called_with, seeds
from jaxemb.functional import hashing, schedules, subsampling
from jaxemb.lab.options import tyro
from jaxemb.lab.settings import (
    Chosen,
    Corpus,
    Function,
    Hosts,
    Learning,
    Precision,
    TrainingRun,
    setting,
    taken,
)
from jaxemb.structs import Vocab
from jaxemb.text import corpus
from jaxemb.training import mesh_sizes

__all__ = [
    "Chosen",
    "Corpus",
    "Function",
    "Hosts",
    "Member",
    "StaticConfig",
]


@dataclasses.dataclass(frozen=True)
class Member:
    """One of several models trained together; None takes the value of the config."""

    seed: int | None = None
    """Seeds its random numbers."""
    learning_rate: float | None = None
    """Its initial learning rate."""
    dim: int | None = None
    """At most that of the config."""


@dataclasses.dataclass(frozen=True)
class StaticConfig(TrainingRun):
    """Static word vectors from text."""

    objective: Function
    """From the settings below to an Objective: objectives.skipgram, objectives.cbow, or yours."""
    learner: Learning
    """From an Objective to a Learner: row_sparse; dense; native, which `jaxemb build-native`
    compiles; or MODULE:NAME."""
    _: dataclasses.KW_ONLY
    window: int = setting(5, of="objective")
    """The furthest distance of a context word."""
    negatives: int = setting(5, of="objective")
    """Noise words per observed pair, in expectation."""
    dynamic_window: bool = setting(True, of="objective")
    """Draw each center's reach from 1..window, as word2vec does; or always use the whole window."""
    noise_power: float = setting(0.75, of="objective")
    """Noise is drawn in proportion to count to this power."""
    collision: Chosen = setting(None, of="objective")
    """What is done with noise that is the observed word: blocks.keep (by default), blocks.skip or
    blocks.resample."""
    direction: Chosen = setting(None, of="objective")
    """The direction of skip-gram: blocks.skipgram (by default), or blocks.skipgram_from_context."""
    mean: Chosen = setting(None, of="objective")
    """The mean of CBOW: pooling.mean, the exact gradient (by default), or pooling.mean_word2vec."""
    tree: Chosen = setting(None, of="objective")
    """The tree of hierarchical softmax: trees.huffman (by default), trees.balanced, or yours."""
    budget: int | None = setting(None, of="objective")
    """The most inner nodes in a block of hierarchical softmax; by default the objective's own."""
    initialize: Chosen = None
    """From (key, rows, dim) to the initial tables: tables.init by default."""
    subsample_rule: Function = subsampling.keep_word2vec
    """From (counts, subsample) to the probability that an occurrence of each word is kept:
    subsampling.keep_word2vec, subsampling.keep_paper, or yours."""
    subsample_of: Literal["kept", "read"] = "kept"
    """The tokens that frequencies are relative to: of the vocabulary (kept), or all (fastText)."""
    schedule: Function = schedules.word2vec
    """From (learning_rate, share done) to the rate: schedules.word2vec (falls linearly to 1e-4 of
    it), schedules.gensim, schedules.to_zero, or yours."""
    block_length: int = setting(16, of="objective")
    """Centers that share their noise words."""
    shared_negatives: int = setting(22, of="objective")
    """Noise words drawn for a block."""
    batch: int = 32
    """Blocks in a step; fewer for a text of few words, if no cap is set."""
    precision: Precision = "default"
    """Of the products of training: highest is float32. On a TPU default rounds factors to bfloat16,
    and high takes three passes; on an NVIDIA GPU both round to TensorFloat-32. A CPU always
    computes in float32. Reported losses and linear algebra are float32 everywhere."""
    lanes: int = setting(8, changes_nothing=True)  # a begun run keeps its own
    """Tables have a multiple of so many columns while they are trained, zeros beyond dim: 8 is what
    a CPU likes, 128 a TPU."""
    cap: float | None = setting(None, of="learner")
    """The maximum norm of what one step adds to one row; by default none, except for a text of few
    words."""
    table_dtype: Literal["bfloat16"] | None = setting(None, of="learner")
    """Tables in half the memory during training, rounded stochastically (row_sparse); by default
    in float32."""
    init_from: str | None = setting(None, changes_nothing=True)  # the rows' own digest decides
    """Vectors to start from: a file of any format, or a finished run; other rows are random."""
    grow_from: str | None = setting(
        None, changes_nothing=True
    )  # and the words' digest, of the corpus
    """A finished run to extend: its words are kept, and new words of the text are added."""
    freeze: str | None = None
    """Input rows that are not trained: "loaded", "all", or a file with one word per line. With
    grow_from, "loaded" freezes the old rows of both tables."""
    members: Annotated[tuple[Member, ...], tyro.conf.Suppress] = ()
    """Models trained together on the same subsampled text; none: one model."""
    neighbours_of: tuple[str, ...] = setting((), changes_nothing=True)
    """Words whose nearest neighbours the report shows; by default some frequent ones."""
    watch_every: int | None = setting(None, changes_nothing=True)
    """Words between measurements of the table's spectrum; by default these take 2 % of the time."""
    cut: Literal["rows", "dim"] = setting("rows", changes_nothing=True)
    """What `model` of a mesh shards: the rows of tables, or every vector."""
    exact_elastic: bool = False
    """Bit-identical tables on 1, 2, 4 and 8 devices; a run may resume on another number."""
    memory: float | None = setting(None, changes_nothing=True)
    """GiB that tables may take; by default the memory of the machine."""

    @staticmethod
    def profiles() -> dict[str, Callable[["StaticConfig"], "StaticConfig"]]:
        """What `--profile NAME` does, by name: settings of a chip, or of another program."""
        from jaxemb.lab.runs.static import chips, profiles

        both = (chips.h200, chips.tpu, *profiles.PROGRAMS)
        return {profile.__name__: profile for profile in both}

    def as_begun(self) -> "StaticConfig":
        """This config, or with the default of the version that began the run in its folder."""
        begun = Path(self.workdir) / "config.json"
        was = files.read_json(begun).get("config", {}) if begun.is_file() else {}
        older = self.shared_negatives == 22 and was.get("shared_negatives") == 24
        return dataclasses.replace(self, shared_negatives=24) if older else self

    def check(self) -> None:
        """Raises InputError for a setting out of its range."""
        super().check()
        if self.corpus.mark_unknown:
            raise InputError("mark_unknown is for language models: word2vec reads past rare words")
        at_least(
            1,
            window=self.window,
            negatives=self.negatives,
            block_length=self.block_length,
            shared_negatives=self.shared_negatives,
            lanes=self.lanes,
        )
        if self.exact_elastic and self.table_dtype:
            raise InputError(
                "exact_elastic wants tables in float32: a device rounds the rows that it holds by "
                "their numbers there; leave table_dtype out"
            )
        if self.freeze and self.table_dtype:
            raise InputError(
                "freeze wants tables in float32: bfloat16 would round the frozen rows, too; leave "
                "table_dtype out"
            )
        called_with("key", "rows", "dim", initialize=self.initialize)
        called_with("counts", "subsample", subsample_rule=self.subsample_rule)
        called_with("learning_rate", "done", schedule=self.schedule)
        called_with("objective", learner=self.learner)
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
        if self.memory is not None:
            above_zero(memory=self.memory)
        if self.cap is not None:
            above_zero(cap=self.cap)

    def build_objective(self) -> Any:
        """Build the objective with those settings of this config that it takes.

        Raises:
            InputError: a setting was changed that the objective does not take.
        """
        return self.objective(**taken(self, "objective"))

    def build_learner(self, objective: Any) -> Any:
        """Build the learner of an objective; `cap` is passed if it is set.

        Raises:
            InputError: a cap for a learner that takes none.
        """
        return self.learner(objective, **taken(self, "learner", skip=1))

    def kept(self, made: corpus.Corpus) -> Any:
        """The probability that an occurrence of each word is kept: float64 [vocab]."""
        threshold = self.corpus.subsample
        if self.subsample_of == "read":  # rules take counts for all that was read
            threshold *= made.tokens.read / made.tokens.kept
        return self.subsample_rule(made.vocab.counts, threshold)


@dataclasses.dataclass(frozen=True)
class SubwordConfig(StaticConfig):
    """Static word vectors made of a row for the word and rows for its character n-grams."""

    minn: int = 3
    """The shortest n-gram, in characters; `<` before a word and `>` after it are two."""
    maxn: int = 6
    """The longest n-gram; 0 for no n-grams."""
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
        """The number of input rows: one per word, and one per bucket of the words' n-grams."""
        raw = [word.encode("utf-8", "surrogateescape") for word in vocab.words]
        used = np.unique(hashing.buckets_of(raw, self.minn, self.maxn, self.buckets)[0])
        return len(raw) + len(used)
