"""Each assertion passes just inside its tolerance and fails just outside, however it is called.

Oracles: faults of a planted size, as a share of the tolerance; identities of losses. The arguments
of an assertion are packed into one array x, so that one law runs over all assertions.
"""

import functools
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental import checkify

from jaxemb import linalg
from jaxemb.errors import InputError
from jaxemb.functional import losses
from jaxemb.linalg import checks
from tests.linalg.tables import planted


class Kind(NamedTuple):
    """A type of array."""

    of: Callable
    unit: float  # half the distance from 1 to the next number
    eps: float  # the distance, of the type that products are computed in
    loose: float  # a tolerance given where the default is of float32


KINDS = {
    "numpy float64": Kind(np.float64, 2**-53, 2**-52, 1e-13),
    "numpy float32": Kind(np.float32, 2**-24, 2**-52, 1e-5),
    "jax float32": Kind(jnp.float32, 2**-24, 2**-23, 1e-5),
    "jax bfloat16": Kind(jnp.bfloat16, 2**-8, 2**-23, 0.2),
}
F32 = KINDS["jax float32"]


def _loose(x) -> dict:
    units = {kind.unit: kind.loose for kind in KINDS.values()}
    return {} if x.dtype == np.float32 else {"tolerance": units[float(jnp.finfo(x.dtype).eps) / 2]}


def _ranked(share, kind, rows: int = 40):
    """The fourth singular value is a share of 2 eps ||A||_F; ||A||_F is 1.5."""
    return planted(1, rows, [1, 1, 0.5, share * 4 * kind.unit * 1.5])


def _frame(rows: int) -> np.ndarray:
    return planted(2, rows, np.ones(4))  # four orthonormal columns


def _tilted(share, kind):
    """Unit columns; the cosine of the first two is a share of 8 sqrt(4) eps + 4 u."""
    q, cosine = _frame(40), share * (16 * kind.eps + 4 * kind.unit)
    q[:, 1] = cosine * q[:, 0] + np.sqrt(1 - cosine**2) * q[:, 1]
    return q


def _stretched(share, kind):
    """Orthogonal rows; ||v||^2 - 1 of one is a share of the same tolerance."""
    square = 1 + share * (16 * kind.eps + 4 * kind.unit)
    return (_frame(40) * np.sqrt([1, 1, square, 1])).T


def _leaving(share, kind):
    """[v, basis]: the part of v outside, over its length, is a share of 8 sqrt(3) eps."""
    q, sine = _frame(8), share * 16 * np.sqrt(3) * kind.unit
    inside = q[:, :3] @ np.ones(3) / np.sqrt(3)
    return np.column_stack([5 * (sine * q[:, 3] + np.sqrt(1 - sine**2) * inside), q[:, :3]])


def _turned(share, kind):
    """[left, right]: the largest angle between the spans is a share of the tolerance."""
    q, angle = _frame(8), share * kind.loose
    right = np.column_stack([q[:, 0], np.cos(angle) * q[:, 1] + np.sin(angle) * q[:, 2]])
    return np.concatenate([q[:, :2], right @ [[0.6, -0.8], [0.8, 0.6]]], axis=1)


def _one_hot(share, kind):
    x = np.eye(4)[[0, 2, 2, 3]]
    x[1, 2] -= share * kind.unit
    return x


def _stray(share, kind):
    x = np.zeros((6, 3))
    x[1], x[4, 0], x[2, 1] = 1.0, 2.0, share * float(jnp.finfo(kind.of).smallest_normal)
    return x


def _sheared(share, kind):
    return np.array([[1.0, share * kind.loose]])


def _penalized(share, kind):
    """[u, c, w]: |u| = |c| = 1, so a penalty w |u|^2 breaks the identity by w / (1 + w)."""
    del kind
    w = share * 1e-4
    return np.array([[0.5, 0.5, w], [0.5, -0.5, 0], [0.5, -0.5, 0], [0.5, 0.5, 0]])


def _gauge(x):
    w = jnp.sum(jnp.asarray(x[:, 2], jnp.float32))
    loss = jax.jit(lambda w, u, c: jnp.sum((u @ c.T) ** 2) + w * jnp.sum(u**2))
    linalg.assert_gauge_invariant(functools.partial(loss, w), x[:, :1], x[:, 1:2])


def _invariant(x):
    """a, sheared by b."""
    linalg.assert_invariant(lambda x: x[:, 0], lambda x: x[:, :1] + x[:, 1:], x, **_loose(x))


