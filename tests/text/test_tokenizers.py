"""What a word is."""

import re
import textwrap

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


NUMBERS = [
    ("In 1914, 3.14 cats_", ["in", "1914", "3", "14", "cats"]),
    ("COVID19 2nd", ["covid19", "2nd"]),
    ("é2 ١٢٣ ½", ["é2", "١٢٣"]),  # decimal digits of any script, no fractions
    ("12你3", ["12", "你", "3"]),
    ("e\u0301tude", ["e\u0301tude"]),
]


@pytest.mark.parametrize(("text", "tokens"), NUMBERS)
def test_digits_are_kept_as_letters_are(text, tokens):
    assert tokenizers.words_and_numbers(text) == tokens


@pytest.mark.parametrize("text", [text for text, _ in WORDS if not any(map(str.isdigit, text))])
def test_without_digits_nothing_changes(text):
    assert tokenizers.words_and_numbers(text) == tokenizers.words(text)


NAMED = {
    "words": tokenizers.words,
    "words_and_numbers": tokenizers.words_and_numbers,
    "whitespace": tokenizers.whitespace,
    "str.split": str.split,
    "textwrap:wrap": textwrap.wrap,
    "builtins:str.splitlines": str.splitlines,
}


@pytest.mark.parametrize("name", NAMED)
def test_a_name_is_that_of_a_tokenizer_of_this_module_or_of_any_function(name):
    assert tokenizers.named(name) is NAMED[name]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("word", "word: wanted words, words_and_numbers, whitespace, str.split, or MODULE:NAME"),
        ("nosuch.module:cut", "there is no module nosuch"),
        ("textwrap:cut", "module textwrap has no cut"),
        ("string:digits", "string:digits: is '0123456789'; wanted a function"),
        ("a b:c", "a b:c: "),
    ],
)
def test_a_name_of_no_function_says_what_is_missing(name, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        tokenizers.named(name)


def test_plain_ascii_gives_the_same_by_the_fast_way_and_the_general_one():
    text = " ".join(chr(c) * 2 for c in range(1, 128)) + " Don't stop"
    assert tokenizers.words(text) == tokenizers._any_words().findall(text.lower())
    general = tokenizers._any_words(digits=True).findall(text.lower())
    assert tokenizers.words_and_numbers(text) == general


def test_white_space_is_unicodes():
    assert tokenizers.whitespace("a\u00a0B\u2028c\x85d\x1ce\tf ") == ["a", "B", "c", "d", "e", "f"]
