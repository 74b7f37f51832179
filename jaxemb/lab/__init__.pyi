from .runs.contextual.config import ContextualConfig as ContextualConfig
from .runs.counts.config import (
    CountConfig as CountConfig,
    GloveConfig as GloveConfig,
    PmiConfig as PmiConfig,
)
from .runs.static.config import (
    Member as Member,
    StaticConfig as StaticConfig,
    SubwordConfig as SubwordConfig,
)
from .settings import Corpus as Corpus, Hosts as Hosts
from .studies.architectures.config import (
    Architecture as Architecture,
    ArchitecturesConfig as ArchitecturesConfig,
)
from .studies.likelihood.config import ComparisonConfig as ComparisonConfig, Contender as Contender
from .studies.polysemy.config import Merging as Merging, PolysemyConfig as PolysemyConfig
