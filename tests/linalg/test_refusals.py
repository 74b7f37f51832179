"""Invalid arguments are refused in one line, by every public function that takes them."""

import inspect
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.sparse
from jax.experimental import checkify
from jax.experimental.sparse import BCOO
from jaxtyping import TypeCheckError

from jaxemb import linalg
from jaxemb.errors import InputError
from jaxemb.formats import WordVectors
from jaxemb.linalg import operators
from jaxemb.structs import InOut
from tests.transforms import PLAIN_AND_JIT

TABLE = np.random.default_rng(0).normal(size=(6, 3))
Q = np.linalg.qr(TABLE)[0]
SAME = lambda x: x  # noqa: E731
REFUSED = (InputError, TypeCheckError)  # the latter where tests check an annotation first
PARAMETERS = {
    name: list(inspect.signature(function).parameters)
    for name in linalg.__all__
    if name[0].islower() and callable(function := getattr(linalg, name))
}
OF_A_TABLE = {
    name: getattr(linalg, name)
    for name, parameters in PARAMETERS.items()
    if parameters[0] in ("table", "of")
}
OF_A_TABLE |= {
    "all_but_the_top": lambda t: linalg.all_but_the_top(t, 1),
    "assert_gauge_invariant": lambda t: linalg.assert_gauge_invariant(
        lambda u, c: jnp.sum(u @ c.T), t, TABLE
    ),
    "assert_in_span": lambda t: linalg.assert_in_span(TABLE[:, 0], t),
    "assert_matrix_rank": lambda t: linalg.assert_matrix_rank(t, 3),
    "assert_rank_at_most": lambda t: linalg.assert_rank_at_most(t, 3),
    "assert_row_sparse": lambda t: linalg.assert_row_sparse(t, [0]),
    "assert_same_span": lambda t: linalg.assert_same_span(t, TABLE),
    "cka": lambda t: linalg.cka(t, TABLE),
    "membership": lambda t: linalg.membership(TABLE[:, 0], t),
    "one_hot": lambda t: linalg.one_hot(t, 3),
    "pip_distance": lambda t: linalg.pip_distance(TABLE, t),
    "principal_angles": lambda t: linalg.principal_angles(t, TABLE),
    "procrustes": lambda t: linalg.procrustes(t, TABLE),
    "project": lambda t: linalg.project(t, Q),
    "reject": lambda t: linalg.reject(TABLE, t),
    "singular_bounds": lambda t: linalg.singular_bounds(t, None),
    "truncated_svd": lambda t: linalg.truncated_svd(t, 1),
    "unit_rows": linalg.unit_rows,
}
OF_NO_TABLE = {"planted", "random_orthogonal", "simplex", "tight_frame"}
OF_NO_TABLE |= {"assert_invariant", "assert_equivariant"}


def test_every_public_function_is_listed():
    assert set(PARAMETERS) == set(OF_A_TABLE) | OF_NO_TABLE


@pytest.mark.parametrize("name", OF_A_TABLE)
@pytest.mark.parametrize("kind", [scipy.sparse.csr_matrix, scipy.sparse.coo_array, BCOO.fromdense])
def test_a_sparse_matrix_is_refused_with_its_type_and_the_way_out(name, kind):
    sparse = kind(TABLE)
    with pytest.raises(REFUSED) as refused:
        OF_A_TABLE[name](sparse)
    if refused.type is InputError:
        assert type(sparse).__name__ in str(refused.value)
        assert "linalg.operators.sparse" in str(refused.value)
    else:
        assert name in ("truncated_svd", "singular_bounds")
        with pytest.raises(InputError, match=r"operators\.sparse"):
            operators.an_operator(sparse)


@pytest.mark.parametrize("name", OF_A_TABLE)
def test_what_holds_a_table_or_names_its_file_is_refused_with_the_way_to_it(name):
    for given, wanted in (
        (WordVectors(("a",) * 6, TABLE), "a WordVectors; wanted an array: its .vectors"),
        (InOut(TABLE, TABLE), "a InOut; wanted an array: its .input"),
        ("table.npy", r"'table.npy'; wanted an array, such as formats\.read\(path\)\.vectors"),
    ):
        with pytest.raises(REFUSED) as refused:
            OF_A_TABLE[name](given)
        if refused.type is InputError and name not in ("truncated_svd", "singular_bounds"):
            assert re.search(wanted, str(refused.value))


