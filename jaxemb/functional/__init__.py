"""Arrays in, arrays out: one-hot, the textbook losses, pooling, sampling, similarity."""

from jaxemb.errors import door

__getattr__, __dir__, __all__ = door(__name__, __file__)
