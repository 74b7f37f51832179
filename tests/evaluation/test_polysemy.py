"""Senses with known truth. Oracles: definitions in float64 NumPy, planted senses, identities."""

import inspect
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxemb.errors import InputError
from jaxemb.evaluation import polysemy
from jaxemb.functional import similarity
from jaxemb.structs import Vocab

SEEDS = pytest.mark.parametrize("seed", range(3))


def _vocab(size: int = 400) -> Vocab:
    counts = np.sort(np.random.default_rng(0).integers(1, 5000, size))[::-1]
    return Vocab(tuple(f"w{i}" for i in range(size)), counts.astype(np.int64))


@SEEDS
def test_pairs_are_of_like_frequency_and_no_word_is_in_two(seed):
    vocab = _vocab()
    pairs = polysemy.id_pairs(vocab.counts, seed, pairs=60, ratio=1.1, max_count=4000)
    assert len(np.unique(pairs)) == 120
    counts = vocab.counts[pairs]
    assert counts.min() >= 50
    assert counts.max() <= 4000
    assert (counts.max(axis=1) <= 1.1 * counts.min(axis=1)).all()
    again = polysemy.id_pairs(vocab.counts, seed, pairs=60, ratio=1.1, max_count=4000)
    np.testing.assert_array_equal(pairs, again)


def test_with_a_table_no_pair_is_related():
    vocab = _vocab()
    table = np.random.default_rng(1).normal(size=(400, 20))
    unit = table / np.linalg.norm(table, axis=1, keepdims=True)
    cosines = [
        np.abs((unit[pairs[:, 0]] * unit[pairs[:, 1]]).sum(axis=1)).max()
        for pairs in (
            polysemy.id_pairs(vocab.counts, 0, table=table, max_cosine=0.1),
            polysemy.id_pairs(vocab.counts, 0),
        )
    ]
    assert cosines[0] <= 0.1 < cosines[1]


def test_too_few_words_or_a_taken_form_are_refused():
    vocab = _vocab(20)
    with pytest.raises(InputError, match=r"pairs among 0 words .* wanted 50: lower min_count"):
        polysemy.pseudo_words(vocab, 0, min_count=10_000)
    two = Vocab(("a", "b", "a|b", "b|a"), np.array([99, 99, 5, 5], np.int64))
    with pytest.raises(InputError, match="is a word of the text"):
        polysemy.pseudo_words(two, 0, pairs=1)


@SEEDS
def test_text_and_ids_are_merged_alike(seed):
    vocab = _vocab(40)
    pairs = polysemy.id_pairs(vocab.counts, seed, pairs=5, ratio=9.0)
    made = polysemy.pseudo_words(vocab, seed, pairs=5, ratio=9.0)
    ids = np.random.default_rng(seed).integers(-1, 40, 300).astype(np.int32)
    before = ids.copy()
    merged = polysemy.merge_ids(ids, pairs)
    np.testing.assert_array_equal(ids, before)
    assert merged.ids.dtype == ids.dtype
    for was, now, sense, form in zip(ids, *merged, strict=True):
        k, s = np.argwhere(pairs == was)[0] if was in pairs else (-1, -1)
        assert (now, sense, form) == (was if k < 0 else pairs[k, 0], s, k)
    words = [vocab.words[i] for i in ids if i >= 0]
    (tokens, senses), *rest = polysemy.merged(iter([words, []]), made)
    assert rest == [([], [])]
    assert senses == merged.senses[ids >= 0].tolist()
    named = {int(a): pseudo_word.form for (a, _), pseudo_word in zip(pairs, made, strict=True)}
    assert tokens == [named.get(int(i), vocab.words[i]) for i in merged.ids if i >= 0]


def test_a_word_of_two_pairs_is_refused():
    with pytest.raises(InputError, match="a word is in two pairs"):
        polysemy.merge_ids(np.arange(4), np.array([[0, 1], [1, 2]]))
    twice = [polysemy.PseudoWord("a|b", ("a", "b")), polysemy.PseudoWord("b|c", ("b", "c"))]
    with pytest.raises(InputError, match=re.escape("'b' is in 'a|b' and in 'b|c'")):
        next(polysemy.merged([["a"]], twice))


def _occurrences(seed: int, forms: int = 4, size: int = 900):
    random = np.random.default_rng(seed)
    form = random.integers(-1, forms, size)
    sense = np.where(form >= 0, (random.random(size) < 0.3).astype(int), -1)
    sense[form == 2] = 0  # one form that is always the same word
    return sense, form