# every function with a tolerance, on arguments that pass at the tolerance 1e-3
WITH_TOLERANCE = {
    "rank": lambda t: linalg.rank(TABLE, tolerance=t).certified,
    "orthogonality": lambda t: linalg.orthogonality(Q, tolerance=t).orthogonal,
    "membership": lambda t: linalg.membership(Q[:, 0], Q, tolerance=t).inside,
    "assert_orthonormal": lambda t: linalg.assert_orthonormal(Q, tolerance=t),
    "assert_orthogonal_rows": lambda t: linalg.assert_orthogonal_rows(Q.T, tolerance=t),
    "assert_in_span": lambda t: linalg.assert_in_span(Q[:, 0], Q, tolerance=t),
    "assert_same_span": lambda t: linalg.assert_same_span(Q, Q, tolerance=t),
    "assert_invariant": lambda t: linalg.assert_invariant(SAME, SAME, TABLE, tolerance=t),
    "assert_equivariant": lambda t: linalg.assert_equivariant(SAME, SAME, SAME, TABLE, tolerance=t),
    "assert_gauge_invariant": lambda t: linalg.assert_gauge_invariant(
        lambda u, c: jnp.sum(jnp.tanh(u @ c.T)), TABLE, TABLE, tolerance=t
    ),
}


def test_every_function_with_a_tolerance_is_listed():
    with_one = {name for name, parameters in PARAMETERS.items() if "tolerance" in parameters}
    assert with_one == set(WITH_TOLERANCE)


@pytest.mark.parametrize("name", WITH_TOLERANCE)
@pytest.mark.parametrize("bad", [-1, -1e-30, np.nan, np.inf, -np.inf, "small", "1"])
def test_a_tolerance_that_is_negative_or_not_finite_is_refused(name, bad):
    with pytest.raises(InputError, match=f"tolerance is {bad}; it must be"):
        WITH_TOLERANCE[name](bad)
    assert WITH_TOLERANCE[name](1e-3) in (None, True)


@pytest.mark.parametrize("name", WITH_TOLERANCE)
def test_under_a_trace_nothing_passes_at_such_a_tolerance(name):
    def passes(tolerance):
        verdict = WITH_TOLERANCE[name](tolerance)
        return jnp.asarray(True if verdict is None else verdict)

    program = checkify.checkify(jax.jit(passes))
    for tolerance, good in [(1e-3, True), (-1.0, False), (np.nan, False), (np.inf, False)]:
        error, verdict = program(tolerance)
        assert (error.get() is None and bool(verdict)) == good


def test_a_rank_by_no_tolerance_at_all_is_refused():
    with pytest.raises(InputError, match="tolerance is 0; it must be above 0"):
        linalg.rank(TABLE, tolerance=0)


@pytest.mark.parametrize("ask", [linalg.rank, linalg.spectrum])
def test_a_storage_type_is_a_floating_point_type(ask):
    for bad, message in {
        "nope": "'nope', which is no dtype",
        3.5: "3.5, which is no dtype",
        np.int8: r"int8, whose rounding .* tolerance=2 \* step",
        "uint4": "uint4, whose rounding",
        bool: "bool, whose rounding",
        np.complex64: "complex64",
    }.items():
        with pytest.raises(InputError, match=f"storage_dtype is {message}"):
            ask(TABLE, storage_dtype=bad)
    for good in ("float16", np.float16, "bfloat16", jnp.bfloat16):
        ask(TABLE, storage_dtype=good)


def test_a_storage_type_beside_a_spectrum_is_refused_and_not_ignored():
    table = (TABLE @ np.diag([1, 1, 1e-4])).astype(np.float16).astype(np.float32)
    with pytest.raises(InputError, match=r"beside a Spectrum.*spectrum\(table, storage_dtype"):
        linalg.rank(linalg.spectrum(table), storage_dtype=np.float16)
    spectrum = linalg.spectrum(table, storage_dtype=np.float16)
    assert str(linalg.rank(spectrum)) == str(linalg.rank(table, storage_dtype=np.float16))
    assert int(linalg.rank(spectrum).rank) == 2


def test_whole_numbers_that_were_rounded_to_floats_are_not_exact():
    table = np.diag([10**8, 1, 1])
    assert int(linalg.rank(table, storage_dtype=np.float32).rank) == 1


OTHER = linalg.spectrum(np.ones((7, 3)), center=True)
WITH_A_SPECTRUM = {
    "certify": linalg.certify,
    "partition_isotropy": linalg.partition_isotropy,
    "whiten": linalg.whiten,
    "all_but_the_top": lambda table, of: linalg.all_but_the_top(table, 1, of),
}


@pytest.mark.parametrize("name", WITH_A_SPECTRUM)
def test_the_spectrum_of_another_table_is_refused(name):
    with pytest.raises(InputError, match=r"spectrum is of a table \(7, 3\), and this one is"):
        WITH_A_SPECTRUM[name](TABLE, OTHER)
    with pytest.raises(REFUSED):
        WITH_A_SPECTRUM[name](TABLE, TABLE)
    if name != "certify":  # which certifies either
        wrong = linalg.spectrum(TABLE, center=name == "partition_isotropy")
        with pytest.raises(InputError, match="wanted the spectrum of the"):
            WITH_A_SPECTRUM[name](TABLE, wrong)
    right = linalg.spectrum(TABLE, center=name in ("whiten", "all_but_the_top"))
    WITH_A_SPECTRUM[name](TABLE, right)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"method": "qr"}, "method is 'qr'; wanted linalg.gram64, linalg.qr or linalg.sketch"),
        ({"axis_name": "data"}, "axis_name is 'data', of a table on the host"),
    ],
)
def test_a_setting_of_a_spectrum_is_not_ignored(settings, message):
    with pytest.raises(REFUSED) as refused:
        linalg.spectrum(TABLE, **settings)
    assert message in str(refused.value) or refused.type is TypeCheckError


