"""What a word is."""

import pytest

from jaxemb.text import tokenizers

WORDS = [
    ("The CAT's 2 hats_", ["the", "cat", "s", "hats"]),
    ("naïve Über-café", ["naïve", "über", "café"]),
    ("e\u0301tude", ["e\u0301tude"]),  # a combining accent belongs to its letter
    ("हिन्दी में शब्द", ["हिन्दी", "में", "शब्द"]),
    ("क्\u200dष", ["क्\u200dष"]),  # so does what a joiner joins
    ("می\u200cخواهم", ["می\u200cخواهم"]),
    ("你好, world世界", ["你", "好", "world", "世", "界"]),
    ("ひらがなとカタカナ", ["ひらがなとカタカナ"]),
    ("\U00020000x", ["\U00020000", "x"]),
    ("١٢٣ 3.14 --", []),
    ("", []),
]


@pytest.mark.parametrize(("text", "tokens"), WORDS)
def test_words_are_runs_of_letters_with_their_marks_and_han_characters(text, tokens):
    assert tokenizers.words(text) == tokens


def test_plain_ascii_gives_the_same_by_the_fast_way_and_the_general_one():
    text = " ".join(chr(c) * 2 for c in range(1, 128)) + " Don't stop"
    assert tokenizers.words(text) == tokenizers._any_words().findall(text.lower())


def test_white_space_is_unicodes():
    assert tokenizers.whitespace("a\u00a0B\u2028c\x85d\x1ce\tf ") == ["a", "B", "c", "d", "e", "f"]
