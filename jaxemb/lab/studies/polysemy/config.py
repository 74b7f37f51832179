"""The config of a polysemy study: the words that are merged, and the models that are trained."""

import dataclasses

from jaxemb.errors import InputError, at_least
from jaxemb.lab.runs.contextual.config import ContextualConfig
from jaxemb.lab.runs.static.config import StaticConfig


@dataclasses.dataclass(frozen=True)
class Merging:
    """Which words become pseudo-words, in random pairs."""

    pairs: int = 50
    """The number of pseudo-words."""
    min_count: int = 100
    """Words that occur less often are not merged."""
    max_count: int | None = 2000
    """Words that occur more often are not merged: nearly all of them are function words."""
    ratio: float = 1.25
    """The largest ratio of the counts of the two words of a pair."""


@dataclasses.dataclass(frozen=True)
class OnMergedText:
    """What studies on a text with pseudo-words share: the text, the vectors, the language model."""

    static: StaticConfig
    """The static vectors, trained on the merged text; their workdir lies in each seed's folder."""
    contextual: ContextualConfig
    """The language model over those vectors; the text and vectors that it names are ignored."""
    workdir: str
    """The folder of all seeds. Rerun with the same settings to resume, or to report again."""
    merging: Merging = Merging()
    """Which words become pseudo-words."""
    per_sense: int = 20
    """Training occurrences of each sense of a form; there are as many test occurrences."""
    longest: int = 200
    """Longest sentence, in tokens, from which an occurrence is drawn."""
    seeds: int = 3
    """Number of seeds: 0, 1, ... Each sets the pseudo-words, both training runs and the sample."""

    def check(self) -> None:
        """Raise InputError for a setting out of its range."""
        at_least(1, pairs=self.merging.pairs, seeds=self.seeds, longest=self.longest)
        at_least(4, per_sense=self.per_sense)  # a pair for WiC of each kind
        self.static.check()
        self.contextual.check()
        if self.static.corpus.phrases or self.contextual.corpus.phrases:
            raise InputError(
                "phrases hide words in other words: set phrases = 0 for a polysemy study"
            )
        if not (self.static.report and self.contextual.report):
            raise InputError("report = False is for a run of its own: a polysemy study is a report")
        if self.static.members:
            raise InputError("members are several models: a polysemy study needs one")
        if not self.contextual.characters and self.static.dim != self.contextual.dim:
            dims = f"static.dim is {self.static.dim}, contextual.dim is {self.contextual.dim}"
            raise InputError(f"{dims}: the language model reads the static vectors")


@dataclasses.dataclass(frozen=True)
class PolysemyConfig(OnMergedText):
    """Test whether context separates two words that were merged into one form."""
