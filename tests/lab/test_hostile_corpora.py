"""Texts that break other tools: each is refused with its cause, or every token is accounted for.

Oracle: the words that the text is made of. On these texts word2vec.c, gensim or fastText silently
lose tokens, fuse words, read garbage, or stop without a cause.
"""

import dataclasses
from typing import Any, NamedTuple

import numpy as np
import pytest

from jaxemb import objectives
from jaxemb.errors import InputError
from jaxemb.lab.runs.static import prepare, run
from jaxemb.lab.runs.static.config import Corpus, StaticConfig
from jaxemb.training import learners

CONFIG = StaticConfig(
    corpus=Corpus(path=("text.txt",), min_count=5, held_out=0.1),
    objective=objectives.skipgram,
    learner=learners.row_sparse,
    dim=4,
    epochs=1,
    chunk=4,
    batch=4,
    workdir="run",
)
OBJECTIVE = CONFIG.build_objective()
LEARNER = CONFIG.build_learner(OBJECTIVE)  # the same ones for all, so that they compile once
LONG = "ab" * 75  # longer than word2vec.c can hold, which cuts it at 98 bytes
WORDS = [*"abcdefghi", "é", "你", LONG]  # 12 in every text: one shape to compile
TOKENS = [WORDS[i] for i in np.random.default_rng(0).integers(0, 12, 12_000)]


class Row(NamedTuple):
    """One text: what it holds besides TOKENS, and why that must be dropped."""

    text: bytes
    dropped: dict[str, int] = {}  # noqa: RUF012 (never written to)
    replaced: int = 0
    settings: dict[str, Any] = {}  # noqa: RUF012


def _lines(end: str, length: int = 20, tokens=TOKENS) -> bytes:
    lines = (" ".join(tokens[start : start + length]) for start in range(0, len(tokens), length))
    return end.join(lines).encode()


def _among(extra: bytes, times: int, end: bytes = b"\n") -> bytes:
    """TOKENS, with `extra` between their lines, so many times."""
    lines = _lines("\n").split(b"\n")
    every = len(lines) // times
    return end.join(line + (end + extra) * (i % every == 0) for i, line in enumerate(lines))


REPLACE = {"bad_utf8": "replace"}
ACCEPTED = {
    "a line of 12,000 words": Row(_lines("\n", 12_000)),
    "a line of 60,000 words": Row(_lines("\n", 60_000, TOKENS * 5)),
    "one word a line": Row(_lines("\n", 1)),
    "CR alone ends lines": Row(_lines("\r")),
    "CR and LF end lines": Row(_lines("\r\n") + b"\r\n"),
    "every kind of line end": Row(_among(b"\r\r\n\n\r", 50)),
    "spaces that are not ASCII": Row(
        _lines("\n").replace(b" a ", "\u00a0a\u2028".encode()).replace(b" b ", b"\x1cb\xc2\x85")
    ),
    "the same, parted at white space": Row(
        _lines("\n").replace(b" a ", "\u00a0a\u2028".encode()).replace(b" b ", b"\x1cb\xc2\x85"),
        settings={"tokenizer": str.split},
    ),
    "bytes that are no characters": Row(_among(b"\xff\xfe \x00\x00 \xc3", 50), {}, 250, REPLACE),
    "another encoding among them": Row(_among("ü 1 ß".encode("latin-1"), 50), {}, 100, REPLACE),
    "rare words": Row(_among(b"rarely rare", 2), {"under_min_count": 4}),
    "words of 2,000 letters": Row(_among(b"x" * 2000, 60), {"too_long": 60}),
    "a word of half a megabyte": Row(_among(b"y" * (1 << 19), 1), {"too_long": 1}),
    "more words than are wanted": Row(
        _among(b"zz", 10), {"over_max_vocab": 10}, 0, {"max_vocab": 12}
    ),
    "a mark of byte order": Row(b"\xef\xbb\xbf" + _lines("\n")),
}


def _prepared(row: Row):
    with open("text.txt", "wb") as file:
        file.write(row.text)
    settings = dataclasses.replace(CONFIG.corpus, **row.settings)
    return prepare.prepare(dataclasses.replace(CONFIG, corpus=settings))


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ACCEPTED)
def test_every_token_of_a_hostile_text_is_trained_on_or_dropped_for_a_cause(name):
    row = ACCEPTED[name]
    made = _prepared(row)
    assert set(made.vocab.words) == set(WORDS)
    assert made.replaced == row.replaced
    tokens = run.train(CONFIG, OBJECTIVE, LEARNER, made).tokens
    kept = 60_000 if "60,000" in name else 12_000
    assert tokens["kept"] == kept
    assert {cause: n for cause, n in tokens["dropped"].items() if n} == row.dropped
    assert tokens["read"] == kept + sum(row.dropped.values())
    assert tokens["trained"] + tokens["subsampled"] + tokens["held_out"] == kept
    assert min(tokens["trained"], tokens["subsampled"], tokens["held_out"]) > 0


REFUSED = {
    "nothing": (b"", "text.txt: no tokens"),
    "nothing but spaces": (b" \n\t\r\n \xc2\xa0", "text.txt: no tokens"),
    "nothing but numbers": (b"1 2 3\n" * 99, "text.txt: no tokens"),
    "one word": (b"word", "occurs min_count = 5 times; the most frequent occurs 1 times"),
    "one word, again and again": (b"word " * 9999, "the vocabulary has 1 word(s)"),
    "only rare words": (b"a b c\na b d\na\n", "min_count=3 would keep a word"),
    "garbage": (b"words\nand\r\x80\x81", "text.txt: line 3, byte 10: 0x80 is not UTF-8"),
    "another encoding": ("a b\nü".encode("latin-1"), "text.txt: line 2, byte 4: 0xfc is not UTF-8"),
    "NUL": (b"a b\nc\x00", "text.txt: line 2, byte 5: 0x00 is not UTF-8"),
    "a character that is cut off": ("a b\n你".encode()[:-1], "text.txt: line 2, byte 4: 0xe4"),
    "UTF-16": ("a b".encode("utf-16"), "text.txt: line 1, byte 0: UTF-16"),
    "two megabytes without a space": (
        b"a b\n" + b"x" * (2 << 20),
        "text.txt: line 2: 2,097,148 characters without a space",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_hostile_text_is_refused_with_its_cause_and_leaves_nothing(place, name):
    text, message = REFUSED[name]
    with pytest.raises(InputError) as error:
        _prepared(Row(text))
    assert message in str(error.value)
    assert not (place / "run").exists()