@SEEDS
def test_a_split_is_balanced_and_what_is_tried_was_not_learned_from(seed):
    senses, forms = _occurrences(seed)
    split = polysemy.split_occurrences(senses, forms, seed, per_sense=12)
    assert len(np.unique(np.concatenate(split))) == 2 * 2 * 12 * 3  # halves, senses, forms
    for part in split:
        groups = 2 * forms[part] + senses[part]
        assert np.bincount(groups).tolist() == [12, 12, 12, 12, 0, 0, 12, 12]
    other = polysemy.split_occurrences(senses, forms, seed + 1, per_sense=12)
    assert (other.train != split.train).any()
    with pytest.raises(InputError, match="no pseudo-word has 1,000 occurrences of both senses"):
        polysemy.split_occurrences(senses, forms, seed, per_sense=500)


def test_a_form_that_just_has_enough_is_split():
    senses, forms = np.array([0, 1, 0, 1, 0, 1, 0, 1, 0]), np.array([0, 0, 0, 0, 1, 1, 1, 1, 1])
    assert len(polysemy.split_occurrences(senses, forms, 0, per_sense=1).train) == 2 * 2
    with pytest.raises(InputError, match="has 4 occurrences"):
        polysemy.split_occurrences(senses, forms, 0, per_sense=2)


def _scored(vectors, senses, forms, split):
    train, test = split
    return polysemy.sense_accuracy(
        *(vectors[train], senses[train], vectors[test], senses[test]),
        forms[train],
        forms[test],
    )


