"""Configs of count-based vectors: what is counted in which text, and how it is factorised."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from jaxemb.counts import cooccurrence
from jaxemb.errors import InputError, above_zero, at_least, called_with
from jaxemb.functional import subsampling
from jaxemb.lab.settings import Chosen, Function, Run, setting, taken
from jaxemb.text import corpus


@dataclasses.dataclass(frozen=True)
class CountConfig(Run):
    """Word vectors from co-occurrence counts. A method with more settings takes a subclass."""

    method: Function
    """From (cells, vocab) and settings to tables: factorizations.ppmi_svd, or yours."""
    _: dataclasses.KW_ONLY
    cells: str | None = setting(None, changes_nothing=True)  # their own identity decides
    """The folder of the counts, which runs may share; by default `cells` in the workdir."""
    window: int = 5
    """The furthest distance of a context word."""
    weight: Function = cooccurrence.word2vec
    """From (distances, window) to the weight of a pair: cooccurrence.word2vec,
    cooccurrence.harmonic (GloVe), cooccurrence.uniform, or yours."""
    left: bool = True
    """Contexts before the word are counted."""
    right: bool = True
    """Contexts after the word are counted."""
    subsample_rule: Function = subsampling.keep_word2vec
    """From (counts, subsample) to the probability that an occurrence of each word is counted."""
    neighbours_of: tuple[str, ...] = setting((), changes_nothing=True)
    """Words whose nearest neighbours the report shows; by default some frequent ones."""

    def check(self) -> None:
        """Raises InputError for a setting out of its range."""
        super().check()
        if self.corpus.mark_unknown:
            raise InputError("mark_unknown is for language models: counts read past rare words")
        at_least(1, window=self.window)
        called_with("counts", "subsample", subsample_rule=self.subsample_rule)
        called_with("distances", "window", weight=self.weight)
        called_with("cells", "vocab", method=self.method)
        self.counted().weights()

    def counted(self) -> cooccurrence.Window:
        """The window in which pairs are counted."""
        return cooccurrence.Window(self.window, self.weight, self.left, self.right)

    def kept(self, made: corpus.Corpus) -> Any:
        """The probability that an occurrence of each word is counted: float64 [vocab]."""
        return np.asarray(self.subsample_rule(made.vocab.counts, self.corpus.subsample))

    def build_method(self) -> Callable[..., Any]:
        """The method, with those settings of this config that it takes."""
        return functools.partial(self.method, **taken(self, "method", skip=2))


@dataclasses.dataclass(frozen=True)
class PmiConfig(CountConfig):
    """Settings of `factorizations.ppmi_svd`."""

    negatives: float = 1.0
    """k: log k is subtracted from PMI, as in skip-gram with k noise words per pair."""
    noise_power: float = 0.75
    """The power that smooths the counts of contexts in PMI; 1 for none."""
    side_power: float = 0.5
    """p of input = U S^p, output = V S^(1 - p)."""
    add_contexts: bool = False
    """The vectors are w + c; or w alone."""

    def check(self) -> None:
        """Raises InputError for a setting out of its range."""
        super().check()
        above_zero(negatives=self.negatives)
        if not 0 <= self.noise_power < float("inf"):
            power = self.noise_power
            raise InputError(f"noise_power is {power}; it must be at least 0, and finite")
        if not 0 <= self.side_power <= 1:
            raise InputError(f"side_power is {self.side_power}; it must be between 0 and 1")


@dataclasses.dataclass(frozen=True)
class GloveConfig(CountConfig):
    """Settings of `glove.glove`."""

    x_max: float = 10.0
    """The count from which all cells weigh 1; 100 for billions of words."""
    weight_power: float = 0.75
    """The power of count / x_max that rarer cells weigh."""
    epochs: int = 8
    """How often every cell is trained."""
    optimizer: Chosen = None
    """From the learning rate to an optax transformation whose update is subtracted, such as
    learners.adagrad_stanford; by default AdaGrad at that rate."""
    learning_rate: float = 0.15
    """The learning rate of AdaGrad, whose steps shrink by themselves."""
    batch: int = 1024
    """Cells in a step."""
    chunk: int = setting(64, changes_nothing=True)
    """Steps in one jitted call; changes nothing but speed."""
    add_contexts: bool = True
    """The vectors are w + c, as GloVe's program exports them; or w alone."""
    checkpoint_every: float = setting(60.0, changes_nothing=True)
    """Seconds between checkpoints."""

    def check(self) -> None:
        """Raises InputError for a setting out of its range."""
        super().check()
        at_least(1, epochs=self.epochs, batch=self.batch, chunk=self.chunk)
        called_with("learning_rate", optimizer=self.optimizer)
        above_zero(
            x_max=self.x_max, weight_power=self.weight_power, learning_rate=self.learning_rate
        )
