"""What matrix is this? Rank, span, dependence and orthogonality of tables, with their margins."""

from jaxemb.linalg.dependence import Dependence, dependence
from jaxemb.linalg.orthogonality import Coherence, coherence
from jaxemb.linalg.spectrum import (
    RankReport,
    Spectrum,
    condition,
    effective_rank,
    rank,
    spectrum,
)
from jaxemb.linalg.summary import Summary, summary

__all__ = [
    "Coherence",
    "Dependence",
    "RankReport",
    "Spectrum",
    "Summary",
    "coherence",
    "condition",
    "dependence",
    "effective_rank",
    "rank",
    "spectrum",
    "summary",
]