@SEEDS
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_static_vectors_have_exactly_one_half(seed, kind):
    senses, forms = _occurrences(seed)
    table = np.random.default_rng(seed).normal(size=(5, 50)).astype(kind)
    vectors = table[forms]
    split = polysemy.split_occurrences(senses, forms, seed, per_sense=8)
    scored = _scored(vectors, senses, forms, split)
    assert scored.accuracy == (0.5, 0.5, 0.5)
    np.testing.assert_array_equal(scored.by_form[[0, 1, 3]], 0.5)
    assert np.isnan(scored.by_form[2])
    assert "0.500 [0.500, 0.500] over 3 forms" in str(scored)
    seven, one = vectors[:1].repeat(7, 0), np.ones(1, int)
    uneven = polysemy.sense_accuracy(seven, np.arange(7) // 4, vectors[:1], one)
    np.testing.assert_array_equal(uneven.right, 0.5)  # centroids of 4 and of 3: rounded apart
    tried = [polysemy.wic_pairs(senses, forms, part, seed) for part in split]
    train, test = (
        polysemy.compared(vectors[pairs[:, 0]], vectors[pairs[:, 1]], same) for pairs, same in tried
    )
    assert len(test.same) == 3 * 8
    wic = polysemy.wic_accuracy(train, test)
    assert (wic.accuracy.value, wic.train_accuracy) == (0.5, 0.5)


@SEEDS
def test_planted_senses_are_found_by_the_nearest_centroid(seed):
    senses, forms = _occurrences(seed)
    random = np.random.default_rng(seed)
    means = random.normal(size=(5, 2, 30))
    vectors = means[forms, senses] + 1.5 * random.normal(size=(len(forms), 30))
    split = polysemy.split_occurrences(senses, forms, seed, per_sense=20)
    scored = _scored(vectors, senses, forms, split)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    right = []
    for i in split.test:
        near = []
        for sense in (0, 1):
            mine = [j for j in split.train if forms[j] == forms[i] and senses[j] == sense]
            centroid = unit[mine].mean(axis=0)
            near.append(centroid @ unit[i] / np.linalg.norm(centroid))
        right.append(np.argmax(near) == senses[i])
    np.testing.assert_array_equal(scored.right, right)
    tried = forms[split.test]
    by_form = [np.mean(np.array(right)[tried == form]) for form in (0, 1, 3)]
    np.testing.assert_allclose(scored.accuracy.value, np.mean(by_form), rtol=1e-12)
    assert 0.8 < scored.accuracy.low <= scored.accuracy.value <= scored.accuracy.high
    shuffled = random.permutation(vectors)
    chance = _scored(shuffled, senses, forms, split)
    assert abs(chance.accuracy.value - 0.5) < 0.2 < scored.accuracy.value - 0.5


def test_a_sense_that_was_never_met_is_refused():
    x = np.eye(3)
    with pytest.raises(InputError, match="form 0 has one sense or none to learn from"):
        polysemy.sense_accuracy(x, np.zeros(3, int), x, np.ones(3, int))
    with pytest.raises(InputError, match="senses are 0 or 1 here"):
        polysemy.sense_accuracy(x, np.arange(3) - 1, x, np.ones(3, int))


def test_what_does_not_fit_together_is_refused():
    x, senses, forms = np.eye(4), np.array([0, 1, 0, 1]), np.array([0, 0, 1, 1])
    unchecked = inspect.unwrap(polysemy.sense_accuracy)  # shapes are not checked for users
    scored = lambda *given: unchecked(*given[:2], x, senses, *given[2:])  # noqa: E731
    assert scored(x, senses, forms, forms).accuracy.value >= 0
    with pytest.raises(InputError, match="4 vectors, 3 senses, 3 forms"):
        scored(x, senses[:3])
    with pytest.raises(InputError, match="4 forms from -1; wanted as many of each, from 0"):
        scored(x, senses, forms - 1, forms)
    with pytest.raises(InputError, match="NaN or infinity"):
        scored(np.where(x > 0, np.nan, x), senses)


def test_truth_may_be_written_as_0_and_1():
    random = np.random.default_rng(0)
    left, right, same = *random.normal(size=(2, 40, 5)), random.random(40) < 0.7
    unchecked = inspect.unwrap(polysemy.compared)  # types are not checked for users
    one, other = (unchecked(left, right, truth) for truth in (same, same.astype(int)))
    assert str(polysemy.wic_accuracy(one, one)) == str(polysemy.wic_accuracy(other, other))


@SEEDS
def test_pairs_of_occurrences_are_balanced_within_every_form(seed):
    senses, forms = _occurrences(seed)
    usable = polysemy.split_occurrences(senses, forms, seed, per_sense=12).test
    pairs, same = polysemy.wic_pairs(senses, forms, usable, seed)
    assert len(np.unique(pairs)) == pairs.size
    assert set(pairs.ravel()) <= set(usable)
    np.testing.assert_array_equal(forms[pairs[:, 0]], forms[pairs[:, 1]])
    np.testing.assert_array_equal(senses[pairs[:, 0]] == senses[pairs[:, 1]], same)
    assert np.bincount(forms[pairs[same, 0]]).tolist() == [6, 6, 0, 6]
    assert np.bincount(forms[pairs[~same, 0]]).tolist() == [6, 6, 0, 6]


@SEEDS
@pytest.mark.parametrize("levels", [2, 5, 1000])
def test_no_threshold_does_better_on_train(seed, levels):
    """Compared with every cut, one by one; the test split has no influence."""
    random = np.random.default_rng(seed)
    cosine = np.round(random.random(80) * levels) / levels
    train = polysemy.Compared(cosine, random.random(80) < 0.2 + 0.6 * cosine)
    test = polysemy.Compared(random.random(50), random.random(50) < 0.5)
    cuts = np.concatenate([[-np.inf], np.unique(cosine) + 1e-5])
    best = max(np.mean((cosine >= cut) == train.same) for cut in cuts)
    wic = polysemy.wic_accuracy(train, test)
    np.testing.assert_allclose(wic.train_accuracy, best, rtol=1e-12)
    np.testing.assert_allclose(np.mean((cosine >= wic.threshold) == train.same), best)
    expected = np.mean((test.cosine >= wic.threshold) == test.same)
    np.testing.assert_allclose(wic.accuracy.value, expected, rtol=1e-12)
    opposite = polysemy.wic_accuracy(train, test._replace(same=~test.same))
    assert opposite.threshold == wic.threshold


def test_where_all_cosines_are_one_the_majority_is_answered():
    rounded = 1.0 - np.arange(10) * 1e-16
    train = polysemy.Compared(rounded, np.arange(10) < 3)
    wic = polysemy.wic_accuracy(train, train)
    assert (wic.train_accuracy, wic.accuracy.value, wic.threshold) == (0.7, 0.7, np.inf)
    with pytest.raises(InputError, match="wants pairs to choose"):
        polysemy.wic_accuracy(polysemy.Compared(np.zeros(0), np.zeros(0, bool)), train)


def _silhouettes(vectors, labels, distance):
    scores = []
    for i, x in enumerate(vectors):
        far = np.array([distance(x, y) for y in vectors])
        mine = (labels == labels[i]) & (np.arange(len(labels)) != i)
        if not mine.any():
            scores.append(0.0)
            continue
        a = far[mine].mean()
        b = min(far[labels == label].mean() for label in set(labels) - {labels[i]})
        scores.append((b - a) / max(a, b))
    return scores


@SEEDS
@pytest.mark.parametrize("kind", ["euclidean", "cosine"])
def test_silhouettes_are_the_definition(seed, kind):
    random = np.random.default_rng(seed)
    labels = np.append(random.integers(0, 3, 25), 4)  # label 3 never, label 4 once
    vectors = random.normal(size=(26, 5)) + labels[:, None]
    distance, ours = {
        "euclidean": (lambda a, b: np.linalg.norm(a - b), similarity.euclidean),
        "cosine": (
            lambda a, b: 1 - a @ b / np.linalg.norm(a) / np.linalg.norm(b),
            polysemy.cosine_distance,
        ),
    }[kind]
    silhouette = jax.jit(polysemy.silhouette, static_argnums=(2, 3))
    scores = silhouette(jnp.asarray(vectors, jnp.float32), jnp.asarray(labels), 5, ours)
    expected = _silhouettes(vectors, labels, distance)
    np.testing.assert_allclose(scores, expected, atol=2e-6, rtol=1e-5)


def test_silhouettes_of_one_label_are_not_defined():
    assert np.isnan(polysemy.silhouette(np.eye(3), np.zeros(3, int), 1)).all()
