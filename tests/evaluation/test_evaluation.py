"""Neighbours and scores. Oracles: gensim on the same vectors; plain sorting."""

import jax
import numpy as np
import pytest

import jaxemb
from jaxemb.errors import InputError
from jaxemb.evaluation import neighbours, words
from jaxemb.structs import Vocab


def _random_vectors(names, dim: int = 20):
    table = np.random.default_rng(0).normal(size=(len(names), dim)).astype(np.float32)
    return Vocab(tuple(names), np.arange(len(names), 0, -1)), table


@pytest.fixture(scope="module")
def judged():
    """Every word of the tests, with random vectors, and the same in gensim."""
    gensim = pytest.importorskip("gensim")
    folder = words.test_files()
    assert folder is not None
    text = " ".join((folder / f).read_text() for f in [*words.PAIRS.values(), words.QUESTIONS])
    names = [w for w in sorted(set(text.lower().split())) if w.isalpha()]
    vocab, table = _random_vectors(names)
    vectors = gensim.models.KeyedVectors(table.shape[1])
    vectors.add_vectors(list(vocab.words), table)
    return vocab, table, vectors, folder


def test_similarity_scores_are_gensims(judged):
    vocab, table, vectors, folder = judged
    for name, score in words.similarities(vocab, table).items():
        _, spearman, missing = vectors.evaluate_word_pairs(str(folder / words.PAIRS[name]))
        np.testing.assert_allclose(score.value, spearman[0], atol=1e-4)  # gensim breaks ties
        np.testing.assert_allclose(1 - score.asked / score.of, missing / 100, atol=1e-9)


@pytest.mark.parametrize("restrict", [300, 900])
def test_analogies_are_gensims(judged, restrict):
    vocab, table, vectors, folder = judged
    questions = str(folder / words.QUESTIONS)
    # vectors that answer some: each answer's vector is b - a + c, with noise
    number = {w: i for i, w in enumerate(vocab.words)}
    table = table.copy()
    for line in (folder / words.QUESTIONS).read_text().lower().splitlines()[1:400]:
        a, b, c, d = (number[w] for w in line.split())
        table[d] = 0.5 * table[d] + (table[b] - table[a] + table[c])
    vectors.vectors = table
    vectors.fill_norms(force=True)
    expected, sections = vectors.evaluate_word_analogies(questions, restrict_vocab=restrict)
    asked = sum(len(s["correct"]) + len(s["incorrect"]) for s in sections[:-1])
    score = words.analogies(vocab, table, restrict_vocab=restrict)
    assert score is not None
    assert score.asked == asked
    np.testing.assert_allclose(score.value, expected, atol=1e-9)
    assert restrict < 900 or score.value > 0


def test_nearest_are_gensims(judged):
    vocab, table, vectors, _ = judged
    vectors.vectors = table
    vectors.fill_norms(force=True)
    for word in vocab.words[::199]:
        ours = jaxemb.nearest(vocab, table, word, k=5)
        theirs = vectors.most_similar(word, topn=5)
        assert ours.words == tuple(w for w, _ in theirs)
        np.testing.assert_allclose(ours.values, [v for _, v in theirs], atol=1e-5)


def test_euclidean_neighbours_are_sorted_distances_without_the_word():
    vocab, table = _random_vectors("abcdef", 3)
    found = neighbours.nearest_euclidean(vocab, table, "c", k=9)
    distances = np.linalg.norm(table - table[2], axis=1)
    order = [i for i in np.argsort(distances) if i != 2]
    assert found.words == tuple(vocab.words[i] for i in order)
    np.testing.assert_allclose(found.values, distances[order], rtol=1e-5)


def test_neighbours_do_not_change_under_rotation_or_scaling():
    vocab, table = _random_vectors([f"w{i}" for i in range(50)])
    q, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(20, 20)))
    turned = (3 * table @ q).astype(np.float32)
    for near in (neighbours.nearest, neighbours.nearest_euclidean):
        assert near(vocab, table, "w7").words == near(vocab, turned, "w7").words


def test_an_unknown_word_is_refused():
    vocab, table = _random_vectors(["paris", "king"])
    with pytest.raises(InputError, match="near it: paris"):
        jaxemb.nearest(vocab, table, "parris")


def test_jax_and_numpy_tables_are_both_taken():
    vocab, table = _random_vectors("abcdef", 3)
    assert jaxemb.nearest(vocab, table, "a") == jaxemb.nearest(vocab, jax.numpy.asarray(table), "a")


def test_scores_without_words_are_not_numbers_and_without_files_absent(monkeypatch):
    vocab, table = _random_vectors(["xx", "yy"])
    if words.test_files():
        assert all(np.isnan(s.value) for s in words.similarities(vocab, table).values())
    monkeypatch.setattr(words, "test_files", lambda: None)
    assert words.similarities(vocab, table) == {}
    assert words.analogies(vocab, table) is None
