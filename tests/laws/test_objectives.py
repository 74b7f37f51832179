"""Laws of every objective. Oracles: the one-example losses over pairs; identities of algebra."""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxemb.functional import losses
from jaxemb.static import batches, blocks, objectives, tables
from jaxemb.structs import Bag, InOut
from tests.laws.members import (
    DRAWS,
    LOSSES,
    NO_GRADIENT,
    OBJECTIVES,
    SMALL,
    every_objective,
)
from tests.references import word2vec

DIM = 6
TEXTS = jnp.array([[0, 3, 1, 4, 2, -1, 5, 6], [7, 1, 1, 8, -1, 2, 9, -5]])


def batch_of(objective, vocab, seed: int = 0):
    """Tables away from zero, and a batch of two blocks."""
    resources, rows = objective.prepare(vocab)
    random = np.random.default_rng(seed)
    whole = InOut(*(jnp.asarray(random.normal(size=(n, DIM)), jnp.float32) for n in rows))
    bits = random.integers(0, 2**32, (2, objective.reads.bits), np.uint32)
    return whole, _drawn(objective.draw)(bits, TEXTS, resources)


@functools.cache
def _drawn(draw):
    return jax.jit(jax.vmap(draw, in_axes=(0, 0, None)))


def loss_of(objective, whole, batch):
    return batches.total(objective, tables.gather(whole, batch.ids), batch)


def rows_read(ids):
    """The ids of all rows that are read."""
    if not isinstance(ids, Bag):
        return np.asarray(ids)
    ids = jax.tree.map(np.asarray, ids)
    return ids.rows[np.arange(ids.rows.shape[-1]) < ids.length[..., None]]


def renamed(ids, new):
    return ids._replace(rows=new[ids.rows]) if isinstance(ids, Bag) else new[ids]


gradient_of = jax.jit(jax.grad(loss_of, argnums=1), static_argnums=0)
loss_of = jax.jit(loss_of, static_argnums=0)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("draw", ["skipgram", "skipgram fixed", "skipgram skip"])
def test_a_skipgram_block_costs_the_sum_of_its_pairs(draw, seed, vocab):
    """losses.skipgram over every observed pair, its noise term weighed by k/K."""
    objective = DRAWS[draw](**SMALL)
    whole, batch = batch_of(objective, vocab, seed)
    k, shared = SMALL["negatives"], SMALL["shared_negatives"]
    v, u = (np.float64(t) for t in whole)
    expected = 0.0
    for ids, weight in zip(zip(*batch.ids, strict=True), np.asarray(batch.weight), strict=True):
        center, out = (np.asarray(i) for i in ids)
        for t, j in itertools.product(range(len(center)), range(len(out) - shared)):
            if not weight[t, j]:
                continue
            observed = word2vec.minus_log_sigma(u[out[j]] @ v[center[t]])
            met = [n for n in out[-shared:] if draw != "skipgram skip" or n != out[j]]
            noise = sum(word2vec.minus_log_sigma(-(u[n] @ v[center[t]])) for n in met)
            expected += observed + k / shared * noise
    np.testing.assert_allclose(loss_of(objective, whole, batch), expected, rtol=1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_a_cbow_block_costs_the_sum_of_its_centers(seed, vocab):
    """The textbook losses.cbow, one center at a time, when every noise word counts once."""
    objective = objectives.cbow(**{**SMALL, "negatives": SMALL["shared_negatives"]})
    whole, batch = batch_of(objective, vocab, seed)
    shared, expected = SMALL["shared_negatives"], 0.0
    for b in range(2):
        out = whole.output[batch.ids.output[b]]
        for t in range(4):
            if batch.weight[b, t, 0]:
                window = whole.input[batch.ids.input[b]]
                expected += losses.cbow(window, batch.pool[b, t], out[t], out[-shared:])
    np.testing.assert_allclose(loss_of(objective, whole, batch), expected, rtol=1e-5)


@pytest.mark.parametrize("draw", ["skipgram", "cbow"])
def test_shared_noise_has_the_expected_gradient_of_own_draws_exactly(draw, vocab):
    """Enumerates the noise: with one shared word, its masses give the papers' k E_n[...]."""
    objective = DRAWS[draw](**{**SMALL, "shared_negatives": 1})
    whole, batch = batch_of(objective, vocab, 1)
    mass = vocab.counts**0.75 / np.sum(vocab.counts**0.75)

    def expected(whole):
        """k draws for every pair, in expectation, by the textbook loss."""
        total = 0.0
        for b in range(2):
            hidden = objective.pool(
                whole.input[batch.ids.input[b]], jax.tree.map(lambda x, b=b: x[b], batch)
            )
            observed = whole.output[batch.ids.output[b]][:-1]
            pairs = batch.weight[b][:, :-1]
            scores = hidden @ observed.T
            if objective.reads.own:  # each center has one of its own
                scores = jnp.diag(scores)[:, None]
            at_noise = losses.softplus(hidden @ whole.output.T) @ jnp.float32(mass)
            both = losses.softplus(-scores) + SMALL["negatives"] * at_noise[:, None]
            total += jnp.sum(pairs * both)
        return total

    def enumerated(whole):
        every = jnp.arange(len(mass))

        def with_noise(word):
            ids = batch.ids._replace(output=batch.ids.output.at[:, -1].set(word))
            changed = batch._replace(ids=ids)
            return batches.total(objective, tables.gather(whole, ids), changed)

        return jnp.float32(mass) @ jax.vmap(with_noise)(every)

    ours, theirs = (jax.jit(jax.grad(f))(whole) for f in (enumerated, expected))
    for left, right in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-4, atol=1e-5)  # 12 words in other order


