from .angles import (
    Coherence as Coherence,
    Orthogonality as Orthogonality,
    coherence as coherence,
    orthogonality as orthogonality,
)
from .assertions import (
    assert_full_column_rank as assert_full_column_rank,
    assert_in_span as assert_in_span,
    assert_matrix_rank as assert_matrix_rank,
    assert_one_hot as assert_one_hot,
    assert_orthogonal_rows as assert_orthogonal_rows,
    assert_orthonormal as assert_orthonormal,
    assert_rank_at_most as assert_rank_at_most,
    assert_rows_dependent as assert_rows_dependent,
    assert_same_span as assert_same_span,
)
from .bounds import Bounds as Bounds, singular_bounds as singular_bounds
from .comparison import (
    Procrustes as Procrustes,
    cka as cka,
    pip_distance as pip_distance,
    procrustes as procrustes,
)
from .directions import Axes as Axes, axes as axes
from .fixtures import (
    planted as planted,
    random_orthogonal as random_orthogonal,
    simplex as simplex,
    tight_frame as tight_frame,
)
from .function_assertions import (
    assert_equivariant as assert_equivariant,
    assert_gauge_invariant as assert_gauge_invariant,
    assert_invariant as assert_invariant,
    assert_row_sparse as assert_row_sparse,
)
from .measures import (
    center as center,
    condition as condition,
    effective_rank as effective_rank,
    explained_variance as explained_variance,
    gram as gram,
    isoscore as isoscore,
    mean_cosine as mean_cosine,
    participation_ratio as participation_ratio,
    partition_isotropy as partition_isotropy,
    stable_rank as stable_rank,
    unit_rows as unit_rows,
)
from .onehot import OneHot as OneHot, one_hot as one_hot
from .operators import Operator as Operator
from .postprocessing import all_but_the_top as all_but_the_top, whiten as whiten
from .ranks import RankReport as RankReport, certify as certify, rank as rank
from .reductions import Method as Method, gram64 as gram64, qr as qr, sketch as sketch
from .spectra import Spectrum as Spectrum, spectrum as spectrum
from .subspaces import (
    Dependence as Dependence,
    Membership as Membership,
    basis as basis,
    dependence as dependence,
    membership as membership,
    principal_angles as principal_angles,
    project as project,
    reject as reject,
)
from .summaries import Summary as Summary, summary as summary
from .truncated import TruncatedSVD as TruncatedSVD, truncated_svd as truncated_svd
