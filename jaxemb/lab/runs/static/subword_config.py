"""Configs of static word vectors with subwords."""

import dataclasses

import numpy as np

from jaxemb.errors import InputError, at_least
from jaxemb.functional import hashing
from jaxemb.lab.runs.static.config import StaticConfig
from jaxemb.structs import Vocab


@dataclasses.dataclass(frozen=True)
class SubwordConfig(StaticConfig):
    """Static word vectors made of a row for the word and rows for its character n-grams."""

    minn: int = 3
    """The shortest n-gram, in characters; `<` before a word and `>` after it are two."""
    maxn: int = 6
    """The longest; 0 for no n-grams."""
    buckets: int = 2_000_000
    """N-grams whose hashes agree modulo this share a row."""

    def check(self) -> None:
        """Raises InputError for a setting out of its range."""
        super().check()
        at_least(0, minn=self.minn, maxn=self.maxn)
        at_least(1, buckets=self.buckets)
        if self.buckets >= 1 << 31:
            raise InputError(f"buckets is {self.buckets:,}; it must be below 2^31")
        if self.members:
            raise InputError("members are of objectives without subwords: take the members out")

    def rows(self, vocab: Vocab) -> int:
        """Rows of the input table: one a word, and one a bucket that n-grams of words fall in."""
        raw = [word.encode("utf-8", "surrogateescape") for word in vocab.words]
        used = np.unique(hashing.buckets_of(raw, self.minn, self.maxn, self.buckets)[0])
        return len(raw) + len(used)