@every_objective
def test_rows_that_were_not_read_get_no_gradient(objective, vocab):
    whole, batch = batch_of(objective, vocab)
    for side, gradient in enumerate(gradient_of(objective, whole, batch)):
        unread = np.setdiff1d(np.arange(len(gradient)), rows_read(batch.ids[side]))
        np.testing.assert_array_equal(gradient[unread], 0.0)


@every_objective
def test_a_common_rotation_of_both_tables_changes_no_loss_and_turns_the_gradient(objective, vocab):
    whole, batch = batch_of(objective, vocab)
    q, _ = jnp.linalg.qr(jax.random.normal(jax.random.key(9), (DIM, DIM)))
    turned = jax.tree.map(lambda t: t @ q, whole)
    # 16 eps of numbers that are sums of some hundred terms
    np.testing.assert_allclose(
        loss_of(objective, turned, batch), loss_of(objective, whole, batch), rtol=2e-5
    )
    pairs = gradient_of(objective, turned, batch), gradient_of(objective, whole, batch)
    for after, before in zip(*pairs, strict=True):
        np.testing.assert_allclose(after, before @ q, rtol=1e-3, atol=2e-4)


@every_objective
def test_the_gauge_identity_holds(objective, vocab):
    """U^T dU = (C^T dC)^T for any loss of U C^T alone: a wrong sign or a lost term breaks it.

    word2vec's CBOW gradient is no gradient of a loss, nor fastText's, and they break it too.
    """
    whole, batch = batch_of(objective, vocab)
    gradient = gradient_of(objective, whole, batch)
    left = whole.input.T @ gradient.input
    right = (whole.output.T @ gradient.output).T
    exact = all(objective is not OBJECTIVES[name] for name in NO_GRADIENT)
    assert np.allclose(left, right, rtol=1e-3, atol=2e-3) == exact


@every_objective
def test_relabelling_the_vocabulary_relabels_the_gradient(objective, vocab):
    whole, batch = batch_of(objective, vocab)
    # old row -> new row
    new = InOut(*(jax.random.permutation(jax.random.key(4), len(table)) for table in whole))
    moved = jax.tree.map(lambda t, to: jnp.zeros_like(t).at[to].set(t), whole, new)
    other = batch._replace(ids=InOut(*map(renamed, batch.ids, new)))
    before, after = (gradient_of(objective, *both) for both in ((whole, batch), (moved, other)))
    np.testing.assert_array_equal(
        loss_of(objective, moved, other), loss_of(objective, whole, batch)
    )
    for old, fresh, to in zip(before, after, new, strict=True):
        np.testing.assert_allclose(fresh[to], old, rtol=1e-5, atol=1e-6)


@every_objective
def test_padding_costs_nothing(objective, vocab):
    whole, batch = batch_of(objective, vocab)
    resources, _ = objective.prepare(vocab)
    empty = objective.draw(jnp.zeros(objective.reads.bits, jnp.uint32), jnp.full(8, -1), resources)
    alone = jax.tree.map(lambda x: x[None], empty)
    both = jax.tree.map(lambda x, y: jnp.concatenate([x, y]), batch, alone)
    assert loss_of(objective, whole, alone) == 0
    np.testing.assert_allclose(
        loss_of(objective, whole, both), loss_of(objective, whole, batch), rtol=1e-6
    )


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("draw", DRAWS)
def test_every_loss_trains_under_every_draw(draw, loss, vocab):
    objective = DRAWS[draw](loss=LOSSES[loss], **SMALL)
    whole, batch = batch_of(objective, vocab)
    gradient = gradient_of(objective, whole, batch)
    step = jax.tree.map(lambda t, g: t - 1e-4 * g, whole, gradient)
    assert loss_of(objective, step, batch) < loss_of(objective, whole, batch)


@pytest.mark.parametrize("setting", ["window", "negatives", "shared_negatives", "block_length"])
@pytest.mark.parametrize("draw", ["skipgram", "cbow"])
def test_a_setting_below_one_is_refused(draw, setting):
    with pytest.raises(ValueError, match=f"{setting} is 0; it must be at least 1"):
        DRAWS[draw](**{setting: 0})


def test_a_vocabulary_of_one_word_is_refused(vocab):
    alone = vocab._replace(words=("a",), counts=vocab.counts[:1])
    with pytest.raises(ValueError, match=r"has 1 word\(s\)"):
        objectives.skipgram().prepare(alone)


def test_noise_rules_differ_only_where_noise_meets_its_word():
    observed, outputs = jnp.eye(3), jnp.array([4, 5, 6])
    rules, chance = (blocks.keep, blocks.skip, blocks.resample), jnp.array([0.5, 0.2, 0.75])
    kept, skipped, anew = (rule(observed, outputs, jnp.array([7, 5]), chance) for rule in rules)
    np.testing.assert_array_equal(kept - skipped, [[0, 0], [0, 1], [0, 0]])
    np.testing.assert_allclose(anew, [[2, 2], [1.25, 0], [4, 4]], rtol=1e-6)  # 1 / (1 - chance)
