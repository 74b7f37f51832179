"""Laws of the step size: the defaults are stable on any text, and limit no stable one."""

import re
import warnings

import jax
import numpy as np
import pytest

from jaxemb import skipgram, text
from jaxemb.errors import InputError
from jaxemb.functional import pooling, subsampling
from jaxemb.static import blocks, hierarchical, objectives, softmaxes, steps, subwords
from jaxemb.structs import Vocab
from jaxemb.training import learners
from jaxemb.training.fitting import fit
from tests import covering
from tests.laws import zoo

SETTINGS = {"dim": 16, "epochs": 5, "learning_rate": 0.025}
MEMBERS = {
    "skipgram": objectives.skipgram,
    "skipgram from context": lambda **s: objectives.skipgram(
        direction=blocks.skipgram_from_context, **s
    ),
    "cbow": objectives.cbow,
    "cbow word2vec": lambda **s: objectives.cbow(mean=pooling.mean_word2vec, **s),
    "skipgram hs": hierarchical.skipgram_hs,
    "cbow hs": hierarchical.cbow_hs,
    "skipgram softmax": softmaxes.skipgram_softmax,
    "cbow softmax": softmaxes.cbow_softmax,
    "skipgram nce": softmaxes.skipgram_nce,
    "cbow nce": softmaxes.cbow_nce,
    "subword skipgram": subwords.subword_skipgram,
    "subword cbow": subwords.subword_cbow,
}
quietly = pytest.mark.filterwarnings("ignore:the text repeats")


def _lengths(table):
    return np.linalg.norm(np.asarray(table, np.float64), axis=1)


def _cosines(table):
    unit = np.asarray(table, np.float64) / _lengths(table)[:, None]
    return unit @ unit.T


@quietly
@pytest.mark.parametrize("name", covering.first(4, zoo.TEXTS))
def test_skipgram_of_any_text_is_as_stable_as_sgd_a_pair_at_a_time(name):
    vocab, ids = text.encode(zoo.TEXTS[name], min_count=1)
    key, objective = jax.random.key(0), skipgram(window=5, negatives=5)
    tables = fit(key, ids, vocab, objective, subsample=0, **SETTINGS)
    wanted = zoo.one_pair_at_a_time(key, np.asarray(ids), vocab, objective, **SETTINGS)
    for got, expected in zip(tables, wanted, strict=True):
        assert 1 / 3 < _lengths(got).max() / _lengths(expected).max() < 3
    # nor do all words become neighbours: the cosines are those of SGD, to .09 where it was measured
    assert np.abs(_cosines(tables.input) - _cosines(wanted[0])).mean() < 0.2


@quietly
@pytest.mark.parametrize("name", covering.every(3, MEMBERS))
def test_every_objective_is_as_stable_as_a_center_at_a_time(name):
    vocab, ids = text.encode(zoo.TEXTS["a cycle"], min_count=1)
    settings = {**SETTINGS, "learning_rate": 0.05, "epochs": 2, "subsample": 0}
    tables = fit(jax.random.key(0), ids, vocab, MEMBERS[name](), **settings)
    one = MEMBERS[name](block_length=1)
    alone = fit(
        *(jax.random.key(0), ids, vocab, one),
        **(settings | {"batch": 1, "learner": learners.row_sparse(one)}),
    )
    for got, expected in zip(tables, alone, strict=True):
        assert _lengths(got).max() < 3 * _lengths(expected).max()


@pytest.mark.parametrize("name", covering.every(3, MEMBERS))
@pytest.mark.parametrize("words", [5_000, 60_000])
def test_a_text_of_many_words_is_trained_as_asked(name, words):
    counts = np.maximum(1e6 / np.arange(1, words + 1), 5).astype(np.int64)
    letters = np.random.default_rng(0).integers(97, 123, (words, 6), np.uint8)
    vocab = Vocab(tuple(word.tobytes().decode() for word in letters), counts)
    objective = MEMBERS[name]()
    occurrences = counts * subsampling.keep_word2vec(counts, 1e-3)
    resources, _ = objective.prepare(vocab)
    step = steps.chosen(objective, resources, occurrences, 0.025, 32)
    assert (step.batch, step.cap, step.message) == (32, None, None)


