"""Laws of the expected skip-gram loss. Oracles: algebra in float64; enumerated noise."""

import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxemb.counts import pmi
from jaxemb.functional import sampling
from jaxemb.static import batches, blocks, objectives, optimum, tables
from jaxemb.structs import InOut, Sparse

NEGATIVES = 5
RULES = {"keep": optimum.keep, "skip": optimum.skip, "resample": optimum.resample}
_slope = jax.jit(jax.grad(optimum.loss))
every_rule = pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())


@pytest.fixture(autouse=True)
def double():
    """The theorem is about real numbers: float32 would agree to 1e-7 only."""
    with jax.enable_x64(True):
        yield


def _problem(seed: int):
    """Shares of the pairs of six words, and the noise distribution: counts to the power 3/4."""
    random = np.random.default_rng(seed)
    counts = random.integers(1, 60, (6, 6)).astype(np.float64)
    mass = counts.sum(axis=0) ** 0.75
    return counts / counts.sum(), mass / mass.sum(), random


@every_rule
@pytest.mark.parametrize("seed", range(3))
def test_the_loss_is_stationary_at_the_optimum_of_its_rule_and_of_no_other(rule, seed):
    counts, noise, _ = _problem(seed)
    noise_counts = rule(counts, NEGATIVES, noise)

    def slope(scores):
        return float(np.abs(_slope(scores, counts, noise_counts)).max())

    assert slope(optimum.scores(counts, noise_counts)) <= 1e-12
    for other in set(RULES.values()) - {rule}:
        assert slope(optimum.scores(counts, other(counts, NEGATIVES, noise))) > 1e-4


@pytest.mark.parametrize("seed", range(3))
def test_the_optimum_of_independent_noise_is_shifted_pmi(seed):
    """PMI by its definition, with P_n(c) in the place of P(c)."""
    counts, noise, _ = _problem(seed)
    together, alone = counts / counts.sum(), counts.sum(axis=1) / counts.sum()
    pmi = np.log(together / (alone[:, None] * noise[None, :]))
    kept = optimum.scores(counts, optimum.keep(counts, NEGATIVES, noise))
    np.testing.assert_allclose(kept, pmi - np.log(NEGATIVES), atol=1e-13)
    skipped = optimum.scores(counts, optimum.skip(counts, NEGATIVES, noise))
    given = counts / counts.sum(axis=1, keepdims=True)  # P(context | word)
    np.testing.assert_allclose(skipped, pmi - np.log(NEGATIVES) - np.log1p(-given), atol=1e-13)


@pytest.mark.parametrize("seed", range(3))
def test_resampled_noise_is_the_noise_of_each_observed_context_renormalised(seed):
    counts, noise, _ = _problem(seed)
    expected = np.zeros_like(counts)
    for (w, t), n in np.ndenumerate(counts):
        others = np.where(np.arange(6) == t, 0.0, noise)
        expected[w] += n * NEGATIVES * others / others.sum()
    np.testing.assert_allclose(optimum.resample(counts, NEGATIVES, noise), expected, rtol=1e-13)
    # every draw is used: as many as independent noise has
    np.testing.assert_allclose(
        expected.sum(axis=1), optimum.keep(counts, NEGATIVES, noise).sum(axis=1), rtol=1e-13
    )


@every_rule
def test_newton_from_a_random_start_arrives_at_the_optimum(rule):
    """The loss of each cell is convex: the Hessian is diagonal and positive, the minimum unique."""
    counts, noise, random = _problem(0)
    noise_counts = rule(counts, NEGATIVES, noise)

    def loss(scores):
        return optimum.loss(scores.reshape(6, 6), counts, noise_counts)

    slope, bend = jax.jit(jax.grad(loss)), jax.jit(jax.hessian(loss))
    current = jnp.asarray(random.uniform(-1, 1, 36))
    for _ in range(12):
        current = current - jnp.linalg.solve(bend(current), slope(current))
    best = optimum.scores(counts, noise_counts)
    np.testing.assert_allclose(current.reshape(6, 6), best, atol=1e-12)
    hessian = np.asarray(bend(best.reshape(-1)))
    assert np.count_nonzero(hessian - np.diag(np.diag(hessian))) == 0
    assert np.diag(hessian).min() > 0


@every_rule
def test_tables_of_full_rank_reach_the_optimum_and_stay_there(rule):
    """At the factors of an SVD both tables' gradients vanish; at a lower rank they do not."""
    counts, noise, _ = _problem(1)
    noise_counts = rule(counts, NEGATIVES, noise)

    @jax.jit
    @jax.grad
    def slope(whole: InOut):
        return optimum.loss(whole.input @ whole.output.T, counts, noise_counts)

    left, values, right = np.linalg.svd(optimum.scores(counts, noise_counts))
    root = np.sqrt(values)[None, :]
    whole = InOut(left * root, right.T * root)
    for gradient in slope(whole):
        assert np.abs(gradient).max() <= 1e-12
    cut = InOut(*(table[:, :3] for table in whole))
    assert max(np.abs(gradient).max() for gradient in slope(cut)) > 1e-4


def test_what_was_never_seen_or_is_never_drawn_has_no_finite_optimum():
    counts = np.array([[4.0, 0.0], [3.0, 5.0]])
    noise = np.array([0.25, 0.75])
    kept = optimum.scores(counts, optimum.keep(counts, NEGATIVES, noise))
    assert kept[0, 1] == -np.inf
    assert np.isfinite(kept[1]).all()
    # word 0 meets context 0 alone, which is then never its noise
    assert optimum.scores(counts, optimum.skip(counts, NEGATIVES, noise))[0, 0] == np.inf


