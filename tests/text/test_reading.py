"""Reading on all cores. Oracle: reading the whole text as one job."""

import gzip
import types
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from jaxemb.errors import InputError
from jaxemb.text import parts, reading, sources, tokenizers

LINES = ["the añb cat\n", "你好 the\r\n", "\n", "a word\n", "इ é the cat\n", "\r\n", "no end the"]


def _words_and_ids(read):
    whole, _ = parts.together(read)
    names = [*whole.words, "\n"]
    spelt = [names[i] for block in whole.blocks() for i in block]
    return dict(zip(whole.words, whole.counts.tolist(), strict=True)), spelt


def _read(files, folder, workers, tokenizer=tokenizers.words, executor=None, progress=print):
    """The whole text, and in how many parts it was read."""
    folder.mkdir(exist_ok=True)
    with reading.readers(files, tokenizer, executor, workers) as readers:
        read = list(reading.read(readers, tokenizer, "error", folder, progress))
    return _words_and_ids(read), len(read)


@pytest.mark.parametrize("pack", [lambda b: b, gzip.compress], ids=["plain", "gz"])
@pytest.mark.parametrize("least", [1, 5, 40])
def test_any_cut_gives_the_same_numbers(tmp_path, monkeypatch, least, pack):
    data = ["".join(np.random.default_rng(i).permutation(LINES * 2)) for i in range(3)]
    files = [tmp_path / f"{i}.txt" for i in range(3)]
    for file, text in zip(files, data, strict=True):
        file.write_bytes(pack(text.encode()))
    whole, _ = _read(files, tmp_path / "one", 1)
    monkeypatch.setattr(reading, "LEAST", least)
    monkeypatch.setattr(reading, "_MOST", least * 3)
    with ThreadPoolExecutor(2) as threads:
        cut, number = _read(files, tmp_path / "many", 2, executor=threads)
    assert number > 1
    assert cut == whole


def test_a_fault_far_into_the_text_is_named_as_in_one_piece(tmp_path, monkeypatch):
    file = tmp_path / "text.txt"
    lines = [line.encode() for line in LINES * 50]
    lines[200] = b"bad \xff\n"
    file.write_bytes(b"\r".join(lines))
    with pytest.raises(InputError) as one:
        _read([file], tmp_path / "one", 1)
    monkeypatch.setattr(reading, "LEAST", 100)
    with pytest.raises(InputError) as two:
        _read([file], tmp_path / "two", 2)
    assert str(one.value) == str(two.value)


def test_a_line_begins_after_a_line_feed_or_at_the_start(tmp_path):
    file = tmp_path / "text.txt"
    file.write_bytes(b"ab\ncd\n\ne")
    starts = [sources.line_start(file, byte) for byte in range(9)]
    assert starts == [0, 3, 3, 3, 6, 6, 6, 7, 8]


def test_a_tokenizer_that_cannot_be_imported_is_used_in_this_process(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "LEAST", 10)
    file = tmp_path / "text.txt"
    file.write_text("b a\n" * 50)
    (counts, _), number = _read([file], tmp_path / "out", 2, lambda text: text.split()[::-1])
    assert (list(counts), number) == (["a", "b"], 1)
    other = types.ModuleType("config_elsewhere")
    exec("def split(text): return text.split()", other.__dict__)
    monkeypatch.setitem(__import__("sys").modules, "config_elsewhere", other)
    other.split.__module__ = "config_elsewhere"
    assert reading._importable(other.split) is None
    assert reading._importable(tokenizers.words) == "jaxemb.text.tokenizers:words"


def test_the_end_of_a_line_longer_than_a_piece_is_not_lost(tmp_path):
    path = tmp_path / "long.txt"
    path.write_text("a " * (1 << 19) + " " * 9 + "\nb\n")  # its last piece has no word
    (_, spelt), _ = _read([path], tmp_path / "out", 1)
    assert spelt.count("\n") == 2
    assert spelt[-2:] == ["b", "\n"]