@pytest.mark.parametrize("r", [-1, 4])
def test_a_rank_out_of_range_is_not_certified(r):
    with pytest.raises(InputError, match=f"r is {r}; wanted 0 to 3"):
        linalg.certify(TABLE, r=r)


# --- truth ---------------------------------------------------------------------------------------

ANSWERS = {  # a report that answers one question is true when the answer is yes
    "membership": lambda: (linalg.membership(Q[:, 0], Q), linalg.membership(np.ones(6), Q)),
    "dependence": lambda: (linalg.dependence(TABLE), linalg.dependence(TABLE[:2])),
}
NEITHER = {
    "certified": lambda: linalg.rank(TABLE),
    "orthonormal": lambda: linalg.orthogonality(Q),
    "identity": lambda: linalg.one_hot(np.arange(3), 3),
    "special": lambda: linalg.axes(TABLE, rotations=1),
    "largest": lambda: linalg.coherence(TABLE),
    "lower": lambda: linalg.singular_bounds(
        dense := linalg.operators.dense(TABLE), linalg.truncated_svd(dense, 2)
    ),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_a_report_of_one_question_is_true_or_false(name):
    assert list(map(bool, ANSWERS[name]())) == [True, False]


@pytest.mark.parametrize("field", NEITHER)
def test_a_report_of_more_has_no_truth_value_and_says_what_to_ask(field):
    report = NEITHER[field]()
    with pytest.raises(InputError, match=rf"neither true nor false: ask for its .*\.{field}"):
        bool(report)
    assert np.size(getattr(report, field))
    str(report)


# --- degenerate tables ---------------------------------------------------------------------------

DEGENERATE = {
    "zeros": np.zeros((4, 3)),
    "equal rows": np.ones((4, 3)),
    "equal rows, rounded": np.full((7, 3), 0.1),
    "one row": np.array([[1.0, 2.0, 3.0]]),
    "one column": np.arange(4.0)[:, None],
    "one number": np.ones((1, 1)),
    "one constant column": np.array([[1.0, 2.0], [1.0, 3.0], [1.0, 7.0]]),
}
RANGES = {  # of every measure that documents one: at most 1, or the number of columns
    "isoscore": (0, 1),
    "partition_isotropy": (0, 1),
    "mean_cosine": (-1, 1),
    "explained_variance": (0, 1),
    "effective_rank": (0, None),
    "stable_rank": (0, None),
    "participation_ratio": (0, None),
    "condition": (1, np.inf),
}


@PLAIN_AND_JIT
@pytest.mark.parametrize("name", DEGENERATE)
def test_measures_stay_in_their_range_on_degenerate_tables(transform, name):
    table = DEGENERATE[name]
    ranges = dict(RANGES) if len(table) > 1 else {k: RANGES[k] for k in RANGES if "cos" not in k}
    values = transform(lambda t: {k: getattr(linalg, k)(t) for k in ranges})(table)
    for measure, (least, most) in ranges.items():
        most = table.shape[1] if most is None else most
        value = np.float64(values[measure])
        slack = 8 * np.finfo(np.float32).eps
        assert ((value >= least - slack) & (value <= most * (1 + slack))).all(), measure


@PLAIN_AND_JIT
@pytest.mark.parametrize("name", ["zeros", "equal rows", "equal rows, rounded", "one row"])
def test_isoscore_is_0_where_nothing_varies(transform, name):
    for dtype in (np.float64, np.float32, np.float16):
        assert transform(linalg.isoscore)(DEGENERATE[name].astype(dtype)) == 0
    assert linalg.isoscore(linalg.spectrum(DEGENERATE[name], center=True)) == 0


@pytest.mark.parametrize("name", DEGENERATE)
def test_axes_that_are_constant_are_neither_peaked_nor_sparse(name):
    axes = linalg.axes(DEGENERATE[name], rotations=1)
    slack = 16 * np.finfo(np.float32).eps
    assert (np.asarray(axes.kurtosis) >= -2 - slack).all()  # no distribution has less
    sparsity = np.asarray(axes.sparsity)
    assert ((sparsity >= -slack) & (sparsity <= 1 + slack)).all()


@pytest.mark.parametrize("epsilon", [-1e-3, np.nan, np.inf])
def test_an_epsilon_that_is_no_share_is_refused(epsilon):
    with pytest.raises(InputError, match="epsilon is"):
        linalg.effective_rank(TABLE, epsilon=epsilon)
