"""What matrix is this? Rank, span, dependence and orthogonality of tables, with their margins.

NumPy in, NumPy out in float64; jax in, jax out, with every product in full precision, under jit,
vmap, grad and over meshes. The one expensive object is the `Spectrum`; most verdicts are functions
of it.
"""

from jaxemb.linalg.angles import Coherence, Orthogonality, coherence, orthogonality
from jaxemb.linalg.assertions import (
    assert_full_column_rank,
    assert_in_span,
    assert_matrix_rank,
    assert_one_hot,
    assert_orthogonal_rows,
    assert_orthonormal,
    assert_rank_at_most,
    assert_rows_dependent,
    assert_same_span,
)
from jaxemb.linalg.bounds import Bounds, singular_bounds
from jaxemb.linalg.comparison import Procrustes, cka, pip_distance, procrustes
from jaxemb.linalg.directions import Axes, axes
from jaxemb.linalg.fixtures import planted, random_orthogonal, simplex, tight_frame
from jaxemb.linalg.function_assertions import (
    assert_equivariant,
    assert_gauge_invariant,
    assert_invariant,
    assert_row_sparse,
)
from jaxemb.linalg.measures import (
    center,
    condition,
    effective_rank,
    explained_variance,
    gram,
    isoscore,
    mean_cosine,
    participation_ratio,
    partition_isotropy,
    stable_rank,
    unit_rows,
)
from jaxemb.linalg.onehot import OneHot, one_hot
from jaxemb.linalg.operators import Operator
from jaxemb.linalg.postprocessing import all_but_the_top, whiten
from jaxemb.linalg.ranks import RankReport, certify, rank
from jaxemb.linalg.reductions import Method, gram64, qr, sketch
from jaxemb.linalg.spectra import Spectrum, spectrum
from jaxemb.linalg.subspaces import (
    Dependence,
    Membership,
    basis,
    dependence,
    membership,
    principal_angles,
    project,
    reject,
)
from jaxemb.linalg.summaries import Summary, summary
from jaxemb.linalg.truncated import TruncatedSVD, truncated_svd

__all__ = [
    "Axes",
    "Bounds",
    "Coherence",
    "Dependence",
    "Membership",
    "Method",
    "OneHot",
    "Operator",
    "Orthogonality",
    "Procrustes",
    "RankReport",
    "Spectrum",
    "Summary",
    "TruncatedSVD",
    "all_but_the_top",
    "assert_equivariant",
    "assert_full_column_rank",
    "assert_gauge_invariant",
    "assert_in_span",
    "assert_invariant",
    "assert_matrix_rank",
    "assert_one_hot",
    "assert_orthogonal_rows",
    "assert_orthonormal",
    "assert_rank_at_most",
    "assert_row_sparse",
    "assert_rows_dependent",
    "assert_same_span",
    "axes",
    "basis",
    "center",
    "certify",
    "cka",
    "coherence",
    "condition",
    "dependence",
    "effective_rank",
    "explained_variance",
    "gram",
    "gram64",
    "isoscore",
    "mean_cosine",
    "membership",
    "one_hot",
    "orthogonality",
    "participation_ratio",
    "partition_isotropy",
    "pip_distance",
    "planted",
    "principal_angles",
    "procrustes",
    "project",
    "qr",
    "random_orthogonal",
    "rank",
    "reject",
    "simplex",
    "singular_bounds",
    "sketch",
    "spectrum",
    "stable_rank",
    "summary",
    "tight_frame",
    "truncated_svd",
    "unit_rows",
    "whiten",
]
