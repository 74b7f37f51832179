"""Neighbours of words, and scores of tables against human judgement.

The functions below find neighbours of words. `agreement` (word similarity) and `analogies` score a
table on tests that `datasets` reads or `bundled` provides, under a `Policy` that reports name.
"""

from jaxemb.errors import door

__getattr__, __dir__, __all__ = door(__name__, __file__)
