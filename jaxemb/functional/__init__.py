"""Arrays in, arrays out: one-hot, the textbook losses, pooling, sampling, similarity."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
