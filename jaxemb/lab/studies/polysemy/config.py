"""The config of a trial of polysemy: which words are merged, and what is trained on the text."""

import dataclasses

from jaxemb.errors import InputError, at_least
from jaxemb.lab.runs.contextual.config import ContextualConfig
from jaxemb.lab.runs.static.config import StaticConfig


@dataclasses.dataclass(frozen=True)
class Merging:
    """Which words become pseudo-words, by twos and at random."""

    pairs: int = 50
    min_count: int = 100
    """Words that occur less often are left as they are."""
    max_count: int | None = 2000
    """So are words that occur more often: nearly all of those are function words."""
    ratio: float = 1.25
    """Of the counts of the two words of a pair, at the most."""


@dataclasses.dataclass(frozen=True)
class PolysemyConfig:
    """Can context tell two words apart that were merged into one form?"""

    static: StaticConfig
    """Trained on the merged text of its corpus; its workdir is a folder in that of each seed."""
    contextual: ContextualConfig
    """Trained over those vectors; what text and what vectors it reads is not asked."""
    workdir: str
    """The folder of all seeds. Run again with the same settings to continue or to report again."""
    merging: Merging = Merging()
    per_sense: int = 20
    """Occurrences of each sense of a form to learn from, and as many to try."""
    longest: int = 200
    """Tokens of a sentence whose occurrences may be drawn."""
    seeds: int = 3
    """Of pseudo-words, of both trainings and of the sample together: 0, 1, ..."""

    def check(self) -> None:
        """Raises InputError for a setting out of its range."""
        at_least(1, pairs=self.merging.pairs, seeds=self.seeds, longest=self.longest)
        at_least(4, per_sense=self.per_sense)  # a pair for WiC of each kind
        self.static.check()
        self.contextual.check()
        if self.static.corpus.phrases or self.contextual.corpus.phrases:
            raise InputError("phrases hide words in others: a trial of polysemy wants phrases = 0")
        if self.static.members:
            raise InputError("members are several models: a trial of polysemy wants one")
        if not self.contextual.characters and self.static.dim != self.contextual.dim:
            dims = f"static.dim is {self.static.dim}, contextual.dim is {self.contextual.dim}"
            raise InputError(f"{dims}: the language model reads the static vectors")
