"""Neighbours of a word, and the bundled tests. Oracle: plain sorting."""

import jax
import numpy as np
import pytest

import jaxemb
from jaxemb import formats
from jaxemb.errors import InputError
from jaxemb.evaluation import bundled, neighbours
from jaxemb.structs import Vocab
from tests.rounding import SUM, close


def _random_vectors(names, dim: int = 20):
    table = np.random.default_rng(0).normal(size=(len(names), dim)).astype(np.float32)
    return Vocab(tuple(names), np.arange(len(names), 0, -1)), table


def test_nearest_are_the_largest_cosines():
    vocab, table = _random_vectors([f"w{i}" for i in range(90)])
    unit = np.float64(table) / np.linalg.norm(np.float64(table), axis=1, keepdims=True)
    cosines = unit @ unit[7]
    order = [i for i in np.argsort(-cosines) if i != 7][:5]
    nearest = jaxemb.nearest(vocab, table, "w7", k=5)
    assert nearest.words == tuple(f"w{i}" for i in order)
    close(nearest.values, cosines[order], ulps=SUM)


def test_euclidean_neighbours_are_sorted_distances_without_the_word():
    vocab, table = _random_vectors("abcdef", 3)
    nearest = neighbours.nearest_euclidean(vocab, table, "c", k=9)
    distances = np.linalg.norm(table - table[2], axis=1)
    order = [i for i in np.argsort(distances) if i != 2]
    assert nearest.words == tuple(vocab.words[i] for i in order)
    np.testing.assert_allclose(nearest.values, distances[order], rtol=1e-5)


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


def test_a_table_without_words_is_refused():
    table = np.ones((2, 3), np.float32)
    with pytest.raises(InputError, match="without words"):
        jaxemb.nearest(formats.WordVectors(None, table), table, "a")


def test_scores_without_words_are_not_numbers_and_without_files_absent(monkeypatch):
    vocab, table = _random_vectors(["xx", "yy"])
    if bundled.test_files():
        assert all(np.isnan(s.value) for s in bundled.similarities(vocab, table).values())
    monkeypatch.setattr(bundled, "test_files", lambda: None)
    assert bundled.similarities(vocab, table) == {}
    assert bundled.analogies(vocab, table) is None
