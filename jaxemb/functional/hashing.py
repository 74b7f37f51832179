"""fastText's hash of the character n-grams of words, on the host."""

import numpy as np
from jaxtyping import Int64, UInt32

END = "</s>"  # the end of a line, as fastText writes it: the one word without n-grams
_OFFSET, _PRIME = np.uint32(2166136261), np.uint32(16777619)


def fnv1a(data: bytes) -> int:
    """FNV-1a hash of bytes taken as SIGNED: a byte of 128 or more flips the 24 bits above it too.

    Source:
        fastText, dictionary.cc, `hash`; fastText keeps this slip so that old models stay readable.
    """
    value = int(_OFFSET)
    for byte in data:
        signed = byte if byte < 128 else byte - 256
        value = ((value ^ (signed & 0xFFFFFFFF)) * int(_PRIME)) & 0xFFFFFFFF
    return value


def ngrams(word: str | bytes, minn: int, maxn: int) -> list[bytes]:
    """The n-grams of `<word>`, minn to maxn characters long, by position and then by length.

    `<` and `>` mark the word's ends; one of them alone is no n-gram. This is the plain form
    that `ngram_hashes` is tested against.
    """
    raw = word.encode("utf-8", "surrogateescape") if isinstance(word, str) else word
    marked = b"<" + raw + b">"
    starts = [i for i, byte in enumerate(marked) if byte & 0xC0 != 0x80] + [len(marked)]
    grams = []
    for i in range(len(starts) - 1):
        for n in range(max(minn, 1), min(maxn, len(starts) - 1 - i) + 1):
            if not (n == 1 and i in (0, len(starts) - 2)):
                grams.append(marked[starts[i] : starts[i + n]])
    return grams


def ngram_hashes(
    words: list[bytes], minn: int, maxn: int
) -> tuple[UInt32[np.ndarray, " ngrams"], Int64[np.ndarray, " words"]]:
    """The hashes of the n-grams of many words, word by word, and how many each word has.

    The n-grams at all positions of all words grow by one character at a time, so that the hash of n
    characters continues that of n - 1.
    """
    marked = [b"<" + word + b">" for word in words]
    data = np.frombuffer(b"".join(marked), np.uint8)
    begins = (data & 0xC0) != 0x80  # a character begins here
    ends = np.cumsum([len(text) for text in marked])
    owner = np.repeat(np.arange(len(words)), [len(text) for text in marked])
    starts = np.flatnonzero(begins)
    ids, position = owner[starts], starts.copy()
    first = np.append(True, ids[1:] != ids[:-1]) if len(ids) else ids.astype(bool)
    hashes = np.full(len(starts), _OFFSET)
    signed = data.astype(np.int8).astype(np.int32).view(np.uint32)
    grown, places, lengths = [], [], []
    for n in range(1, maxn + 1):
        live = np.flatnonzero(position < ends[ids])
        hashes, position, ids, first, starts = (
            x[live] for x in (hashes, position, ids, first, starts)
        )
        if not len(position):
            break
        moving = np.arange(len(position))
        while len(moving):  # the bytes of one character
            hashes[moving] = (hashes[moving] ^ signed[position[moving]]) * _PRIME
            position[moving] += 1
            inside = position[moving] < ends[ids[moving]]
            moving = moving[inside]
            moving = moving[~begins[position[moving]]]
        if n >= minn:
            whole = ~((n == 1) & (first | (position == ends[ids])))
            grown.append(hashes[whole])
            places.append(starts[whole])
            lengths.append(np.full(int(whole.sum()), n))
    if not grown:
        return np.zeros(0, np.uint32), np.zeros(len(words), np.int64)
    order = np.lexsort((np.concatenate(lengths), np.concatenate(places)))
    counts = np.bincount(owner[np.concatenate(places)], minlength=len(words))
    return np.concatenate(grown)[order], counts.astype(np.int64)


def buckets_of(
    words: list[bytes], minn: int, maxn: int, buckets: int
) -> tuple[Int64[np.ndarray, " ngrams"], Int64[np.ndarray, " words"]]:
    """The buckets of the n-grams of many words, word by word, and how many each word has.

    Source:
        fastText, dictionary.cc, `computeSubwords` and `initNgrams`.
    """
    counts = np.zeros(len(words), np.int64)
    inner = [i for i, word in enumerate(words) if word != END.encode()]
    hashes, counts[inner] = ngram_hashes([words[i] for i in inner], minn, maxn)
    return hashes.astype(np.int64) % max(buckets, 1), counts
