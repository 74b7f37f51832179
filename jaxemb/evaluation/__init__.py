"""Neighbours of words, and scores of tables against human judgement.

The functions below find neighbours of words. `agreement` (word similarity) and `analogies` score a
table on tests that `datasets` reads or `bundled` provides, under a `Policy` that reports name.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