def _equivariant(x):
    """(2 a + b)^2 is 4 a^2, but for b."""
    f, g, h = (lambda a: a**2), (lambda a: (2 * a + x[:, 1:],)), (lambda y: 4 * y)
    linalg.assert_equivariant(f, g, h, x[:, :1], **_loose(x))


def _quick(x):
    """Under a trace the `Spectrum` by one SVD: one case pays for the compilation of the sketch."""
    if not isinstance(x, jax.core.Tracer):
        return x
    x = jnp.where(jnp.isfinite(x), x, jnp.nan)  # LAPACK might not return from infinity
    _, values, basis = jnp.linalg.svd(x, full_matrices=False)
    size = jnp.linalg.norm(x)
    ends = jnp.int32(len(x)), jnp.int32(-1), jnp.bool_(False)
    error = F32.unit * size
    return linalg.Spectrum(values, basis.T, x.mean(axis=0), size, error, 4 * error, *ends)


class Case(NamedTuple):
    check: Callable  # of x
    x: Callable  # (share of the tolerance, Kind) -> x
    inside: float
    outside: float


# a rank is undecided between 0.75 and 1.25 of the tolerance: the backward error is a quarter of it
CASES = {
    "matrix_rank: kept": Case(lambda x: linalg.assert_matrix_rank(x, 4), _ranked, 6, 1.2),
    "matrix_rank: dropped": Case(
        lambda x: linalg.assert_matrix_rank(_quick(x), 3), _ranked, 0.2, 1.1
    ),
    "full_column_rank": Case(
        lambda x: linalg.assert_full_column_rank(_quick(x)), _ranked, 1.5, 1.1
    ),
    "rank_at_most": Case(lambda x: linalg.assert_rank_at_most(_quick(x), 3), _ranked, 0.5, 1.1),
    "rows_dependent": Case(
        linalg.assert_rows_dependent, lambda *size: _ranked(*size, rows=6).T, 0.7, 1.4
    ),
    "orthonormal: cosine": Case(linalg.assert_orthonormal, _tilted, 0.7, 1.4),
    "orthonormal: length": Case(
        lambda x: linalg.assert_orthonormal(x, rows=True), _stretched, 0.7, 1.4
    ),
    "orthogonal_rows": Case(
        linalg.assert_orthogonal_rows, lambda *size: (_tilted(*size) * [1, 2, 3, 4]).T, 0.7, 1.4
    ),
    "one_hot": Case(linalg.assert_one_hot, _one_hot, 0, 1),
    "one_hot: distinct": Case(
        lambda x: linalg.assert_one_hot(x, distinct=True),
        lambda share, _: np.eye(4)[[0, 2, 2 if share else 1, 3]],
        *(0, 1),
    ),
    "in_span": Case(lambda x: linalg.assert_in_span(x[:, 0], x[:, 1:]), _leaving, 0.7, 1.4),
    "same_span": Case(
        lambda x: linalg.assert_same_span(x[:, :2], x[:, 2:], **_loose(x)), _turned, 0.7, 1.4
    ),
    "invariant": Case(_invariant, _sheared, 0.7, 1.4),
    "equivariant": Case(_equivariant, _sheared, 0.7, 1.4),
    "row_sparse": Case(lambda x: linalg.assert_row_sparse(x, [[1, 4], [4, 1]]), _stray, 0, 1),
    "gauge_invariant": Case(_gauge, _penalized, 0.7, 1.4),
}
EVERY = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def _both(case, kind=F32) -> tuple[Any, Any]:
    return tuple(kind.of(case.x(share, kind)) for share in (case.inside, case.outside))


def test_every_assertion_has_a_case():
    names = {name for name in linalg.__all__ if name.startswith("assert_")}
    assert {"assert_" + name.split(":")[0] for name in CASES} == names


@EVERY
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_it_passes_inside_and_fails_outside_with_what_was_measured_and_wanted(case, kind):
    inside, outside = _both(case, kind)
    case.check(inside)
    with pytest.raises(AssertionError, match=r"wanted \w+.*; got: .*\d"):
        case.check(outside)


@functools.cache
def _checked(case):
    def loss(x):
        case.check(x)
        return jnp.sum(x * x)

    return loss


# each with the value that there is without the assertion
TRANSFORMS = {
    "jit": (jax.jit, lambda x: jnp.sum(x * x)),
    "jit vmap": (lambda f: jax.jit(jax.vmap(f)), lambda x: jnp.sum(x * x, axis=(1, 2))),
    "jit grad": (lambda f: jax.jit(jax.grad(f)), lambda x: 2 * x),
}


@functools.cache
def _program(case, transform: str):
    return checkify.checkify(TRANSFORMS[transform][0](_checked(case)))


