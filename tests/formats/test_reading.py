"""Tables from files. Oracles: what was written; gensim's own writer."""

import numpy as np
import pytest
from safetensors.numpy import save_file

from jaxemb import formats
from jaxemb.errors import InputError

TABLE = np.array([[1.5, -2.0], [0.25, 3e-5], [7.0, 0.0]], np.float32)
WORDS = ("the", "naïve", ". . .")


def test_text_with_and_without_a_header_is_read_as_it_was_written(tmp_path):
    lines = [f"{word} {row[0]} {row[1]}" for word, row in zip(WORDS, TABLE, strict=True)]
    (tmp_path / "glove.txt").write_text("\n".join(lines) + "\n", "utf-8")
    (tmp_path / "word2vec.txt").write_text("\n".join(["3 2", *lines]), "utf-8")
    (tmp_path / "fasttext.vec").write_text("\r\n".join(["3 2", *(f"{x} " for x in lines)]), "utf-8")
    for name in ("glove.txt", "word2vec.txt", "fasttext.vec"):
        found = formats.read(tmp_path / name)
        assert found.words == WORDS
        np.testing.assert_array_equal(found.vectors, TABLE)


def test_what_gensim_writes_is_read_bit_for_bit(tmp_path):
    KeyedVectors = pytest.importorskip("gensim.models").KeyedVectors
    table = np.random.default_rng(0).normal(size=(20, 5)).astype(np.float32)
    vectors = KeyedVectors(5)
    vectors.add_vectors([f"w{i}" for i in range(20)], table)
    vectors.save_word2vec_format(tmp_path / "gensim.txt", binary=False)
    found = formats.read(tmp_path / "gensim.txt")
    assert found.words == tuple(f"w{i}" for i in range(20))
    np.testing.assert_array_equal(found.vectors, table)


def test_numpy_and_safetensors_tables_with_their_words(tmp_path):
    np.save(tmp_path / "table.npy", TABLE)
    save_file({"input": TABLE, "output": -TABLE}, tmp_path / "run.safetensors")
    save_file({"any": TABLE, "count": np.ones(3)}, tmp_path / "one.safetensors")
    (tmp_path / "words.txt").write_text("\n".join(WORDS) + "\n", "utf-8")
    for name in ("table.npy", "run.safetensors", "one.safetensors"):
        assert formats.read(tmp_path / name).words is None
        found = formats.read(tmp_path / name, tmp_path / "words.txt")
        assert found.words == WORDS
        np.testing.assert_array_equal(found.vectors, TABLE)


BAD = {
    "few.txt": ("a 1 2\nb 1\n", "line 2: 1 numbers; wanted 2"),
    "word.txt": ("a 1 2\nb 1 x\n", "line 2: .*x"),
    "count.txt": ("5 2\na 1 2\n", "line 1 says 5 rows, the file has 1"),
    "empty.txt": ("", "line 1: wanted a word and its numbers"),
    "broken.npy": ("no numbers", "not a table of numbers"),
    "broken.safetensors": ("no tensors", "not a safetensors file"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_file_that_cannot_be_read_is_refused_with_its_place(tmp_path, name):
    text, message = BAD[name]
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=message):
        formats.read(tmp_path / name)


def test_too_few_words_two_tables_and_no_file_are_refused(tmp_path):
    np.save(tmp_path / "table.npy", TABLE)
    (tmp_path / "words.txt").write_text("a\nb\n")
    with pytest.raises(InputError, match="2 words of 3 rows"):
        formats.read(tmp_path / "table.npy", tmp_path / "words.txt")
    save_file({"a": TABLE, "b": TABLE}, tmp_path / "two.safetensors")
    with pytest.raises(InputError, match="wanted one table, or one named"):
        formats.read(tmp_path / "two.safetensors")
    with pytest.raises(InputError, match="no such file"):
        formats.read(tmp_path / "none.npy")