@every_rule
def test_the_optimum_of_cells_is_that_of_the_dense_matrix(rule, monkeypatch):
    """And for independent noise, shifted PMI as `pmi` computes it; two rows at a time."""
    monkeypatch.setattr(optimum, "_ROOM", 12)
    counts, noise, random = _problem(2)
    counts = 1000 * counts * random.integers(0, 2, (6, 6))
    rows, columns = (side.astype(np.int32) for side in np.nonzero(counts))
    cells = Sparse(rows, columns, np.float32(counts[rows, columns]))
    with jax.enable_x64(False):
        optimal = optimum.of_cells(cells, 6, NEGATIVES, noise, rule)
    expected = optimum.scores(counts, rule(counts, NEGATIVES, noise))[cells.rows, cells.columns]
    np.testing.assert_allclose(optimal.values, expected, rtol=1e-5, atol=1e-5)
    if rule is optimum.keep:
        shifted = pmi.shifted(pmi.pmi(cells, 6, contexts=noise), NEGATIVES)
        np.testing.assert_allclose(optimal.values, shifted.values, rtol=1e-5, atol=1e-5)


@every_rule
def test_counts_that_are_whole_numbers_do_not_wrap_where_int32_ends(rule):
    counts, noise = np.array([[2**30, 2**31, 2**33], [1, 2, 3]]), np.full(3, 1 / 3)
    expected = rule(counts.astype(np.float64), NEGATIVES, noise)
    with jax.enable_x64(False):
        noise_counts = rule(counts, NEGATIVES, noise)
        scored = optimum.scores(counts, noise_counts)
        lost = optimum.loss(np.zeros((2, 3)), counts, noise_counts)
    np.testing.assert_allclose(noise_counts, expected, rtol=1e-6)
    np.testing.assert_allclose(scored, np.log(counts / expected), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(lost, np.log(2) * (counts + expected).sum(), rtol=1e-6)


TEXT = (0, 3, 1, 1, -1, 2, 1, 0)  # four centers, with two words of context on either side
SETTINGS: dict[str, Any] = {
    "window": 2,
    "negatives": NEGATIVES,
    "block_length": 4,
    "shared_negatives": 1,
}


def _every_block(objective, prepared: sampling.AliasTable):
    """The block for every choice of reaches and noise, and the probability of each choice."""
    reaches = jnp.array(list(itertools.product(range(2), repeat=4)), jnp.uint32)
    random = jnp.concatenate([reaches, jnp.zeros((16, 2), jnp.uint32)], axis=1)

    def always(word):
        """A noise table that draws this word, whatever the random numbers."""
        alias, threshold = jnp.full_like(prepared.alias, word), jnp.zeros_like(prepared.threshold)
        return prepared._replace(alias=alias, threshold=threshold)

    def block(random, word):
        return objective.draw(random, jnp.array(TEXT), always(word))

    every = jax.vmap(jax.vmap(block, in_axes=(None, 0)), in_axes=(0, None))
    drawn = jax.jit(every)(random, jnp.arange(len(prepared.probability)))
    flat = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), drawn)
    return flat, jnp.tile(prepared.probability / 16, 16)


def _counts(window: int):
    """#(w, c) of the four centers: distance d counts (window - d + 1) / window times."""
    counts = np.zeros((4, 4))
    for t, j in itertools.product(range(2, 6), range(len(TEXT))):
        apart, between = abs(t - j), TEXT[min(t, j) : max(t, j) + 1]
        if 0 < apart <= window and -1 not in between:
            counts[TEXT[t], TEXT[j]] += (window - apart + 1) / window
    return counts


@pytest.mark.parametrize("name", RULES)
def test_a_block_of_the_objective_has_this_loss_in_expectation(name, vocab):
    """Enumerates all draws of a block, with the weights and the loss of training."""
    objective = objectives.skipgram(collision=getattr(blocks, name), **SETTINGS)
    small = vocab._replace(words=vocab.words[:4], counts=np.array([50, 20, 7, 3]))
    with jax.enable_x64(False):
        prepared, _ = objective.prepare(small)
        every, chance = _every_block(objective, prepared)
        centers, outputs, weight = map(np.asarray, (*every.ids, every.weight))
        is_noise = (np.arange(len(TEXT) + 1) == len(TEXT)).astype(int)
        sums = np.zeros((2, 4, 4))  # observed, noise
        cells = is_noise[None, None, :], centers[:, :, None], outputs[:, None, :]
        np.add.at(sums, cells, np.asarray(chance)[:, None, None] * weight)
        keys = jax.random.split(jax.random.key(0))
        whole = InOut(*(jax.random.normal(key, (4, 3)) for key in keys))
        one = jax.tree.map(lambda leaf: leaf[:, None], every)  # batches of one block
        cost = jax.vmap(lambda b: batches.total(objective, tables.gather(whole, b.ids), b))
        total = float(chance @ jax.jit(cost)(one))
    counts, mass = _counts(window=2), np.float64(small.counts) ** 0.75
    noise_counts = RULES[name](counts, NEGATIVES, mass / mass.sum())
    np.testing.assert_allclose(sums[0], counts, rtol=1e-6)
    np.testing.assert_allclose(sums[1], noise_counts, rtol=1e-5, atol=1e-6)
    u, c = (np.asarray(table, np.float64) for table in whole)
    np.testing.assert_allclose(total, optimum.loss(u @ c.T, counts, noise_counts), rtol=1e-5)
