"""The summary of a table: every measure that a report shows."""

from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float

from jaxemb.linalg import arrays, measures
from jaxemb.linalg.angles import Coherence, coherence
from jaxemb.linalg.directions import Axes, axes
from jaxemb.linalg.ranks import RankReport, certify
from jaxemb.linalg.spectra import Spectrum, both
from jaxemb.linalg.subspaces import Dependence, dependence
from jaxemb.structs import AnyArray, TableLike, displayed

MOST_COMPARED = 20_000  # rows; the cosines of all their pairs take 0.08 TFLOP at dim 100


@displayed
class Summary(NamedTuple):
    """Spectra, rank, isotropy, dependence and axes of a table."""

    rows: int
    dim: int
    spectrum: Spectrum
    centered: Spectrum
    rank: RankReport
    effective_rank: float
    stable_rank: float
    participation_ratio: float
    condition: float
    isoscore: float
    mean_cosine: float  # over all pairs
    partition_isotropy: float
    explained_variance: Float[AnyArray, " dim"]  # of the centred table
    mean_share: float  # the mean row's share of the mean square length
    norms: Float[AnyArray, " quantiles"]  # 0, 5, 25, 50, 75, 95 and 100 % of the rows' lengths
    dependence: Dependence  # among the first dim + 1 rows, or among all if there are fewer
    coherence: Coherence | None  # among the first rows, at most MOST_COMPARED; None for one row
    axes: Axes

    def __str__(self) -> str:
        sizes = (
            f"effective rank {self.effective_rank:.1f}, stable rank {self.stable_rank:.1f}, "
            f"participation ratio {self.participation_ratio:.1f}"
        )
        isotropy = (
            f"IsoScore {self.isoscore:.3f}, mean cosine {self.mean_cosine:.3f}; the mean row holds "
            f"{self.mean_share:.1%} of the square length"
        )
        head = f"{self.rows:,} x {self.dim:,}: {self.rank}"
        return "\n".join([head, sizes, isotropy, str(self.dependence)])


QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)


def summary(table: TableLike, *, rotations: int = 20) -> Summary:
    """Compute every measure of a table, on the host.

    Args:
        table: real numbers [rows, dim].
        rotations: number of random rotations that the axes are compared with.

    Raises:
        InputError: not a table of real numbers; NaN or infinity, with its row.
    """
    table = np.asarray(arrays.table(table))
    m, n = table.shape
    plain, centered = both(table)
    certified = certify(table, plain)
    if not plain.finite:
        raise arrays.InputError(str(certified))
    length = np.concatenate([np.linalg.norm(part, axis=1) for part in _parts(table)])
    return Summary(
        rows=m,
        dim=n,
        spectrum=plain,
        centered=centered,
        rank=certified,
        effective_rank=float(measures.effective_rank(plain)),
        stable_rank=float(measures.stable_rank(plain)),
        participation_ratio=float(measures.participation_ratio(plain)),
        condition=float(measures.condition(plain)),
        isoscore=float(measures.isoscore(centered)),
        mean_cosine=float(measures.mean_cosine(table)) if m > 1 else float("nan"),
        partition_isotropy=float(measures.partition_isotropy(table, plain)),
        explained_variance=measures.explained_variance(centered),
        mean_share=float(m * np.sum(plain.mean**2) / (plain.frobenius**2 or 1.0)),
        norms=np.quantile(length, QUANTILES),
        dependence=dependence(table[: n + 1]),
        coherence=jax.device_get(coherence(table[:MOST_COMPARED])) if m > 1 else None,
        axes=jax.device_get(axes(table, rotations=rotations)),
    )


def _parts(table):
    for first in range(0, len(table), 1 << 14):
        yield np.asarray(table[first : first + (1 << 14)], np.float64)
