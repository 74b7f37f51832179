"""Words as a user meets them, and scores of tables against human judgement.

What is near a word: the functions below. Scores: `agreement` (word similarity) and `analogies`, on
tests that `datasets` reads or `bundled` has at hand, under a `Policy` that every score names.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
