"""Laws of words from a tokenizer.json. Oracles: UTF-8; the library `tokenizers`, where it is."""

import json

import numpy as np
import pytest
from safetensors.numpy import save_file

from jaxemb import formats
from jaxemb.errors import FormatError, FormatWarning
from jaxemb.formats import unwritable

# warnings are asserted where they are what a law is about
pytestmark = pytest.mark.filterwarnings("ignore::jaxemb.errors.FormatWarning")
BYTE_LEVEL = {"decoder": {"type": "ByteLevel"}}


def _spelled(raw: bytes) -> str:
    """Spell bytes as GPT-2 does: a character each, printable Latin-1 as itself."""
    shown = [b for b in range(256) if chr(b).isprintable() and chr(b) not in (" ", "\xa0", "\xad")]
    hidden = [b for b in range(256) if b not in shown]
    return "".join(chr(b) if b in shown else chr(256 + hidden.index(b)) for b in raw)


def _write(folder, tokenizer: dict | str, rows: int, **tensors) -> None:
    save_file({"a": np.ones((rows, 2), np.float32), **tensors}, folder / "model.safetensors")
    text = tokenizer if isinstance(tokenizer, str) else json.dumps(tokenizer)
    (folder / "tokenizer.json").write_text(text)


def _tokenizer(vocab, added=(), **parts) -> dict:
    added = [{"id": number, "content": content} for content, number in added]
    return {"model": {"vocab": vocab}, "added_tokens": added, **parts}


def _words(folder, **options):
    return formats.read(folder / "model.safetensors", tensor="a", **options).words


@pytest.mark.parametrize(
    "vocab", [{"b": 1, "##a": 0, "▁c": 2}, [["##a", -1.0], ["b", -2.5], ["▁c", 0.0]]]
)
@pytest.mark.parametrize("file", ["model.safetensors", ""])
def test_the_word_of_a_row_is_the_token_of_its_number(vocab, file, tmp_path):
    _write(tmp_path, _tokenizer(vocab, [("<s>", 3), ("b", 1)]), 4)
    assert formats.read(tmp_path / file).words == ("##a", "b", "▁c", "<s>")


@pytest.mark.parametrize(
    "parts",
    [
        BYTE_LEVEL,
        {"pre_tokenizer": {"type": "ByteLevel"}},
        {"decoder": {"type": "Sequence", "decoders": [{"type": "Fuse"}, {"type": "ByteLevel"}]}},
        {"pre_tokenizer": {"type": "Sequence", "pretokenizers": [BYTE_LEVEL["decoder"]]}},
    ],
)
def test_tokens_of_bytes_are_decoded_where_they_are_text(parts, tmp_path):
    texts = ["the", " the", "naïve", "日本", "\t", "é", "\U0001f600", "\xa0"]
    vocab = {_spelled(text.encode()): i for i, text in enumerate(texts)}
    _write(tmp_path, _tokenizer(vocab, [(" x é", 8)], **parts), 9)
    assert _words(tmp_path) == (*texts, " x é")


def test_all_tokens_of_one_byte_have_names_of_their_own_that_can_be_written(tmp_path):
    vocab = {_spelled(bytes([b])): b for b in range(256)} | {_spelled("é".encode()): 256}
    assert len(vocab) == 257
    _write(tmp_path, _tokenizer(vocab, **BYTE_LEVEL), 257)
    with pytest.warns(FormatWarning, match="130 of 257 are line ends or parts of characters"):
        words = _words(tmp_path)
    assert words is not None
    assert len(set(words)) == 257
    assert not any(unwritable.anywhere(word, 1, 2) for word in words)
    assert [words[b] for b in (0x61, 0x20, 0x0A, 0xE8)] == ["a", " ", "Ċ", "è"]
    assert (words[256], words[0xE9]) == ("é", "é<row_233>")


def test_rows_without_a_token_are_named_by_their_number_and_counted(tmp_path):
    _write(tmp_path, _tokenizer({"a": 0, "<row_1>": 4}), 6)
    with pytest.warns(FormatWarning, match="4 of 6 rows have no token"):
        assert _words(tmp_path) == ("a", "<row_1>_", "<row_2>", "<row_3>", "<row_1>", "<row_5>")


