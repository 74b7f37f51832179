"""A corpus on disk: every token accounted for, reused when the same, refused when not."""

import collections
import functools
import json
import os
import resource
import signal

import numpy as np
import pytest

from jaxemb import text
from jaxemb.errors import InputError
from jaxemb.text import corpus, tokenizers, vocabulary

SETTINGS = corpus.Settings(tokenizers.words, 2, None, "error")

AWKWARD = {
    "plain": b"a b a\nb a c\n",
    "no last line end": b"a b a b",
    "blank lines": b"\n\na b\n\n\nb a\n\n",
    "old mac": b"a b\ra b\r",
    "windows": b"a b\r\na b\r\n",
    "only one word, often": b"a " * 500,
    "one long line": b"a b c " * 3000,
    "a thousand lines of one word": b"word\n" * 1000,
    "han": "你好 你好\n".encode() * 3,
    "hindi": "हिन्दी शब्द हिन्दी\n".encode() * 2,
    "odd spaces": "a\u00a0b\u2028a\x85b\x1ca\n".encode() * 2,
    "too long a word": b"x" * 2000 + b" a a b b\n" + b"x" * 2000,
    "punctuation only lines": b"...\n a b, a b!\n---\n",
}


def _prepare(tmp_path, data: bytes, settings=SETTINGS, **options) -> corpus.Corpus:
    path = tmp_path / "text.txt"
    path.write_bytes(data)
    return corpus.prepare(path, tmp_path / "out", settings, **options)


@pytest.mark.parametrize("name", AWKWARD)
@pytest.mark.parametrize("max_vocab", [None, 1])
def test_every_token_is_kept_or_dropped_for_a_named_cause(tmp_path, name, max_vocab):
    made = _prepare(tmp_path, AWKWARD[name], SETTINGS._replace(max_vocab=max_vocab))
    counts = collections.Counter(tokenizers.words(AWKWARD[name].decode()))
    long = {w: c for w, c in counts.items() if len(w) > vocabulary.LONGEST}
    kept = [(c, w) for w, c in counts.items() if c >= 2 and w not in long]
    kept = sorted(kept, key=lambda pair: (-pair[0], pair[1]))
    chosen, beyond = kept[:max_vocab], kept[len(kept[:max_vocab]) :]
    rare = sum(c for w, c in counts.items() if c < 2 and w not in long)
    assert made.tokens.read == counts.total()
    assert made.tokens.dropped == {
        "under_min_count": rare,
        "over_max_vocab": sum(c for c, _ in beyond),
        "too_long": sum(long.values()),
    }
    assert made.tokens.kept == made.tokens.read - sum(made.tokens.dropped.values())
    assert made.vocab.words == tuple(w for _, w in chosen)
    np.testing.assert_array_equal(made.vocab.counts, [c for c, _ in chosen])
    np.testing.assert_array_equal(np.bincount(made.ids[made.ids >= 0]), made.vocab.counts)


@pytest.mark.parametrize("name", AWKWARD)
def test_ids_spell_the_text_with_its_sentences(tmp_path, name):
    made = _prepare(tmp_path, AWKWARD[name])
    lines = AWKWARD[name].decode().replace("\r\n", "\n").replace("\r", "\n").split("\n")
    known = set(made.vocab.words)
    expected = [[t for t in tokenizers.words(line) if t in known] for line in lines if line]
    spelled = [[]]
    for i in made.ids:
        if i >= 0:
            spelled[-1].append(made.vocab.words[i])
        else:
            spelled.append([])
    assert [s for s in spelled if s] == [s for s in expected if s]


@pytest.mark.parametrize("name", AWKWARD)
def test_encoding_in_memory_gives_the_same_ids(tmp_path, name):
    made = _prepare(tmp_path, AWKWARD[name])
    with open(tmp_path / "text.txt", encoding="utf-8") as lines:
        vocab, ids = text.encode(lines, min_count=2)
    assert vocab.words == made.vocab.words
    np.testing.assert_array_equal(ids, made.ids)


def test_a_second_call_reuses_the_first_without_reading(tmp_path, monkeypatch):
    first = _prepare(tmp_path, AWKWARD["plain"])
    monkeypatch.setattr(corpus.reading, "read", None)  # calling it would fail
    again = corpus.prepare(tmp_path / "text.txt", tmp_path / "out", SETTINGS)
    np.testing.assert_array_equal(first.ids, again.ids)
    assert first.tokens == again.tokens


@pytest.mark.parametrize(
    ("change", "message"),
    [({"min_count": 3}, "min_count was 2, now 3"), ({"tokenizer": str.split}, "tokenizer was")],
)
def test_other_settings_are_refused_with_the_difference(tmp_path, change, message):
    _prepare(tmp_path, AWKWARD["plain"])
    with pytest.raises(InputError, match=message):
        corpus.prepare(tmp_path / "text.txt", tmp_path / "out", SETTINGS._replace(**change))


def test_changed_text_is_refused_and_a_new_time_alone_is_not(tmp_path):
    _prepare(tmp_path, AWKWARD["plain"])
    os.utime(tmp_path / "text.txt", (1, 1))
    corpus.prepare(tmp_path / "text.txt", tmp_path / "out", SETTINGS)
    with pytest.raises(InputError, match=r"the text changed \(text.txt\)"):
        _prepare(tmp_path, b"a b a\nb a d\n")