def test_a_step_is_a_multiple_of_what_a_mesh_divides():
    vocab, _ = text.encode(zoo.TEXTS["one sentence"], min_count=1)
    objective = skipgram()
    resources, _ = objective.prepare(vocab)
    for multiple in (1, 4, 8):
        step = steps.chosen(objective, resources, vocab.counts, 0.025, 32, multiple=multiple)
        assert step.batch % multiple == 0
        assert step.batch < 32
        assert step.cap == steps.CAP == 0.25  # the bound that docs/speed.md measures


@quietly
def test_a_block_that_is_too_long_is_said_and_the_length_that_is_named_is_stable():
    vocab, ids = text.encode(zoo.TEXTS["twelve letters"], min_count=1)
    wide, key = {"window": 10, "negatives": 20}, jax.random.key(0)
    with pytest.warns(UserWarning, match=r"block_length=\d+ is safer") as warned:
        fit(key, ids, vocab, skipgram(**wide), subsample=0, **SETTINGS)
    length = int(re.search(r"block_length=(\d+)", str(warned[0].message))[1])
    objective = skipgram(**wide, block_length=length)
    with warnings.catch_warnings(record=True) as again:
        warnings.simplefilter("always")
        tables = fit(key, ids, vocab, objective, subsample=0, **SETTINGS)
    assert not any("is safer" in str(warning.message) for warning in again)
    wanted = zoo.one_pair_at_a_time(key, np.asarray(ids), vocab, objective, **SETTINGS)
    for got, expected in zip(tables, wanted, strict=True):
        assert 1 / 3 < _lengths(got).max() / _lengths(expected).max() < 3


def test_what_was_chosen_is_said_and_a_cap_of_ones_own_is_kept():
    vocab, ids = text.encode(zoo.TEXTS["one sentence"], min_count=1)
    settings = {"dim": 8, "epochs": 1, "subsample": 0}
    with pytest.warns(UserWarning, match="the text is small: with batch=32"):
        fit(jax.random.key(0), ids, vocab, skipgram(), **settings)
    objective = skipgram()
    own = learners.row_sparse(objective, cap=0.5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        given = fit(jax.random.key(0), ids, vocab, objective, cap=0.5, **settings)
        same = fit(jax.random.key(0), ids, vocab, objective, learner=own, **settings)
    np.testing.assert_array_equal(given.input, same.input)
    with pytest.raises(InputError, match="cap belongs to the default learner"):
        fit(jax.random.key(0), ids, vocab, objective, learner=own, cap=0.5, **settings)


def test_tables_that_ran_away_are_said_to_have():
    vocab, ids = text.encode(zoo.TEXTS["one sentence"], min_count=1)
    objective = skipgram()
    plain = learners.row_sparse(objective)
    with pytest.warns(UserWarning, match="training ran away"):
        fit(jax.random.key(0), ids, vocab, objective, learner=plain, subsample=0, dim=64)


@pytest.mark.parametrize("key", [0, None, "key", np.zeros(2, np.uint32)])
def test_what_is_no_key_is_refused_in_one_line(key):
    vocab, ids = text.encode(zoo.TEXTS["two words"], min_count=1)
    with pytest.raises((InputError, TypeError), match="key"):  # jaxtyping, where it is on
        fit(key, ids, vocab, skipgram())


def test_the_load_of_a_row_is_what_blocks_of_such_words_add_to_it():
    """Counted over blocks of words that are drawn with the vocabulary's own shares."""
    random = np.random.default_rng(0)
    shares = np.array([0.4, 0.3, 0.2, 0.1])
    vocab = Vocab(tuple("abcd"), np.int64(1000 * shares))
    for objective, factors in (
        (skipgram(), (1.0,)),
        (softmaxes.skipgram_nce(), (1.5,)),
        (hierarchical.skipgram_hs(budget=32), (1.0, 0.5)),
    ):
        reads = objective.reads
        resources, rows = objective.prepare(vocab)
        texts = random.choice(4, (2000, reads.block_length + 2 * reads.halo), p=shares)
        bits = random.integers(0, 2**32, (len(texts), reads.bits), np.uint32)
        drawn = jax.vmap(objective.draw, in_axes=(0, 0, None))(bits, texts, resources)
        sides = zip(
            (2, 1), drawn.ids, rows, objective.load(resources, shares), factors, strict=False
        )
        for axis, ids, size, stated, factor in sides:
            updates = np.asarray(drawn.weight).sum(axis)
            counted = np.bincount(np.ravel(ids), np.ravel(updates), size)
            centers = len(texts) * reads.block_length
            np.testing.assert_allclose(stated, factor * counted / centers, rtol=0.05)  # 2 % noise