@EVERY
@pytest.mark.parametrize("transform", TRANSFORMS)
def test_checkify_reports_what_is_outside_and_disturbs_neither_value_nor_gradient(case, transform):
    inside, outside = _both(case)
    if transform == "jit vmap":
        inside, outside = jnp.stack([inside, inside]), jnp.stack([inside, outside])
    error, value = _program(case, transform)(inside)
    assert error.get() is None
    np.testing.assert_allclose(value, TRANSFORMS[transform][1](inside), rtol=1e-6)  # sums of 160
    error, value = _program(case, transform)(outside)
    np.testing.assert_allclose(value, TRANSFORMS[transform][1](outside), rtol=1e-6)
    with pytest.raises(checkify.JaxRuntimeError, match=r"wanted \w+.*; got: .*\d"):
        error.throw()


@EVERY
def test_chexify_raises_outside(case):
    inside, outside = _both(case)
    run = chex.chexify(jax.jit(_checked(case)), async_check=False)
    run(inside)
    with pytest.raises(checkify.JaxRuntimeError, match="wanted"):
        run(outside)


@EVERY
def test_where_nothing_would_report_it_refuses_to_be_traced(case):
    """equinox.error_if lets a bad table pass in jit(grad(f)), where its output is not needed."""
    inside, outside = _both(case)
    for transform, x in [("jit", inside), ("jit", outside), ("jit grad", outside)]:
        with pytest.raises(InputError, match="not functionalized") as refused:
            TRANSFORMS[transform][0](_checked(case))(x)
        message = str(refused.value)
        assert "checkify.checkify(jax.jit(f))(x)" in message
        assert "\n" not in message


def test_a_jax_that_functionalizes_otherwise_still_refuses_in_its_own_words(monkeypatch):
    monkeypatch.setattr(checks, "_is_taken_out", lambda: False)
    with pytest.raises(ValueError, match="not functionalized") as refused:
        jax.jit(lambda x: linalg.assert_one_hot(x))(jnp.eye(3))
    assert not isinstance(refused.value, InputError)


@EVERY
def test_checkify_says_the_sentence_that_is_said_outside(case):
    """Word for word, up to digits: one is of float32 numbers under jit."""
    outside = _both(case)[1]
    with pytest.raises(AssertionError) as failed:
        case.check(outside)
    error = _program(case, "jit")(outside)[0].get()
    words = [re.sub(r"[-+]?\d[\d.e+-]*", "#", message) for message in (str(failed.value), error)]
    assert words[1] == f"{words[0]} (`check` failed)"


@EVERY
@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("place", [0, -1])
@pytest.mark.filterwarnings("ignore:invalid value")
def test_a_number_that_is_not_finite_fails(case, bad, place):
    x = np.array(_both(case)[0])
    x.flat[place] = bad
    for array in (x, jnp.asarray(x)):
        with pytest.raises(AssertionError, match="wanted"):
            case.check(array)
    error, _ = _program(case, "jit")(jnp.asarray(x))
    assert "wanted" in (error.get() or "")


@pytest.mark.parametrize("r", [3, 4])
@pytest.mark.parametrize("share", [0.9, 1.1])
def test_an_undecided_rank_fails_with_both_ratios(r, share):
    x = np.pad(_ranked(share, F32), ((0, 0), (0, 1))).astype(np.float32)
    with pytest.raises(AssertionError) as failed:
        linalg.assert_matrix_rank(x, r)
    shown = re.search(r"undecided: s_(.)/tol = (\S+), s_(.)/tol = (\S+)$", str(failed.value))
    ratios = {3: 0.5 / (6 * F32.unit), 4: share, 5: 0.0}
    kept = 4 if share > 1 else 3
    expected = [kept, ratios[kept], kept + 1, ratios[kept + 1]]
    # rounding the entries moves s_4 by some hundredths of the tolerance
    np.testing.assert_allclose([*map(float, shown.groups())], expected, rtol=0.05, atol=1e-3)


def test_a_wrong_rank_that_is_certified_fails_and_says_which_it_is():
    for x in (_ranked(6, F32).astype(np.float32), F32.of(_ranked(6, F32))):
        with pytest.raises(AssertionError, match="wanted rank 3; got: rank 4 of 4, certified: s_4"):
            linalg.assert_matrix_rank(linalg.spectrum(x), 3)


# --- functions ---------------------------------------------------------------------------------

WORDS, DIM = 7, 4
U, C = jax.random.normal(jax.random.key(0), (2, WORDS, DIM))
CENTER, CONTEXT, NOISE = np.array([0, 1, 2, 4, 1]), np.array([1, 2, 0, 3, 6]), np.array([[5], [3]])


