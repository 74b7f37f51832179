"""Reading on all cores. Oracle: reading the whole text in one piece."""

import gzip
import types

import numpy as np
import pytest

from jaxemb.errors import InputError
from jaxemb.text import reading, sources, tokenizers

LINES = ["the añb cat\n", "你好 the\r\n", "\n", "a word\n", "इ é the cat\n", "\r\n", "no end the"]


def _words_and_ids(parts):
    whole = reading.together(parts)
    names = [*whole.words, "\n"]
    spelt = [names[i] for block in whole.blocks() for i in block]
    return dict(zip(whole.words, whole.counts.tolist(), strict=True)), spelt


def _read(files, folder, cores, tokenizer=tokenizers.words):
    folder.mkdir(exist_ok=True)
    return reading.read(files, tokenizer, "error", folder, lambda done, total: None, cores)


@pytest.mark.parametrize("pack", [lambda b: b, gzip.compress], ids=["plain", "gz"])
@pytest.mark.parametrize("least", [1, 5, 40])
def test_any_cut_gives_the_same_numbers(tmp_path, monkeypatch, least, pack):
    data = ["".join(np.random.default_rng(i).permutation(LINES * 2)) for i in range(3)]
    files = [tmp_path / f"{i}.txt" for i in range(3)]
    for file, text in zip(files, data, strict=True):
        file.write_bytes(pack(text.encode()))
    whole = _words_and_ids(_read(files, tmp_path / "one", 1))
    monkeypatch.setattr(reading, "LEAST", least)
    monkeypatch.setattr(reading, "_MOST", least * 3)
    jobs = reading._jobs(files, 600, 2)
    assert len(jobs) > 1
    parts = [
        reading.number(job, tokenizers.words, "error", tmp_path / f"{i}.tmp", lambda done: None)
        for i, job in enumerate(jobs)
    ]
    assert _words_and_ids(parts) == whole


def test_two_processes_read_what_one_reads(tmp_path, monkeypatch):
    file = tmp_path / "text.txt"
    file.write_text("".join(LINES * 50), encoding="utf-8")
    monkeypatch.setattr(reading, "LEAST", 100)
    seen = []
    out = tmp_path / "two"
    out.mkdir()
    parts = reading.read([file], tokenizers.words, "error", out, lambda *at: seen.append(at), 2)
    assert len(parts) == 2
    assert _words_and_ids(parts) == _words_and_ids(_read([file], tmp_path / "one", 1))
    assert seen[-1] == (file.stat().st_size, file.stat().st_size)


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
    starts = [sources.line_start(file, at) for at in range(9)]
    assert starts == [0, 3, 3, 3, 6, 6, 6, 7, 8]


def test_a_tokenizer_that_cannot_be_imported_is_used_in_this_process(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "LEAST", 10)
    file = tmp_path / "text.txt"
    file.write_text("b a\n" * 50)
    parts = _read([file], tmp_path / "out", 2, tokenizer=lambda text: text.split()[::-1])
    assert [part.words for part in parts] == [["a", "b"]]
    other = types.ModuleType("config_elsewhere")
    exec("def split(text): return text.split()", other.__dict__)
    monkeypatch.setitem(__import__("sys").modules, "config_elsewhere", other)
    other.split.__module__ = "config_elsewhere"
    assert reading._importable(other.split) is None
    assert reading._importable(tokenizers.words) == "jaxemb.text.tokenizers:words"


def test_the_end_of_a_line_longer_than_a_piece_is_not_lost(tmp_path):
    path = tmp_path / "long.txt"
    path.write_text("a " * (1 << 19) + " " * 9 + "\nb\n")  # its last piece has no word
    [part] = reading.read([path], tokenizers.words, "error", tmp_path, lambda *_: None)
    numbers = np.fromfile(part.numbers, np.int32)
    assert numbers[numbers < 0].tolist() == [-1, -1]
    assert numbers[-2:].tolist() == [1, -1]
