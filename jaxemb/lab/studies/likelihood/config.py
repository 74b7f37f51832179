"""The config of a comparison: objectives trained alike, and how each says what it believes."""

import dataclasses
from typing import Annotated

import tyro

from jaxemb.errors import InputError, called_with
from jaxemb.lab.runs.static.config import Function, StaticConfig
from jaxemb.lab.settings import Chosen


@dataclasses.dataclass(frozen=True)
class Contender:
    """One objective, and the distribution over words that its two tables stand for."""

    name: str
    objective: Function
    believed: Function
    """From (config, vocab) to a function of (hidden [n, dim], outputs) -> log p [n, vocab]."""
    corrected: Chosen = None
    """Another such, where theory says that the scores are no log probabilities."""
    block_length: int | None = None
    batch: int | None = None


@dataclasses.dataclass(frozen=True)
class ComparisonConfig:
    """Objectives on the same text, by the log likelihood of text held out."""

    static: StaticConfig
    """The settings of all; its objective is that of each contender in turn."""
    workdir: str
    """Where the table and the picture go."""
    contenders: Annotated[tuple[Contender, ...], tyro.conf.Suppress] = ()

    def check(self) -> None:
        """Raises InputError for a setting out of its range."""
        self.static.check()
        if not self.contenders:
            raise InputError("no contenders: nothing to compare")
        if not self.static.corpus.held_out:
            raise InputError("held_out is 0: the comparison is made on text held out")
        for each in self.contenders:
            called_with("config", "vocab", believed=each.believed, corrected=each.corrected)

    def of(self, contender: Contender) -> StaticConfig:
        """The settings that a contender is trained with."""
        own = {
            "objective": contender.objective,
            "block_length": contender.block_length or self.static.block_length,
            "batch": contender.batch or self.static.batch,
        }
        return dataclasses.replace(self.static, **own)
