"""The config of a comparison: models trained alike with several objectives, and their log p."""

import dataclasses
from typing import Annotated

from jaxemb.errors import InputError, called_with
from jaxemb.lab.options import tyro
from jaxemb.lab.runs.static.config import Function, StaticConfig
from jaxemb.lab.settings import Chosen


@dataclasses.dataclass(frozen=True)
class Contender:
    """A model to compare: one objective, and the distribution over words that its tables define."""

    name: str
    """Its name in the report, and of its folder."""
    objective: Function
    """From the settings of an objective to an Objective."""
    log_prob: Function
    """From (config, vocab) to a function of (hidden [n, dim], outputs) -> log p [n, vocab]."""
    corrected: Chosen = None
    """A second such function, where theory says that the scores are not log probabilities."""
    block_length: int | None = None
    """As in `StaticConfig`; None takes the value that all share."""
    batch: int | None = None
    """As in `StaticConfig`; None takes the value that all share."""


@dataclasses.dataclass(frozen=True)
class ComparisonConfig:
    """Compare objectives trained on the same text by the log likelihood of held-out text."""

    static: StaticConfig
    """The settings of all models; the objective is replaced by that of each model in turn."""
    workdir: str
    """The folder of the table and the picture."""
    contenders: Annotated[tuple[Contender, ...], tyro.conf.Suppress] = ()
    """The models to compare."""

    def check(self) -> None:
        """Raise InputError for a setting out of its range."""
        self.static.check()
        if not self.contenders:
            raise InputError("no contenders: nothing to compare")
        if not self.static.report:
            raise InputError("report = False is for a run of its own: a comparison is a report")
        if not self.static.corpus.held_out:
            raise InputError("held_out is 0: models are compared on held-out text")
        for model in self.contenders:
            called_with("config", "vocab", log_prob=model.log_prob, corrected=model.corrected)

    def of(self, contender: Contender) -> StaticConfig:
        """The settings that a model is trained with."""
        own = {
            "objective": contender.objective,
            "block_length": contender.block_length or self.static.block_length,
            "batch": contender.batch or self.static.batch,
        }
        return dataclasses.replace(self.static, **own)
