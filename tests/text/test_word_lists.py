"""A word list loses no word, however it was written. Oracles: the words; Python's own codecs."""

import bz2
import gzip
import os

import numpy as np
import pytest

from jaxemb import formats
from jaxemb.errors import FormatError, InputError
from jaxemb.formats import WordVectors
from jaxemb.text import word_lists
from tests.formats import samples

WORDS = (
    *("king", "New York", "naïve", "日\u2028本", "a\x0bb", "c\x0cd", "e\x85f", "\xa0", "g\x1ch"),
    *("\u3000", "x\u2029y", "#tag", '"quoted"', "1984", "nan", "the\ufeff", "\x1d", "\U0001f600"),
)
PLAIN = "".join(f"{word}\n" for word in WORDS)
WRITTEN = {
    "as it is": PLAIN.encode(),
    "no last line end": PLAIN.removesuffix("\n").encode(),
    "CRLF": PLAIN.replace("\n", "\r\n").encode(),
    "CRLF, no last one": PLAIN.replace("\n", "\r\n").removesuffix("\r\n").encode(),
    "CR": PLAIN.replace("\n", "\r").encode(),
    "a byte-order mark": PLAIN.encode("utf-8-sig"),
    "spaces before": "".join(f"  {word}\n" for word in WORDS).encode(),
    "spaces behind": PLAIN.replace("\n", "  \n").encode(),
    "tabs around": "".join(f"\t{word}\t\n" for word in WORDS).encode(),
    "all of it": b"\xef\xbb\xbf" + "".join(f" {word} \t\r\n" for word in WORDS).encode(),
    "gzip": gzip.compress(PLAIN.encode()),
    "bz2": bz2.compress(PLAIN.encode()),
}


@pytest.mark.parametrize("way", WRITTEN)
def test_a_list_is_its_words_however_it_was_written(way, tmp_path):
    path = tmp_path / "list"
    path.write_bytes(WRITTEN[way])
    assert word_lists.read(path) == (path, WORDS, 0)


@pytest.mark.parametrize("way", WRITTEN)
def test_the_words_of_rows_stand_in_such_a_list(way, tmp_path):
    table = np.random.default_rng(0).normal(size=(len(WORDS), 2)).astype(np.float32)
    np.save(tmp_path / "t.npy", table)
    (tmp_path / "t.words.txt").write_bytes(WRITTEN[way])
    vectors = formats.read(tmp_path / "t.npy")
    assert vectors.words == WORDS
    np.testing.assert_array_equal(vectors.vectors, table)


def test_a_pipe_is_a_list(tmp_path):
    end, start = os.pipe()
    os.write(start, WRITTEN["CRLF"])
    os.close(start)
    assert word_lists.read(f"/dev/fd/{end}").words == WORDS
    os.close(end)


def test_empty_lines_say_nothing_in_a_list_and_are_refused_as_rows(tmp_path):
    path = tmp_path / "t.words.txt"
    path.write_bytes(b"\na\n\n \t\r\nb\na\n\n")
    assert word_lists.read(path) == (path, ("a", "b"), 1)
    np.save(tmp_path / "t.npy", np.ones((3, 2), np.float32))
    for data, line in ((b"a\n\nb\n", 2), (b"\na\nb\n", 1), (b"a\nb\n\n", 3), (b"a\r\n \r\nb", 2)):
        path.write_bytes(data)
        with pytest.raises(FormatError, match=f"t.words.txt: line {line}: a blank line"):
            formats.read(tmp_path / "t.npy")


BAD = {
    b"a\nb\xff\nc\n": r"line 2: b'b\\xff' is not UTF-8 .*at its byte 1",
    b"a\nb\0c\n": "line 2: .*holds NUL",
    "a\nb\n".encode("utf-16"): "line 1: .*(UTF-16|NUL)",
    b"": "no words in it",
    b"\n \r\n\t\n": "no words in it",
    b"\xef\xbb\xbf": "no words in it",
    gzip.compress(b"a\n", mtime=0)[:-9]: "compressed data is damaged|cannot be read",
}


@pytest.mark.parametrize("data", BAD)
def test_what_is_no_list_is_refused_with_its_line(data, tmp_path):
    path = tmp_path / "list"
    path.write_bytes(data)
    with pytest.raises(InputError, match=f"list: ({BAD[data]})"):
        word_lists.read(path)
    with pytest.raises(InputError, match="nothing: cannot be read"):
        word_lists.read(tmp_path / "nothing")


@pytest.mark.parametrize("seed", range(3))
def test_every_word_is_found_or_named(seed, tmp_path):
    random = np.random.default_rng(seed)
    known = [f"w{i}" for i in range(20)]
    wanted = [f"w{i}" for i in random.integers(10, 30, 15)]
    (tmp_path / "list").write_text("\n".join(wanted))
    word_list = word_lists.read(tmp_path / "list")
    messages = " ".join(word_lists.remarks(word_list, known, "the table"))
    missing = list(dict.fromkeys(word for word in wanted if word not in known))
    assert f"{len(missing)} of its {len(set(wanted))} words are not in the table" in messages
    assert all(repr(word) in messages for word in missing[:5])
    assert (f"and {len(missing) - 5} more" in messages) == (len(missing) > 5)
    assert (f"{len(wanted) - len(set(wanted))} lines repeat" in messages) == (len(set(wanted)) < 15)
    with pytest.raises(InputError, match=rf"none of its {len(set(wanted))} words is in x: 'w\d+'"):
        word_lists.remarks(word_list, ["elsewhere"], "x")


def test_a_missing_word_is_named_with_what_is_spelled_like_it(tmp_path):
    (tmp_path / "list").write_text("kings\nQueen\n")
    word_list = word_lists.read(tmp_path / "list")
    assert word_lists.remarks(word_list, ["king", "Queen"], "x") == [
        f"{tmp_path / 'list'}: 1 of its 2 words are not in x: 'kings' (near it: 'king')"
    ]


def test_what_is_only_asked_for_is_all_that_is_read(tmp_path):
    """`only` takes what a list gives, in every format."""
    vectors = WordVectors(tuple("abcd"), samples.TABLE)
    (tmp_path / "list").write_bytes(b"\xef\xbb\xbfd\r\nb \r\n")
    only = word_lists.read(tmp_path / "list").words
    for name in ("word2vec-binary", "fasttext-vec", "glove", "npy", "safetensors"):
        path = tmp_path / f"t{formats.FORMATS[name].suffix}"
        formats.write(path, vectors, name)
        assert formats.read(path, only=only).words == ("b", "d")
