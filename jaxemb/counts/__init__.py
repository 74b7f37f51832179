"""The count-based family: co-occurrence, PMI, truncated SVD, GloVe."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
