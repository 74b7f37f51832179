"""Words with subwords. Oracles: the hash of each n-gram; gensim; the objectives on words alone."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxemb.errors import InputError
from jaxemb.functional import hashing, losses, pooling
from jaxemb.static import objectives, subwords
from jaxemb.structs import InOut, Vocab
from tests.laws.members import SMALL
from tests.laws.test_objectives import gradient_of, loss_of
from tests.rounding import SUM, close

WORDS = ("the", "a", "where", "here", "naïve", "日本語", "banana", "</s>", "internationalisation")
HASHED = {"minn": 2, "maxn": 4, "buckets": 50}
KINDS = {"skipgram": subwords.subword_skipgram, "cbow": subwords.subword_cbow}
every_kind = pytest.mark.parametrize("kind", KINDS)


def _vocab() -> Vocab:
    return Vocab(WORDS, np.arange(90, 0, -10)[: len(WORDS)])


def _made(kind: str, **settings):
    """An objective with the words of `_vocab`, random tables, and a batch of one block."""
    objective = KINDS[kind](**{**SMALL, **HASHED, **settings})
    resources, rows = objective.prepare(_vocab())
    keys = jax.random.split(jax.random.key(0), 3)
    whole = InOut(*(jax.random.normal(k, (n, 5)) for k, n in zip(keys[:2], rows, strict=True)))
    text = jnp.array([[0, 3, 8, 4, 2, -1, 5, 6]])
    random = jax.random.bits(keys[2], (1, objective.reads.bits))
    draw = jax.vmap(objective.draw, in_axes=(0, 0, None))
    return objective, resources, whole, draw(random, text, resources)


def _own(resources, word: int):
    """The rows of one word."""
    bags = resources.bags
    start = int(bags.start[word])
    return np.asarray(bags.flat)[start : start + int(bags.count[word])]


def test_a_bag_is_the_words_own_row_and_those_of_its_ngrams_buckets_in_order():
    bags = subwords.rows_of(_vocab(), **HASHED)
    for i, word in enumerate(WORDS):
        rows = _own(subwords.Resources(None, bags), i)
        assert rows[0] == i
        grams = [] if word == "</s>" else hashing.ngrams(word, 2, 4)
        buckets = [hashing.fnv1a(gram) % 50 for gram in grams]
        assert np.asarray(bags.buckets)[rows[1:] - len(WORDS)].tolist() == buckets


def test_every_bucket_in_use_has_one_row_the_most_used_first():
    bags, use = subwords.rows_of(_vocab(), **HASHED), np.zeros(50)
    for word, count in zip(WORDS, _vocab().counts, strict=True):
        for gram in [] if word == "</s>" else hashing.ngrams(word, 2, 4):
            use[hashing.fnv1a(gram) % 50] += count
    buckets = np.asarray(bags.buckets)
    assert sorted(buckets.tolist()) == np.flatnonzero(use).tolist()
    assert (np.diff(use[buckets]) <= 0).all()


def test_hashes_agree_with_gensims():
    from gensim.models.fasttext_inner import compute_ngrams_bytes, ft_hash_bytes

    raw = [word.encode() for word in WORDS if word != "</s>"]
    buckets, counts = hashing.buckets_of(raw, 3, 6, 2_000_000)
    grams = [compute_ngrams_bytes(word.decode(), 3, 6) for word in raw]
    assert buckets.tolist() == [ft_hash_bytes(g) % 2_000_000 for ngrams in grams for g in ngrams]
    assert counts.tolist() == list(map(len, grams))


@pytest.mark.as_users_compile(always=False)
@every_kind
@pytest.mark.parametrize("none", [{"minn": 0, "maxn": 0}, {"minn": 40, "maxn": 50}])
def test_without_ngrams_it_is_the_objective_on_words_bit_for_bit(kind, none):
    objective, _, whole, batch = _made(kind, **none)
    plain = {"skipgram": objectives.skipgram, "cbow": objectives.cbow}[kind](**SMALL)
    alike, rows = plain.prepare(_vocab())
    assert rows == InOut(len(whole.input), len(whole.output))
    keys = jax.random.split(jax.random.key(0), 3)
    random = jax.random.bits(keys[2], (1, plain.reads.bits))
    text = jnp.array([[0, 3, 8, 4, 2, -1, 5, 6]])
    other = jax.vmap(plain.draw, in_axes=(0, 0, None))(random, text, alike)

    pairs = gradient_of(objective, whole, batch), gradient_of(plain, whole, other)
    for left, right in zip(*pairs, strict=True):
        np.testing.assert_array_equal(left, right)


def test_with_ngrams_of_zeros_skipgram_costs_what_the_word_model_does():
    """The row of a word is multiplied by the size of its bag, so that the mean is the row again."""
    objective, resources, whole, batch = _made("skipgram")
    words = len(WORDS)
    row = whole.input[:words]
    count = resources.bags.count[:, None].astype(jnp.float32)
    zeros = jnp.zeros((len(whole.input) - words, 5))
    subword = whole._replace(input=jnp.concatenate([row * count, zeros]))
    alone = batch._replace(ids=InOut(batch.ids.input.rows[..., 0], batch.ids.output))
    loss = loss_of(objective, subword, batch)
    plain = whole._replace(input=row)
    expected = loss_of(objective, plain, alone)
    np.testing.assert_allclose(loss, expected, rtol=1e-6)


def test_a_skipgram_block_costs_the_papers_sum_over_pairs_of_composed_centers():
    objective, resources, whole, batch = _made("skipgram")
    v, u = (np.asarray(table, np.float64) for table in whole)
    k, shared, expected = SMALL["negatives"], SMALL["shared_negatives"], 0.0
    centers, out = np.asarray(batch.ids.input.rows)[0, :, 0], np.asarray(batch.ids.output)[0]
    for t, center in enumerate(centers):
        hidden = v[_own(resources, center)].mean(axis=0)
        for j in np.flatnonzero(np.asarray(batch.weight)[0, t, :-shared]):
            expected += np.logaddexp(0, -u[out[j]] @ hidden)
            expected += k / shared * np.logaddexp(0, u[out[-shared:]] @ hidden).sum()
    loss = loss_of(objective, whole, batch)
    np.testing.assert_allclose(loss, expected, rtol=1e-5)


def test_cbow_predicts_with_the_mean_of_all_rows_of_its_windows_words():
    objective, resources, whole, batch = _made("cbow", negatives=SMALL["shared_negatives"])
    v, u = (np.asarray(table, np.float64) for table in whole)
    expected, shared = 0.0, SMALL["shared_negatives"]
    words, out = np.asarray(batch.ids.input.rows)[0, :, 0], np.asarray(batch.ids.output)[0]
    for t in np.flatnonzero(np.asarray(batch.weight)[0, :, 0]):
        near = np.flatnonzero(np.asarray(batch.pool)[0, t])
        hidden = v[np.concatenate([_own(resources, words[j]) for j in near])].mean(axis=0)
        expected += np.logaddexp(0, -u[out[t]] @ hidden)
        expected += np.logaddexp(0, u[out[-shared:]] @ hidden).sum()
    loss = loss_of(objective, whole, batch)
    np.testing.assert_allclose(loss, expected, rtol=1e-5)


@every_kind
def test_fasttexts_gradient_gives_every_row_all_of_what_the_mean_receives(kind):
    """With the exact gradient, a row of a bag receives the mean's gradient over the bag's size."""
    changed = {"share": subwords.exact_share} if kind == "skipgram" else {"mean": pooling.mean}
    fasttext = {} if kind == "skipgram" else {"mean": pooling.mean_word2vec}
    errors = []
    for settings in (changed, fasttext):
        objective, resources, whole, batch = _made(kind, **settings)
        text = np.asarray(batch.ids.input.rows)[0, :, 0]
        errors.append(np.asarray(gradient_of(objective, whole, batch).input))
    v = np.asarray(whole.input, np.float64)
    u, out = np.asarray(whole.output, np.float64), np.asarray(batch.ids.output)[0]
    exact, all_of_it = (np.zeros_like(v) for _ in range(2))
    target, own = np.asarray(batch.target)[0], objective.reads.own
    for t in range(batch.weight.shape[1]):
        weight = np.asarray(batch.weight)[0, t]
        near = [t] if kind == "skipgram" else np.flatnonzero(np.asarray(batch.pool)[0, t])
        if not weight.any():
            continue
        rows = np.concatenate([_own(resources, text[j]) for j in near])
        which = np.concatenate([[out[t]], out[-3:]]) if own else out
        hidden = v[rows].mean(axis=0)
        slope = -target * weight / (1 + np.exp(target * (u[which] @ hidden)))
        np.add.at(exact, rows, slope @ u[which] / len(rows))
        np.add.at(all_of_it, rows, slope @ u[which])
    np.testing.assert_allclose(errors[0], exact, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(errors[1], all_of_it, rtol=1e-4, atol=1e-5)


@every_kind
def test_composed_it_is_the_same_model_with_a_row_a_word(kind):
    objective, resources, whole, batch = _made(kind)
    composed, alone = objective.words(whole, resources), objective.of_words(resources)
    assert composed.input.shape == (len(WORDS), 5)
    for i in range(len(WORDS)):
        mean = np.asarray(whole.input, np.float64)[_own(resources, i)].mean(axis=0)
        close(composed.input[i], mean, ulps=SUM)
    random = jax.random.bits(jax.random.split(jax.random.key(0), 3)[2], (1, objective.reads.bits))
    text = jnp.array([[0, 3, 8, 4, 2, -1, 5, 6]])
    again = jax.vmap(objective.draw, in_axes=(0, 0, None))(random, text, alone)
    expected, loss = (loss_of(objective, t, b) for t, b in ((whole, batch), (composed, again)))
    np.testing.assert_allclose(loss, expected, rtol=1e-5)
    np.testing.assert_array_equal(objective.words(composed, alone).input, composed.input)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"minn": 5, "maxn": 4}, "minn is 5, above maxn, which is 4"),
        ({"buckets": 0}, "buckets is 0; it must be at least 1"),
        ({"minn": -1}, "minn is -1"),
    ],
)
def test_sizes_of_ngrams_that_cannot_be_are_refused(settings, message):
    with pytest.raises(InputError, match=message):
        subwords.subword_skipgram(**settings)


def test_any_loss_and_rule_of_noise_can_be_given():
    made = subwords.subword_skipgram(loss=losses.logistic, window=3)
    assert made.reads.halo == 3
    assert made.loss is losses.logistic
