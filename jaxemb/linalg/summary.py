"""All that a report says about the matrix that training produced."""

from typing import Any, NamedTuple

from jaxtyping import Float

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

MOST_COMPARED = 20_000  # rows: all pairs of them are 0.08 TFLOP at dim 100


class Summary(NamedTuple):
    """What space do the rows of this table span?"""

    rows: int
    dim: int
    spectrum: Spectrum
    rank: RankReport
    effective_rank: float
    condition: float
    dependence: Dependence  # among the first dim + 1 rows, or all if there are fewer
    coherence: Coherence  # among the first rows, at most MOST_COMPARED


def summary(table: Float[Any, "rows dim"]) -> Summary:
    """The spectrum of a table and every verdict drawn from it."""
    rows, dim = table.shape
    of = spectrum(table)
    return Summary(
        rows=rows,
        dim=dim,
        spectrum=of,
        rank=rank(of),
        effective_rank=effective_rank(of),
        condition=condition(of),
        dependence=dependence(table[: dim + 1]),
        coherence=coherence(table[:MOST_COMPARED]),
    )
