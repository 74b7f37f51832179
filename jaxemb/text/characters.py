"""Tokens as the ids of their bytes, as ELMo's character convolutions read them.

Source:
    bilm-tf, `UnicodeCharsVocabulary`; every id is one more than there, because 0 means no token.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int32

START, END = "<S>", "</S>"  # of a sentence
LENGTH = 50
_MARKS = {START: 256, END: 257}
_WORD_START, _WORD_END, _PAD = 258, 259, 260


def character_ids(tokens: Sequence[str], length: int = LENGTH) -> Int32[np.ndarray, "time chars"]:
    """Ids of each token: word start, its UTF-8 bytes, word end, padding; each id plus one.

    A token of more than length - 2 bytes is cut there, as in ELMo. `<S>` and `</S>` are sentence
    marks: each has one id and is not spelled.
    """
    ids = np.full((len(tokens), length), _PAD, np.int32)
    for row, token in zip(ids, tokens, strict=True):
        if token in _MARKS:
            inner = np.array([_MARKS[token]])
        else:
            raw = token.encode("utf-8", "surrogateescape")[: length - 2]
            inner = np.frombuffer(raw, np.uint8)
        row[0], row[1 : 1 + len(inner)], row[1 + len(inner)] = _WORD_START, inner, _WORD_END
    return ids + 1
