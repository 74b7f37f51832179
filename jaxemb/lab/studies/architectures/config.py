"""The config of a study of architectures: contextualizers trained alike, on one text."""

import dataclasses
from typing import Annotated, Any

from jaxemb.errors import InputError, above_zero, at_least
from jaxemb.lab.options import tyro
from jaxemb.lab.runs.contextual.config import ContextualConfig
from jaxemb.lab.settings import Chosen, Function
from jaxemb.lab.studies.polysemy.config import OnMergedText


@dataclasses.dataclass(frozen=True)
class Architecture:
    """A model to compare; None takes the value of the config that all share."""

    name: str
    """Its name in the report, and of its folder."""
    model: Function
    """From its settings to a Contextualizer: members.lstm, members.gru, or yours."""
    objective: Chosen = None
    """What is predicted: objectives.next_word (by default), objectives.masked_words."""
    optimizer: Chosen = None
    """From the learning rate to an optax transformation: models.adagrad, models.adam, or yours."""
    learning_rate: float | None = None
    """The initial learning rate."""
    unroll: int | None = None
    """As in `ContextualConfig`."""
    batch: int | None = None
    """As in `ContextualConfig`."""


@dataclasses.dataclass(frozen=True)
class ArchitecturesConfig(OnMergedText):
    """Compare what contextualizers do to words, on a text with pseudo-words of two known senses."""

    _: dataclasses.KW_ONLY
    seconds: float = 420.0
    """Seconds that each model of each seed trains, without compiling and measuring."""
    sentences: int = 500
    """Held-out sentences on which the effect of context is measured."""
    architectures: Annotated[tuple[Architecture, ...], tyro.conf.Suppress] = ()
    """The models to compare."""

    def check(self) -> None:
        """Raise InputError for a setting out of its range."""
        super().check()
        above_zero(seconds=self.seconds)
        at_least(1, sentences=self.sentences)
        if not self.architectures:
            raise InputError("no architectures: nothing to compare")
        names = [architecture.name for architecture in self.architectures]
        if repeated := {name for name in names if names.count(name) > 1}:
            raise InputError(f"two architectures are called {min(repeated)}: their folder is one")
        for architecture in self.architectures:
            self.of(architecture).contextual.check()

    def of(self, architecture: Architecture) -> OnMergedText:
        """The study of pseudo-words of one architecture."""
        fields = ("model", "objective", "optimizer", "learning_rate", "unroll", "batch")
        given = {name: getattr(architecture, name) for name in fields}
        own: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        own |= {"workdir": architecture.name, "seconds": self.seconds}
        contextual: ContextualConfig = dataclasses.replace(self.contextual, **own)
        return dataclasses.replace(self, contextual=contextual)