def test_line_ends_nul_and_halves_of_characters_are_escaped(tmp_path):
    vocab = {"\n": 0, "\\n": 1, "a\0": 2, "\ud800": 3, "": 4}
    _write(tmp_path, _tokenizer(vocab), 5)
    with pytest.warns(FormatWarning, match="2 of 5 are empty or spelled as another"):
        assert _words(tmp_path) == ("\\n<row_0>", "\\n", "a\\0", "\\ud800", "<row_4>")


def test_a_tokenizer_beside_names_no_rows_of_a_smaller_matrix(tmp_path):
    _write(tmp_path, _tokenizer({"a": 0, "b": 1}), 2, b=np.ones((1, 2), np.float32))
    assert _words(tmp_path) == ("a", "b")
    with pytest.warns(FormatWarning, match="numbers its tokens to 1, and the matrix has 1 rows"):
        assert formats.read(tmp_path, tensor="b").words is None
    with pytest.raises(FormatError, match="token 1, 'b'; expected numbers below 1"):
        formats.read(tmp_path, tensor="b", words=tmp_path / "tokenizer.json")


def test_words_that_are_given_or_stored_come_before_those_of_a_tokenizer(tmp_path):
    _write(tmp_path, _tokenizer({"a": 0, "b": 1}), 2)
    (tmp_path / "w.txt").write_text("x\ny\n")
    assert _words(tmp_path, words=tmp_path / "w.txt") == ("x", "y")
    given = formats.WordVectors(("p", "q"), np.ones((2, 2), np.float32))
    formats.write(tmp_path / "own.safetensors", given)
    assert formats.read(tmp_path / "own.safetensors").words == ("p", "q")
    np.save(tmp_path / "t.npy", given.vectors)
    assert formats.read(tmp_path / "t.npy").words is None
    named = formats.read(tmp_path / "t.npy", words=tmp_path / "tokenizer.json")
    assert named.words == ("a", "b")
    assert formats.read(tmp_path / "model.safetensors", only={"b"}).words == ("b",)


WRONG = {
    "no JSON": ("{", "the file"),
    "a list": ([], "the file: .*a tokenizer"),
    "no model": ({}, "model.vocab: None"),
    "no vocabulary": ({"model": {"vocab": 3}}, "model.vocab: 3"),
    "no token": ({"model": {"vocab": {}}}, "no token"),
    "a token twice": ('{"model": {"vocab": {"a": 0, "a": 1}}}', "a: the key twice"),
    "a number twice": (_tokenizer({"a": 0, "b": 0}), "'a' and 'b' both have the number 0"),
    "an added number twice": (_tokenizer({"a": 0}, [("b", 0)]), "both have the number 0"),
    "a negative number": (_tokenizer({"a": -1}), "'a': -1"),
    "a fraction": (_tokenizer({"a": 0.5}), "'a': 0.5"),
    "truth": (_tokenizer({"a": True}), "'a': True"),
    "a number as a token": (_tokenizer([[3, 0.0]]), "3: 0"),
    "an added word": ({"model": {"vocab": {"a": 0}}, "added_tokens": ["b"]}, "added_tokens"),
    "an added nothing": ({"model": {"vocab": {"a": 0}}, "added_tokens": [{}]}, "None: None"),
    "a long token": (_tokenizer({"a" * 70_000: 0}), "a token of 70,000 characters"),
    "deep": ("[" * 100_000, "the file"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_wrong_tokenizer_is_refused_with_its_place(kind, tmp_path):
    held, message = WRONG[kind]
    _write(tmp_path, held, 2)
    with pytest.raises(FormatError, match=f"tokenizer.json: .*{message}"):
        _words(tmp_path)


def test_words_are_what_the_tokenizers_library_decodes(tmp_path):
    tokenizers = pytest.importorskip("tokenizers")
    trained = tokenizers.ByteLevelBPETokenizer()
    text = ["the naïve café, 日本語 the king\n and the queen \U0001f600"] * 9
    trained.train_from_iterator(text, 400, special_tokens=["<s>"])
    trained.save(str(tmp_path / "tokenizer.json"))
    size = trained.get_vocab_size()
    save_file({"a": np.ones((size, 2), np.float32)}, tmp_path / "model.safetensors")
    with pytest.warns(FormatWarning):
        words = _words(tmp_path)
    decoded = [trained.decode([i], skip_special_tokens=False) for i in range(size)]
    text = [i for i, word in enumerate(decoded) if not {"\ufffd", "\n", "\0"} & set(word)]
    assert len(text) > 140
    assert [words[i] for i in text] == [decoded[i] for i in text]
