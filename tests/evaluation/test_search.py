"""The rows of best scores. Oracles: a full sort in float64; gensim's most_similar."""

import jax
import numpy as np
import pytest

from jaxemb.errors import InputError
from jaxemb.evaluation import neighbours, search
from jaxemb.evaluation.neighbours import Query
from jaxemb.functional import similarity
from jaxemb.structs import Vocab
from tests.rounding import SUM, close

ROWS, DIM = 700, 12


@pytest.fixture(scope="module")
def words():
    table = np.random.default_rng(0).normal(size=(ROWS, DIM)).astype(np.float32)
    return Vocab(tuple(f"w{i}" for i in range(ROWS)), np.arange(ROWS, 0, -1)), table


@pytest.fixture(scope="module")
def theirs(words):
    gensim = pytest.importorskip("gensim")
    vocab, table = words
    vectors = gensim.models.KeyedVectors(DIM)
    vectors.add_vectors(list(vocab.words), table)
    return vectors


def _stored(table, storage: str, place):
    if storage == "jax":
        return jax.numpy.asarray(table)
    if storage == "memory-mapped":
        np.save(place / "table.npy", table)
        return np.load(place / "table.npy", mmap_mode="r")
    return table.astype(storage)


STORED = ("float32", "float64", "float16", "jax", "memory-mapped")


@pytest.mark.parametrize(
    ("storage", "entries"), [("float32", 2**23), *((storage, 2**11) for storage in STORED)]
)
def test_blocks_and_storage_change_no_answer(words, tmp_path, monkeypatch, storage, entries):
    monkeypatch.setattr(search, "ENTRIES", entries)
    monkeypatch.setattr(search, "QUERIES", 3)
    monkeypatch.setattr(search, "SMALLEST", 64)
    _, table = words
    table = np.float16(table) if storage == "float16" else table
    random = np.random.default_rng(1)
    near, far = (random.normal(size=(7, n, DIM)).astype(np.float32) for n in (2, 1))
    excluded = random.integers(-1, ROWS, (7, 3))
    best = search.best(_stored(table, storage, tmp_path), near, far, excluded, 9)
    unit = [
        np.float64(x) / np.linalg.norm(np.float64(x), axis=-1, keepdims=True)
        for x in (near, far, table)
    ]
    sought = unit[0].sum(axis=1) - unit[1].sum(axis=1)
    scores = sought / np.linalg.norm(sought, axis=1, keepdims=True) @ unit[2].T
    for query, (row, left_out) in enumerate(zip(scores, excluded, strict=True)):
        row[left_out[left_out >= 0]] = -np.inf
        order = np.argsort(-row, kind="stable")[:9]
        np.testing.assert_array_equal(best.ids[query], order)
        close(best.values[query], row[order], ulps=SUM)


def test_equal_rows_are_answered_lowest_first_in_every_block(monkeypatch):
    monkeypatch.setattr(search, "ENTRIES", 2**11)
    monkeypatch.setattr(search, "SMALLEST", 64)
    table = np.ones((500, DIM), np.float32)
    query = np.ones((1, 1, DIM), np.float32)
    best = search.best(table, query, query[:, :0], np.array([[2, 70]]), 80)
    assert best.ids[0].tolist() == [i for i in range(82) if i not in (2, 70)]


def test_more_is_asked_than_there_is(words):
    vocab, table = words
    few = Vocab(vocab.words[:4], vocab.counts[:4])
    assert len(neighbours.nearest(few, table[:4], "w1", k=50).words) == 3


@pytest.mark.parametrize(
    ("positive", "negative"),
    [(["w5"], []), (["w5", "w9", "w11"], ["w2", "w3"]), ([], ["w8"]), (["w1"] * 2, ["w4"])],
)
def test_most_similar_is_gensims(words, theirs, positive, negative):
    vocab, table = words
    ours = neighbours.most_similar(vocab, table, positive, negative, k=15)
    expected = theirs.most_similar(positive=positive, negative=negative, topn=15)
    assert ours.words == tuple(word for word, _ in expected)
    close(ours.values, [v for _, v in expected], ulps=SUM)


def test_cos_mul_is_gensims(words, theirs):
    vocab, table = words
    ours = neighbours.analogy(vocab, table, "w1", "w2", "w3", k=8, answer=similarity.cos_mul)
    expected = theirs.most_similar_cosmul(positive=["w2", "w3"], negative=["w1"], topn=8)
    assert ours.words == tuple(word for word, _ in expected)
    np.testing.assert_allclose(ours.values, [v for _, v in expected], rtol=1e-5)


def test_pairs_of_words_and_the_one_that_does_not_match_are_gensims(words, theirs):
    vocab, table = words
    np.testing.assert_allclose(
        neighbours.similarity(vocab, table, "w3", "w4"), theirs.similarity("w3", "w4"), atol=1e-6
    )
    np.testing.assert_allclose(
        neighbours.distance(vocab, table, "w3", "w4"), theirs.distance("w3", "w4"), atol=1e-6
    )
    apart = np.linalg.norm(table[3] - table[4])
    euclidean = neighbours.euclidean_distance(vocab, table, "w3", "w4")
    np.testing.assert_allclose(euclidean, apart, rtol=1e-6)
    for group in (["w1", "w2", "w3"], ["w4", "w9", "w16", "w25"]):
        assert neighbours.doesnt_match(vocab, table, group) == theirs.doesnt_match(group)


def test_many_queries_of_any_shape_are_answered_in_their_order(words):
    vocab, table = words
    queries = [Query(["w1"]), Query(["w2", "w3"], ["w4"]), Query(["w5"]), Query([table[7], "w1"])]
    together = neighbours.most_similar_of_each(vocab, table, queries, k=4)
    alone = [neighbours.most_similar(vocab, table, *query, k=4) for query in queries]
    assert [answer.words for answer in together] == [answer.words for answer in alone]
    assert [answer.word for answer in together] == ["w1", "w2 + w3 - w4", "w5", "(vector) + w1"]


def test_a_vector_stands_for_a_word_but_is_not_left_out(words):
    vocab, table = words
    word, vector = (neighbours.nearest(vocab, table, given, k=5) for given in ("w6", table[6]))
    assert vector.words == ("w6", *word.words[:4])


def test_an_unknown_word_may_be_made_of_parts(words):
    vocab, table = words
    made = neighbours.most_similar(
        vocab, table, ["new"], k=1, unknown=lambda w: table[[8] * len(w)]
    )
    assert made.words == ("w8",)
    nothing = np.zeros((1, DIM), np.float32)
    with pytest.raises(InputError, match="'new' is not among the 700 words"):
        neighbours.most_similar(vocab, table, ["new"], unknown=lambda _: nothing)


@pytest.mark.parametrize(
    ("question", "message"),
    [
        (lambda v, t: neighbours.most_similar(v, t, []), "the query is empty"),
        (lambda v, t: neighbours.nearest(v, t, "w1", k=0), "k is 0"),
        (lambda v, t: neighbours.doesnt_match(v, t, []), "no words are given"),
        (lambda v, t: neighbours.nearest(v, t, "W12"), "near it: w12"),
    ],
)
def test_what_cannot_be_asked_is_refused(words, question, message):
    with pytest.raises(InputError, match=message):
        question(*words)
