"""Tokenizers: functions from a piece of one line to its tokens. Any function will do."""

import functools
import re
import sys
import unicodedata
from collections.abc import Callable
from typing import Any

from jaxemb import files
from jaxemb.errors import InputError

_ASCII_WORDS = re.compile("[a-z]+")
_ASCII_WORDS_AND_NUMBERS = re.compile("[a-z0-9]+")
# Han characters: no spaces between words, so each is one token.
_HAN = "\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_JOINERS = "\u200c\u200d"  # inside words of Hindi, Persian and their neighbours


def words(text: str) -> list[str]:
    """Lower-cased runs of letters with their combining marks; every Han character is one word.

    Marks belong to the word (Hindi writes its vowels with them); digits and punctuation separate.

    >>> words("The cat's 2 hats: नमस्ते, 你好")
    ['the', 'cat', 's', 'hats', 'नमस्ते', '你', '好']
    """
    _check(text)
    if text.isascii():
        return _ASCII_WORDS.findall(text.lower())
    return _any_words().findall(text.lower())


def words_and_numbers(text: str) -> list[str]:
    """The same as `words`, but decimal digits are kept: they count as letters.

    >>> words_and_numbers("In 1914, the 2nd of 3.14 cats: 你好")
    ['in', '1914', 'the', '2nd', 'of', '3', '14', 'cats', '你', '好']
    """
    _check(text)
    if text.isascii():
        return _ASCII_WORDS_AND_NUMBERS.findall(text.lower())
    return _any_words(digits=True).findall(text.lower())


def whitespace(text: str) -> list[str]:
    """The text between white space, unchanged; white space is as Unicode defines it.

    >>> whitespace("  To be,  or not ")
    ['To', 'be,', 'or', 'not']
    """
    _check(text)
    return text.split()


def named(name: str) -> Callable[[str], list[str]]:
    """The tokenizer of a name: one of this module, str.split, or MODULE:NAME of any function.

    Raises:
        ValueError: no function has that name, and why.
    """
    own: dict[str, Callable] = {t.__name__: t for t in (words, words_and_numbers, whitespace)}
    own["str.split"] = str.split
    return files.named(name, own, "a function from a line to its words")


def _check(text: Any) -> None:
    if not isinstance(text, str):
        raise InputError(f"got {text!r:.60} to tokenize, of {type(text).__name__}; wanted str")


@functools.cache
def _any_words(digits: bool = False) -> re.Pattern[str]:
    """The pattern of words in all scripts; built once, from the category of every character.

    Args:
        digits: whether decimal digits count as letters.
    """
    han = re.compile(f"[{_HAN}]")
    letters, marks = [], []
    for code in range(sys.maxunicode + 1):
        character = chr(code)
        category = unicodedata.category(character)
        if category[0] == "M":
            marks.append(code)
        elif (category[0] == "L" and not han.match(character)) or (digits and category == "Nd"):
            letters.append(code)
    letter, mark = _ranges(letters), _ranges(marks)
    return re.compile(f"[{_HAN}]|[{letter}](?:[{letter}{mark}]|[{_JOINERS}](?=[{letter}{mark}]))*")


def _ranges(codes: list[int]) -> str:
    """A regular expression's character class, without its brackets."""
    starts = [c for c, before in zip(codes, [None, *codes], strict=False) if before != c - 1]
    ends = [c for c, after in zip(codes, [*codes[1:], None], strict=True) if after != c + 1]
    return "".join(f"{chr(a)}-{chr(b)}" for a, b in zip(starts, ends, strict=True))
