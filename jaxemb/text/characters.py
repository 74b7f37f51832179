"""Tokens as the ids of their bytes, as ELMo's character convolutions read them.

Source:
    bilm-tf, `UnicodeCharsVocabulary`; every id is one more than there, for 0 is no token.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Int32

START, END = "<S>", "</S>"  # of a sentence
LENGTH = 50
_MARKS = {START: 256, END: 257}
_WORD_START, _WORD_END, _PAD = 258, 259, 260


def character_ids(tokens: Sequence[str], length: int = LENGTH) -> Int32[Any, "time chars"]:
    """[time, length]: a mark, the token's UTF-8 bytes, a mark, and padding, each id plus one.

    A token of more than length - 2 bytes is cut there, as ELMo does; `<S>` and `</S>` are the marks
    of a sentence and not spelled.
    """
    found = np.full((len(tokens), length), _PAD, np.int32)
    for row, token in zip(found, tokens, strict=True):
        if token in _MARKS:
            inner = np.array([_MARKS[token]])
        else:
            raw = token.encode("utf-8", "surrogateescape")[: length - 2]
            inner = np.frombuffer(raw, np.uint8)
        row[0], row[1 : 1 + len(inner)], row[1 + len(inner)] = _WORD_START, inner, _WORD_END
    return found + 1