def test_files_of_the_same_name_are_told_apart_and_so_is_their_order(tmp_path):
    for folder, words in (("a", "x y x y"), ("b", "p q p q")):
        (tmp_path / "in" / folder).mkdir(parents=True)
        (tmp_path / "in" / folder / "same.txt").write_text(words)
    files = [tmp_path / "in" / folder / "same.txt" for folder in "ab"]
    corpus.prepare(files, tmp_path / "out", SETTINGS)
    with pytest.raises(InputError, match="in another order"):
        corpus.prepare(files[::-1], tmp_path / "out", SETTINGS)
    files[0].write_text("z w z w")
    with pytest.raises(InputError, match=r"the text changed \(same.txt\)"):
        corpus.prepare(files, tmp_path / "out", SETTINGS)


def test_files_of_somebody_else_are_never_touched(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/vocab.txt").write_text("mine")
    with pytest.raises(InputError, match=r"holds vocab.txt but no manifest.json"):
        _prepare(tmp_path, AWKWARD["plain"])
    assert (tmp_path / "out/vocab.txt").read_text() == "mine"


def test_a_damaged_folder_is_refused(tmp_path):
    made = _prepare(tmp_path, AWKWARD["plain"])
    (made.folder / "ids.bin").write_bytes(b"1234")
    with pytest.raises(InputError, match="its manifest promises"):
        corpus.load(made.folder)


REFUSED = {
    b"": "no tokens",
    b"\n \n 12 ... \n": "no tokens",
    b"a b c d\n": "min_count=1 would keep a word",
    b"a b a c\xff\n": "line 1, byte 7",
}


@pytest.mark.parametrize("data", REFUSED)
def test_unusable_text_is_refused_and_leaves_nothing(tmp_path, data):
    settings = SETTINGS if data.strip() != b"a b c d" else SETTINGS._replace(min_count=3)
    with pytest.raises(InputError, match=REFUSED[data]):
        _prepare(tmp_path, data, settings)
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("room", [100, 3999])
def test_a_text_that_the_disk_cannot_hold_to_its_last_byte_is_refused(room, tmp_path):
    """A limit on the size of files simulates a full disk; the numbers of this text take 4,004."""
    (tmp_path / "text.txt").write_bytes(b"a b " * 500)
    prepare = functools.partial(corpus.prepare, tmp_path / "text.txt", tmp_path / "out", SETTINGS)
    kept = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, kept[1]))
        with pytest.raises(InputError, match="cannot be written"):
            prepare()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, kept)
        signal.signal(signal.SIGXFSZ, ignored)
    assert not list((tmp_path / "out").glob("*"))


def test_a_refusal_before_the_second_pass_leaves_nothing(tmp_path):
    def refuse(vocab):
        raise InputError(f"{len(vocab.words)} words are too many")

    with pytest.raises(InputError, match="2 words are too many"):
        _prepare(tmp_path, AWKWARD["plain"], before_second_pass=refuse)
    assert list((tmp_path / "out").iterdir()) == []


def test_the_manifest_says_what_the_ids_were_made_from(tmp_path):
    made = _prepare(tmp_path, AWKWARD["plain"])
    manifest = json.loads((made.folder / "manifest.json").read_text())
    assert manifest["sources"][0]["size"] == len(AWKWARD["plain"])
    assert manifest["settings"]["tokenizer"] == "jaxemb.text.tokenizers:words"
    assert (made.folder / "vocab.txt").read_text() == "a\t3\nb\t2\n"


def test_progress_ends_with_every_byte_read(tmp_path):
    seen = []
    _prepare(tmp_path, AWKWARD["one long line"], progress=lambda *p: seen.append(p))
    size = len(AWKWARD["one long line"])
    assert seen[-1] == (size, size)


def test_a_one_shot_iterator_is_as_good_as_a_list():
    lines = ["a b a", "b a"]
    vocab, ids = text.encode(iter(lines), min_count=1)
    assert vocab.words == ("a", "b")
    np.testing.assert_array_equal(ids, [0, 1, 0, -1, 1, 0, -1])


def test_lists_of_tokens_are_taken_as_they_are():
    vocab, _ = text.encode([["New York", "2"], ["New York"]], min_count=1)
    assert vocab.words == ("New York", "2")


def test_a_string_in_place_of_lines_is_refused():
    with pytest.raises(InputError, match="wanted lines or lists of tokens"):
        text.encode("a b a b")


@pytest.mark.parametrize("sentences", [[[1, 2]], [b"bytes"]])
def test_tokens_that_are_no_strings_are_refused(sentences):
    with pytest.raises(InputError, match="sentence 1: tokens are int, wanted str"):
        text.encode(iter(sentences))


def test_a_file_in_another_encoding_is_refused_in_memory_too(tmp_path):
    (tmp_path / "latin.txt").write_bytes("é".encode("latin-1"))
    with (
        open(tmp_path / "latin.txt", encoding="utf-8") as lines,
        pytest.raises(InputError, match=r"latin.txt: not utf-8 text"),
    ):
        text.encode(lines)


def test_an_unknown_word_is_named_with_its_neighbours():
    vocab, _ = text.encode(["mother brother mother"], min_count=1)
    with pytest.raises(InputError, match="'mothr' is not among the 2 words; near it: mother"):
        vocabulary.index(vocab, ["mothr"])
