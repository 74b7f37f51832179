"""Invariants of tables, spectra and losses; the numbers are those of the design notes' list of 43.

Oracles: float64 NumPy and scipy on the same numbers, dense m x m forms, planted matrices.
Tolerances are multiples of EPS, as shares of the largest value where that is not about 1.
Plain, a NumPy table is computed in float64; under jit it is a jax array, in float32.

Held elsewhere:
1     functional/test_onehot.py::test_one_hot_product_is_lookup_bit_for_bit
2     static/test_tables.py::test_gather_and_scatter_add_are_adjoint
3     test_measures.py::test_one_hot_is_judged_as_its_dense_table_would_be
5     test_measures.py::test_more_rows_than_dimensions_have_an_explicit_dependence (here: float32)
14    functional/test_similarity.py::test_on_unit_rows_both_rank_neighbours_alike
16    test_measures.py::test_the_welch_bound_is_reached_by_the_simplex (here: frame potential)
29    laws/test_learners.py::test_row_sparse_equals_dense_repeated_ids_included
32    static/test_hierarchical.py::test_probabilities_of_all_words_sum_to_one
      static/test_trees.py::test_krafts_sum_is_one
33    laws/test_objectives.py::test_relabelling_the_vocabulary_relabels_the_gradient
34    laws/test_objectives.py::test_a_skipgram_block_costs_the_sum_of_its_pairs (here: CBOW)
42    test_checkpoints.py::test_what_is_restored_is_what_was_saved (here: bfloat16)
43    evaluation/test_neighbours.py::test_neighbours_do_not_change_under_rotation_or_scaling
35    contextual/test_recurrence.py::test_outputs_are_at_most_1_and_cells_at_most_the_steps
36    contextual/test_bilm.py::test_with_equal_weights_backward_is_forward_on_the_reversed_sentence
37    contextual/test_bilm.py::test_no_direction_sees_the_word_it_is_to_predict
38    contextual/test_bilm.py::test_padding_changes_no_bit_and_comes_out_as_zero
39    contextual/test_bilm.py::test_a_batch_is_its_sentences (static: laws/test_embedders.py)
40    contextual/test_bilm.py::test_a_mix_lies_between_its_layers_and_is_linear_in_gamma
41    contextual/test_bilm.py::test_the_rank_of_a_mix_is_at_most_the_sum_of_its_layers
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
import scipy.stats

from jaxemb import linalg
from jaxemb.evaluation import bundled
from jaxemb.functional import losses, similarity
from jaxemb.static import blocks, objectives
from jaxemb.structs import Block, InOut, Vocab
from jaxemb.training import learners
from tests.linalg.tables import METHODS, planted
from tests.transforms import PLAIN_AND_JIT

EPS = 2.0**-23  # the spacing of float32 at 1
# of s_1: the float32 methods have the error of any float32 SVD there, 14 EPS were measured
SLACK = {"gram64": 4 * EPS, "qr": 32 * EPS, "sketch": 32 * EPS}
SPECTRA = {
    "flat": np.ones(16),
    "steep": np.geomspace(1, 1e-3, 16),
    "deficient": np.r_[np.geomspace(1, 1e-2, 9), np.zeros(7)],
}
# gram64 is what a table meets plain, sketch what it meets under jit; one shape where programs are
# compiled
CASES = {f"{m}-{kind}": (m, 96, values) for m in METHODS for kind, values in SPECTRA.items()}
CASES["gram64-tall"] = ("gram64", 200, np.geomspace(1, 1e-4, 30))

seeds = pytest.mark.parametrize("seed", range(2))
every_case = pytest.mark.parametrize(("method", "rows", "values"), CASES.values(), ids=CASES)
every_spectrum = pytest.mark.parametrize("values", SPECTRA.values(), ids=SPECTRA)
both_defaults = pytest.mark.parametrize("method", ["gram64", "sketch"])
every_loss = pytest.mark.parametrize("name", ["skipgram", "cbow", "softmax"])
close = functools.partial(np.testing.assert_allclose, rtol=0)
cosine, euclidean = jax.jit(similarity.cosine), jax.jit(similarity.euclidean)


def normal(seed: int, *shape: int):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def orthogonal(seed: int, rows: int, dim: int | None = None):
    """Orthonormal columns of float64."""
    return np.linalg.qr(np.float64(normal(seed, rows, dim or rows)))[0]


def spectrum(table, method: str, center: bool = False):
    table = jnp.asarray(np.float32(table))
    return jax.device_get(linalg.spectrum(table, method=METHODS[method], center=center))


def svdvals(table):
    return np.linalg.svd(np.float64(table), compute_uv=False)


@pytest.mark.parametrize("m", [2, 3, 12, 64])
def test_the_simplex_is_centred_one_hot_up_to_scale_and_rotation(m):  # 4
    centred, simplex = np.eye(m) - 1 / m, np.float64(linalg.simplex(m))
    close(linalg.center(np.eye(m)), centred, atol=1e-15)
    close(simplex @ simplex.T, centred @ centred.T * m / (m - 1), atol=4 * EPS)
    linalg.assert_matrix_rank(centred, m - 1)


@pytest.mark.parametrize("shape", [(1, 12), (5, 12), (12, 12), (40, 12)])
def test_rank_is_at_most_rows_and_columns_and_random_tables_reach_it(shape):  # 5
    report = linalg.rank(normal(0, *shape))
    assert (report.rank, report.most, bool(report.certified)) == (min(shape), min(shape), True)


@PLAIN_AND_JIT
@seeds
@every_spectrum
def test_one_row_more_than_columns_is_dependent(transform, seed, values):  # 5
    table = np.float32(planted(seed, 96, values)[:17])
    report = transform(linalg.dependence)(table)
    combination = np.float64(report.coefficients) @ table
    assert report
    close(np.linalg.norm(report.coefficients), 1, atol=4 * EPS)
    # in float32 1.2 to 2.6 EPS by QR, twice that by SVD
    assert np.linalg.norm(combination) <= 8 * EPS * svdvals(table)[0]


@every_case
@seeds
def test_a_row_more_lowers_no_singular_value_and_interlaces(method, rows, values, seed):  # 6
    table = planted(seed, rows, values)
    without = np.concatenate([table[:-1], 0 * table[:1]])  # a row of zeros counts for nothing
    more, less = (spectrum(t, method).values for t in (table, without))
    close(less, svdvals(table[:-1]), atol=SLACK[method])
    assert (more >= less - SLACK[method]).all()
    assert (less[:-1] >= more[1:] - SLACK[method]).all()


@every_case
@pytest.mark.parametrize("size", [1e-1, 1e-3, 1e-6])
def test_weyl_no_value_moves_further_than_the_change(method, rows, values, size):  # 7
    table, noise = np.float32(planted(0, rows, values)), normal(1, rows, len(values))
    changed = np.float32(table + size * noise / svdvals(noise)[0])
    moved = svdvals(np.float64(changed) - table)[0]  # of what is stored
    before, after, twice = (spectrum(t, method).values for t in (table, changed, 2 * table))
    assert np.abs(after - before).max() <= moved + SLACK[method]
    close(np.abs(twice - before).max(), 1.0, atol=2 * SLACK[method])  # ||A||_2: the bound is met


@every_spectrum
@seeds
def test_bfloat16_moves_values_by_at_most_its_unit_times_the_norm(values, seed):  # 7, 42
    exact, rounded = (
        linalg.planted(jax.random.key(seed), 96, values, dtype)
        for dtype in (np.float32, jnp.bfloat16)
    )
    stored, again = linalg.spectrum(rounded), linalg.spectrum(rounded.astype(jnp.float32))
    close(svdvals(exact), values, atol=4 * EPS)
    bound = 2.0**-8 * np.linalg.norm(values)
    assert 1e-3 * bound < np.abs(stored.values - values).max() <= bound  # about 0.03 of it
    close(stored.backward_error, bound, rtol=0.01)
    np.testing.assert_array_equal(stored.values, again.values)


@every_case
@seeds
def test_singular_values_survive_permutations_and_rotations(method, rows, values, seed):  # 8
    table = planted(seed, rows, values)
    order = np.random.default_rng(seed).permutation(rows)
    rotated = table @ orthogonal(seed, len(values)), orthogonal(seed, rows) @ table
    for changed in (table, table[order], *rotated):
        close(spectrum(changed, method).values, values, atol=SLACK[method])


@both_defaults
@pytest.mark.parametrize(("r", "q"), [(3, 8), (8, 5), (2, 2)])
def test_logits_have_at_most_the_smaller_rank_of_the_two_tables(method, r, q):  # 9
    left, right = (np.r_[np.geomspace(1, 0.1, k), np.zeros(12 - k)] for k in (r, q))
    of = spectrum(planted(0, 96, left) @ planted(1, 16, right).T, method)
    linalg.assert_rank_at_most(of, min(r, q))
    linalg.assert_matrix_rank(of, min(r, q))  # which almost all pairs reach


def test_a_rank_far_below_the_dimension_is_certified_by_qr_too():  # 9
    values = np.r_[np.geomspace(1, 0.1, 3), np.zeros(13)]
    tables = (planted(seed, 96, values) for seed in range(40))
    assert all(linalg.rank(spectrum(table, "qr")).certified for table in tables)


@both_defaults
@every_spectrum
@pytest.mark.parametrize("size", [0.0, 1.0, 100.0])
def test_centring_interlaces_and_takes_at_most_one_rank(method, values, size):  # 10
    table = np.float32(planted(0, 96, values) + size * normal(3, 1, 16) / 96**0.5)
    whole, centred = (spectrum(table, method, center) for center in (False, True))
    slack = SLACK[method] * whole.frobenius  # of the table with its mean, not of what is left
    close(centred.values, svdvals(table - np.float64(table).mean(axis=0)), atol=slack)
    assert (centred.values <= whole.values + slack).all()
    assert (whole.values[1:] <= centred.values[:-1] + slack).all()
    before, after = (int(linalg.rank(of).rank) for of in (whole, centred))
    assert before - 1 <= after <= before


@both_defaults
@seeds
def test_equal_rows_have_rank_one_and_centred_rank_zero(method, seed):  # 10
    table = np.tile(normal(seed, 1, 16), (96, 1))
    for center, r in ((False, 1), (True, 0)):
        linalg.assert_matrix_rank(spectrum(table, method, center), r)


@PLAIN_AND_JIT
@every_spectrum
def test_effective_numbers_of_directions_stand_in_one_order(transform, values):  # 11
    def measures(of):
        squared = of._replace(values=of.values**2)
        first = linalg.stable_rank(of), linalg.participation_ratio(of)
        rest = linalg.effective_rank(squared), linalg.effective_rank(of), linalg.rank(of).rank
        return [*first, *rest], linalg.explained_variance(of)

    numbers, shares = transform(measures)(spectrum(planted(0, 96, values), "gram64"))
    p = values**2 / np.sum(values**2)
    entropies = scipy.stats.entropy(p), scipy.stats.entropy(values)
    expected = [1 / p.max(), 1 / np.sum(p**2), *np.exp(entropies), np.count_nonzero(values)]
    close(numbers, expected, rtol=8 * EPS * 16)
    close(shares, p, atol=8 * EPS)
    assert (np.diff([1.0, *numbers]) >= -8 * EPS * 16).all()


@PLAIN_AND_JIT
@seeds
def test_isoscore_is_that_of_its_authors_in_six_steps(transform, seed):  # 12
    table = np.float32(normal(seed, 96, 16) * np.geomspace(1, 0.1, 16) + 3)
    n, variances = 16, np.linalg.eigvalsh(np.cov(table, rowvar=False, dtype=np.float64))
    unit = np.sqrt(n) * variances / np.linalg.norm(variances)  # Rudman et al. 2022, algorithm 1
    defect = np.linalg.norm(unit - 1) / np.sqrt(2 * (n - np.sqrt(n)))
    filled = (n - defect**2 * (n - np.sqrt(n))) ** 2 / n**2
    expected = (n * filled - 1) / (n - 1)
    close(transform(linalg.isoscore)(table), expected, atol=16 * EPS)
    close(linalg.isoscore(table), expected, rtol=1e-12)
    close(linalg.isoscore(linalg.spectrum(table, center=True)), expected, rtol=1e-12)


@PLAIN_AND_JIT
@seeds
def test_cosines_of_all_pairs_are_those_of_the_dense_form(transform, seed):  # 13, 16
    def measures(table, unit):
        potential = (linalg.gram(unit) ** 2).sum()
        return linalg.mean_cosine(table), potential, m**2 / linalg.participation_ratio(unit)

    m, n, table = 96, 16, normal(seed, 96, 16) + 0.3
    unit = np.float64(table) / np.linalg.norm(np.float64(table), axis=1, keepdims=True)
    mean, potential, by_ratio = transform(measures)(table, np.float32(unit))
    cosines = (unit @ unit.T)[~np.eye(m, dtype=bool)]
    close(mean, cosines.mean(), atol=8 * EPS)
    close([potential, by_ratio], np.sum(cosines**2) + m, rtol=16 * EPS)
    assert potential >= m**2 / n


@pytest.mark.parametrize(("m", "n"), [(4, 3), (12, 12), (40, 7), (41, 16)])
def test_the_frame_bound_is_met_by_a_tight_frame(m, n):  # 16
    frame = np.asarray(linalg.tight_frame(m, n))
    close(np.linalg.norm(frame, axis=1), 1, atol=4 * EPS)
    close(linalg.gram(frame), m / n * np.eye(n), atol=4 * EPS * m)
    close(linalg.participation_ratio(frame), n, rtol=8 * EPS)


@PLAIN_AND_JIT
@seeds
def test_comparisons_survive_rotations_and_some_translations(transform, seed):  # 15
    def of_directions(a):
        return cosine(jnp.asarray(a), jnp.asarray(a)), linalg.pip_distance(a, other / 9)

    def of_differences(a):
        distances = euclidean(jnp.asarray(a), jnp.asarray(a))
        return distances, linalg.cka(a, other), linalg.isoscore(a)

    def rotate(a):
        return np.float32(a @ orthogonal(seed, 16))

    table, other = np.float32(planted(seed, 96, 3 * SPECTRA["steep"] ** 0.3)), normal(9, 96, 5)
    directions, differences = transform(of_directions), transform(of_differences)
    for measure in (directions, differences):
        linalg.assert_invariant(measure, rotate, table, tolerance=16 * EPS)
    linalg.assert_invariant(differences, lambda a: a + np.float32(0.3), table, tolerance=16 * EPS)
    with pytest.raises(AssertionError, match="equal values"):
        linalg.assert_invariant(directions, lambda a: a + np.float32(0.3), table, tolerance=1e-2)


@seeds
def test_isotropy_asks_every_axis_in_both_directions_however_rotated(seed):  # 15
    table = planted(seed, 96, 9 * SPECTRA["steep"])
    axes = np.linalg.svd(table)[2].T
    z = np.exp(table @ np.c_[axes, -axes]).sum(axis=0)
    for turned in (table, table @ orthogonal(seed, 16)):
        close(linalg.partition_isotropy(turned), z.min() / z.max(), rtol=1e-9)


@PLAIN_AND_JIT
@seeds
def test_a_projector_is_symmetric_idempotent_and_of_trace_k(transform, seed):  # 17
    def parts(basis):
        once = linalg.project(eye, basis)
        return once, linalg.project(once, basis), linalg.reject(eye, basis)

    table, eye = np.float32(planted(seed, 96, SPECTRA["deficient"])), np.eye(16)
    once, twice, rest = map(np.asarray, transform(parts)(np.float32(linalg.basis(table))))
    rows = np.float64(np.linalg.svd(table)[2][:9])
    close(once, rows.T @ rows, atol=8 * EPS)
    close(np.trace(once), 9, atol=9 * 4 * EPS)
    for same in (once.T, once @ once, twice, eye - rest):
        close(same, once, atol=4 * EPS)


@PLAIN_AND_JIT
@pytest.mark.parametrize("outside", [0.0, 1e-5, 1e-2, 1.0])
def test_membership_measures_the_planted_part_outside(transform, outside):  # 17
    frame, inside = np.float32(orthogonal(0, 16)), np.float32([0.6, 0.0, -0.8, 0.0, 0.0])
    vector = frame[:, :5] @ inside + np.float32(outside) * frame[:, 9]
    report = transform(linalg.membership)(vector, frame[:, :5])
    close(report.residual, outside / np.hypot(1, outside), atol=4 * EPS)
    close(report.coefficients, inside, atol=4 * EPS)
    assert bool(report) == (outside == 0)


@PLAIN_AND_JIT
@seeds
def test_principal_angles_are_scipys_and_add_up_with_the_complements(transform, seed):  # 18
    ours = transform(linalg.principal_angles)
    left, whole = np.float32(orthogonal(seed, 16, 3)), np.float32(orthogonal(seed + 9, 16))
    scipys = scipy.linalg.subspace_angles(np.float64(left), np.float64(whole[:, :5]))[::-1]
    for angles in (ours(left, whole[:, :5]), ours(whole[:, :5], left)):
        close(angles, scipys, atol=8 * EPS)
    beyond = np.float64(ours(left, whole[:, 5:]))[::-1]  # cos^2 + sin^2 = 1
    close(scipys + beyond, np.pi / 2, atol=8 * EPS)


@PLAIN_AND_JIT
@pytest.mark.parametrize("tilt", [0.0, 1e-6, 1e-3, 0.5])
def test_angles_are_of_the_span_whatever_its_basis(transform, tilt):  # 18
    frame, mix = orthogonal(0, 16), planted(1, 4, np.geomspace(1, 0.1, 4))  # of condition 10
    tilted = np.c_[np.cos(tilt) * frame[:, 0] + np.sin(tilt) * frame[:, 5], frame[:, 1:4]]
    left, right = (np.linalg.qr(np.float32(b))[0] for b in (frame[:, :4], tilted @ mix))
    angles = transform(linalg.principal_angles)(left, right)
    close(angles, [0, 0, 0, tilt], atol=4 * EPS * 10)


@PLAIN_AND_JIT
@seeds
@pytest.mark.parametrize("noise", [0.0, 1e-4, 0.3])
def test_procrustes_finds_the_rotation_that_comes_nearest(transform, seed, noise):  # 19
    left, q = np.float32(planted(seed, 96, np.geomspace(1, 0.1, 16))), orthogonal(seed, 16)
    right = np.float32(left @ q + noise * normal(seed, 96, 16) / 40)
    fit = transform(linalg.procrustes)(left, right)
    best = np.float64(fit.rotation)
    scipys = scipy.linalg.orthogonal_procrustes(np.float64(left), np.float64(right))[0]
    close(best, scipys, atol=40 * EPS)  # 4 EPS cond(A)
    close(best, q, atol=40 * EPS + 4 * noise)
    close(best.T @ best, np.eye(16), atol=16 * EPS)
    others = [q, *(orthogonal(i, 16) for i in range(5, 10))]
    distance, *larger = (np.linalg.norm(left @ rotation - right) for rotation in (best, *others))
    close(fit.residual, distance, atol=4 * EPS)
    assert distance <= min(larger) + 16 * EPS  # R is rounded too


@PLAIN_AND_JIT
@seeds
@pytest.mark.parametrize("change", [1.0, 1e-4])
def test_pip_and_cka_are_those_of_the_dense_kernels(transform, seed, change):  # 15, 20
    def measures(a, b, turned):
        ckas = [linalg.cka(a + 2, b - 3, unbiased=unbiased) for unbiased in (True, False)]
        return linalg.pip_distance(a, b), linalg.pip_distance(a, turned), ckas

    left, q = 5 * normal(seed, 60, 8), np.float32(orthogonal(seed, 8))
    right = left @ q + np.float32(change) * normal(7, 60, 8)
    pip, none, ckas = transform(measures)(left, right, left @ q)
    kernels = [np.float64(matrix) @ np.float64(matrix).T for matrix in (left, right)]
    # the formula by way of three Gram matrices would be off by sqrt(EPS) of the norm
    bound = 4 * EPS * np.linalg.norm(kernels[0])
    close([pip, none], [np.linalg.norm(kernels[0] - kernels[1]), 0.0], atol=bound)

    def biased(a, b):
        h = np.eye(60) - 1 / 60
        return np.sum((h @ a @ h) * b)

    def unbiased(a, b):  # Song et al. 2012, eq. 5
        (a, b), m = (matrix - np.diag(np.diag(matrix)) for matrix in (a, b)), 60
        return np.sum(a * b) + a.sum() * b.sum() / (m - 1) / (m - 2) - 2 / (m - 2) * (a @ b).sum()

    for cka, hsic in zip(ckas, (unbiased, biased), strict=True):
        size = np.prod([hsic(k, k) for k in kernels]) ** 0.5
        close(cka, hsic(*kernels) / size, atol=16 * EPS)


@both_defaults
@pytest.mark.parametrize("d", [0, 1, 3, 9])
def test_all_but_the_top_takes_the_top_and_its_rank_and_no_more(method, d):  # 21
    table = jnp.asarray(np.float32(planted(0, 96, SPECTRA["deficient"]) + 0.05))
    of = spectrum(table, method, center=True)
    result = np.asarray(linalg.all_but_the_top(table, d, of))
    centred = np.float64(table) - np.float64(table).mean(axis=0)
    top = np.linalg.svd(centred)[2][:d]
    close(result, centred - centred @ top.T @ top, atol=8 * EPS)
    # by the tolerance of the table: its rounding has not become smaller
    before, after = linalg.rank(of), linalg.rank(result, tolerance=of.tolerance)
    assert (after.rank, bool(after.certified)) == (before.rank - d, True)


@both_defaults
@every_spectrum
def test_whitening_makes_the_covariance_the_projector_on_the_rows(method, values):  # 22
    table = jnp.asarray(np.float32(planted(0, 96, values) + 0.05))
    white = np.float64(linalg.whiten(table, spectrum(table, method, center=True)))
    _, sizes, axes = np.linalg.svd(np.float64(table) - np.float64(table).mean(axis=0))
    kept = axes[: np.sum(sizes > 1e-5)]
    bound = 2 * SLACK[method] * sizes[0] / sizes[len(kept) - 1]
    close(white.T @ white / 96, kept.T @ kept, atol=bound)
    close(white.mean(axis=0), 0, atol=bound)


def skipgram(u, c, ids):
    return jnp.sum(jax.vmap(losses.skipgram)(u[ids[:, 0]], c[ids[:, 1]], c[ids[:, 2:5]]))


def cbow(u, c, ids):
    mask = jnp.float32(ids[:, 5:] % 5 > 0)
    return jnp.sum(jax.vmap(losses.cbow)(u[ids[:, 5:]], mask, c[ids[:, 0]], c[ids[:, 2:5]]))


def softmax(u, c, ids):
    """Of no use but to compare with."""
    scores = jax.nn.log_softmax(u[ids[:, 0]] @ c.T)
    return -jnp.sum(scores[jnp.arange(len(ids)), ids[:, 1]])


LOSSES = {f.__name__: jax.jit(f) for f in (skipgram, cbow, softmax)}
GRADIENTS = {f.__name__: jax.jit(jax.grad(f, argnums=(0, 1))) for f in (skipgram, cbow, softmax)}


def batch(seed: int):
    """(input table, output table, ids with repeats)."""
    ids = np.random.default_rng(seed).integers(0, 30, (20, 9))
    return jnp.asarray(normal(seed, 30, 8)), jnp.asarray(normal(seed + 9, 30, 8)), ids


@seeds
@every_loss
def test_a_common_rotation_keeps_the_loss_and_turns_the_gradient(name, seed):  # 23, 24
    def turn(u, c, ids=None):
        turned = tuple(jnp.asarray(np.float32(t @ orthogonal(seed, 8))) for t in (u, c))
        return turned if ids is None else (*turned, ids)

    arguments = batch(seed)
    linalg.assert_invariant(LOSSES[name], turn, *arguments, tolerance=8 * EPS)
    linalg.assert_equivariant(
        GRADIENTS[name], turn, lambda g: turn(*g), *arguments, tolerance=16 * EPS
    )


@seeds
@every_loss
@pytest.mark.parametrize("condition", [1.0, 30.0, 1000.0])
def test_what_changes_one_table_is_undone_by_its_inverse_on_the_other(name, seed, condition):  # 25
    def change(u, c, ids):
        pairs = (u, g), (c, np.linalg.inv(g).T)
        return *(jnp.asarray(np.float32(t @ factor)) for t, factor in pairs), ids

    g = planted(seed, 8, np.geomspace(condition**0.5, condition**-0.5, 8))
    linalg.assert_invariant(LOSSES[name], change, *batch(seed), tolerance=8 * EPS * condition)


@seeds
@every_loss
def test_the_gauge_identity_holds_in_float32(name, seed):  # 26
    u, c, ids = batch(seed)
    to_u, to_c = map(np.float64, GRADIENTS[name](u, c, ids))
    close(u.T @ to_u, (c.T @ to_c).T, atol=16 * EPS * (np.abs(u).T @ np.abs(to_u)).max())


@pytest.mark.parametrize(
    ("kind", "objective"),
    [(learners.dense, objectives.cbow), (learners.row_sparse, objectives.skipgram)],
)
def test_a_step_changes_the_balance_of_the_tables_in_second_order_only(kind, objective):  # 27
    def balance(pair):
        return linalg.gram(np.float64(pair.input)) - linalg.gram(np.float64(pair.output))

    u, c, ids = batch(0)
    near, weight = np.float32(np.random.default_rng(1).integers(0, 3, (2, 2, 5, 5)))
    target = np.tile(np.float32([1, 1, 1, -1, -1]), (2, 1))
    whole = objective()  # of a block of any weights: no output is one center's own
    learner = kind(whole._replace(reads=whole.reads._replace(own=0)))
    rows = InOut(*ids[:10, :2].T.reshape(2, 2, 5))
    read = jax.tree.map(jnp.asarray, Block(rows, near, target, weight, np.ones(2, np.float32)))
    start, step = InOut(u, c), jax.jit(learner.step)
    after, far = (step(learner.init(start), read, rate, None).tables for rate in (0.1, 1.0))
    gradient = InOut(*(np.float64(a) - np.float64(b) for a, b in zip(start, far, strict=True)))
    expected = 0.1**2 * balance(gradient)
    bound = 16 * EPS * np.abs(linalg.gram(np.float64(after.input))).max()
    assert np.abs(expected).max() > 1000 * bound
    close(balance(after) - balance(start), expected, atol=bound)


@pytest.mark.parametrize("centers", [1, 5, 30])
def test_an_input_gradient_has_the_rows_and_rank_of_its_centers(centers):  # 28
    u, c, ids = batch(0)
    ids[:, 0] %= centers
    gradient = GRADIENTS["skipgram"](u, c, ids)[0]
    linalg.assert_row_sparse(gradient, ids[:, 0])
    linalg.assert_matrix_rank(gradient, min(len(set(ids[:, 0])), 8))


@jax.jit
def expected_loss(u, c, weight):
    target = jnp.repeat(jnp.array([1.0, -1.0]), len(c))
    return losses.logistic(u, jnp.concatenate([c, c]), target, weight)


@pytest.mark.parametrize("collision", [blocks.keep, blocks.skip, blocks.resample])
@pytest.mark.parametrize("power", [0.75, 1.0])
def test_the_expected_loss_is_least_at_shifted_pmi_and_only_there(collision, power):  # 30
    """Levy and Goldberg 2014, with noise by count^power, and with each rule of collision."""
    size, k, random = 6, 5, np.random.default_rng(0)
    joint = random.uniform(0.2, 1.0, (size, size))
    joint = (joint + joint.T) / (joint + joint.T).sum()
    word = joint.sum(axis=1)
    noise = word**power / np.sum(word**power)
    anew = joint / (1 - noise)
    drawn = {  # how often noise c is drawn beside w, over P_n(c)
        blocks.keep: word[:, None],
        blocks.skip: word[:, None] - joint,  # P(w) (1 - P(c | w))
        blocks.resample: anew.sum(axis=1, keepdims=True) - anew,
    }[collision]
    u, sizes, ct = np.linalg.svd(np.log(joint / (k * noise * drawn)))
    u, c = u * np.sqrt(sizes), ct.T * np.sqrt(sizes)
    with jax.enable_x64(True):
        every = jnp.arange(size)
        met = collision(jnp.asarray(joint), every, every, jnp.asarray(noise))
        weight = np.c_[joint, k * noise * np.asarray(met)]
        for gradient in jax.jit(jax.grad(expected_loss, argnums=(0, 1)))(u, c, weight):
            close(gradient, 0.0, atol=1e-12)
        moved = [c + 0.01 * random.normal(size=(size, size)) for _ in range(20)]
        least, *others = (float(expected_loss(u, outputs, weight)) for outputs in (c, *moved))
    assert min(others) > least + 1e-7


@seeds
def test_softmax_does_not_notice_one_vector_added_to_all_outputs_but_sampling_does(seed):  # 31
    u, c, ids = batch(seed)
    for name, loss in LOSSES.items():
        apart = abs(loss(u, c + normal(seed + 5, 1, 8), ids) / loss(u, c, ids) - 1)
        assert apart <= 8 * EPS if name == "softmax" else apart > 1e-3


@seeds
def test_cbow_does_not_notice_the_order_of_its_window(seed):  # 34
    u, c, ids = batch(seed)
    order = np.r_[:5, 5 + np.random.default_rng(seed).permutation(4)]
    close(LOSSES["cbow"](u, c, ids[:, order]), LOSSES["cbow"](u, c, ids), rtol=4 * EPS)


@seeds
def test_analogies_do_not_notice_rotations_and_a_common_scale(seed, tmp_path, monkeypatch):  # 43
    names = tuple(chr(97 + i // 26) + chr(97 + i % 26) for i in range(60))
    vocab, table, lines = Vocab(names, np.arange(60, 0, -1)), normal(seed, 60, 12), []
    unit = np.float64(table) / np.linalg.norm(np.float64(table), axis=1, keepdims=True)
    for i in range(200):
        a, b, c = np.random.default_rng(i).choice(60, 3, replace=False)
        scores = unit @ (unit[b] - unit[a] + unit[c])
        scores[[a, b, c]] = -np.inf
        second, first = np.argsort(scores)[-2:]
        if scores[first] - scores[second] > 16 * EPS:  # else rounding might answer
            right = len(lines) % 2 == 0  # and wrong in turns
            lines.append(" ".join(names[j] for j in (a, b, c, first if right else second)))
    (tmp_path / bundled.QUESTIONS).write_text("\n".join(lines))
    monkeypatch.setattr(bundled, "test_files", lambda: tmp_path)
    for changed in (table, 7 * table, table @ orthogonal(seed, 12)):
        score = bundled.analogies(vocab, np.float32(changed))
        close(
            [score.scored, score.value * len(lines)], [len(lines), -(-len(lines) // 2)], atol=1e-9
        )