def _skipgram(u, c):
    return jnp.mean(jax.vmap(losses.skipgram, (0, 0, None))(u[CENTER], c[CONTEXT], c[NOISE[:, 0]]))


def _softmax(u, c):
    scores = u[CENTER] @ c.T
    return jnp.mean(jax.nn.logsumexp(scores, axis=1) - scores[np.arange(5), CONTEXT])


def _by_hand(sign, scale=1.0):
    """All pairs as noise, with the output table's gradient times `sign`."""
    loss = jax.custom_vjp(lambda u, c: scale * jnp.sum(jax.nn.softplus(u @ c.T)))

    def backward(kept, g):
        u, c = kept
        slope = g * scale * jax.nn.sigmoid(u @ c.T)
        return slope @ c, sign * slope.T @ u

    loss.defvjp(lambda u, c: (loss(u, c), (u, c)), backward)
    return loss


def _gauge_failure(loss) -> list[float]:
    with pytest.raises(AssertionError, match="after a rotation") as failed:
        linalg.assert_gauge_invariant(loss, U, C)
    *differences, tolerance = map(float, re.findall(r"\d[\d.e+-]*", str(failed.value)))
    assert tolerance == 1e-4
    return differences


@pytest.mark.parametrize(("sign", "scale", "identity"), [(-1, 1.0, 2), (0, 1e-6, 1)])
def test_a_gradient_by_hand_of_a_wrong_sign_or_lost_fails_by_its_identity(sign, scale, identity):
    linalg.assert_gauge_invariant(_by_hand(1, scale), U, C)
    rotated, stretched, measured = _gauge_failure(_by_hand(sign, scale))
    assert max(rotated, stretched) < 1e-5
    np.testing.assert_allclose(measured, identity, rtol=1e-3)  # three digits are shown


def test_a_penalty_on_norms_is_invariant_to_rotations_only():
    def loss(u, c):
        return _skipgram(u, c) + 0.1 * jnp.sum(u**2) + 0.1 * jnp.sum(c**2)

    turn = linalg.random_orthogonal(jax.random.key(1), DIM)
    linalg.assert_invariant(loss, lambda u, c: (u @ turn, c @ turn), U, C)
    linalg.assert_gauge_invariant(_skipgram, U, C)
    rotated, stretched, _ = _gauge_failure(loss)
    assert rotated < 1e-5 < 1e-2 < stretched


def test_full_softmax_does_not_notice_a_shift_of_all_outputs_and_skipgram_does():
    shift = lambda u, c: (u, c + jnp.ones((WORDS, 1)) * U[:1])  # noqa: E731
    linalg.assert_invariant(_softmax, shift, U, C)
    with pytest.raises(AssertionError, match=r"got: 0\.\d+, tolerance 1e-05"):
        linalg.assert_invariant(_skipgram, shift, U, C)


def test_a_gradient_has_the_rows_that_were_read_and_padding_reads_none():
    gradient = jax.grad(_skipgram)(U, C)
    linalg.assert_row_sparse(gradient, CENTER)
    stray = gradient.at[WORDS - 1, 0].set(1e-30)
    with pytest.raises(AssertionError, match=r"1 other rows .* 1e-30, the first is 6"):
        linalg.assert_row_sparse(stray, [*CENTER, -1])


def test_a_gradient_flows_around_an_assertion_about_a_function_of_the_parameter():
    def loss(w, turn):
        linalg.assert_invariant(lambda u: jnp.sum((w * u) ** 2), lambda u: u @ turn, U)
        return w**3

    assert jax.grad(loss)(2.0, jnp.eye(DIM)) == 12
    with pytest.raises(AssertionError, match=r"got: 0\.75"):
        jax.grad(loss)(2.0, 2 * jnp.eye(DIM))
    error, _ = checkify.checkify(jax.jit(jax.grad(loss)))(2.0, 2 * jnp.eye(DIM))
    assert "got: 0.75, tolerance 1e-05" in error.get()


def test_values_of_different_shapes_differ_and_a_named_tuple_is_one_argument():
    kept = lambda case: case.inside * np.ones(3)  # noqa: E731
    linalg.assert_invariant(kept, lambda case: case._replace(outside=0), Case(None, None, 2, 3))
    with pytest.raises(AssertionError, match=r"shapes \[\(1, 3\)\] and \[\(3,\)\]"):
        linalg.assert_invariant(lambda x: x, lambda x: x[None], np.ones(3))
